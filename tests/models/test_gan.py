"""The game: who moves when, what the critic may see, and what the game is played on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.gan import GAN, GANConfig, decided, halves, relativistic, squared_slope
from voxgen.nn.critic import Judgement
from voxgen.nn.symmetry import turn

SIDE = (16, 16, 16)


@pytest.fixture
def gan() -> GAN:
    torch.manual_seed(0)
    return GAN(
        GANConfig(
            resolution=SIDE,
            widths=(16, 32),
            plan=8,
            fine=8,
            depth=1,
            rank=4,
            neighbours=3,
            embedding=8,
            critic_widths=(8, 16),
        )
    )


def batch(n: int = 6, progress: float = 0.9, first_key: int = 0, chance: int = 0) -> Batch:
    x = torch.zeros(n, 1, *SIDE)
    for i in range(n):
        x[i, :, 2 : 8 + i, 4:12, : 5 + i] = 1
    keys = torch.arange(n) + first_key
    return Batch(x, Condition.nothing(n, ConditionConfig(), SIDE), keys, progress, chance)


def judged(*values: float) -> Judgement:
    return Judgement(torch.tensor(values), torch.zeros(len(values), 4))


def test_the_critic_learns_alone_between_the_warm_up_and_the_game(gan: GAN) -> None:
    spans = [gan.span(player) for player in ("autoencoder", "critic", "generator")]
    assert spans == [(0.0, 0.5), (0.5, 1.0), (0.55, 1.0)]


def test_the_warm_up_is_the_autoencoders_own_training(gan: GAN) -> None:
    now = batch(progress=0.2)
    with torch.no_grad():
        wanted, found = gan.generator.loss(now), gan.loss(now, "autoencoder")
    assert {k: float(v) for k, v in found.items()} == {k: float(v) for k, v in wanted.items()}


def test_the_prior_is_fitted_once_when_the_game_begins_and_forgotten_in_a_warm_up(gan: GAN) -> None:
    asked = []

    def known() -> list[Batch]:
        asked.append(1)
        return [batch()]

    gan.prepare(0.49, known)
    assert (len(asked), gan.generator.density.fitted) == (0, False)
    gan.prepare(0.5, known)
    gan.prepare(0.6, known)
    assert (len(asked), gan.generator.density.fitted) == (1, True)
    gan.prepare(0.2, known)
    assert not gan.generator.density.fitted


def test_the_encoder_stands_still_in_the_game(gan: GAN) -> None:
    now = batch()
    gan.conclude([now])
    before = (
        gan.encode(now.x, now.condition),
        gan.decode(torch.zeros(1, *gan.latent_shape), now.condition[:1]),
    )
    optimiser = gan.optimiser("generator", 1e-2)
    for _ in range(3):
        optimiser.zero_grad()
        sum(gan.loss(now, "generator").values()).backward()
        optimiser.step()
    after = gan.encode(now.x, now.condition), gan.decode(torch.zeros(1, *gan.latent_shape), now.condition[:1])
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_the_game_is_played_on_draws_from_the_prior(gan: GAN) -> None:
    """What is invented depends on the keys and the prior, and not on the buildings beside it."""
    gan.conclude([batch()])
    now = batch()
    other = replace(now, x=now.x.flip(2))
    assert torch.equal(gan._invent(now), gan._invent(other))
    assert not torch.equal(gan._invent(now), gan._invent(batch(first_key=100)))


def test_penalties_fall_on_one_step_in_every_whoever_holds_which_part_of_the_batch(gan: GAN) -> None:
    every = gan.config.every
    terms = [gan.loss(batch(n=2, chance=c, first_key=3 * c), "critic") for c in range(2 * every)]
    assert sum("penalty" in found for found in terms) == 2
    whole = batch(n=8, chance=every - 1)
    assert all("penalty" in gan.loss(part, "critic") for part in (whole[:4], whole[4:]))


def test_no_penalty_is_counted_outside_training(gan: GAN) -> None:
    assert "penalty" not in gan.loss(batch(), "critic")


def test_settings_that_leave_no_game_are_refused() -> None:
    for wrong in ({"warm_up": 1.0}, {"every": 0}, {"warm_up": 0.9, "head_start": 0.1}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            GANConfig.parse(wrong)


def test_a_step_of_both_players_is_finite_on_solid_air_and_half(gan: GAN) -> None:
    for fill in (0.0, 0.5, 1.0):
        now = replace(batch(), x=torch.full((6, 1, *SIDE), fill))
        for player in gan.players():
            loss = sum(gan.loss(now, player).values())
            loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in gan.parameters())


def test_softness_does_not_show_but_the_side_of_a_half_does() -> None:
    coverage = torch.tensor([0.0, 0.02, 0.45, 0.55, 0.98, 1.0]).reshape(1, 1, 6, 1, 1)
    seen = decided(torch.logit(coverage, eps=1e-3)).flatten()
    torch.testing.assert_close(seen[0], seen[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[4], seen[5], atol=1e-4, rtol=0)
    assert float(seen[3] - seen[2]) > 2 * (0.55 - 0.45)


def test_a_pair_costs_log_two_where_nothing_tells_it_apart_and_nothing_where_it_is_plain() -> None:
    same = relativistic(judged(0.3, -1.0), judged(0.3, -1.0))
    torch.testing.assert_close(same, torch.tensor(2.0).log())
    assert float(relativistic(judged(-20.0), judged(20.0))) < 1e-6
    torch.testing.assert_close(relativistic(judged(2.0), judged(-2.0)), torch.tensor(4.0), atol=0.02, rtol=0)


def test_the_slope_of_a_linear_critic_is_its_weight() -> None:
    x = torch.rand(3, 1, 2, 2, 2, requires_grad=True)
    weight = torch.arange(8.0)
    verdict = (x.flatten(1) * weight).sum(1)
    slope = squared_slope(Judgement(verdict, torch.zeros(3, 1)), x)
    torch.testing.assert_close(slope, weight.square().sum())


def test_smoothing_makes_certainty_cost(gan: GAN) -> None:
    smooth = GAN(gan.config.model_copy(update={"smoothing": 0.1}))
    certain = (judged(-30.0), judged(30.0))
    assert float(gan._pairing(*certain)) < 1e-6
    assert float(smooth._pairing(*certain)) == pytest.approx(6.0, abs=0.01)


def test_halves_are_equal_and_a_batch_of_one_serves_as_both() -> None:
    for n, size in ((6, 3), (5, 2), (1, 1)):
        first, second = halves(batch(n))
        assert len(first.x) == len(second.x) == size


def test_realism_is_a_number_a_building_whatever_is_judged_beside_it(gan: GAN) -> None:
    shown = batch()
    company = shown.x[:3].flip(2)
    found = gan.realism(shown.x, company)
    assert found.shape == (6,)
    torch.testing.assert_close(found[2:4], gan.realism(shown.x[2:4], company))
    assert gan.realism(shown.x[:0], company).shape == (0,)


def test_real_and_invented_buildings_are_shown_under_the_same_symmetries(gan: GAN) -> None:
    """Which end of a building is the higher one must not tell who made it."""
    gan.conclude([batch()])
    shown = batch()
    standing = gan._invent(shown)
    symmetry = torch.arange(6) % 4
    turned = gan._invent(replace(shown, symmetry=symmetry))
    assert torch.equal(turned, turn(standing, symmetry))
    assert not torch.equal(turned, standing)
