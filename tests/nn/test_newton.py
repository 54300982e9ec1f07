"""Moving points to wanted values: least squares as the oracle, and the laws of the move."""

import numpy as np
import pytest
import torch
from torch import Tensor

from voxgen.nn.newton import moved_to

CHANCE = torch.Generator().manual_seed(3)
SLOPE = torch.randn(3, 8, generator=CHANCE)
X = torch.randn(5, 8, generator=CHANCE)
WANTED = torch.randn(5, 3, generator=CHANCE)


def linear(x: Tensor) -> Tensor:
    return x @ SLOPE.T


def bent(x: Tensor) -> Tensor:
    return torch.stack([x[:, :4].square().sum(dim=1), x[:, 4:].sinh().sum(dim=1)], dim=1)


def test_of_a_linear_function_the_move_is_the_one_of_least_norm() -> None:
    moved = moved_to(linear, X, WANTED, damping=1e-4, furthest=100.0)
    least = np.linalg.lstsq(SLOPE.numpy(), (WANTED - linear(X)).T.numpy(), rcond=None)[0].T
    np.testing.assert_allclose((moved - X).numpy(), least, atol=1e-3)


def test_a_bent_function_takes_the_wanted_values() -> None:
    wanted = bent(X) * 1.3 + 0.2
    np.testing.assert_allclose(
        bent(moved_to(bent, X, wanted, damping=1e-3, furthest=100.0, rounds=8)).numpy(),
        wanted.numpy(),
        rtol=1e-3,
    )


def test_what_is_not_wanted_moves_nothing() -> None:
    some = WANTED.clone()
    some[:, 1:] = torch.nan
    moved = moved_to(linear, X, some, damping=1e-4, furthest=100.0)
    alone = moved_to(lambda x: linear(x)[:, :1], X, some[:, :1], damping=1e-4, furthest=100.0)
    torch.testing.assert_close(moved, alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(moved_to(linear, X, torch.full_like(some, torch.nan), 0.1, 1.0), X)


def test_no_point_is_moved_further_than_allowed() -> None:
    moved = moved_to(linear, X, 1000 * WANTED, damping=0.1, furthest=0.5)
    assert float((moved - X).norm(dim=1).max()) <= 0.5 + 1e-5


def test_rows_do_not_depend_on_each_other() -> None:
    whole = moved_to(bent, X, bent(X) + 0.5, damping=0.1, furthest=2.0)
    one = moved_to(bent, X[2:3], bent(X[2:3]) + 0.5, damping=0.1, furthest=2.0)
    torch.testing.assert_close(whole[2:3], one)


def test_the_derivative_is_that_of_the_point() -> None:
    x = X.clone().requires_grad_()
    moved_to(bent, x, bent(X) + 0.5, damping=0.1, furthest=2.0).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.ones_like(X))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_off(mode) -> None:
    with mode():
        moved = moved_to(linear, X, WANTED, damping=1e-3, furthest=100.0)
        torch.testing.assert_close(linear(moved), WANTED, atol=1e-2, rtol=1e-2)


def test_no_point_ends_further_off_than_it_began() -> None:
    x = torch.linspace(-2, 2, 9)[:, None]
    wanted = torch.zeros(9, 1)
    moved = moved_to(lambda at: (3 * at).tanh(), x, wanted, damping=0.1, furthest=3.0)
    assert ((3 * moved).tanh().abs() <= (3 * x).tanh().abs() + 1e-6).all()
