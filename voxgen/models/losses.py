"""What separates a building that was made from the one that was wanted.

Coverage is compared as a soft-target cross-entropy; a soft Dice term keeps thin parts from being averaged
away. That hardly tells a coverage of .48 from one of .52, but occupied means over half: along a wall that
covers half a voxel, small errors become a ragged wall. A second, steeper cross-entropy on which side of a
half each voxel lies makes a model decide. Through the voxels alone, a roof that is a few voxels off feels no
slope, so its height is compared on its own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

STEEPNESS = 4.0
"""How much steeper the decision between air and building is than coverage."""


def soft_bce(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy of coverage in nats a voxel, less its own entropy: a perfect answer costs nothing."""
    entropy = -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).mean()
    return F.binary_cross_entropy_with_logits(logits, x) - entropy


def decision_bce(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy in nats a voxel of being occupied, coverage over a half, under steeper logits."""
    return F.binary_cross_entropy_with_logits(STEEPNESS * logits, (x > 0.5).to(logits.dtype))


def soft_dice(made: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """One minus the Dice overlap of coverages, the mean over the batch (Milletari et al. 2016)."""
    p, q = made.flatten(1), x.flatten(1)
    return (1 - 2 * (p * q).sum(1) / (p.square().sum(1) + q.square().sum(1) + 1e-6)).mean()


class Roof(NamedTuple):
    """The roof that a building has.

    Attributes:
        height: over each column in voxels.
        weight: how much each column counts: its largest share.
    """

    height: Float[Tensor, "b 1 x y"]
    weight: Float[Tensor, "b 1 x y"]


def roof_of(x: Float[Tensor, "b 1 x y z"]) -> Roof:
    """Give the roof of coverage.

    The height is what the coverage adds up to over the share, when voids are filled with what lies above.
    """
    filled, reach = x, 1
    while reach < x.shape[-1]:  # twice as far each time, much faster than a running maximum
        filled = torch.cat(
            [torch.maximum(filled[..., :-reach], filled[..., reach:]), filled[..., -reach:]], dim=-1
        )
        reach *= 2
    share = filled[..., 0]
    return Roof(filled.sum(dim=-1) / share.clamp_min(0.05), share * (share > 0.2))


def roof_difference(roof: Float[Tensor, "b 1 x y"], wanted: Roof) -> Float[Tensor, ""]:
    """Absolute error of the roof over each building in voxels, the mean of the batch."""
    return _weighed((roof - wanted.height).abs(), wanted.weight)


def slope_difference(roof: Float[Tensor, "b 1 x y"], wanted: Roof) -> Float[Tensor, ""]:
    """Absolute error of the roof's steps between neighbouring columns, voxels a voxel; the mean of the batch.

    A roof is flat pieces. One that is off as a whole is wrong in each column once; one that is off by another
    amount in each column is ragged, and pays here too.
    """
    terms = []
    for axis in (2, 3):
        n = roof.shape[axis] - 1
        both = torch.minimum(wanted.weight.narrow(axis, 1, n), wanted.weight.narrow(axis, 0, n))
        terms.append(_weighed((roof.diff(dim=axis) - wanted.height.diff(dim=axis)).abs(), both))
    return torch.stack(terms).mean()


def _weighed(error: Float[Tensor, "b 1 x y"], weight: Float[Tensor, "b 1 x y"]) -> Float[Tensor, ""]:
    """Mean over each building's own columns, then over the batch, so that processes may share it."""
    area = weight.flatten(1).sum(dim=1).clamp_min(1.0)
    return ((error * weight).flatten(1).sum(dim=1) / area).mean()


def edge_difference(made: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Absolute difference of coverages' steps between neighbouring voxels (Mathieu et al. 2016).

    Cross-entropy judges voxels one by one and hardly minds a ragged wall; along a straight one every step is
    zero, so here each spurious step costs.
    """
    off = made - x
    gaps = [off.diff(dim=axis).abs().mean() for axis in (2, 3, 4)]
    return torch.stack(gaps).mean()


def iou(made: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, " b"]:
    """IoU of each pair at occupancy over a half: no loss, since nothing of it slopes."""
    a, b = (some.flatten(1) > 0.5 for some in (made, x))
    return (a & b).sum(dim=1) / (a | b).sum(dim=1).clamp_min(1)
