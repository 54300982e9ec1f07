"""Features to a building mass: what lies within its plan, under its roof, and is no void.

Most of a building is told by its plan and its roof. A head that gives one number a voxel has to say the same
wall again in every layer, and says it a little differently each time; here the plan is a signed distance a
column and the roof a height a column, so walls are upright by construction and a slope is a linear function:

    coverage = share(distance to the wall) * share(height of the roof - z) * (1 - void)

Plan and roof are levelled first (`level.py`). The product is the overlap of three independent shares of a
voxel. Passages, arcades, and the air below cantilevers and balconies are voids, one number a voxel, of which
an LoD2 building has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import group_norm
from .level import level
from .patches import depth_to_space

SLOPE = 4.0
"""Slope of a logit a voxel: a sigmoid that follows the share of a voxel on one side of a wall."""

_SOLID = 6.0
"""Logit at which a voxel starts as no void."""

_PLAN = {"reach": 0.75, "flat": 0.2}
_ROOF = {"reach": 1.3, "flat": 0.2}
"""How plan and roof are levelled, see `level`: chosen on validation buildings for few flat pieces of samples,
at a thousandth of the overlap of reconstructions (docs/benchmarks.md). A step lower than the reach is drawn
level unless the network tells it larger than it is."""

SUREST = 1e-4
"""Coverage is never surer than this, so that logits stay finite."""


@dataclass(frozen=True)
class Mass:
    """A building as its parts.

    Attributes:
        plan: signed distance of each column's middle to the nearest wall in voxels, positive inside.
        roof: height of the roof over each column in voxels from the ground.
        solid: logit of each voxel's being no void.
    """

    plan: Float[Tensor, "b 1 x y"]
    roof: Float[Tensor, "b 1 x y"]
    solid: Float[Tensor, "b 1 x y z"]

    def logits(self) -> Float[Tensor, "b 1 x y z"]:
        """Logits of coverage."""
        middle = torch.arange(self.solid.shape[-1], device=self.solid.device) + 0.5
        empty = (
            F.softplus(-SLOPE * self.plan)[..., None]
            + F.softplus(SLOPE * (middle - self.roof[..., None]))
            + F.softplus(-self.solid)
        ).clamp_min(SUREST)
        return -empty - torch.log(-torch.expm1(-empty))

    def grounded(self) -> Mass:
        """The building on level ground: what stands in the second layer stands in the lowest, too.

        Surveyed buildings on a slope lack part of the lowest layer, where terrain fills it. Made ones have no
        terrain, and would hover. Passages and arcades are higher than one voxel, and stay.
        """
        lowest = self.solid[..., :2].amax(dim=-1, keepdim=True)
        return replace(self, solid=torch.cat([lowest, self.solid[..., 1:]], dim=-1))


class MassHead(nn.Module):
    """Features on the patch grid to a `Mass`.

    Args:
        cells: of the patch grid along x, y and z.
        patch: edge of the patches.
        features: channels that come in.
        width: channels of the plan on the patch grid.
        fine: channels of the plan at full resolution.
        rounds: how often plan and roof are levelled, see `level`.
    """

    def __init__(
        self,
        cells: tuple[int, int, int],
        patch: int,
        features: int,
        width: int = 64,
        fine: int = 16,
        rounds: int = 2,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.rounds = rounds
        self.reach = max(cells) * patch / 8
        """Voxels that a unit of the head's output stands for."""
        self.norm = group_norm(features)
        self.stack = nn.Conv3d(features, width, (1, 1, cells[2]))
        self.plan = nn.Sequential(
            PlanBlock(width), PlanBlock(width), nn.Conv2d(width, fine * patch**2, 1), nn.PixelShuffle(patch)
        )
        self.refine = PlanBlock(fine)
        self.out = nn.Sequential(group_norm(fine), nn.SiLU(), nn.Conv2d(fine, 2, 3, padding=1))
        self.solid = nn.Conv3d(features, patch**3, 1)
        nn.init.zeros_(self.solid.weight)
        nn.init.constant_(self.solid.bias, _SOLID)  # pyright: ignore[reportArgumentType]

    def forward(self, h: Float[Tensor, "b c xp yp zp"]) -> Mass:
        """Give the mass."""
        h = F.silu(self.norm(h))
        plan = self.out(self.refine(self.plan(self.stack(h).squeeze(-1)))).float() * self.reach
        solid = depth_to_space(self.solid(h), self.patch).float()
        walls = level(plan[:, :1], **_PLAN, rounds=self.rounds)
        roof = level(plan[:, 1:] + 2 * self.reach, **_ROOF, rounds=self.rounds)
        return Mass(walls, roof, solid)


class PlanBlock(nn.Module):
    """Residual block over the plan; then each cell sees the means along the two lines through it.

    See `AxisMix`: a wall is one line over many cells.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            group_norm(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            group_norm(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.norm = group_norm(width)
        self.along = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(2))
        # As the identity at first: see ResBlock.
        for last in (self.convs[-1], *self.along):
            nn.init.zeros_(last.weight)  # pyright: ignore[reportArgumentType]
            nn.init.zeros_(last.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, h: Float[Tensor, "b c x y"]) -> Float[Tensor, "b c x y"]:
        """Give `h` plus what the block adds."""
        h = h + self.convs(h)
        r = F.silu(self.norm(h))
        for axis, conv in zip((2, 3), self.along, strict=True):
            h = h + conv(r.mean(dim=axis, keepdim=True))
        return h
