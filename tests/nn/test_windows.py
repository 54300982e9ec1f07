"""Windows along a sheet: shaped by neighbours, flat across it."""

from __future__ import annotations

import torch

from voxgen.nn.windows import Windows, filled


def sheet(n: int = 200) -> torch.Tensor:
    """Points on the plane z = 2 x - y in three dimensions."""
    xy = torch.rand(n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.cat([xy, 2 * xy[:, :1] - xy[:, 1:]], dim=1)


def test_a_windows_covariance_is_that_of_the_point_and_its_neighbours() -> None:
    points = sheet()
    windows = Windows.around(points, points[:, :0], 8)
    near = (points - points[3]).norm(dim=1).argsort()[:9]
    rows = windows.deviations(torch.tensor([3]))[0]
    torch.testing.assert_close(rows.T @ rows, torch.cov(points[near].T))


def test_draws_stay_on_the_sheet_and_have_the_windows_covariance() -> None:
    points = sheet()
    windows = Windows.around(points, points[:, :0], 8)
    rows = torch.full((20_000,), 3)
    noise = torch.randn(20_000, windows.neighbours, dtype=torch.float64)
    drawn = windows.draw(rows, noise)
    assert (2 * drawn[:, 0] - drawn[:, 1] - drawn[:, 2]).abs().max() < 1e-9
    wanted = torch.cov(points[windows.nearest[3]].T)
    assert (torch.cov(drawn.T) - wanted).norm() < 0.05 * wanted.norm()


def test_values_vary_along_with_places() -> None:
    """A value that is a linear function of the place stays one in every draw."""
    points = sheet()
    windows = Windows.around(points[:, :2], 5 * points[:, :1], 8)
    drawn = windows.draw(torch.arange(50), torch.randn(50, windows.neighbours, dtype=torch.float64))
    torch.testing.assert_close(drawn[:, 2], 5 * drawn[:, 0])


def test_unknown_values_are_the_neighbours_or_everybodys() -> None:
    nan = float("nan")
    values = torch.tensor([[1.0], [3.0], [nan], [nan]])
    nearest = torch.tensor([[0, 1], [1, 0], [2, 0], [3, 2]])
    assert filled(values, nearest).flatten().tolist() == [1.0, 3.0, 1.0, 2.0]


def test_neighbours_are_of_one_kind() -> None:
    points = sheet(60)
    kind = torch.arange(60) % 2
    windows = Windows.around(points, points[:, :0], 5, kind)
    assert (kind[windows.nearest] == kind[:, None]).all()
    own = Windows.around(points[kind == 1], points[kind == 1][:, :0], 5)
    odd = kind.nonzero()[:, 0]
    assert torch.equal(windows.nearest[kind == 1], odd[own.nearest])


def test_one_point_has_a_window_without_width() -> None:
    windows = Windows.around(torch.ones(1, 3), torch.ones(1, 1), 8)
    assert not windows.draw(torch.tensor([0]), torch.ones(1, windows.neighbours)).any()
