"""Ten numbers of a building's mass, in voxels: what the Fréchet distance of two sets is taken over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

DESCRIPTORS = (
    "volume",
    "footprint",
    "height",
    "length",
    "width",
    "surface",
    "middle",
    "top",
    "rectangularity",
    "fill",
)
"""Cube root of the voxel count; square root of the footprint's; height; longer and shorter extent of the
plan; square root of the count of exposed faces; area at half height, and of the top layer, over the ground
layer's; footprint over its bounding rectangle; volume over footprint times height."""


def descriptors(occupancy: Bool[np.ndarray, "n x y z"]) -> Float[np.ndarray, "n 10"]:
    """Describe each building; where it stands in its grid does not matter. An empty one is all zeros."""
    return np.stack([_describe(grid) for grid in occupancy]) if len(occupancy) else np.zeros((0, 10))


def exposed_faces(occupancy: Bool[np.ndarray, "x y z"]) -> int:
    """Count the faces between a filled voxel and air, the floor's among them."""
    padded = np.pad(occupancy, 1).view(np.int8)
    return sum(int(np.count_nonzero(np.diff(padded, axis=axis))) for axis in range(3))


def _describe(grid: Bool[np.ndarray, "x y z"]) -> Float[np.ndarray, " 10"]:
    layers = np.count_nonzero(grid, axis=(0, 1))
    filled = np.flatnonzero(layers)
    if not len(filled):
        return np.zeros(10)
    low, high = int(filled[0]), int(filled[-1]) + 1
    plan = grid.any(axis=2)
    extents = [int(np.ptp(np.flatnonzero(side.any(axis=0)))) + 1 for side in (plan, plan.T)]
    volume, footprint, height = int(layers.sum()), int(np.count_nonzero(plan)), high - low
    ground = layers[low]
    return np.array(
        [
            volume ** (1 / 3),
            footprint**0.5,
            height,
            max(extents),
            min(extents),
            exposed_faces(grid) ** 0.5,
            layers[low + height // 2] / ground,
            layers[high - 1] / ground,
            footprint / (extents[0] * extents[1]),
            volume / (footprint * height),
        ]
    )
