"""The critic: a residual network over patches with a verdict for the whole and one for every cell.

Weights are spectrally normalised (Miyato et al. 2018), so no gradient penalty, and with it no second backward
pass, is needed. The standard deviation over the minibatch is one more channel (Karras et al. 2018): a
generator that repeats itself is found out. Verdicts by cell (Isola et al. 2017) judge walls and edges, which
one verdict a building would average away.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from .patches import Position, space_to_depth
from .volume import cells_per_level


def minibatch_deviation(h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c2 x y z"]:
    """Append the standard deviation over the batch, averaged over channels and cells."""
    spread = (h.float().var(dim=0, unbiased=False) + 1e-8).sqrt().mean().to(h.dtype)
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = spectral_norm(nn.Conv3d(width, width, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv3d(width, width, 3, padding=1))

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c x y z"]:
        r = self.conv1(F.leaky_relu(h, 0.2))
        return h + self.conv2(F.leaky_relu(r, 0.2))


class Critic(nn.Module):
    """How real each sample looks: (b, 1 + cells) verdicts, the first for the whole.

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
        self.patch = patch
        self.position = Position(cells[0])
        self.stem = spectral_norm(nn.Conv3d(patch**3 + Position.channels, widths[0], 1))
        self.levels = nn.ModuleList(nn.ModuleList(_Block(w) for _ in range(depth)) for w in widths)
        self.downs = nn.ModuleList(spectral_norm(nn.Conv3d(a, b, 2, stride=2)) for a, b in pairwise(widths))
        self.local = spectral_norm(nn.Conv3d(widths[0], 1, 1))
        self.last = spectral_norm(nn.Conv3d(widths[-1] + 1, widths[-1], 3, padding=1))
        self.whole = spectral_norm(nn.Linear(widths[-1], 1))

    def forward(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b verdicts"]:
        """Give the verdicts; higher is more real."""
        return self.judge(x)[0]

    def judge(
        self, x: Float[Tensor, "b 1 x y z"]
    ) -> tuple[Float[Tensor, "b verdicts"], Float[Tensor, "b features"]]:
        """Give the verdicts and the features they rest on (for feature matching)."""
        h = self.stem(self.position(space_to_depth(x * 2 - 1, self.patch)))
        local = None
        for i, blocks in enumerate(self.levels):
            if i:
                h = self.downs[i - 1](F.leaky_relu(h, 0.2))
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]
                h = block(h)
            if i == 0:
                local = self.local(F.leaky_relu(h, 0.2)).flatten(1)
        h = F.leaky_relu(self.last(minibatch_deviation(F.leaky_relu(h, 0.2))), 0.2)
        features = h.mean(dim=(2, 3, 4))
        assert local is not None  # noqa: S101 (there is at least one level)
        return torch.cat([self.whole(features), local], dim=1).float(), features.float()
