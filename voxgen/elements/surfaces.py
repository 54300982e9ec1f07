"""Solids of manifold3d as polygons that every reader takes for solids.

What is closed and 2-manifold by its numbers alone is not enough: readers join corners that lie within a
millimetre, unite the faces of a plane, and follow outlines. So no part and no crack may be without thickness,
and no outline come to a corner twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..geometry.mesh import Mesh
from ..geometry.polyhedron import Polyhedron, coplanar, of_triangles
from ..geometry.topology import topology
from ..geometry.weld import weld
from .booleans import bounded, hull, pieces, triangles_of, union
from .folds import folds, is_folded, normals

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

SIMPLER = (1e-3, 1e-5, 0.0)
"""Metres by which a surface may move where that saves vertices, tried in turn: a millimetre is one place."""

_WAYS = [(a * 1e-3, b * 1.3e-3, c * 0.8e-3) for c in (-1.0, 1.0) for b in (-1.0, 1.0) for a in (-1.0, 1.0)]
"""Ways in metres to move a solid by, along no face of a building."""

_ONE_PLACE = 1.5e-3
"""Metres within which corners must not lie: more than the millimetre within which readers make them one."""

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


def is_simple(solid: Manifold) -> bool:
    """Tell whether no part of a solid is without thickness, and it touches itself nowhere."""
    return _merged(solid) is not None


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
    normal = normals(mesh)
    pairs = {tuple(sorted((int(keys[a]), int(keys[b])))) for a, b in folds(mesh)}
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
    normal, corner = normals(mesh), mesh.triangles[:, 0]
    parts, cut = [piece], set[tuple[float, ...]]()
    for a, _ in folds(mesh):
        across = normal[a] if tuple(normal[a]) > tuple(-normal[a]) else -normal[a]
        plane = (*across.round(6).tolist(), round(float(across @ corner[a]), 6))
        if plane not in cut:
            cut.add(plane)
            offset = float(across @ corner[a])
            parts = [half for part in parts for half in part.split_by_plane(tuple(across.tolist()), offset)]
    return parts


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
