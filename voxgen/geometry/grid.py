"""The voxel grid: a box of voxels with its place in the world.

Notation: `i` an index (continuous, the voxel of index i spans [i, i + 1)), `p` a point in metres,
`p = origin + R(yaw) (pitch i)`. Axes are x, y, z with Z up. A grid holds *coverage* (uint8, the share of
each voxel that is filled, in 64ths) or *occupancy* (bool); occupied means coverage over 32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

from .kernels import to_index
from .mesh import rotation_z

FULL = 64
"""Coverage of a filled voxel; 4 x 4 x 4 samples a voxel give the 65 levels 0..64."""

HALF = 32
"""Occupied means coverage over this."""


@dataclass(frozen=True)
class VoxelGrid:
    """Voxels with their place in the world.

    Attributes:
        values: (nx, ny, nz) bool occupancy, or uint8 coverage in 0..64.
        pitch: edge length of a voxel in metres.
        origin: world position in metres of the grid's lowest corner (index 0, 0, 0).
        yaw: angle in radians from the world's x axis to the grid's, counter-clockwise from above.
    """

    values: Shaped[np.ndarray, "x y z"]
    pitch: float = 1.0
    origin: Float[np.ndarray, 3] = field(default_factory=lambda: np.zeros(3))
    yaw: float = 0.0

    @property
    def resolution(self) -> tuple[int, int, int]:
        """Number of voxels along x, y and z."""
        x, y, z = self.values.shape
        return x, y, z

    @property
    def occupancy(self) -> Bool[np.ndarray, "x y z"]:
        """True where a voxel is more than half filled."""
        return self.values if self.values.dtype == np.bool_ else self.values > HALF

    @property
    def coverage(self) -> UInt8[np.ndarray, "x y z"]:
        """Share of each voxel that is filled, in 64ths."""
        return self.values.astype(np.uint8) * FULL if self.values.dtype == np.bool_ else self.values

    @property
    def volume(self) -> float:
        """Filled volume in cubic metres."""
        return float(self.coverage.sum(dtype=np.int64)) / FULL * self.pitch**3

    def to_world(self, indices: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """World positions in metres of continuous indices."""
        return self.origin + (np.asarray(indices, np.float64) * self.pitch) @ rotation_z(self.yaw).T

    def to_index(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Continuous indices of world positions in metres; the inverse of `to_world`."""
        return to_index(np.asarray(points, np.float64), self.origin, self.yaw, self.pitch)


def pack(occupancy: Bool[np.ndarray, "*batch x y z"]) -> UInt8[np.ndarray, "*batch bytes"]:
    """Pack occupancy to bits, eight voxels a byte along z (C order, least significant bit first)."""
    flat = occupancy.reshape(*occupancy.shape[:-3], math.prod(occupancy.shape[-3:]))
    return np.packbits(flat, axis=-1, bitorder="little")


def unpack(
    bits: UInt8[np.ndarray, "*batch bytes"], resolution: tuple[int, int, int]
) -> Bool[np.ndarray, "*batch x y z"]:
    """Give back what `pack` packed."""
    count = int(np.prod(resolution))
    flat = np.unpackbits(bits, axis=-1, count=count, bitorder="little")
    return flat.reshape(*bits.shape[:-1], *resolution).view(np.bool_)


def coarsened(occupancy: Bool[np.ndarray, "*batch x y z"], by: int) -> Bool[np.ndarray, "*batch i j k"]:
    """Give grids in voxels so many times as large: filled where more than half is. `by` divides all axes."""
    *batch, x, y, z = occupancy.shape
    parts = occupancy.reshape(*batch, x // by, by, y // by, by, z // by, by)
    return 2 * parts.sum(axis=(-5, -3, -1)) > by**3


def filled_box(occupancy: Bool[np.ndarray, "x y z"], margin: int = 0) -> tuple[slice, slice, slice]:
    """Give the part of a grid that holds all filled voxels and a margin around, as far as there is one."""
    spans = []
    for axis, count in enumerate(occupancy.shape):
        others = tuple(a for a in range(3) if a != axis)
        at = np.flatnonzero(occupancy.any(axis=others))
        first, last = (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)
        spans.append(slice(max(first - margin, 0), min(last + margin, count)))
    return spans[0], spans[1], spans[2]
