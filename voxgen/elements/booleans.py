"""Between polyhedra and the solids of manifold3d, whose booleans keep closed what is closed.

Tools that cut are made from vertices of the mass itself, so that their faces coincide with its faces to the
last bit where they should; where a tool is made anew it reaches past the faces that it must not leave a skin
of. Every solid has triangles of float64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError
from ..geometry.mesh import Mesh
from ..geometry.polyhedron import Polyhedron, coplanar, of_triangles
from ..geometry.topology import topology
from ..geometry.weld import weld
from .plans import extrusion

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

CRUMB = 1e-4
"""Pieces of less, in m3 (a tenth of a litre), are what rounding leaves and no element."""

SIMPLER = (1e-3, 1e-5, 0.0)
"""Metres by which a surface may move where that saves vertices, tried in turn: a millimetre is one place."""

_WAYS = [(a * 1e-3, b * 1.3e-3, c * 0.8e-3) for c in (-1.0, 1.0) for b in (-1.0, 1.0) for a in (-1.0, 1.0)]
"""Ways in metres to move a solid by, along no face of a building."""

_ONE_PLACE = 1.5e-3
"""Metres within which corners must not lie: more than the millimetre within which readers make them one."""

_FOLDED = -1 + 1e-8
"""Cosine between the normals of neighbours that lie back to back: a hundredth of a degree."""

_THIN, _LINE = 1e-4, 1e-5
"""Metres of a plate to either side of a fold; area over outline of what is no more than a line."""

_SKIN = 0.1
"""Share of a piece that may be its skins: walls are 200 times as thick as these."""

_PINCH = 1e-5
"""Metres within which an outline comes to a corner twice."""

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
        left_out = piece.volume() - sum(one.to_mesh().volume for one in surfaces)
        # Skins that were taken off are no loss.
        lost += left_out if left_out > _SKIN * piece.volume() else 0.0
    return found, lost


def _surfaces(piece: Manifold, tolerances: Sequence[float], whole: bool = True) -> list[Polyhedron]:
    merged = _merged(piece, tolerances)
    if merged is not None:
        return [merged]
    for parts in ([_without_folds(piece)], _split_at_folds(piece), *([one] for one in _thinner(piece))):
        found = [_merged(one, tolerances) for part in parts for one in pieces(part)]
        if found and None not in found:
            return [one for one in found if one is not None]
    folded = _merged(piece, tolerances, folded=True)
    if folded is not None:
        return [folded]
    # Corners closer than readers tell apart, but closed and 2-manifold all the same.
    facets = of_triangles(mesh := triangles_of(piece), np.arange(len(mesh.faces)))
    for one in (_polygons(mesh), of_triangles(mesh), facets):
        if _is_sound(one, piece.volume(), _EXACT):
            return [one]
    halves = [one for part in _split_at_folds(piece) for one in pieces(part)] if whole else []
    return [one for half in halves for one in _surfaces(half, tolerances, whole=False)]


def _without_folds(piece: Manifold) -> Manifold:
    """A piece whose cracks without thickness are filled, and whose blades without are cut off.

    Both lie where faces of one plane look opposite ways; which it is, is told by what lies around.
    """
    mesh = triangles_of(piece)
    keys = coplanar(mesh)
    normal = _normals(mesh)
    pairs = {tuple(sorted((int(keys[a]), int(keys[b])))) for a, b in _folds(mesh)}
    filled, cut = [], []
    for one, other in sorted(pairs):
        first = int(np.flatnonzero(keys == one)[0])
        frame = _frame(normal[first], mesh.triangles[first, 0])
        plans = [_seen(mesh.triangles[keys == key], frame) for key in (one, other)]
        for part in _areas(plans[0].intersection(plans[1])):
            plate = _plate(part, frame)
            inside = (piece ^ plate).volume() / max(plate.volume(), 1e-18)
            (filled if inside > 0.5 else cut).append(plate)
    mended = union([piece, *filled])
    return mended - union(cut) if cut else mended


def _split_at_folds(piece: Manifold) -> list[Manifold]:
    """A piece cut along the planes of its folds, one after the other: what is left of each lies outside."""
    mesh = triangles_of(piece)
    normal, corner = _normals(mesh), mesh.triangles[:, 0]
    parts, cut = [piece], set[tuple[float, ...]]()
    for a, _ in _folds(mesh):
        across = normal[a] if tuple(normal[a]) > tuple(-normal[a]) else -normal[a]
        plane = (*across.round(6).tolist(), round(float(across @ corner[a]), 6))
        if plane not in cut:
            cut.add(plane)
            offset = float(across @ corner[a])
            parts = [half for part in parts for half in part.split_by_plane(tuple(across.tolist()), offset)]
    return parts


def _folds(mesh: Mesh) -> Integer[np.ndarray, "n 2"]:
    """Pairs of triangles that share an edge and lie back to back."""
    normal = _normals(mesh)
    ends = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    face = np.tile(np.arange(len(mesh.faces)), 3)
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((high, low))
    low, high, face = low[order], high[order], face[order]
    pair = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1]))
    a, b = face[pair], face[pair + 1]
    back = (normal[a] * normal[b]).sum(axis=1) < _FOLDED
    return np.stack([a[back], b[back]], axis=1)


def _normals(mesh: Mesh) -> Float[np.ndarray, "n 3"]:
    corners = mesh.triangles
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)[:, None]


def _frame(normal: Float[np.ndarray, " 3"], origin: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 4"]:
    """Axes of a plane, its normal and a point on it, as columns."""
    aside = np.eye(3)[int(np.abs(normal).argmin())]
    u = np.cross(normal, aside)
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(normal, u), normal, origin], axis=1)


def _seen(triangles: Float[np.ndarray, "n 3 3"], frame: Float[np.ndarray, "3 4"]) -> BaseGeometry:
    """Triangles of a plane in its axes."""
    import shapely

    flat = (triangles - frame[:, 3]) @ frame[:, :2]
    return shapely.union_all([shapely.Polygon(corners) for corners in flat])


def _areas(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons of a geometry that are not mere lines."""
    import shapely

    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return [part for part in parts if part.area > _LINE * part.length]


