"""Contract and Expand: shapes for any resolution that divides, and a reason for others."""

from __future__ import annotations

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.nn.volume import Contract, Expand, cells_per_level


def test_cells_halve_from_level_to_level():
    assert cells_per_level((160, 160, 80), 4, 3) == [(40, 40, 20), (20, 20, 10), (10, 10, 5)]
    assert cells_per_level((32, 32, 32), 4, 1) == [(8, 8, 8)]


@pytest.mark.parametrize(("resolution", "patch", "levels"), [((20, 12, 7), 4, 1), ((32, 32, 24), 4, 3)])
def test_a_resolution_that_does_not_divide_is_refused_with_the_step(resolution, patch, levels):
    step = patch * 2 ** (levels - 1)
    name = "x".join(map(str, resolution))
    for build in (
        lambda: cells_per_level(resolution, patch, levels),
        lambda: Contract(resolution, patch, [8] * levels, 1),
        lambda: Expand(resolution, patch, 4, [8] * levels, 1),
    ):
        with pytest.raises(UsageError, match=f"{name}.*multiple of {step}"):
            build()


@pytest.mark.parametrize("resolution", [(16, 16, 16), (16, 8, 24)])
@pytest.mark.parametrize(("patch", "widths"), [(4, [8]), (4, [8, 16]), (2, [8, 16, 24])])
@pytest.mark.parametrize("conditioned", [False, True])
def test_a_grid_goes_down_to_the_coarsest_level_and_up_to_patches(resolution, patch, widths, conditioned):
    cells = cells_per_level(resolution, patch, len(widths))
    embedding = torch.randn(2, 5) if conditioned else None
    extra = torch.randn(2, widths[0], *cells[0]) if conditioned else None
    e = 5 if conditioned else 0
    down = Contract(resolution, patch, widths, 1)
    h = down(torch.rand(2, 1, *resolution))
    assert h.shape == (2, widths[-1], *cells[-1])
    up = Expand(resolution, patch, 3, widths, 1, e)
    features = up(torch.randn(2, 3, *cells[-1]), embedding, extra)
    assert features.shape == (2, widths[0], *cells[0])
    assert features.isfinite().all()


def test_every_parameter_learns():
    resolution = (16, 8, 16)
    down, up = Contract(resolution, 4, [8, 8], 1), Expand(resolution, 4, 8, [8, 8], 1, 5)
    embedding = torch.randn(2, 5)
    x = torch.rand(2, 1, *resolution)
    with torch.no_grad():
        for parameter in (*down.parameters(), *up.parameters()):
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    up(down(x), embedding).square().sum().backward()
    for net in (down, up):
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_samples_of_a_batch_do_not_see_each_other():
    net = Contract((8, 8, 8), 4, [8], 1)
    x = torch.rand(3, 1, 8, 8, 8)
    torch.testing.assert_close(net(x)[1:2], net(x[1:2]))
