"""Grid to features and features to grid: the trunk that the families share.

`Contract` takes patches down level by level, `Expand` brings a coarse latent grid up to patches. Levels are
listed from fine to coarse; level 0 lies on the patch grid (32^3 with p = 4: 8^3 cells), each further one on
half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ..errors import UsageError
from .blocks import Attention, AxisMix, Conv3, Down, ResBlock, Up
from .patches import PatchStem, Position


def cells_per_level(resolution: tuple[int, int, int], patch: int, levels: int) -> list[tuple[int, int, int]]:
    """Cells along x, y and z at each level, from fine to coarse.

    Raises:
        UsageError: when the resolution cannot be divided that often.
    """
    step = patch * 2 ** (levels - 1)
    if any(n % step for n in resolution):
        raise UsageError(
            f"a resolution of {'x'.join(map(str, resolution))} cannot be halved {levels - 1} times "
            f"after patches of {patch}: every side must be a multiple of {step}"
        )
    return [
        (resolution[0] // s, resolution[1] // s, resolution[2] // s)
        for s in (patch * 2**level for level in range(levels))
    ]


class Contract(nn.Module):
    """Coverage to features on the coarsest level.

    Args:
        resolution: voxels along x, y and z.
        patch: edge of the patches.
        widths: channels of each level, fine to coarse.
        depth: residual blocks a level.
    """

    def __init__(
        self, resolution: tuple[int, int, int], patch: int, widths: Sequence[int], depth: int
    ) -> None:
        super().__init__()
        cells = cells_per_level(resolution, patch, len(widths))
        self.stem = PatchStem(cells[0], patch, widths[0])
        self.levels = nn.ModuleList(nn.ModuleList(ResBlock(width) for _ in range(depth)) for width in widths)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))

    def forward(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b c xc yc zc"]:
        """Give the features."""
        h = self.stem(x * 2 - 1)
        for i, blocks in enumerate(self.levels):
            if i:
                h = self.downs[i - 1](h)
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]
                h = block(h)
        return h


class Expand(nn.Module):
    """A latent grid on the coarsest level to features on the patch grid.

    Args:
        resolution: voxels along x, y and z.
        patch: edge of the patches.
        latent: channels of the latent grid.
        widths: channels of each level, fine to coarse.
        depth: residual blocks a level.
        embedding: width of the condition's embedding, 0 for none.
    """

    def __init__(
        self,
        resolution: tuple[int, int, int],
        patch: int,
        latent: int,
        widths: Sequence[int],
        depth: int,
        embedding: int = 0,
    ) -> None:
        super().__init__()
        cells = cells_per_level(resolution, patch, len(widths))
        self.position = Position(cells[-1])
        self.stem = Conv3(latent + Position.channels, widths[-1])
        self.attention = Attention(widths[-1])
        self.levels = nn.ModuleList(
            nn.ModuleList(ResBlock(width, embedding) for _ in range(depth)) for width in reversed(widths)
        )
        self.mixes = nn.ModuleList(AxisMix(width) for width in reversed(widths))
        coarse_to_fine = list(reversed(widths))
        self.ups = nn.ModuleList(Up(a, b) for a, b in pairwise(coarse_to_fine))

    def forward(
        self,
        z: Float[Tensor, "b c xc yc zc"],
        embedding: Float[Tensor, "b e"] | None = None,
        extra: Float[Tensor, "b c2 xp yp zp"] | None = None,
    ) -> Float[Tensor, "b c2 xp yp zp"]:
        """Give the features; `extra` is added on the patch grid."""
        h = self.stem(self.position(z))
        h = self.attention(h)
        for i, (blocks, mix) in enumerate(zip(self.levels, self.mixes, strict=True)):
            if i:
                h = self.ups[i - 1](h)
            if i == len(self.levels) - 1 and extra is not None:
                h = h + extra
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]
                h = block(h, embedding)
            h = mix(h)
        return h
