"""The critic: a small residual network that judges a building by its volume, faces, edges and corners.

Like a projected GAN's (Sauer et al. 2021) it does not learn to see, it is given eyes: not the voxels but
what `minkowski` counts in each patch. On voxels a critic is near chance when this one tells five pairs of
six right (docs/benchmarks.md). It also sees how much the buildings of a minibatch differ, so that a
generator that repeats itself is found out: by their standard deviation, one more channel of the coarsest
level (Karras et al. 2018), or by how near each is to the others in learned features (minibatch
discrimination, Salimans et al. 2016). There is no normalisation: what keeps the critic smooth is a penalty
on its gradient, which belongs to the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Conv3
from .minkowski import CHANNELS, minkowski
from .patches import Position
from .volume import cells_per_level

Minibatch = Literal["deviation", "discrimination", "alone"]
"""What the critic sees of the other buildings of a minibatch."""


@dataclass(frozen=True)
class Judgement:
    """What a critic finds; higher is more real.

    Attributes:
        verdict: one number a building.
        features: what it rests on (for feature matching).
    """

    verdict: Float[Tensor, " b"]
    features: Float[Tensor, "b _"]


def minibatch_deviation(h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c2 x y z"]:
    """Append the standard deviation over the batch, averaged over channels and cells."""
    spread = (h.float().var(dim=0, unbiased=False) + 1e-8).sqrt().mean().to(h.dtype)
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


class MinibatchDiscrimination(nn.Module):
    """Appends how near each sample is to the others of the batch, in learned features (Salimans et al. 2016).

    o_k(x_i) is the mean over j /= i of exp(-|M_ik - M_jk|_1), M = f(x) T; the mean in place of their sum, so
    that its size does not depend on the batch's. The others are those of the same process.

    Args:
        features: numbers a sample.
        kernels: how many o.
        size: numbers in each M_ik.
    """

    def __init__(self, features: int, kernels: int = 16, size: int = 8) -> None:
        super().__init__()
        self.kernels, self.size = kernels, size
        self.project = nn.Linear(features, kernels * size, bias=False)

    def forward(self, f: Float[Tensor, "b c"]) -> Float[Tensor, "b c2"]:
        """Give the features with `kernels` more."""
        m = self.project(f).float().reshape(len(f), self.kernels, self.size)
        near = torch.exp(-(m[:, None] - m[None]).abs().sum(dim=-1))
        others = (near.sum(dim=1) - 1) / max(1, len(f) - 1)
        return torch.cat([f, others.to(f.dtype)], dim=1)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = Conv3(width, width)

    def forward(self, h: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b c x y z"]:
        return F.leaky_relu(h + self.conv(h), 0.2)


class Critic(nn.Module):
    """How real each sample looks.

    Args:
        resolution: voxels along x, y and z.
        patch: edge of the patches.
        widths: channels of each level, fine to coarse.
        depth: residual convolutions of the finest level; the others have one.
        minibatch: what it sees of the other buildings of a minibatch.
    """

    def __init__(
        self,
        resolution: tuple[int, int, int],
        patch: int,
        widths: Sequence[int],
        depth: int,
        minibatch: Minibatch = "deviation",
    ) -> None:
        super().__init__()
        cells = cells_per_level(resolution, patch, len(widths))
        self.patch = patch
        self.position = Position(cells[0])
        self.stem = nn.Conv3d(CHANNELS + Position.channels, widths[0], 1)
        self.levels = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(1 if i else depth)))
            for i, width in enumerate(widths)
        )
        self.downs = nn.ModuleList(nn.Conv3d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.deviation = minibatch == "deviation"
        self.last = nn.Conv3d(widths[-1] + self.deviation, widths[-1], 1)
        self.others = MinibatchDiscrimination(widths[-1]) if minibatch == "discrimination" else None
        self.whole = nn.Linear(widths[-1] + (self.others.kernels if self.others else 0), 1)

    def forward(self, x: Float[Tensor, "b 1 x y z"]) -> Judgement:
        """Judge coverage in [0, 1]."""
        h = F.leaky_relu(self.stem(self.position(minkowski(x, self.patch))), 0.2)
        for i, level in enumerate(self.levels):
            if i:
                h = F.leaky_relu(self.downs[i - 1](h), 0.2)
            h = level(h)
        h = F.leaky_relu(self.last(minibatch_deviation(h) if self.deviation else h), 0.2)
        features = h.mean(dim=(2, 3, 4))
        seen = features if self.others is None else self.others(features)
        return Judgement(self.whole(seen).flatten().float(), features.float())
