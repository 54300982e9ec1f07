"""A mass is what lies within the plan, under the roof, and is no void."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.roof import Mass, MassHead


def mass(plan: float = 9.0, roof: float = 5.0, solid: float = 20.0, n: int = 8) -> Mass:
    return Mass(
        torch.full((1, 1, n, n), plan), torch.full((1, 1, n, n), roof), torch.full((1, 1, n, n, n), solid)
    )


def coverage(of: Mass) -> torch.Tensor:
    return of.logits().sigmoid()[0, 0]


def test_a_roof_ends_the_building():
    column = coverage(mass(roof=5.0))[0, 0]
    assert (column[:5] > 0.8).all()
    assert (column[5:] < 0.2).all()


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.65, 0.8])
def test_a_roof_within_a_voxel_covers_its_share(share):
    column = coverage(mass(roof=5.0 + share))[0, 0]
    assert float(column[5]) == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("distance", [-0.35, -0.1, 0.0, 0.2, 0.35])
def test_a_wall_within_a_voxel_covers_its_share(distance):
    column = coverage(mass(plan=distance, roof=6.0))[0, 0]
    assert column[:5] == pytest.approx(torch.full((5,), 0.5 + distance).numpy(), abs=0.07)


def test_walls_are_upright():
    plan = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    inside = coverage(Mass(plan, torch.full((1, 1, 8, 8), 20.0), torch.full((1, 1, 8, 8, 8), 20.0))) > 0.5
    assert (inside == (plan[0, 0] > 0)[..., None]).all()


def test_a_void_is_air_below_a_roof():
    whole = mass(roof=7.0)
    whole.solid[..., 2:4] = -20.0
    column = coverage(whole)[3, 3] > 0.5
    assert column.tolist() == [True, True, False, False, True, True, True, False]


def test_on_level_ground_a_gap_of_one_voxel_is_filled_and_a_passage_stays():
    whole = mass(roof=7.0)
    whole.solid[..., :5, 0] = -20.0
    whole.solid[..., :2, :3] = -20.0
    solid = coverage(whole.grounded())[3] > 0.5
    assert solid[0].tolist() == [False, False, False, True, True, True, True, False]
    assert solid[3].tolist() == [True] * 7 + [False]
    assert torch.equal(whole.grounded().logits()[..., 1:], whole.logits()[..., 1:])


def test_logits_stay_finite_and_have_a_gradient_far_off():
    plan = torch.tensor([[[[-300.0, 300.0]]]], requires_grad=True)
    roof = torch.tensor([[[[300.0, -300.0]]]], requires_grad=True)
    logits = Mass(plan, roof, torch.full((1, 1, 1, 2, 4), 6.0)).logits()
    assert logits.isfinite().all()
    logits.sum().backward()
    for part, far_off in ((plan, 0), (roof, 1)):
        assert part.grad is not None
        assert (part.grad[..., far_off] > 0).all()


@pytest.mark.parametrize("cells", [(4, 4, 4), (4, 2, 3)])
def test_a_head_gives_every_column_and_voxel(cells):
    head = MassHead(cells, 4, 12, width=16, fine=8)
    given = head(torch.randn(2, 12, *cells))
    nx, ny, nz = (4 * n for n in cells)
    assert given.plan.shape == given.roof.shape == (2, 1, nx, ny)
    assert given.solid.shape == given.logits().shape == (2, 1, nx, ny, nz)


def test_nothing_is_void_at_first():
    given = MassHead((2, 2, 2), 4, 8)(torch.randn(1, 8, 2, 2, 2))
    assert (given.solid.sigmoid() > 0.99).all()
