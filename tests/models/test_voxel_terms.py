"""The kernel over voxels against the operations that it stands for, and against finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from voxgen.models.voxel_terms import by_operations, voxel_terms
from voxgen.nn.roof import Mass

WEIGHTS = torch.tensor([1.0, 0.3, 0.5, 0.7])
Parts = tuple[Tensor, Tensor, Tensor]


def wild(b: int = 3, shape: tuple[int, int, int] = (7, 6, 5)) -> tuple[Parts, Tensor]:
    """Plans, roofs and voids of all kinds, and coverage of all levels."""
    chance = torch.Generator().manual_seed(0)
    x, y, z = shape
    plan = 3 * torch.randn(b, 1, x, y, generator=chance)
    roof = z * torch.rand(b, 1, x, y, generator=chance)
    solid = 3 + 4 * torch.randn(b, 1, x, y, z, generator=chance)
    wanted = (2 * torch.randn(b, 1, x, y, z, generator=chance)).sigmoid().mul(64).round() / 64
    return (plan, roof, solid), wanted


def house(b: int = 2, n: int = 16) -> tuple[Parts, Tensor]:
    """A house that is nearly right, with much air and much inside, far from any wall."""
    chance = torch.Generator().manual_seed(1)
    inside = slice(n // 4, 3 * n // 4)
    plan = torch.full((b, 1, n, n), -5.0)
    plan[..., inside, inside] = 5.0
    plan += 2 * torch.randn(plan.shape, generator=chance)
    roof = n / 3 + torch.randn(b, 1, n, n, generator=chance)
    solid = 6 + torch.randn(b, 1, n, n, n, generator=chance)
    wanted = torch.zeros(b, 1, n, n, n)
    wanted[:, :, inside, inside, : n // 3] = 1
    wanted[:, :, inside, inside, n // 3] = 0.3
    return (plan, roof, solid), wanted


def slopes(terms: Tensor, parts: Parts) -> tuple[Tensor, ...]:
    return torch.autograd.grad((terms * WEIGHTS).sum(), parts)


@pytest.mark.parametrize("case", [wild, house])
@pytest.mark.parametrize("threads", [1, 2])
def test_terms_and_gradients_are_those_of_the_operations(case, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        parts, x = case()
        for part in parts:
            part.requires_grad_()
        found, wanted = voxel_terms(Mass(*parts), x), by_operations(Mass(*parts), x)
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
        for a, b in zip(slopes(found, parts), slopes(wanted, parts), strict=True):
            assert float((a - b).abs().max()) < 1e-3 * float(b.abs().max())
            assert float((a - b).norm()) < 1e-4 * float(b.norm())
    finally:
        torch.set_num_threads(before)


def test_the_gradient_is_the_slope_in_double_precision():
    parts, x = wild(1, (4, 3, 3))
    double = tuple(part.double().requires_grad_() for part in parts)
    assert torch.autograd.gradcheck(lambda *p: by_operations(Mass(*p), x.double()), double)
    single = tuple(part.requires_grad_() for part in parts)
    exact = slopes(by_operations(Mass(*double), x.double()).float(), double)
    for a, b in zip(slopes(voxel_terms(Mass(*single), x), single), exact, strict=True):
        assert float((a - b).norm()) < 1e-4 * float(b.norm())


def test_a_perfect_building_costs_nothing():
    x = torch.zeros(1, 1, 8, 8, 8)
    x[..., 2:6, 2:6, :4] = 1
    plan = torch.full((1, 1, 8, 8), -20.0)
    plan[..., 2:6, 2:6] = 20
    terms = voxel_terms(Mass(plan, torch.full((1, 1, 8, 8), 4.0), torch.full((1, 1, 8, 8, 8), 20.0)), x)
    # The layers next to the roof are as sure as a slope of four a voxel makes them.
    assert float(terms.max()) < 0.02


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("place", [8, 0])
def test_what_is_nan_stays_nan(part, place):
    """By which training sees that it failed: in the building and in the air around it."""
    parts, x = house(1)
    parts[part][0, 0, place, place] = float("nan")
    assert voxel_terms(Mass(*parts), x).isnan().any()


def test_each_sample_is_a_mean_of_its_own():
    parts, x = wild()
    each = [voxel_terms(Mass(*(p[i : i + 1] for p in parts)), x[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(voxel_terms(Mass(*parts), x), torch.stack(each).mean(dim=0))
