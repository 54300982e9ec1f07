"""Floor plans: each storey cut a metre above its floor, and the roof from above.

Cut walls are filled between thick lines. Below the cut one sees what lies lower, such as the roof of a wing;
what hangs over from above is dashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..elements import Elements
from ..elements.booleans import between, solid_of, triangles_of
from ..elements.plans import areas, joined, plan_of, rings_of, section
from ..geometry.mesh import Mesh, rotation_z
from ..geometry.polyhedron import Polyhedron, of_triangles
from .drawing import Drawing, Fill, Line, Pen, Text, Tone
from .frame import turn_of
from .marks import TEXT, dimension, north, paper
from .visible import View, merged_lines, visible_lines

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import MultiPolygon

CUT = 1.0
"""Metres above the floor at which a plan is cut."""

_JOINT = 6e-3
"""Metres within which walls that are cut are one."""

_SAME = 0.02
"""Metres within which a line lies on the outline of the cut, which is drawn already."""

_VIEW = View(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))


def floor_plans(elements: Elements, scale: float = 100.0) -> list[Drawing]:
    """Give the plan of each storey from the ground up, and last the roof from above.

    Args:
        elements: of a building.
        scale: 100 for 1:100.
    """
    turn = turn_of(elements)
    turned = rotation_z(np.radians(turn)).T
    mass = elements.envelope.mass.moved(elements.envelope.mass.vertices @ turned)
    whole = solid_of(mass.to_mesh())
    plans = [_plan(elements, whole, number, turned, scale) for number in range(len(elements.levels))]
    roof = Drawing("plan-roof", "Roof", scale, tuple(visible_lines(mass, _VIEW)))
    first, *others = [_sized(one, scale) for one in (*plans, roof)]
    _, _, x1, y1 = first.bounds
    return [first.and_more(north(x1 + paper(10.0, scale), y1 - paper(10.0, scale), turn, scale)), *others]


def _plan(
    elements: Elements, whole: Manifold, number: int, turned: Float[np.ndarray, "3 3"], scale: float
) -> Drawing:
    level = elements.levels[number]
    floor = level.storey.elevation + elements.settings.slab
    top = whole.bounding_box()[5]
    # A storey lower than the cut is cut in its middle.
    height = min(floor + CUT, (floor + top) / 2)
    walls = _cut(elements, turned, height)
    outline = section(triangles_of(whole), height)
    lines = [Line(ring, Pen.CUT) for plan in walls.geoms for ring in _closed(rings_of(plan))]
    below = of_triangles(triangles_of(between(whole, -1e6, height)))
    inside = outline.buffer(_SAME)
    for line in visible_lines(below, _VIEW):
        lines += _outside(line.points, Pen.EDGE, inside)
    above = between(whole, height, 1e6)
    if not above.is_empty():
        rim = outline.boundary.buffer(_SAME)
        over = of_triangles(triangles_of(above))
        shadow = joined(_upper(over))
        for ring in (ring for plan in shadow.geoms for ring in _closed(rings_of(plan))):
            lines += _outside(ring, Pen.OVERHEAD, rim)
    fills = [Fill(rings_of(plan), Tone.CUT) for plan in walls.geoms]
    zero = elements.levels[0].storey.elevation
    up = level.storey.elevation - zero
    texts = []
    if not outline.is_empty:
        room = max(areas(outline.difference(walls)).geoms or outline.geoms, key=lambda one: one.area)
        at = room.representative_point()
        big = paper(TEXT, scale)
        figures = (f"{level.plan.area:.1f} m²", f"{up:+.2f}" if up else "±0.00")
        texts = [
            Text(words, (at.x, at.y - n * 1.8 * big), big, "middle")
            for n, words in enumerate((level.storey.name, *figures))
        ]
    return Drawing(
        f"plan-{number}",
        f"{level.storey.name}, cut at {height - zero:+.2f}",
        scale,
        tuple(lines),
        tuple(fills),
        tuple(texts),
    )


def _cut(elements: Elements, turned: Float[np.ndarray, "3 3"], height: float) -> MultiPolygon:
    """Walls and roofs at a height; parts of one run of walls are one."""
    parts = []
    for one in elements.solids:
        if one.kind in ("wall", "roof"):
            mesh = one.surface.to_mesh()
            parts.append(section(Mesh.of((mesh.vertices - elements.origin) @ turned, mesh.faces), height))
    whole = joined(parts).buffer(_JOINT, join_style="mitre").buffer(-_JOINT, join_style="mitre")
    return areas(whole.simplify(1e-4))


def _upper(solid: Polyhedron) -> list[Any]:
    """Plans of the faces that look up."""
    return [plan_of(solid.polygon(p)) for p in np.flatnonzero(solid.area_vectors[:, 2] > 1e-6).tolist()]


def _closed(rings: Sequence[Float[np.ndarray, "_ 2"]]) -> list[Float[np.ndarray, "_ 2"]]:
    return [np.concatenate([ring, ring[:1]]) for ring in rings]


def _outside(points: Float[np.ndarray, "_ 2"], pen: Pen, inside: Any) -> list[Line]:
    """What of a line lies outside an area."""
    import shapely

    left = shapely.LineString(points).difference(inside)
    parts = [part for part in shapely.get_parts(left) if part.length > _SAME]
    return [Line(np.asarray(part.coords), pen) for part in (merged_lines(parts) if parts else [])]


def _sized(drawing: Drawing, scale: float) -> Drawing:
    """Give a plan with its length and width."""
    x0, y0, x1, y1 = drawing.bounds
    across, texts_a = dimension((x0, y0), (x1, y0), -10.0, scale)
    along, texts_b = dimension((x0, y0), (x0, y1), 10.0, scale)
    return drawing.and_more(Drawing("", "", scale, tuple(across + along), (), tuple(texts_a + texts_b)))
