"""Coverage to columns: how much of each is filled, its share in plan, and what is hollow below its top.

Most buildings are height fields: each column is filled without a break from the base to the roof. Then the
sum of a column's coverage is its volume, the largest coverage in it the share of the plan that is built over,
and the quotient the mean height of the roof over that share: all finer than a voxel.

Empty voxels below the top of a column (arcades, passages, cantilevers, rooms) are *voids*: the height field
is made as if they were filled, and what they hold is cut out of the solid afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from .components import connected
from .grid import FULL, VoxelGrid

SMALLEST_VOID = 4
"""Voids of less air than this, in voxels, are noise and are filled."""


@dataclass(frozen=True)
class Columns:
    """The columns of a grid, in voxels, heights above the base.

    Attributes:
        base: index of the lowest layer with an occupied voxel.
        volume: (nx, ny) filled part of each column, voids counted as filled.
        share: (nx, ny) share of the plan that is built over, in [0, 1].
        voids: (nx, ny, nz) number of the void that a voxel belongs to, 0 for none.
        n_voids: how many there are.
        hollow: share of what lies below the columns' tops that is void.
    """

    base: int
    volume: Float[np.ndarray, "x y"]
    share: Float[np.ndarray, "x y"]
    voids: Int[np.ndarray, "x y z"]
    n_voids: int
    hollow: float

    @property
    def inside(self) -> Bool[np.ndarray, "x y"]:
        """Columns of which over half is built over."""
        return self.share > 0.5

    @property
    def height(self) -> Float[np.ndarray, "x y"]:
        """Mean height of the roof over the built share of a column; 0 where nothing is."""
        return np.where(self.share > 0.05, self.volume / np.maximum(self.share, 0.05), 0.0)


def columns(grid: VoxelGrid) -> Columns:
    """Read the columns of a grid that has an occupied voxel."""
    occupied = grid.occupancy
    base = int(np.argmax(occupied.any(axis=(0, 1))))
    covered = grid.coverage.astype(np.float64) / FULL
    # Seen from above: what lies below a filled share is filled, too.
    solid = np.maximum.accumulate(covered[:, :, ::-1], axis=2)[:, :, ::-1]
    share = solid[:, :, base]
    missing = solid - covered
    missing[:, :, :base] = 0.0
    hollow = (missing > 0.5 * solid) & (share > 0.5)[:, :, None]
    voids = np.zeros(hollow.shape, np.int64)
    n_voids = 0
    if hollow.any():
        labels, found = connected(hollow)
        sizes = np.bincount(labels.ravel(), weights=missing.ravel(), minlength=found + 1)
        number = np.zeros(found + 1, np.int64)
        large = np.flatnonzero(sizes[1:] >= SMALLEST_VOID) + 1
        n_voids = len(large)
        number[large] = np.arange(n_voids) + 1
        voids = number[labels]
    volume = solid[:, :, base:].sum(axis=2)
    return Columns(base, volume, share, voids, n_voids, float(np.count_nonzero(voids) / volume.sum()))
