"""Between polyhedra and the solids of manifold3d, whose booleans keep closed what is closed.

Tools that cut are made from vertices of the mass itself, so that their faces coincide with its faces to the
last bit where they should; where a tool is made anew it reaches past the faces that it must not leave a skin
of. Every solid has triangles of float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError
from ..geometry.mesh import Mesh
from ..geometry.polyhedron import coplanar
from .folds import is_folded
from .plans import extrusion

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely.geometry.base import BaseGeometry

CRUMB = 1e-4
"""Pieces of less, in m3 (a tenth of a litre), are what rounding leaves and no element."""


def solid_of(mesh: Mesh) -> Manifold:
    """Give the solid that a mesh bounds.

    Raises:
        DataError: where the mesh is not closed and 2-manifold.
    """
    made = closed(mesh)
    if made is None:
        raise DataError(
            "the mass is no closed solid, which elements need; give a surface that is (`planar`, `blocks`), "
            "or repair the mesh"
        )
    return made


def closed(mesh: Mesh) -> Manifold | None:
    """Give the solid that a mesh bounds; None where it is not closed, 2-manifold and turned outwards."""
    from manifold3d import Error

    made = bounded(mesh.vertices, mesh.faces)
    return made if made.status() == Error.NoError and made.volume() > 0 else None


def triangles_of(solid: Manifold) -> Mesh:
    """Give the triangles of a solid."""
    mesh = solid.to_mesh64()
    return Mesh.of(np.asarray(mesh.vert_properties)[:, :3], np.asarray(mesh.tri_verts).astype(np.int64))


def pieces(solid: Manifold) -> list[Manifold]:
    """Give the pieces of a solid that hang together, without crumbs, in a fixed order."""
    parts = solid.decompose()
    kept = [piece for piece in parts if piece.volume() > CRUMB]
    if any(part.volume() < 0 for part in parts):
        # Cavities come as parts of their own, turned inside out.
        kept = [_hollow(piece, solid, kept) for piece in kept]
    return sorted(kept, key=lambda piece: tuple(round(v, 3) for v in _middle(piece)))


def _hollow(piece: Manifold, solid: Manifold, others: Sequence[Manifold]) -> Manifold:
    """A piece with its cavities, but not what lies in these."""
    return without(piece ^ solid, [other for other in others if other.volume() < piece.volume()])


def union(solids: Sequence[Manifold]) -> Manifold:
    """Give what lies in any of some solids."""
    from manifold3d import Manifold, OpType

    return Manifold.batch_boolean(list(solids), OpType.Add) if solids else Manifold()


def swept(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], offset: Float[np.ndarray, " 3"]
) -> Manifold:
    """Give what a sheet of triangles passes over when it moves by an offset, away from its outside."""
    from manifold3d import Error

    used, local = np.unique(faces, return_inverse=True)
    local = local.reshape(-1, 3)
    n = len(used)
    points = np.concatenate([vertices[used], vertices[used] + offset])
    ends = np.concatenate([local[:, [0, 1]], local[:, [1, 2]], local[:, [2, 0]]])
    there = {(a, b) for a, b in ends.tolist()}
    rim = np.array([(a, b) for a, b in ends.tolist() if (b, a) not in there], np.int64).reshape(-1, 2)
    a, b = rim[:, 0], rim[:, 1]
    sides = np.concatenate([np.stack([b, a, a + n], axis=1), np.stack([b, a + n, b + n], axis=1)])
    shell = np.concatenate([local, local[:, ::-1] + n, sides])
    made = bounded(points, shell)
    # Where sides lie on each other some are left out, and it would still be called a solid.
    whole = made.status() == Error.NoError and made.num_tri() == len(shell)
    if (whole and not is_folded(triangles_of(made))) or len(faces) == 1:
        return made
    # A sheet that touches itself, or is stepped along a line that it ends at: its planes one by one, and
    # where one of these does so its triangles.
    planes = coplanar(Mesh.of(vertices, faces.astype(np.int64)))
    if len(np.unique(planes)) == 1:
        planes = np.arange(len(faces))
    return union([swept(vertices, faces[planes == plane], offset) for plane in np.unique(planes)])


def hull(points: Float[np.ndarray, "n 3"]) -> Manifold:
    """Give the convex hull of points."""
    from manifold3d import Manifold

    return Manifold.hull_points(np.ascontiguousarray(points))


def prism(plan: BaseGeometry, base: float, height: float) -> Manifold:
    """Give the solid over a plan of polygons, from a level up."""
    import shapely

    parts = [extrusion(part, base, height).polyhedron().to_mesh() for part in shapely.get_parts(plan)]
    return union([bounded(part.vertices, part.faces) for part in parts])


def between(solid: Manifold, low: float, high: float) -> Manifold:
    """Give what of a solid lies between two levels."""
    return solid.trim_by_plane((0.0, 0.0, 1.0), low).trim_by_plane((0.0, 0.0, -1.0), -high)


def shares(one: Manifold, other: Manifold) -> bool:
    """Tell whether two solids have more than a crumb in common."""
    a, b = one.bounding_box(), other.bounding_box()
    apart = any(a[k] >= b[k + 3] or b[k] >= a[k + 3] for k in range(3))
    return not apart and (one ^ other).volume() > CRUMB


def without(solid: Manifold, others: Iterable[Manifold]) -> Manifold:
    """Give a solid without what it shares with others; those that only touch it leave no trace on it."""
    for other in others:
        if shares(solid, other):
            solid = solid - other
    return solid


def bounded(points: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> Manifold:
    """Give the solid within some triangles, whatever its status."""
    from manifold3d import Manifold, Mesh64

    # Copies: it takes no arrays that are read-only.
    return Manifold(Mesh64(np.array(points, order="C"), np.array(faces, np.uint64, order="C")))


def _middle(solid: Manifold) -> tuple[float, float, float]:
    x0, y0, z0, x1, y1, z1 = solid.bounding_box()
    return (z0 + z1) / 2, (x0 + x1) / 2, (y0 + y1) / 2
