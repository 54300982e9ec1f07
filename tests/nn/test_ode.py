"""Solvers follow a known flow to where it leads, at the order that they claim."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.ode import SOLVERS, end, heun, steps_to_data

MEAN, DEVIATION = 1.5, 0.4


def gaussian(x: torch.Tensor, t: float) -> torch.Tensor:
    """The exact velocity E[e - x_0 | x_t] where x_0 is N(MEAN, DEVIATION^2)."""
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


def test_second_order_pays_at_equal_evaluations():
    assert error("multistep", 16) < error("euler", 16) / 2
    assert error("heun", 8) < error("euler", 16)


def test_the_way_back_ends_where_it_began():
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    times = steps_to_data(40)
    back = end(heun(gaussian, end(heun(gaussian, z, times)), times[::-1]))
    torch.testing.assert_close(back, z, rtol=0, atol=5e-3)


def test_times_run_from_noise_to_data():
    times = steps_to_data(4)
    assert times == [1.0, 0.75, 0.5, 0.25, 0.0]
