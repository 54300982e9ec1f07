"""Invertible maps: undone to rounding, and their log-determinants are those of the Jacobian."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from voxgen.nn.invertible import Chain, Coupling, Linear, affine, spline


class Net(nn.Module):
    """A net that heeds all that it is given, over any number of axes."""

    def __init__(self, kept: int, answers: int) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(answers, kept, generator=chance))

    def forward(self, x, told):
        return torch.einsum("oc,bc...->bo...", self.weight, torch.tanh(x)) + told.mean()


MAPS = {
    "linear": lambda: Linear(6, seed=3),
    "affine": lambda: Coupling(2, Net(2, 2 * 4), affine),
    "spline": lambda: Coupling(3, Net(3, 3 * 14), spline),
    "chain": lambda: Chain(Linear(6, 0), Coupling(3, Net(3, 3 * 8), spline), Linear(6, 1)),
}


@pytest.fixture(params=MAPS)
def made(request: pytest.FixtureRequest):
    found = MAPS[request.param]().double()
    with torch.no_grad():
        for p in found.parameters():
            p.add_(0.2 * torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(2)))
    return found


def data(*space: int, n: int = 5, seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(n, 6, *space, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("space", [(), (2, 3, 2)])
def test_what_is_done_is_undone(made, space):
    x, told = data(*space), torch.ones(5, 2, dtype=torch.double)
    y, _ = made(x, told)
    assert (y - x).abs().max() > 0.1
    torch.testing.assert_close(made.inverse(y, told), x, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("space", [(), (2, 1, 2)])
def test_log_determinants_are_those_of_the_jacobian(made, space):
    x, told = data(*space, n=3), torch.ones(1, 2, dtype=torch.double)
    _, found = made(x, told.expand(3, -1))
    for row in range(3):
        jacobian = torch.autograd.functional.jacobian(lambda v: made(v, told)[0], x[row : row + 1])
        size = x[row].numel()
        expected = jacobian.reshape(size, size).slogdet().logabsdet
        torch.testing.assert_close(found[row], expected, atol=1e-9, rtol=1e-9)


def test_a_spline_of_nothing_is_the_identity():
    x = torch.linspace(-6, 6, 101, dtype=torch.double)[None]
    y, slope = spline(x, torch.zeros(1, 14, 101, dtype=torch.double), False)
    torch.testing.assert_close(y, x, atol=1e-12, rtol=0)
    assert slope.abs().max() < 1e-12


@pytest.mark.parametrize("size", [1.0, 30.0])
def test_splines_rise_everywhere_and_keep_their_tails(size):
    x = torch.linspace(-6, 6, 4001, dtype=torch.double)[None]
    shape = size * torch.randn(1, 14, 1, dtype=torch.double, generator=torch.Generator().manual_seed(5))
    y, slope = spline(x, shape.expand(-1, -1, 4001), False)
    assert (y.diff() > 0).all()
    assert torch.equal(y[x.abs() > 4], x[x.abs() > 4])
    numeric = (y[0, 2:] - y[0, :-2]) / (x[0, 2:] - x[0, :-2])
    if size == 1.0:
        torch.testing.assert_close(slope.exp()[0, 1:-1], numeric, rtol=2e-2, atol=2e-2)
    back, _ = spline(y, shape.expand(-1, -1, 4001), True)
    torch.testing.assert_close(back, x, atol=1e-6, rtol=0)
