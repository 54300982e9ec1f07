"""The VAE's losses, by hand and against closed forms."""

from __future__ import annotations

import pytest
import torch

from voxgen.models.autoencoder import posterior_draw
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.losses import (
    decision_bce,
    edge_difference,
    roof_difference,
    roof_of,
    slope_difference,
    soft_bce,
    soft_dice,
)
from voxgen.models.vae import VAE, VAEConfig


def column(*coverage: float) -> torch.Tensor:
    return torch.tensor(coverage).reshape(1, 1, 1, 1, -1)


def test_a_perfect_answer_costs_nothing() -> None:
    x = column(0.0, 0.25, 0.5, 0.75, 1.0).expand(-1, -1, 2, 2, -1)
    logits = torch.logit(x, eps=1e-6)
    assert abs(float(soft_bce(logits, x))) < 1e-4
    assert abs(float(soft_dice(x, x))) < 1e-4
    assert abs(float(edge_difference(x, x))) < 1e-4


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
    straight, rough = (edge_difference(grid, wall) for grid in (wall, ragged))
    assert float(straight) < 1e-3
    assert float(rough) > 0.05


def test_the_roof_of_a_column_is_where_its_coverage_ends() -> None:
    height, weight = roof_of(column(1.0, 1.0, 0.25, 0.0))
    assert float(height) == 2.25
    assert float(weight) == 1.0


def test_a_wall_through_a_column_does_not_lower_its_roof() -> None:
    height, weight = roof_of(column(0.5, 0.5, 0.25, 0.0))
    assert float(height) == 2.5
    assert float(weight) == 0.5


def test_a_passage_does_not_lower_the_roof_above_it() -> None:
    assert float(roof_of(column(0.0, 0.0, 1.0, 1.0, 0.5)).height) == 4.5


def test_columns_without_a_building_have_no_roof_to_miss() -> None:
    x = torch.zeros(1, 1, 4, 4, 8)
    x[:, :, :2, :, :5] = 1
    roof = torch.full((1, 1, 4, 4), 5.0)
    roof[:, :, 2:] = -40
    assert float(roof_difference(roof, roof_of(x))) == 0
    assert float(slope_difference(roof, roof_of(x))) == 0


def test_a_ragged_roof_costs_more_than_one_that_is_off_as_a_whole() -> None:
    x = torch.zeros(1, 1, 4, 4, 8)
    x[..., :5] = 1
    off = torch.full((1, 1, 4, 4), 5.5)
    ragged = 5 + 0.5 * torch.tensor([1.0, -1.0]).repeat(2)[:, None].expand(4, 4)[None, None]
    torch.testing.assert_close(roof_difference(off, roof_of(x)), roof_difference(ragged, roof_of(x)))
    assert float(slope_difference(off, roof_of(x))) == 0
    assert float(slope_difference(ragged, roof_of(x))) == 0.5  # a voxel along one axis, none along the other


def test_each_building_counts_alike_whatever_its_size() -> None:
    x = torch.zeros(2, 1, 4, 4, 4)
    x[0, ..., :2] = 1
    x[1, :, :1, :1, :2] = 1
    roof = torch.full((2, 1, 4, 4), 3.0)
    torch.testing.assert_close(roof_difference(roof, roof_of(x)), torch.tensor(1.0))


def small(**settings: float) -> VAE:
    torch.manual_seed(0)
    body = {"widths": (8, 16), "plan": 8, "fine": 8, "depth": 1, "embedding": 8, "latent": 4}
    return VAE(VAEConfig(resolution=(16, 16, 16), patch=4, **body, **settings))


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    mu, logvar = (torch.randn(3, 4, 2, 2, 2, generator=generator) for _ in range(2))
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    exact = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(
        small(free_bits=0.0).autoencoder._kl(mu, logvar), exact.flatten(1).sum(1).mean()
    )


def test_free_bits_cost_what_is_carried_for_nothing() -> None:
    free, zero = small(free_bits=0.5), torch.zeros(3, 4, 2, 2, 2)
    assert float(free.autoencoder._kl(zero, zero)) == 0.5 * 32
    assert float(free.autoencoder._kl(zero + 2, zero)) == 2.0 * 32


def test_the_divergence_grows_into_its_weight() -> None:
    asked = Condition.nothing(2, ConditionConfig(), (16, 16, 16))
    x = torch.zeros(2, 1, 16, 16, 16)
    x[..., 4:12, 4:12, :6] = 1
    model = small(beta=0.5)
    early, due = (
        model.loss(Batch(x, asked, torch.arange(2), progress))["kl"].detach() for progress in (0.0, 0.2)
    )
    torch.testing.assert_close(
        due, 0.5 * model.autoencoder._kl(*model.autoencoder.moments(x)).detach() / 16**3
    )
    torch.testing.assert_close(early, 0.05 * due)


def test_draws_have_the_mean_and_deviation_of_the_posterior() -> None:
    n = 4000
    mu, logvar = torch.full((n, 2, 1, 1, 1), 3.0), torch.full((n, 2, 1, 1, 1), -2.0)
    asked = Condition.nothing(n, ConditionConfig(), (1, 1, 1))
    drawn = posterior_draw(mu, logvar, Batch(torch.zeros(n, 1, 1, 1, 1), asked, torch.arange(n)))
    torch.testing.assert_close(drawn.mean(), torch.tensor(3.0), atol=0.02, rtol=0)
    torch.testing.assert_close(drawn.std(), torch.tensor(-1.0).exp(), atol=0.02, rtol=0)


@pytest.mark.parametrize("mask", ["footprint", "envelope"])
def test_a_prior_hears_masks_by_the_buildings_that_fit(mask: str) -> None:
    """Of buildings on the left and on the right, those are drawn near that lie where they are asked to."""
    asked = ConditionConfig(masks=("footprint", "envelope"))
    torch.manual_seed(0)
    body = {"widths": (8, 16), "plan": 8, "fine": 8, "depth": 1, "embedding": 8, "latent": 4}
    model = VAE(VAEConfig(resolution=(16, 16, 16), patch=4, condition=asked, rank=8, neighbours=2, **body))
    torch.nn.init.normal_(model.autoencoder.to_moments.weight, std=2.0)  # encodings differ
    x = torch.zeros(24, 1, 16, 16, 16)
    for i in range(12):
        x[i, :, 1 : 6 + i // 6, 2:12, : 4 + i] = 1
        x[12 + i, :, 9 : 14 + i // 6, 2:12, : 4 + i] = 1
    nothing = Condition.nothing(24, asked, (16, 16, 16))
    model.conclude(
        [Batch(x[::2], nothing[::2], torch.arange(12)), Batch(x[1::2], nothing[1::2], torch.arange(12))]
    )
    latents = model.encode(x, nothing).flatten(1)
    for right in (False, True):
        condition = Condition.nothing(40, asked, (16, 16, 16))
        at = asked.masks.index(mask)
        condition.masks[:, at] = x[12:].amax(0) if right else x[:12].amax(0)
        condition.given[:, at] = True
        drawn = model.prior(condition, torch.arange(40)).flatten(1)
        nearest = torch.cdist(drawn, latents).argmin(dim=1)
        assert ((nearest >= 12) == right).all()
        assert len(nearest.unique()) > 2
    free = torch.cdist(model.prior(nothing, torch.arange(24)).flatten(1), latents).argmin(dim=1)
    assert 0.2 < float((free >= 12).float().mean()) < 0.8