def _plate(plan: Polygon, frame: Float[np.ndarray, "3 4"]) -> Manifold:
    """A thin plate on both sides of a plane."""
    from manifold3d import CrossSection, FillRule, Manifold

    rings = [np.array(ring.coords)[:-1] for ring in (plan.exterior, *plan.interiors)]
    flat = Manifold.extrude(CrossSection(rings, FillRule.EvenOdd), 2 * _THIN).translate((0.0, 0.0, -_THIN))
    return flat.transform(frame)


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


def _merged(
    solid: Manifold, tolerances: Sequence[float] = SIMPLER, folded: bool = False
) -> Polyhedron | None:
    """The polygons of a solid; None where a part of it is without thickness, or it touches itself.

    Nor may a crack be without thickness, or an outline come to a corner twice, unless it may be folded.
    """
    for tolerance in tolerances:
        mesh = triangles_of(solid.simplify(tolerance))
        for merged in (_polygons(mesh), of_triangles(mesh)) if folded else (_polygons(mesh),):
            if _is_sound(merged, solid.volume()) and (folded or not is_folded(merged.to_mesh())):
                return merged
    return None


def _polygons(mesh: Mesh) -> Polyhedron:
    """The polygons of a mesh; where an outline would come to a corner twice its triangles stay apart."""
    keys = coplanar(mesh)
    # Corners at one place are one, also where a solid touches itself there and has two.
    faces = weld(mesh.vertices, tolerance=_PINCH)[1][mesh.faces]
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    plane = np.tile(keys, 3)
    inner = {(k, b, a) for k, (a, b) in zip(plane.tolist(), ends.tolist(), strict=True)}
    leaving: Counter[tuple[int, int]] = Counter()
    for k, (a, b) in zip(plane.tolist(), ends.tolist(), strict=True):
        if a != b and (k, a, b) not in inner:
            leaving[k, a] += 1
    pinched = np.isin(keys, [k for (k, _), count in leaving.items() if count > 1])
    apart = keys.max(initial=0) + 1 + np.arange(len(keys))
    return of_triangles(mesh, np.where(pinched, apart, keys).astype(np.int64))


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


def is_folded(mesh: Mesh) -> bool:
    """Tell whether two faces of a closed mesh lie on each other, back to back, from an edge that they share.

    Between them is a crack or a blade without thickness, which is 2-manifold all the same. Programs that
    unite faces of one plane make an outline of both that crosses itself.
    """
    return len(_folds(mesh)) > 0


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
