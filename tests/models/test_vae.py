"""The VAE's losses by hand."""

from __future__ import annotations

import torch

from voxgen.models.vae import decision_bce, edge_difference, soft_bce, soft_dice


def column(*coverage: float) -> torch.Tensor:
    return torch.tensor(coverage).reshape(1, 1, 1, 1, -1)


def test_a_perfect_answer_costs_nothing() -> None:
    x = column(0.0, 0.25, 0.5, 0.75, 1.0).expand(-1, -1, 2, 2, -1)
    logits = torch.logit(x, eps=1e-6)
    assert abs(float(soft_bce(logits, x))) < 1e-4
    assert abs(float(soft_dice(logits, x))) < 1e-4
    assert abs(float(edge_difference(logits, x))) < 1e-4


def test_the_decision_costs_what_coverage_hardly_minds() -> None:
    """A wall that covers .52 of a voxel, told as .48: nothing for coverage, the wrong side for the eye."""
    x = column(0.52)
    right, wrong = torch.logit(column(0.56)), torch.logit(column(0.48))
    coverage = float(soft_bce(wrong, x) - soft_bce(right, x))
    decision = float(decision_bce(wrong, x) - decision_bce(right, x))
    assert abs(coverage) < 0.01
    assert decision > 0.5


def test_the_decision_is_a_cross_entropy() -> None:
    even = decision_bce(torch.zeros(1, 1, 2, 2, 2), torch.rand(1, 1, 2, 2, 2))
    torch.testing.assert_close(even, torch.tensor(2.0).log())
    assert float(decision_bce(column(-9.0, 9.0), column(0.2, 0.9))) < 1e-6


def test_a_ragged_edge_costs_and_a_straight_one_does_not() -> None:
    wall = torch.zeros(1, 1, 4, 4, 4)
    wall[:, :, :2] = 1
    ragged = wall.clone()
    ragged[:, :, 2, ::2, ::2] = 1
    straight, rough = (edge_difference(20 * (grid - 0.5), wall) for grid in (wall, ragged))
    assert float(straight) < 1e-3
    assert float(rough) > 0.05
