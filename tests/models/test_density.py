"""Windows over latents and attributes, against distributions whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch

from voxgen.models.density import ParzenWindows, deviations, filled


def correlated(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two clusters in 6 dimensions; the attribute is 3 x first coordinate + 10, plus a little noise."""
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(0, 2, (n, 1), generator=generator) * 2.0 - 1
    z = torch.randn(n, 6, generator=generator) * 0.3
    z[:, :1] += 2 * side
    attribute = 3 * z[:, :1] + 10 + 0.05 * torch.randn(n, 1, generator=generator)
    return z, attribute


def ring(n: int) -> torch.Tensor:
    """A circle of radius 3 in a plane of 5 dimensions: a curved sheet, which no few Gaussians are."""
    angle = torch.rand(n, generator=torch.Generator().manual_seed(0)) * 2 * math.pi
    z = torch.zeros(n, 5)
    z[:, 1], z[:, 3] = 3 * angle.cos(), 3 * angle.sin()
    return z


def fitted(n: int = 2000) -> ParzenWindows:
    density = ParzenWindows(6, 1, rank=6)
    density.fit(*correlated(n))
    return density


def free(n: int, attributes: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((n, attributes), torch.nan), torch.arange(n)


def test_samples_have_the_moments_of_what_was_fitted() -> None:
    z, _ = correlated(2000)
    drawn = fitted().sample(*free(4000))
    torch.testing.assert_close(drawn.mean(0), z.mean(0), atol=0.12, rtol=0)
    torch.testing.assert_close(drawn.std(0), z.std(0), atol=0.08, rtol=0)


def test_both_clusters_are_drawn_and_nothing_between() -> None:
    drawn = fitted().sample(*free(2000))
    assert float((drawn[:, 0].abs() < 0.7).float().mean()) < 0.02
    assert 0.4 < float((drawn[:, 0] > 0).float().mean()) < 0.6


def test_draws_follow_a_curved_sheet() -> None:
    density = ParzenWindows(5, 0, rank=5)
    density.fit(ring(500), torch.zeros(500, 0))
    drawn = density.sample(*free(1000, 0))
    assert float((drawn[:, [1, 3]].norm(dim=1) - 3).abs().max()) < 0.1
    assert float(drawn[:, [0, 2, 4]].abs().max()) < 1e-4
    assert float(drawn[:, 1].std()) == pytest.approx(3 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("n", [3, 5, 12, 17, 18, 60, 600])
def test_draws_lie_as_far_from_what_is_known_as_that_lies_apart(n) -> None:
    z, a = correlated(n)
    density = ParzenWindows(6, 1, rank=6)
    density.fit(z, a)
    drawn = density.sample(*free(3000))
    apart = torch.cdist(z, z).fill_diagonal_(torch.inf).amin(dim=1).median()
    assert float(torch.cdist(drawn, z).amin(dim=1).median() / apart) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("times", [2, 30])
def test_buildings_that_stand_several_times_are_one(times) -> None:
    z, a = correlated(150)
    once, often = (ParzenWindows(6, 1, rank=6) for _ in range(2))
    once.fit(z, a)
    often.fit(z.repeat_interleave(times, dim=0), a.repeat_interleave(times, dim=0))
    assert int(often.count) == 150
    torch.testing.assert_close(often.width, once.width, rtol=0.02, atol=0)


def test_several_attributes_are_met_together_and_in_part() -> None:
    """An attribute that nobody knows is asked for in vain."""
    z, _ = correlated(2000)
    mixing = torch.randn(6, 3, generator=torch.Generator().manual_seed(3))
    a = torch.cat([z @ mixing + 5, torch.full((2000, 1), torch.nan)], dim=1)
    density = ParzenWindows(6, 4, rank=6)
    density.fit(z, a)
    wanted = a[7, :3].clone()
    for asked in ([0, 1, 2], [2], [0, 2], [1, 3]):
        ask = torch.full((400, 4), torch.nan)
        ask[:, asked] = torch.cat([wanted, torch.ones(1)])[asked]
        got = density.sample(ask, torch.arange(400)) @ mixing + 5
        for at in asked:
            if at < 3:
                assert float((got[:, at] - wanted[at]).abs().median()) < 0.1 * float(a[:, at].std())


def test_an_ask_beyond_all_that_is_known_gives_a_likely_building() -> None:
    z, _ = correlated(2000)
    density = fitted()
    drawn = density.sample(torch.full((200, 1), 100.0), torch.arange(200))
    assert float(drawn.abs().max()) < 2 * float(z.abs().max())
    assert float(drawn[:, 0].min()) > 1


def test_draws_are_as_precise_where_networks_compute_in_bf16() -> None:
    density = fitted(100)
    with torch.autocast("cpu", torch.bfloat16):
        inside = density.sample(*free(50))
    assert torch.equal(inside, density.sample(*free(50)))


@pytest.mark.parametrize("asked", [16.6, 15.0, 3.5])
def test_an_asked_attribute_is_met(asked) -> None:
    drawn = fitted().sample(torch.full((500, 1), asked), torch.arange(500))
    implied = 3 * drawn[:, 0] + 10
    assert abs(float(implied.mean()) - asked) < 0.15
    assert float(implied.std()) < 0.3


def test_what_is_asked_leaves_the_rest_as_it_is() -> None:
    drawn = fitted().sample(torch.full((2000, 1), 16.0), torch.arange(2000))
    torch.testing.assert_close(drawn[:, 1:].std(0), torch.full((5,), 0.3), atol=0.06, rtol=0)


def test_each_row_is_asked_for_itself_and_is_the_same_in_any_company() -> None:
    density = fitted()
    asked = torch.tensor([[16.0], [4.0], [torch.nan]])
    drawn = density.sample(asked, torch.arange(3))
    assert float(drawn[0, 0]) > 1
    assert float(drawn[1, 0]) < -1
    for i in range(3):
        alone = density.sample(asked[i : i + 1], torch.tensor([i]))
        torch.testing.assert_close(alone, drawn[i : i + 1])


def test_an_unknown_attribute_is_told_by_the_neighbours() -> None:
    z, a = correlated(1000)
    a[::3] = torch.nan
    density = ParzenWindows(6, 1, rank=6)
    density.fit(z, a)
    drawn = density.sample(torch.full((500, 1), 16.0), torch.arange(500))
    assert float((3 * drawn[:, 0] + 10).mean()) == pytest.approx(16, abs=0.3)


def test_more_buildings_than_windows_are_spread_evenly() -> None:
    z, a = correlated(900)
    density = ParzenWindows(6, 1, rank=6, windows=100)
    density.fit(z[z[:, 0].argsort()], a)
    assert int(density.count) == 100
    drawn = density.sample(*free(1000))
    assert 0.4 < float((drawn[:, 0] > 0).float().mean()) < 0.6


def test_draws_lie_as_far_from_what_is_known_as_different_buildings_do() -> None:
    """Copies lie nearer to their own than any other building, and do not narrow the windows."""
    torch.manual_seed(0)
    z = torch.randn(400, 6)
    copies = z.repeat(3, 1) + 0.1 * torch.randn(1200, 6)
    both, copied = torch.cat([z, copies]), torch.arange(1600) >= 400
    density, unaware = ParzenWindows(6, 0, rank=6), ParzenWindows(6, 0, rank=6)
    density.fit(both, torch.zeros(1600, 0), copied)
    unaware.fit(both, torch.zeros(1600, 0))
    apart = torch.cdist(z, z).topk(2, largest=False)[0][:, 1].median()
    far, near = (
        torch.cdist(of.sample(*free(2000))[:, :6], both).amin(dim=1).median() for of in (density, unaware)
    )
    assert float(far) == pytest.approx(float(apart), rel=0.1)
    assert float(near) < 0.5 * float(far)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_very_few_buildings_can_be_fitted(n) -> None:
    density = ParzenWindows(6, 1, rank=4)
    z, a = correlated(n)
    density.fit(z, a)
    for asked in (torch.nan, 11.0, 20.0):
        drawn = density.sample(torch.full((50, 1), asked), torch.arange(50))
        assert drawn.isfinite().all()
        assert float(torch.cdist(drawn, z).amin(dim=1).max()) < 10


def test_an_attribute_that_never_varied_moves_nothing_whatever_is_asked() -> None:
    density = ParzenWindows(6, 2, rank=4)
    z, _ = correlated(12)
    density.fit(z, torch.cat([z[:, :1], torch.ones(12, 1)], dim=1))
    asked = torch.tensor([[torch.nan, 9.0]]).expand(300, -1)
    torch.testing.assert_close(density.sample(asked, torch.arange(300)), density.sample(*free(300, 2)))


def test_buildings_that_are_all_the_same_give_that_one() -> None:
    density = ParzenWindows(6, 2, rank=4)
    density.fit(torch.ones(20, 6), torch.full((20, 2), 3.0))
    torch.testing.assert_close(density.sample(*free(5, 2)), torch.ones(5, 6))


def test_before_a_fit_and_once_forgotten_it_is_standard_normal() -> None:
    density = fitted(100)
    density.forget()
    for unfitted in (ParzenWindows(6, 1), density):
        drawn = unfitted.sample(*free(3000))
        torch.testing.assert_close(drawn.std(0), torch.ones(6), atol=0.08, rtol=0)


def sheet(n: int = 200) -> torch.Tensor:
    """Points on the plane z = 2 x - y in three dimensions."""
    xy = torch.rand(n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.cat([xy, 2 * xy[:, :1] - xy[:, 1:]], dim=1)


def test_a_windows_covariance_is_that_of_the_point_and_its_neighbours() -> None:
    points = sheet()
    near = (points - points[3]).norm(dim=1).argsort()[:9]
    rows = deviations(points, near[None])[0]
    torch.testing.assert_close(rows.T @ rows, torch.cov(points[near].T))


def test_a_window_has_no_width_across_the_sheet() -> None:
    points = sheet()
    nearest = torch.cdist(points, points).topk(9, largest=False).indices
    noise = torch.randn(len(points), 1, 9, dtype=torch.float64)
    drawn = points + (noise @ deviations(points, nearest))[:, 0]
    assert (drawn - points).norm(dim=1).median() > 0.01
    assert (2 * drawn[:, 0] - drawn[:, 1] - drawn[:, 2]).abs().max() < 1e-9


def test_unknown_values_are_the_neighbours_or_everybodys() -> None:
    nan = float("nan")
    values = torch.tensor([[1.0], [3.0], [nan], [nan]])
    nearest = torch.tensor([[0, 1], [1, 0], [2, 0], [3, 2]])
    assert filled(values, nearest).flatten().tolist() == [1.0, 3.0, 1.0, 2.0]


def test_one_point_has_a_window_without_width() -> None:
    assert not deviations(torch.ones(1, 3), torch.zeros(4, 1, dtype=torch.int32)).any()
