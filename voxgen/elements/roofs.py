"""Roofs: each sheet of roof faces that hang together, moved down by one depth.

A sheet and its copy below bound a closed solid whatever its faces do at ridges and valleys, which an offset
along the normals doesn't: that one has to find new ridges, and faces vanish on the way. The price is that
the thickness square to the slope is exact on average only, where one sheet has slopes that differ. Where a
wall stands on a sheet, the sheet goes on below it to the wall's inner side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from ..geometry.components import components
from .booleans import CRUMB, swept, without
from .envelope import Envelope, Slope
from .plans import joined, plan_of
from .surfaces import is_simple
from .walls import Wall

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import MultiPolygon

_OVERLAP = 1e-4
"""Area in m2 by which parts of one sheet may overlap in plan."""

_KEY = 6
"""Decimals, in metres, to which corners of quads are the same."""

_FLAP = 0.01
"""Metres by which a cutter is wider."""

Quad = Float[np.ndarray, "4 3"]
Ledges = dict[int, Quad]


@dataclass(frozen=True)
class Roof:
    """A sheet of roof.

    Attributes:
        faces: of the mass, its upper side.
        depth: straight down, in metres.
        ledges: (4, 3) metres each, where it goes on below walls.
        solid: the whole of it.
        cutter: the same, a little wider than the mass where it ends above walls, so that what is cut by it
            keeps no skin in the plane of the outer sides.
    """

    faces: tuple[int, ...]
    depth: float
    ledges: tuple[Quad, ...]
    solid: Manifold
    cutter: Manifold

    def within(self, envelope: Envelope, low: float, high: float) -> MultiPolygon:
        """Give, seen from above, where it takes room between two levels."""
        parts = [envelope.part(face, low, high + self.depth) for face in self.faces]
        for ledge in self.ledges:
            if ledge[:, 2].max() > low and ledge[:, 2].min() - self.depth < high:
                parts.append(plan_of([ledge]))
        return joined(parts)


def roofs_of(envelope: Envelope, walls: Sequence[Wall], thickness: float, mass: Manifold) -> list[Roof]:
    """Give the sheets of roof of a mass, in the order of their first faces."""
    edges = np.flatnonzero(
        (envelope.slopes[envelope.face] == Slope.ROOF) & (envelope.slopes[envelope.across] == Slope.ROOF)
    )
    sheet = components(len(envelope.mass), envelope.face[edges], envelope.across[edges])
    numbers = envelope.faces(Slope.ROOF)
    sheets: dict[int, list[int]] = {}
    for face in numbers:
        sheets.setdefault(int(sheet[face]), []).append(face)
    ledges: dict[int, Ledges] = {}
    for wall in walls:
        for place, ledge in wall.ledges.items():
            ledges.setdefault(int(sheet[envelope.across[place]]), {})[place] = ledge
    found: list[Roof] = []
    for key, faces in sheets.items():
        whole = _roof(envelope, faces, ledges.get(key, {}), thickness)
        parts = [whole] if _is_one(envelope, whole) else _one_by_one(envelope, whole, ledges.get(key, {}))
        for roof in parts:
            solid = roof.solid
            if (solid - mass).volume() > CRUMB:
                solid = solid ^ mass
            solid = without(solid, (other.solid for other in found))
            found.append(Roof(roof.faces, roof.depth, roof.ledges, solid, roof.cutter))
    return found


def _is_one(envelope: Envelope, roof: Roof) -> bool:
    """Tell whether a sheet lies over no part of itself, and touches itself nowhere."""
    plans = [envelope.plans[face] for face in roof.faces]
    return sum(plan.area for plan in plans) < joined(plans).area + _OVERLAP and is_simple(roof.solid)


def _one_by_one(envelope: Envelope, sheet: Roof, ledges: Ledges) -> Iterator[Roof]:
    """Faces of a sheet as roofs of their own: side by side at different heights, it would touch itself."""
    for face in sheet.faces:
        own = {place: ledge for place, ledge in ledges.items() if envelope.across[place] == face}
        yield _swept(envelope, [face], own, sheet.depth)


def _roof(envelope: Envelope, faces: list[int], ledges: Ledges, thickness: float) -> Roof:
    weights = envelope.mass.areas[faces]
    depth = float(np.average(thickness / envelope.normals[faces, 2], weights=weights))
    return _swept(envelope, faces, ledges, round(depth, 3))


def _swept(envelope: Envelope, faces: list[int], ledges: Ledges, depth: float) -> Roof:
    down = np.array([0.0, 0.0, -depth])
    flaps = _flaps(envelope, faces)
    # Walls thinner than twice their thickness may stand on it: then it ends at their outer sides.
    for quads in (tuple(ledges.values()), ()):
        plans = [envelope.plans[face] for face in faces] + [plan_of([quad]) for quad in quads]
        over = sum(plan.area for plan in plans) - joined(plans).area
        solid = swept(*_sheet(envelope, faces, [*quads]), down)
        if not quads or (over < _OVERLAP and is_simple(solid)):
            break
    cutter = swept(*_sheet(envelope, faces, [*quads, *flaps]), down)
    return Roof(tuple(faces), depth, quads, solid, cutter)


def _sheet(
    envelope: Envelope, faces: list[int], quads: list[Quad]
) -> tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, "f 3"]]:
    """The triangles of faces and quads; corners of quads join those at the same place."""
    triangles, source = envelope.mass.triangles
    sheet = triangles[np.isin(source, faces)].astype(np.int64)
    points = list(envelope.mass.vertices)
    at = {tuple((points[v].round(_KEY) + 0.0).tolist()): v for v in np.unique(sheet).tolist()}
    more = []
    for quad in quads:
        corners = []
        for corner in quad:
            key = tuple((corner.round(_KEY) + 0.0).tolist())
            if key not in at:
                at[key] = len(points)
                points.append(corner)
            corners.append(at[key])
        a, b, c, d = corners
        more += [(a, b, c), (a, c, d)]
    if more:
        sheet = np.concatenate([sheet, np.array(more)])
    return np.array(points), sheet


def _flaps(envelope: Envelope, faces: list[int]) -> list[Quad]:
    """Level strips outside the edges at which a sheet ends at the top of walls, mitred at corners."""
    flaps = []
    for ring in (ring for face in faces for ring in envelope.places(face)):
        outwards = [_outwards(envelope, place) for place in ring]
        for n, place in enumerate(ring):
            way = outwards[n]
            if way is None:
                continue
            start, end = envelope.edge(place)
            before, after = outwards[n - 1], outwards[(n + 1) % len(ring)]
            flaps.append(np.stack([end, start, start + _corner(before, way), end + _corner(way, after)]))
    return flaps


def _outwards(envelope: Envelope, place: int) -> Float[np.ndarray, " 3"] | None:
    """The level way out of the mass over the edge of a roof; None where the edge is not above a wall."""
    other = int(envelope.across[place])
    if envelope.slopes[other] != Slope.WALL or not envelope.convex[place]:
        return None
    level = envelope.normals[other] * (1.0, 1.0, 0.0)
    return level / np.linalg.norm(level)


def _corner(
    one: Float[np.ndarray, " 3"] | None, two: Float[np.ndarray, " 3"] | None
) -> Float[np.ndarray, " 3"]:
    """The way to where two strips meet, one of which may be missing."""
    ways = [way for way in (one, two) if way is not None]
    both = ways[0] + ways[-1]
    return _FLAP * both * (2 / max(float(both @ both), 0.1))
