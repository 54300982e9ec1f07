"""Which known buildings fit a mask: what a prior that is fitted to known buildings hears of masks.

A density of latents knows nothing of where a building lies. So of the building of each window its plan and
its volume are kept in coarse cells, and windows are weighed by how well these go with what is given:

    log w_i = -sharpness * d(i, mask)

d is, for a footprint, 1 - IoU of the plans, and for an envelope the share of the building that lies outside.
The decoder hears the mask itself, and does the rest.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition

_SIDE, _LAYERS = 16, 4
"""Cells along x and y, and along z, of what is kept."""

_SHARPNESS = 40.0
"""A building that fits worse by a twentieth is drawn e^2 times more seldom."""

_FULL = 255


class Outlines(nn.Module):
    """Plans and volumes of known buildings, in coarse cells.

    Args:
        masks: names of the masks that a condition may give.
        capacity: most buildings.
    """

    def __init__(self, masks: tuple[str, ...], capacity: int) -> None:
        super().__init__()
        self.masks = masks
        self.kept: Tensor
        self.register_buffer("kept", torch.zeros(capacity, 1 + _LAYERS, _SIDE, _SIDE, dtype=torch.uint8))

    def of(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b c sx sy"]:
        """Give plan and volume of coverage in cells."""
        plan = F.adaptive_avg_pool2d(x.amax(dim=4), _SIDE)
        volume = F.adaptive_avg_pool3d(x, (_SIDE, _SIDE, _LAYERS))[:, 0].movedim(3, 1)
        return torch.cat([plan, volume], dim=1)

    def keep(self, outlines: Float[Tensor, "n c sx sy"], rows: Int64[Tensor, " m"]) -> None:
        """Keep some of them, in the order of the windows."""
        self.kept.zero_()[: len(rows)] = (outlines[rows] * _FULL).round().to(torch.uint8)

    def odds(self, condition: Condition, count: int) -> Float[Tensor, "b n"] | None:
        """Logarithms of the weights of the first windows for each entry; None where no mask is given."""
        if not bool(condition.given.any()):
            return None
        known = self.kept[:count].float() / _FULL
        plan, volume = known[:, 0].flatten(1), known[:, 1:].flatten(1)
        odds = []
        for masks, given in zip(condition.masks.to(known), condition.given, strict=True):
            total = known.new_zeros(count)
            for at, name in enumerate(self.masks):
                if given[at]:
                    asked = self.of(masks[at][None, None])[0]
                    total = total - _SHARPNESS * _apart(name, plan, volume, asked)
            odds.append(total)
        return torch.stack(odds)


def _apart(
    name: str, plan: Float[Tensor, "n p"], volume: Float[Tensor, "n v"], asked: Float[Tensor, "c sx sy"]
) -> Float[Tensor, " n"]:
    if name == "footprint":
        wanted = asked[0].flatten()
        shared, both = torch.minimum(plan, wanted).sum(dim=1), torch.maximum(plan, wanted).sum(dim=1)
        return 1 - shared / both.clamp_min(1e-6)
    inside = asked[1:].flatten()
    return (volume * (1 - inside)).sum(dim=1) / volume.sum(dim=1).clamp_min(1e-6)
