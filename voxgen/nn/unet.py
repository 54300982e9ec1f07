"""A U-Net on the patch grid: what a denoiser over voxels is (Ronneberger et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import Attention, AxisMix, Down, ResBlock, Up
from .patches import PatchStem
from .volume import cells_per_level


class UNet(nn.Module):
    """Voxels to features on the patch grid, over levels that each see twice as far.

    Args:
        resolution: voxels along x, y and z.
        patch: edge of the patches.
        widths: channels of each level, fine to coarse.
        depth: residual blocks a level, on the way down and on the way up.
        embedding: width of the embedding of time and condition.
    """

    def __init__(
        self,
        resolution: tuple[int, int, int],
        patch: int,
        widths: Sequence[int],
        depth: int,
        embedding: int,
    ) -> None:
        super().__init__()
        cells = cells_per_level(resolution, patch, len(widths))
        self.stem = PatchStem(cells[0], patch, widths[0])

        def stacks() -> nn.ModuleList:
            return nn.ModuleList(
                nn.ModuleList(ResBlock(width, embedding) for _ in range(depth)) for width in widths
            )

        self.down, self.up = stacks(), stacks()
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))
        self.ups = nn.ModuleList(Up(b, a) for a, b in pairwise(widths))
        self.joins = nn.ModuleList(nn.Conv3d(2 * width, width, 1) for width in widths[:-1])
        self.mixes = nn.ModuleList(AxisMix(width) for width in widths)
        self.attention = Attention(widths[-1])

    def forward(
        self,
        x: Float[Tensor, "b 1 x y z"],
        embedding: Float[Tensor, "b e"],
        extra: Float[Tensor, "b c xp yp zp"] | None = None,
    ) -> Float[Tensor, "b c xp yp zp"]:
        """Give the features of the finest level; `extra` is added on the patch grid."""
        h = self.stem(x)
        if extra is not None:
            h = h + extra
        kept = []
        for i, blocks in enumerate(self.down):
            if i:
                h = self.downs[i - 1](h)
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]
                h = block(h, embedding)
            kept.append(h)
        h = self.attention(h)
        for i in reversed(range(len(kept))):
            if i < len(kept) - 1:
                h = self.joins[i](torch.cat([self.ups[i](h), kept[i]], dim=1))
            for block in self.up[i]:  # pyright: ignore[reportGeneralTypeIssues]
                h = block(h, embedding)
            h = self.mixes[i](h)
        return h
