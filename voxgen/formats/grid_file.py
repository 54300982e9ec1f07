"""A voxel grid as a file: NumPy's .npz with coverage and its place, nothing pickled.

coverage  (nx, ny, nz) uint8, 0..64
pitch     metres a voxel
origin    (3,) metres, the lowest corner
yaw       radians
name      what the building is called
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..atomic import replacing
from ..errors import DataError
from ..geometry.grid import FULL, VoxelGrid
from .arrays import read_arrays

SUFFIX = ".npz"

MOST_VOXELS = 1 << 30
"""Largest grid that is read."""

_FIELDS = ("coverage", "pitch", "origin", "yaw", "name")


def write_grid(path: Path, grid: VoxelGrid, name: str) -> None:
    """Write a grid, whole or not at all."""
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            coverage=grid.coverage,
            pitch=np.float64(grid.pitch),
            origin=grid.origin,
            yaw=np.float64(grid.yaw),
            name=np.str_(name),
        )


def read_grid(path: Path) -> tuple[str, VoxelGrid]:
    """Give the name and the grid of a file.

    Raises:
        DataError: when it is missing, damaged, too large, or no grid of voxgen's.
    """
    try:
        values = read_arrays(path, _FIELDS, MOST_VOXELS, "voxel grid")
    except FileNotFoundError:
        raise DataError(f"no grid at {path}; make one with voxgen voxelize or voxgen sample") from None
    coverage, pitch, origin, yaw = (values[key] for key in _FIELDS[:4])
    sound = (
        coverage.dtype == np.uint8
        and coverage.ndim == 3
        and coverage.size > 0
        and int(coverage.max()) <= FULL
        and origin.shape == (3,)
        and pitch.shape == yaw.shape == ()
        and all(v.dtype.kind == "f" and np.isfinite(v).all() for v in (pitch, origin, yaw))
        and pitch > 0
    )
    if not sound:
        raise DataError(
            f"{path} holds {coverage.dtype} {coverage.shape} with a pitch of {pitch}; "
            f"a grid is uint8 of three axes, 0 to {FULL}, with finite pitch, origin and yaw"
        )
    return str(values["name"]), VoxelGrid(coverage, float(pitch), origin.astype(np.float64), float(yaw))
