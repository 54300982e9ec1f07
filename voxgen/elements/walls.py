"""Walls: each upright face of a mass swept inwards by the thickness, mitred with its neighbours.

The outer side is the face itself, vertex by vertex. The inner side lies in the plane `thickness` behind it:
where two walls meet, both end at the line in which their inner planes cross, so that they share a mitre and
neither overlap nor gape, at outer corners as at inner ones. Where a wall is too short for its mitres it is
left square there, and the overlap is taken from one of the two later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from ..geometry.triangulate import offsets_of, triangulate
from .booleans import bounded, swept
from .envelope import Envelope, Slope

if TYPE_CHECKING:
    from manifold3d import Manifold

_LONGEST = 3.0
"""Length of a mitre, in thicknesses, above which the corner is too sharp for one."""

_FLUSH = 1e-4
"""Sine of the angle below which two walls run on straight."""

_SAME = 1e-6
"""Metres within which two inner corners are one."""

_TUCK = 0.1
"""Metres by which the inner side ends below the roof's upper side, of which the roof takes more later."""

Point = Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class Wall:
    """A wall over its whole face.

    Attributes:
        face: of the mass, its outer side.
        solid: from the face to the inner side.
        ledges: for each edge, by its place, at which a roof or soffit meets the wall and the mass goes on
            behind: both corners of the edge as the face runs, then those behind the second and the first.
    """

    face: int
    solid: Manifold
    ledges: dict[int, Float[np.ndarray, "4 3"]] = field(default_factory=dict)


def walls_of(envelope: Envelope, thickness: float) -> list[Wall]:
    """Give the walls of a mass, one for each upright face, in the order of the faces."""
    return [_wall(envelope, face, thickness) for face in envelope.faces(Slope.WALL)]


def _wall(envelope: Envelope, face: int, thickness: float) -> Wall:
    from manifold3d import Error

    square = _behind(envelope.normals[face], thickness)
    rings = envelope.places(face)
    mitres = {p: _mitre(envelope, face, p, thickness) for ring in rings for p in ring}
    inner_only = {p: None if envelope.convex[p] else way for p, way in mitres.items()}
    for asked in (mitres, inner_only):
        corners = [_corners(envelope, ring, asked, square) for ring in rings]
        inner = _inner_side([np.concatenate(ring) for ring in corners], envelope.normals[face])
        if inner is None:
            continue
        solid = _between_sides(envelope, face, rings, corners, inner)
        if solid.status() == Error.NoError and solid.volume() > 0:
            return Wall(face, solid, _ledges(envelope, rings, corners))
    triangles, source = envelope.mass.triangles
    return Wall(face, swept(envelope.mass.vertices, triangles[source == face], square))


def _behind(normal: Point, thickness: float) -> Point:
    """The level way from a wall's outer plane to its inner one."""
    level = np.array([normal[0], normal[1], 0.0])
    return -level * (thickness / float(normal @ level))


def _mitre(envelope: Envelope, face: int, place: int, thickness: float) -> Point | None:
    """The way from an edge between two walls to where their inner planes cross, square to the edge."""
    other = int(envelope.across[place])
    if envelope.slopes[other] != Slope.WALL:
        return None
    start, end = envelope.edge(place)
    one, two = envelope.normals[face], envelope.normals[other]
    if np.linalg.norm(np.cross(one, two)) < _FLUSH:
        return None
    way = np.linalg.solve(np.stack([one, two, end - start]), np.array([-thickness, -thickness, 0.0]))
    return way if np.linalg.norm(way) <= _LONGEST * thickness else None


def _corners(
    envelope: Envelope, ring: list[int], mitres: dict[int, Point | None], square: Point
) -> list[Float[np.ndarray, "_ 3"]]:
    """The inner corners behind each place: one, or two where the edges before and after ask for different."""
    corners = []
    for n, place in enumerate(ring):
        asked = [way for way in (mitres[ring[n - 1]], mitres[place]) if way is not None]
        if len(asked) == 2 and np.abs(asked[0] - asked[1]).max() < _SAME:
            asked = asked[:1]
        behind = envelope.edge(place)[0] + np.array(asked or [square])
        for roof in (envelope.across[p] for p in (ring[n - 1], place) if envelope.convex[p]):
            if envelope.slopes[roof] == Slope.ROOF:
                behind[:, 2] = np.minimum(behind[:, 2], envelope.height(int(roof), behind[:, :2]) - _TUCK)
        corners.append(behind)
    return corners


def _inner_side(rings: list[Float[np.ndarray, "_ 3"]], normal: Point) -> Integer[np.ndarray, "f 3"] | None:
    """The triangles of the inner side, turned as the outer one; None where its rings turn over or cross."""
    import shapely

    across = np.array([-normal[1], normal[0], 0.0]) / float(np.hypot(normal[0], normal[1]))
    flat = [np.stack([ring @ across, ring @ np.cross(normal, across)], axis=1) for ring in rings]
    outer, *holes = [shapely.LinearRing(ring) for ring in flat]
    if not outer.is_ccw or any(hole.is_ccw for hole in holes):
        return None
    if not shapely.Polygon(outer, holes).is_valid:
        return None
    points = np.concatenate(rings)
    offsets = offsets_of(np.array([len(ring) for ring in rings]))
    return triangulate(points, np.arange(len(points)), offsets, np.array([0, len(rings)]))[0]


def _between_sides(
    envelope: Envelope,
    face: int,
    rings: list[list[int]],
    corners: list[list[Float[np.ndarray, "_ 3"]]],
    inner: Integer[np.ndarray, "f 3"],
) -> Manifold:
    """The solid from a face to its inner side."""
    mass = envelope.mass
    triangles, source = envelope.mass.triangles
    used, outer = np.unique(triangles[source == face], return_inverse=True)
    number = {int(v): n for n, v in enumerate(used)}
    sides = []
    begin = len(used)
    for ring, behind in zip(rings, corners, strict=True):
        first = begin + offsets_of(np.array([len(one) for one in behind]))
        for n, place in enumerate(ring):
            m = (n + 1) % len(ring)
            a, b = number[int(mass.loops[place])], number[int(mass.loops[ring[m]])]
            leaving, arriving = int(first[n + 1]) - 1, int(first[m])
            sides += [(b, a, leaving), (b, leaving, arriving)]
            if len(behind[n]) == 2:
                sides.append((a, int(first[n]), leaving))
        begin = int(first[-1])
    points = np.concatenate([mass.vertices[used], *(one for behind in corners for one in behind)])
    back = inner[:, ::-1] + len(used)
    return bounded(points, np.concatenate([outer.reshape(-1, 3), back, np.array(sides)]))


def _ledges(
    envelope: Envelope, rings: list[list[int]], corners: list[list[Float[np.ndarray, "_ 3"]]]
) -> dict[int, Float[np.ndarray, "4 3"]]:
    """The quads behind the edges at which the mass goes on behind a roof or a soffit."""
    ledges = {}
    for ring, behind in zip(rings, corners, strict=True):
        for n, place in enumerate(ring):
            if envelope.slopes[envelope.across[place]] != Slope.WALL and not envelope.convex[place]:
                start, end = envelope.edge(place)
                ledges[place] = np.stack([start, end, behind[(n + 1) % len(ring)][0], behind[n][-1]])
    return ledges
