"""Solvers follow a known flow to where it leads, at the order that they claim."""

from __future__ import annotations

import math

import pytest
import torch

from voxgen.nn.ode import SOLVERS, end, heun, steps_to_data

MEAN, DEVIATION = 1.5, 0.4


def gaussian(x: torch.Tensor, t: float, step: float = 0.0) -> torch.Tensor:
    """The exact velocity E[e - x_0 | x_t] where x_0 is N(MEAN, DEVIATION^2); its mean over a step."""
    if step:
        spread = ((1 - t) ** 2 * DEVIATION**2 + t**2) ** 0.5
        then = t - step
        ahead = (1 - then) * MEAN + ((1 - then) ** 2 * DEVIATION**2 + then**2) ** 0.5 / spread * (
            x - (1 - t) * MEAN
        )
        return (x - ahead) / step
    variance = (1 - t) ** 2 * DEVIATION**2 + t**2
    off = (x - (1 - t) * MEAN) / variance
    return t * off - (MEAN + (1 - t) * DEVIATION**2 * off)


def there(z: torch.Tensor) -> torch.Tensor:
    return MEAN + DEVIATION * z


def error(solver: str, steps: int) -> float:
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    return float((end(SOLVERS[solver](gaussian, z, steps_to_data(steps))) - there(z)).abs().max())


@pytest.mark.parametrize("solver", SOLVERS)
def test_noise_is_led_to_the_data(solver):
    assert error(solver, 200) < 0.01


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2), ("multistep", 2)])
def test_the_error_falls_at_the_order(solver, order):
    assert error(solver, 40) < error(solver, 20) / 2 ** (order - 0.35)


@pytest.mark.parametrize("steps", [1, 3])
def test_shortcuts_are_exact_where_the_mean_velocity_is(steps):
    assert error("shortcut", steps) < 1e-12


def test_second_order_pays_at_equal_evaluations():
    assert error("multistep", 16) < error("euler", 16) / 2
    assert error("heun", 8) < error("euler", 16)


@pytest.mark.parametrize("solver", ["euler", "heun", "multistep"])
@pytest.mark.parametrize("steps", [1, 4, 20])
def test_where_the_clean_point_is_known_it_is_reached_exactly(solver, steps):
    """The velocity (x - clean) / t says nothing at data itself: no solver may ask for it there."""
    clean = torch.tensor([[1.0, -2.0]])

    def field(x: torch.Tensor, t: float, step: float = 0.0) -> torch.Tensor:
        assert t > 0
        return (x - clean) / t

    found = end(SOLVERS[solver](field, torch.randn(1, 2), steps_to_data(steps)))
    torch.testing.assert_close(found, clean, rtol=0, atol=1e-5)


def test_multistep_is_of_second_order_on_unequal_times_too():
    def field(x: torch.Tensor, t: float, step: float = 0.0) -> torch.Tensor:
        return -3 * t * x

    def error(steps: int) -> float:
        times = [4 * t / (1 + 3 * t) for t in steps_to_data(steps)]
        found = end(SOLVERS["multistep"](field, torch.ones(1, 1, dtype=torch.float64), times))
        return float((found - math.exp(1.5)).abs())

    assert error(80) < error(40) / 3


def test_the_way_back_ends_where_it_began():
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    times = steps_to_data(40)
    back = end(heun(gaussian, end(heun(gaussian, z, times)), times[::-1]))
    torch.testing.assert_close(back, z, rtol=0, atol=5e-3)


def test_times_run_from_noise_to_data():
    times = steps_to_data(4)
    assert times == [1.0, 0.75, 0.5, 0.25, 0.0]
