"""Blocks start as nothing, and keep samples apart."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.blocks import Attention, AxisMix, Conv3, Down, ResBlock, Up, group_norm


def taught(module):
    """The module with weights everywhere, as after training."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
    return module


def features(batch=3, width=8):
    return torch.randn(batch, width, 4, 3, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("block", "embedding"),
    [(ResBlock(8), None), (ResBlock(8, 5), torch.randn(3, 5)), (Attention(8), None)],
    ids=["residual", "residual with a condition", "attention"],
)
def test_a_block_starts_as_the_identity(block, embedding):
    h = features()
    out = block(h) if embedding is None else block(h, embedding)
    assert torch.equal(out, h)


def test_attention_refuses_a_width_that_its_heads_cannot_share():
    with pytest.raises(ValueError, match="multiple of 4"):
        Attention(66)


def test_mixing_starts_as_the_same_shift_everywhere():
    added = AxisMix(8)(features()) - features()
    torch.testing.assert_close(added, added[:1, :, :1, :1, :1].expand_as(added))


@pytest.mark.parametrize("block", [ResBlock(8), AxisMix(8), Attention(8)])
def test_samples_of_a_batch_do_not_see_each_other(block):
    block, h = taught(block), features()
    torch.testing.assert_close(block(h)[1:2], block(h[1:2]))


def test_a_condition_changes_what_a_block_adds():
    block, h = taught(ResBlock(8, 5)), features()
    assert not torch.allclose(block(h, torch.zeros(3, 5)), block(h, torch.ones(3, 5)))


def test_mixing_sees_the_axis_lines_through_a_cell_and_nothing_else():
    mix = taught(AxisMix(8))
    # The norm is taken out, since its mean is over all cells.
    mix.norm = torch.nn.Identity()
    h, changed = features(), features()
    changed[:, :, 0, 0, 0] += 1
    differs = (mix(h) - mix(changed)).abs().amax(dim=(0, 1)) > 1e-6
    expected = torch.zeros(4, 3, 2, dtype=torch.bool)
    expected[:, 0, 0] = expected[0, :, 0] = expected[0, 0, :] = True
    assert torch.equal(differs, expected)


def test_attention_does_not_mind_where_cells_lie():
    attend, h = taught(Attention(8)), features()
    torch.testing.assert_close(attend(h.flip(2)).flip(2), attend(h))
    torch.testing.assert_close(attend(h.transpose(2, 3)).transpose(2, 3), attend(h))


def test_down_halves_and_up_doubles():
    h = torch.randn(2, 8, 4, 6, 2)
    assert Down(8, 16)(h).shape == (2, 16, 2, 3, 1)
    assert Up(8, 4)(h).shape == (2, 4, 8, 12, 4)


def test_up_repeats_a_cell_over_two_by_two_by_two():
    h = Up(8, 4)(torch.randn(2, 8, 4, 3, 2))
    torch.testing.assert_close(h[:, :, ::2, ::2, ::2], h[:, :, 1::2, 1::2, 1::2])


@pytest.mark.parametrize("width", [1, 7, 16, 24, 48, 100, 128])
def test_groups_divide_any_width(width):
    norm = group_norm(width)
    assert width % norm.num_groups == 0
    assert norm(torch.randn(2, width, 2, 2, 2)).shape == (2, width, 2, 2, 2)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_gradients_of_a_convolution_in_bfloat16_are_those_in_float32(side):
    """oneDNN's are not on grids narrower than the kernel: what it never wrote is whatever lay in memory."""
    torch.manual_seed(0)
    conv = Conv3(64, 64)
    x = torch.randn(16, 64, side, side, side)

    def gradient(reduced: bool) -> torch.Tensor:
        junk = [torch.full((1 << 16,), torch.nan) for _ in range(8)]
        del junk
        conv.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            conv(x).float().square().mean().backward()
        assert conv.weight.grad is not None
        return conv.weight.grad.clone()

    exact = gradient(False)
    for _ in range(5):
        assert (gradient(True) - exact).norm() < 0.05 * exact.norm()
