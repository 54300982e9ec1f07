"""The faces of voxels that show: triangles with a normal each.

A staircase of voxels has but six normals, and a pitched roof painted with them reads as a heap of steps. So
the top of each column, and the risers between tops that lie close together, are lit by the normal of the
slope that the steps stand for; all else keeps the normal of its face, and walls, eaves and flat
roofs stay crisp.

The slope comes from the heights of the column tops, read from the coverage to a fraction of a voxel, as the
median of the steps between them on either side; a drop is no step.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from ..geometry.grid import FULL, VoxelGrid

_STEP = 2.6
"""Tops that differ by more, in voxels from column to column, are not of one slope: it is a drop."""

_NONE = -100
"""Index of the top of an empty column: far below all others."""

_PITCHED = 0.12
"""Rise over run (7 degrees) from which a slope is told from a flat roof."""


def grid_faces(
    grid: VoxelGrid,
) -> tuple[Float[np.ndarray, "f 3 3"], Float[np.ndarray, "f 3"]]:
    """Give the triangles of the faces between filled and empty voxels, and the normals to light them by.

    Faces on the grid's floor are left out: nothing sees them. Corners are in metres along the grid's own
    axes: a building stands straight in its picture whatever its yaw in the world.
    """
    boxes = ndimage.find_objects(grid.occupancy.view(np.int8))
    if not boxes or boxes[0] is None:
        return np.zeros((0, 3, 3)), np.zeros((0, 3))
    low = np.array([box.start for box in boxes[0]])
    coverage = np.pad(grid.coverage[boxes[0]], 1)
    solid = np.pad(grid.occupancy[boxes[0]], 1)
    tops = np.where(solid.any(axis=2), solid.shape[2] - 1 - np.argmax(solid[:, :, ::-1], axis=2), _NONE)
    rises = _rises(_heights(coverage, solid, tops))
    corners, normals = [], []
    for axis in range(3):
        for sign in (-1, 1):
            at = np.argwhere(solid & ~np.roll(solid, -sign, axis=axis))
            if axis == 2 and sign == -1:
                at = at[at[:, 2] + low[2] > 1]
            face = np.zeros(3)
            face[axis] = sign
            corners.append(_quads(at - 1 + low, axis, sign))
            normals.append(np.repeat(_normals(at, face, tops, rises), 2, axis=0))
    return np.concatenate(corners) * grid.pitch, np.concatenate(normals)


def _heights(
    coverage: UInt8[np.ndarray, "x y z"], solid: Bool[np.ndarray, "x y z"], tops: Int[np.ndarray, "x y"]
) -> Float[np.ndarray, "x y"]:
    """Height of the highest surface in each column, in voxels; NaN where there is none.

    Where a wall runs through a column, all its voxels are filled in part; the one below the top
    tells how much.
    """
    x, y = np.indices(tops.shape)
    below, at, above = (
        coverage[x, y, np.clip(tops + k, 0, solid.shape[2] - 1)].astype(float) for k in (-1, 0, 1)
    )
    share = np.clip(np.where(below > 0, below, FULL), at, FULL)
    return np.where(tops > _NONE, tops + (at + above) / np.maximum(share, 1.0), np.nan)


def _rises(heights: Float[np.ndarray, "x y"]) -> Float[np.ndarray, "x y 2"]:
    """Rise over run of the roof along x and y; 0 where it is flat."""
    rises = np.zeros((*heights.shape, 2))
    for axis in (0, 1):
        step = np.diff(np.moveaxis(heights, axis, 0), axis=0)
        step[~(np.abs(step) <= _STEP)] = np.nan
        step = np.pad(step, ((3, 3), (0, 0)), constant_values=np.nan)
        n = len(step) - 5
        behind, ahead = (np.stack([step[k : n + k] for k in at]) for at in ((0, 1, 2), (3, 4, 5)))
        # Near a ridge or a kink one side looks across it; the side whose steps are more even speaks, on the
        # ridge itself the steeper.
        uneven = _spread(behind) - _spread(ahead)
        behind, ahead = _median(behind), _median(ahead)
        even = np.where(uneven < 0, behind, ahead)
        steeper = np.where(np.abs(behind) > np.abs(ahead), behind, ahead)
        alike = np.where(behind * ahead < 0, steeper, (behind + ahead) / 2)
        rise = np.where(np.abs(uneven) > 0.1, even, alike)
        rise = np.where(np.isnan(behind), ahead, np.where(np.isnan(ahead), behind, rise))
        rises[..., axis] = np.moveaxis(np.nan_to_num(rise), 0, axis)
    rises[np.linalg.norm(rises, axis=-1) < _PITCHED] = 0.0
    return rises


def _spread(values: Float[np.ndarray, "3 x y"]) -> Float[np.ndarray, "x y"]:
    return np.fmax.reduce(values, axis=0) - np.fmin.reduce(values, axis=0)


def _median(values: Float[np.ndarray, "3 x y"]) -> Float[np.ndarray, "x y"]:
    """Middle of three, the mean of two where one is unknown, NaN where all are."""
    ordered = np.sort(values, axis=0)  # NaN goes last
    two = (ordered[0] + ordered[1]) / 2
    return np.where(~np.isnan(ordered[2]), ordered[1], np.where(np.isnan(two), ordered[0], two))


def _normals(
    at: Int[np.ndarray, "n 3"],
    face: Float[np.ndarray, " 3"],
    tops: Int[np.ndarray, "x y"],
    rises: Float[np.ndarray, "x y 2"],
) -> Float[np.ndarray, "n 3"]:
    """Normals of the faces of voxels `at` that look along `face`."""
    rise = rises[at[:, 0], at[:, 1]]
    top = tops[at[:, 0], at[:, 1]]
    if face[2] == 0:
        beside = tuple((at[:, :2] + face[:2].astype(int)).T)
        # A riser below a ridge may belong to the slope that it rises from.
        rise = np.where((rise @ face[:2] < -_PITCHED)[:, None], rise, rises[beside])
        near = (top - at[:, 2] <= _STEP) & (top - tops[beside] <= _STEP + 1)
        of_roof = near & rise.any(axis=1)
    else:
        of_roof = (at[:, 2] == top) & (face[2] > 0)
    slope = np.column_stack([-rise, np.ones(len(at))])
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    return np.where(of_roof[:, None], slope, face)


def _quads(at: Int[np.ndarray, "n 3"], axis: int, sign: int) -> Float[np.ndarray, "f 3 3"]:
    """Two triangles for the face of each voxel on one side of an axis."""
    u, v = np.zeros(3), np.zeros(3)
    u[(axis + 1) % 3] = v[(axis + 2) % 3] = 1.0
    corner = at.astype(np.float64)
    corner[:, axis] += sign > 0
    first = np.stack([corner, corner + u, corner + u + v], axis=1)
    second = np.stack([corner, corner + u + v, corner + v], axis=1)
    return np.stack([first, second], axis=1).reshape(-1, 3, 3)
