"""Between polyhedra and the solids of manifold3d, whose booleans keep closed what is closed.

Tools that cut are made from vertices of the mass itself, so that their faces coincide with its faces to the
last bit where they should; where a tool is made anew it reaches past the faces that it must not leave a skin
of. Every solid has triangles of float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError
from ..geometry.mesh import Mesh
from ..geometry.polyhedron import Polyhedron, of_triangles
from ..geometry.topology import topology
from ..geometry.weld import weld
from .plans import extrusion

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely.geometry.base import BaseGeometry

CRUMB = 1e-4
"""Pieces of less, in m3 (a tenth of a litre), are what rounding leaves and no element."""

SIMPLER = (1e-3, 1e-5, 0.0)
"""Metres by which a surface may move where that saves vertices, tried in turn: a millimetre is one place."""

_WAYS = [(a * 1e-3, b * 1.3e-3, c * 0.8e-3) for c in (-1.0, 1.0) for b in (-1.0, 1.0) for a in (-1.0, 1.0)]
"""Ways in metres to move a solid by, along no face of a building."""

_ONE_PLACE = 1.5e-3
"""Metres within which corners must not lie: more than the millimetre within which readers make them one."""

_EXACT = 1e-6
"""The same where nothing else helps."""

_BAR = 3e-3
"""Half the width in metres of what is cut out where a solid touches itself."""


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


def polyhedra_of(solid: Manifold, tolerances: Sequence[float] = SIMPLER) -> tuple[list[Polyhedron], float]:
    """Give the polygons of each piece of a solid, and the volume in m3 of what could not be given closed.

    Where faces all but coincided, rounding can have left a piece a skin without thickness, or it touches
    itself along an edge. Then it is given as what it shares with itself moved by a millimetre, or without
    the edges at which it touches itself; it may fall apart.

    Args:
        solid: the solid.
        tolerances: metres by which its surface may move where that saves vertices, tried in turn.
    """
    found, lost = [], 0.0
    for piece in pieces(solid):
        surfaces = _surfaces(piece, tolerances)
        found += surfaces
        if not surfaces:
            lost += piece.volume()
    return found, lost


def _surfaces(piece: Manifold, tolerances: Sequence[float]) -> list[Polyhedron]:
    merged = _merged(piece, tolerances)
    if merged is not None:
        return [merged]
    for thinner in _thinner(piece):
        found = [_merged(one, tolerances) for one in pieces(thinner)]
        if found and None not in found:
            return [one for one in found if one is not None]
    # Corners closer than readers tell apart, but closed and 2-manifold all the same.
    facets = of_triangles(mesh := triangles_of(piece), np.arange(len(mesh.faces)))
    return [one for one in (of_triangles(mesh), facets) if _is_sound(one, piece.volume(), _EXACT)][:1]


def _thinner(piece: Manifold) -> Iterator[Manifold]:
    """A piece without its skins, for each way to take them off; last without the edges where it touches."""
    yield from (piece ^ piece.translate(way) for way in _WAYS)
    yield piece - _contacts(triangles_of(piece))


def _contacts(mesh: Mesh) -> Manifold:
    """Give thin bars along the edges at which a solid touches itself."""
    _, joined = weld(mesh.vertices)
    faces = joined[mesh.faces]
    ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, counts = np.unique(ends, axis=0, return_counts=True)
    points = np.zeros((joined.max() + 1, 3))
    points[joined] = mesh.vertices
    around = np.array(np.meshgrid(*[(-_BAR, _BAR)] * 3)).reshape(3, -1).T
    return union([hull((points[edge][:, None] + around).reshape(-1, 3)) for edge in edges[counts > 2]])


def is_simple(solid: Manifold) -> bool:
    """Tell whether no part of a solid is without thickness, and it touches itself nowhere."""
    return _merged(solid) is not None


def _merged(solid: Manifold, tolerances: Sequence[float] = SIMPLER) -> Polyhedron | None:
    """The polygons of a solid; None where a part of it is without thickness, or it touches itself."""
    for tolerance in tolerances:
        merged = of_triangles(triangles_of(solid.simplify(tolerance)))
        if _is_sound(merged, solid.volume()):
            return merged
    return None


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
    made = bounded(points, np.concatenate([local, local[:, ::-1] + n, sides]))
    if made.status() == Error.NoError or len(faces) == 1:
        return made
    # A sheet that touches itself: its triangles one by one.
    return union([swept(vertices, faces[i : i + 1], offset) for i in range(len(faces))])


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


def _is_sound(solid: Polyhedron, volume: float, tolerance: float = _ONE_PLACE) -> bool:
    """Tell whether a surface is closed and 2-manifold when welded at a tolerance, and holds a volume."""
    from manifold3d import Error

    mesh = solid.to_mesh()
    if abs(mesh.volume - volume) > 1e-5 + 1e-4 * volume:
        return False
    found = topology(mesh, tolerance)
    if not (found.is_closed and found.is_oriented) or found.faces != len(mesh.faces):
        return False
    made = bounded(mesh.vertices, mesh.faces)
    return made.status() == Error.NoError and made.num_tri() == len(mesh.faces)


def _middle(solid: Manifold) -> tuple[float, float, float]:
    x0, y0, z0, x1, y1, z1 = solid.bounding_box()
    return (z0 + z1) / 2, (x0 + x1) / 2, (y0 + y1) / 2
