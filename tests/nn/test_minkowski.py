"""Volume, faces, edges and corners by patch, counted by hand."""

from __future__ import annotations

import torch

from voxgen.nn.minkowski import _SOFT, CHANNELS, minkowski
from voxgen.nn.symmetry import SYMMETRIES, turn


def amounts(x: torch.Tensor, patch: int) -> torch.Tensor:
    """Undo the root: volume, faces, edges and corners as shares of what a patch, a side, an edge holds."""
    return (minkowski(x, patch) + _SOFT).square() - _SOFT**2


def test_a_box_has_six_faces_twelve_edges_and_eight_corners():
    x = torch.zeros(1, 1, 16, 16, 16)
    x[..., 3:13, 2:9, 1:6] = 1
    found = amounts(x, 16)[0].flatten()
    wanted = [
        10 * 7 * 5 / 16**3,
        *(2 * area / 16**2 for area in (7 * 5, 10 * 5, 10 * 7)),
        *(4 * length / 16 for length in (5, 7, 10)),
        8,
    ]
    torch.testing.assert_close(found, torch.tensor(wanted))


def test_a_patch_tells_of_itself_alone():
    x = torch.zeros(1, 1, 8, 8, 8)
    x[..., 5, 6, 2] = 1
    found = amounts(x, 4)
    assert found.shape == (1, CHANNELS, 2, 2, 2)
    assert (found.abs().sum(dim=1) > 1e-6).sum() == 1
    assert found[0, :, 1, 1, 0].argmax() == CHANNELS - 1


def test_what_touches_the_border_goes_on_beyond_it():
    assert float(amounts(torch.ones(2, 1, 8, 8, 8), 4)[:, 1:].abs().max()) < 1e-6


def test_mirrored_buildings_have_as_much_of_everything():
    x = torch.nn.functional.pad(torch.rand(1, 1, 6, 6, 7), (0, 1, 1, 1, 1, 1))
    whole = amounts(x, 8).flatten()
    for symmetry in range(SYMMETRIES):
        turned = amounts(turn(x, torch.tensor([symmetry])), 8).flatten()
        torch.testing.assert_close(turned, whole)


def test_a_ragged_wall_shows_in_edges_and_corners_and_hardly_in_volume():
    x = torch.zeros(2, 1, 8, 8, 8)
    x[..., 2:6, 2:6, :5] = 1
    x[1, 0, 6, 3, 1] = x[1, 0, 6, 5, 3] = 1
    straight, ragged = minkowski(x, 8)[:, :, 0, 0, 0]
    assert float(ragged[0] - straight[0]) < 0.02
    assert float(ragged[7] - straight[7]) > 0.8


def test_slopes_are_finite_in_air_and_solid():
    for fill in (0.0, 1.0):
        x = torch.full((2, 1, 8, 8, 8), fill, requires_grad=True)
        minkowski(x, 4).sum().backward()
        assert x.grad is not None
        assert bool(x.grad.isfinite().all())


def test_no_buildings_give_no_amounts():
    assert minkowski(torch.zeros(0, 1, 8, 8, 4), 4).shape == (0, CHANNELS, 2, 2, 1)
