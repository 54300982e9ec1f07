"""The mixture over latents and attributes, against distributions whose answers are known."""

from __future__ import annotations

import torch

from voxgen.models.density import LatentMixture


def correlated(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two clusters in 6 dimensions; the attribute is 3 x first coordinate + 10, plus a little noise."""
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(0, 2, (n, 1), generator=generator) * 2.0 - 1
    z = torch.randn(n, 6, generator=generator) * 0.3
    z[:, :1] += 2 * side
    attribute = 3 * z[:, :1] + 10 + 0.05 * torch.randn(n, 1, generator=generator)
    return z, attribute


def fitted() -> LatentMixture:
    density = LatentMixture(6, 1, rank=4, components=4)
    density.fit(*correlated(4000))
    return density


def test_samples_have_the_moments_of_what_was_fitted() -> None:
    z, _ = correlated(4000)
    drawn = fitted().sample(torch.full((4000, 1), torch.nan), torch.arange(4000))
    torch.testing.assert_close(drawn.mean(0), z.mean(0), atol=0.12, rtol=0)
    torch.testing.assert_close(drawn.std(0), z.std(0), atol=0.08, rtol=0)


def test_both_clusters_are_drawn_and_nothing_between() -> None:
    drawn = fitted().sample(torch.full((2000, 1), torch.nan), torch.arange(2000))
    assert float((drawn[:, 0].abs() < 0.7).float().mean()) < 0.02
    assert 0.4 < float((drawn[:, 0] > 0).float().mean()) < 0.6


def test_an_asked_attribute_is_met() -> None:
    drawn = fitted().sample(torch.full((500, 1), 16.6), torch.arange(500))
    implied = 3 * drawn[:, 0] + 10
    assert abs(float(implied.mean()) - 16.6) < 0.15
    assert float(implied.std()) < 0.3


def test_each_row_is_asked_for_itself() -> None:
    asked = torch.tensor([[16.0], [4.0], [torch.nan]])
    drawn = fitted().sample(asked, torch.arange(len(asked)))
    assert float(drawn[0, 0]) > 1
    assert float(drawn[1, 0]) < -1


def test_missing_attributes_do_not_spoil_the_fit() -> None:
    z, a = correlated(1000)
    a[::3] = torch.nan
    density = LatentMixture(6, 1, rank=4, components=4)
    density.fit(z, a)
    assert density.mean.isfinite().all()


def test_very_few_buildings_can_be_fitted() -> None:
    density = LatentMixture(6, 1, rank=4, components=4)
    density.fit(*correlated(3))
    assert density.sample(torch.full((5, 1), torch.nan), torch.arange(5)).isfinite().all()


def test_with_few_buildings_an_odd_ask_still_draws_from_them() -> None:
    """Components that were not needed never win, however far off the ask."""
    density = LatentMixture(6, 2, rank=4, components=4)
    z, _ = correlated(12)
    density.fit(z, torch.cat([z[:, :1], torch.ones(12, 1)], dim=1))
    assert int((density.log_weight > -1e3).sum()) < 4
    drawn = density.sample(torch.tensor([[float("nan"), 9.0]]).expand(300, -1), torch.arange(300))
    assert float((drawn[:, 1:].std(0) - z[:, 1:].std(0)).abs().max()) < 0.2


def test_before_a_fit_it_is_standard_normal() -> None:
    drawn = LatentMixture(6, 1).sample(torch.full((3000, 1), torch.nan), torch.arange(3000))
    torch.testing.assert_close(drawn.std(0), torch.ones(6), atol=0.08, rtol=0)
