"""The U-Net: its shape on any grid, and that all of it learns."""

from __future__ import annotations

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.nn.unet import UNet


@pytest.mark.parametrize("resolution", [(16, 16, 16), (24, 16, 8)])
def test_features_lie_on_the_patch_grid(resolution):
    net = UNet(resolution, 4, (8, 16), 1, 6)
    h = net(torch.randn(2, 1, *resolution), torch.randn(2, 6))
    assert h.shape == (2, 8, *(n // 4 for n in resolution))


def test_what_is_added_on_the_patch_grid_and_the_embedding_are_heeded():
    torch.manual_seed(0)
    net = UNet((16, 16, 16), 4, (8, 16), 1, 6)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    x, told = torch.randn(1, 1, 16, 16, 16), torch.randn(1, 6)
    plain = net(x, told)
    assert not torch.allclose(net(x, told + 1), plain)
    assert not torch.allclose(net(x, told, torch.ones(1, 8, 4, 4, 4)), plain)


def test_one_voxel_is_seen_from_everywhere():
    torch.manual_seed(0)
    net = UNet((16, 16, 16), 4, (8, 16), 1, 6)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    x = torch.zeros(1, 1, 16, 16, 16)
    other = x.clone()
    other[0, 0, 0, 0, 0] = 1
    told = torch.zeros(1, 6)
    assert ((net(x, told) - net(other, told)).abs().sum(dim=1) > 1e-7).all()


def test_a_resolution_that_does_not_divide_is_refused():
    with pytest.raises(UsageError, match="multiple of 8"):
        UNet((16, 16, 12), 4, (8, 16), 1, 6)
