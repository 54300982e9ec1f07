"""Voids (arcades, passages, the air below a cantilever) cut out of a solid as blocks.

A void that is open to the outside reaches two voxels further there, and below the ground where it lies on
it, so that no skin is left. The cut is a boolean of manifold3d, which keeps closed what is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from .blocks import block_polygons
from .columns import Columns
from .grid import VoxelGrid
from .mesh import Mesh
from .polyhedron import Polyhedron, of_triangles

if TYPE_CHECKING:
    from manifold3d import Manifold

_OUT = 2
"""Voxels that a void reaches out of the building, and below the ground."""

_CRUMB = 0.5
"""Pieces of less, in voxels, are what was left of a wall of less than a voxel, and no building."""


def carved(solid: Polyhedron, read: Columns) -> Polyhedron:
    """Give a solid, in voxels over the base, without the voids of its columns."""
    hollow = np.pad(read.voids[:, :, read.base :] > 0, _OUT)
    hollow[:, :, :_OUT] |= hollow[:, :, _OUT : _OUT + 1]
    outside = np.pad(~read.inside, _OUT, constant_values=True)[:, :, None]
    void = block_polygons(VoxelGrid(_reaching_out(hollow, outside)))
    void = void.moved(void.vertices - float(_OUT))
    left = _manifold(solid) - _manifold(void)
    kept = [piece for piece in left.decompose() if piece.volume() > _CRUMB]
    if not kept:
        return solid
    parts = [piece.to_mesh64() for piece in kept]
    points = [np.asarray(part.vert_properties)[:, :3] for part in parts]
    offsets = np.cumsum([0] + [len(one) for one in points])
    faces = [np.asarray(part.tri_verts).astype(np.int64) + n for part, n in zip(parts, offsets, strict=False)]
    cut = of_triangles(Mesh.of(np.concatenate(points), np.concatenate(faces)))
    return cut.with_notes(*solid.notes, f"{read.n_voids} voids below the roof are cut out as blocks")


def _reaching_out(
    hollow: Bool[np.ndarray, "x y z"], outside: Bool[np.ndarray, "x y 1"]
) -> Bool[np.ndarray, "x y z"]:
    """Let voids reach straight out of the building, and around its corners."""
    ways = [(0, 1), (0, -1), (1, 1), (1, -1)]
    straight = []
    for axis, step in ways:
        reach, front = np.zeros_like(hollow), hollow
        for _ in range(_OUT):
            front = _shifted(front, axis, step) & outside
            reach |= front
        straight.append(reach)
    result = hollow.copy()
    for n, reach in enumerate(straight):
        result |= reach
        if n > 1:
            continue
        for m in (2, 3):
            one, two = reach, straight[m]
            for _ in range(_OUT):
                one, two = one | _shifted(one, *ways[m]), two | _shifted(two, *ways[n])
            result |= one & two & outside
    return result


def _shifted(values: Bool[np.ndarray, "x y z"], axis: int, step: int) -> Bool[np.ndarray, "x y z"]:
    moved = np.zeros_like(values)
    ahead, behind = slice(1, None), slice(None, -1)
    to, origin = (ahead, behind) if step > 0 else (behind, ahead)
    if axis == 0:
        moved[to] = values[origin]
    else:
        moved[:, to] = values[:, origin]
    return moved


def _manifold(solid: Polyhedron) -> Manifold:
    from manifold3d import Manifold, Mesh64

    mesh = solid.to_mesh()
    return Manifold(Mesh64(np.ascontiguousarray(mesh.vertices), mesh.faces.astype(np.uint64)))
