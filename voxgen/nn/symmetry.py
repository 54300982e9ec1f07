"""The plan symmetries, one a building, by the numbers of `voxgen.pipeline.augment`; differentiable."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

SYMMETRIES = 4
"""0 leaves a building as it stands; bit 0 mirrors x, bit 1 mirrors y, so that 3 is the half turn."""


def turn(x: Float[Tensor, "b c x y z"], symmetry: Int64[Tensor, " b"]) -> Float[Tensor, "b c x y z"]:
    """Give each building under its own symmetry; each is its own inverse."""
    for bit, axis in ((1, 2), (2, 3)):
        mirrored = (symmetry & bit).bool().to(x.device)[:, None, None, None, None]
        x = torch.where(mirrored, x.flip(axis), x)
    return x
