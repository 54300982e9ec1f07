"""Hidden lines removed, exactly: which part of each face is seen in a parallel view, and the lines between.

Two faces of a solid never cross, and their depths differ by a linear function, so that one hides of the other
just what lies behind it in a half plane: no buffer of depths, no sampling. What is seen of a face is its
polygon without what nearer faces hide. A line is drawn where what is seen of two faces meets: an outline
where nothing is behind, a step where the other face lies further back, an edge where both meet in the solid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..elements.plans import areas, joined, strip
from ..geometry.polyhedron import Polyhedron
from .drawing import Line, Pen

if TYPE_CHECKING:
    from shapely import MultiPolygon

_EDGE_ON = 1e-3
"""Cosine to the view below which a face is seen edge-on."""

_STEP = 0.02
"""Difference of depth in metres from which a line is a step."""

_BESIDE = 2e-3
"""Metres beside a line at which it is asked what is seen there."""

_GRID = 1e-5
"""Metres to which what is seen is rounded, so that neighbours share their corners."""


@dataclass(frozen=True)
class View:
    """A parallel view.

    Attributes:
        right, up: unit vectors that run right and up in the drawing.
        towards: unit vector from the building to the eye.
    """

    right: Float[np.ndarray, " 3"]
    up: Float[np.ndarray, " 3"]

    @property
    def towards(self) -> Float[np.ndarray, " 3"]:
        """Give the way from the building to the eye."""
        return np.cross(self.right, self.up)

    def flat(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 2"]:
        """Give points as they are seen."""
        return points @ np.stack([self.right, self.up], axis=1)


@dataclass(frozen=True)
class _Face:
    seen: MultiPolygon
    slope: Float[np.ndarray, " 2"]
    offset: float

    def depth(self, x: float, y: float) -> float:
        return float(self.slope @ (x, y)) + self.offset


def visible_lines(solid: Polyhedron, view: View) -> list[Line]:
    """Give the lines of a closed solid that are seen, each once, by what they part."""
    import shapely

    faces = _seen(_facing(solid, view))
    if not faces:
        return []
    tree = shapely.STRtree([face.seen for face in faces])
    rims = shapely.union_all([face.seen.boundary for face in faces], grid_size=_GRID)
    by_pen: dict[Pen, list[Any]] = {}
    for segment in _segments(rims):
        pen = _pen(segment, faces, tree)
        if pen is not None:
            by_pen.setdefault(pen, []).append(shapely.LineString(segment))
    return [
        Line(np.asarray(part.coords), pen)
        for pen, segments in by_pen.items()
        for part in merged_lines(segments)
    ]


def merged_lines(segments: list[Any]) -> list[Any]:
    """Give lines that run on as one, without corners that are none."""
    import shapely

    whole = shapely.line_merge(shapely.union_all(segments))
    parts = shapely.get_parts(shapely.simplify(whole, _BESIDE))
    return sorted(parts, key=lambda line: (line.bounds, line.length))


def _facing(solid: Polyhedron, view: View) -> list[_Face]:
    """The faces that look to the eye, as they would be seen alone."""
    import shapely

    normals = solid.normals
    found = []
    for number in np.flatnonzero(normals @ view.towards > _EDGE_ON).tolist():
        rings = solid.polygon(number)
        outer, *holes = [view.flat(ring) for ring in rings]
        plan = areas(shapely.make_valid(shapely.Polygon(outer, holes)))
        normal = normals[number]
        facing = float(normal @ view.towards)
        # The plane n.p = d as depth over the drawing: (d - n.right x - n.up y) / n.towards.
        slope = -np.array([normal @ view.right, normal @ view.up]) / facing
        found.append(_Face(plan, slope, float(normal @ rings[0].mean(axis=0)) / facing))
    return found


def _seen(faces: list[_Face]) -> list[_Face]:
    """What of each face no other one hides."""
    import shapely

    if not faces:
        return []
    tree = shapely.STRtree([face.seen for face in faces])
    found = []
    for number, face in enumerate(faces):
        hidden = []
        for other in sorted(tree.query(face.seen).tolist()):
            if other == number:
                continue
            both = areas(face.seen.intersection(faces[other].seen))
            if both.area > _GRID:
                hidden.append(_nearer(both, faces[other], face))
        seen = areas(shapely.set_precision(face.seen.difference(joined(hidden)), _GRID))
        if seen.area > _GRID:
            found.append(_Face(seen, face.slope, face.offset))
    return found


def _nearer(both: MultiPolygon, one: _Face, other: _Face) -> MultiPolygon:
    """The part of what two faces share in which the one is nearer."""
    slope, offset = one.slope - other.slope, one.offset - other.offset
    run = float(np.linalg.norm(slope))
    if run < 1e-9:
        return both if offset > 0 else areas(both.difference(both))
    up = slope / run
    return areas(both.intersection(strip(up * (-offset / run), up, 0.0, np.inf)))


def _segments(lines: Any) -> Iterator[Float[np.ndarray, "2 2"]]:
    import shapely

    for line in shapely.get_parts(lines):
        points = np.asarray(line.coords)
        yield from np.stack([points[:-1], points[1:]], axis=1)


def _pen(segment: Float[np.ndarray, "2 2"], faces: list[_Face], tree: Any) -> Pen | None:
    import shapely

    along = segment[1] - segment[0]
    length = float(np.linalg.norm(along))
    if length < _GRID:
        return None
    beside = np.array([-along[1], along[0]]) / length * min(_BESIDE, length / 4)
    middle = segment.mean(axis=0)
    sides = []
    for point in (middle + beside, middle - beside):
        hits = tree.query(shapely.Point(point), predicate="intersects").tolist()
        sides.append(max(hits, key=lambda h: faces[h].depth(*middle)) if hits else None)
    one, two = sides
    if one == two:
        return None
    if one is None or two is None:
        return Pen.OUTLINE
    apart = abs(faces[one].depth(*middle) - faces[two].depth(*middle))
    return Pen.STEP if apart > _STEP else Pen.EDGE
