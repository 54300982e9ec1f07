"""Plans of a mass: exact cross-sections at a level, and plan polygons raised to prisms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..geometry.mesh import Mesh
from ..geometry.solid import Extrusion

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

SLIVER = 0.05
"""Width in metres below which a piece of a plan is what rounding or a slope leaves, and no floor."""

_APART = 2e-3
"""Metres by which a plan draws back where it touches itself, and by which it moves to save a corner."""

_PINHOLE = 1e-6
"""Area in m2 of holes that rounding leaves."""

_STRAIGHT = 1e-7
"""Corners of a section within this of a straight line, in metres, are where triangles met."""


def areas(shape: Any) -> MultiPolygon:
    """Give the polygons of any shapely geometry."""
    import shapely

    parts = [one for one in shapely.get_parts(shape, return_index=False) if one.area > 0]
    flat = [p for part in parts for p in (shapely.get_parts(part) if part.geom_type != "Polygon" else [part])]
    return shapely.MultiPolygon([p for p in flat if p.geom_type == "Polygon" and p.area > 0])


def joined(shapes: Iterable[Any]) -> MultiPolygon:
    """Give the union of plans."""
    import shapely

    return areas(shapely.union_all(list(shapes)))


def without_slivers(plan: MultiPolygon) -> list[Polygon]:
    """Give the polygons of a plan wider than `SLIVER`, which touch themselves nowhere, in a fixed order."""
    import shapely

    kept = []
    for polygon in areas(shapely.simplify(plan, _APART)).geoms:
        points = shapely.get_coordinates(polygon).round(4)
        rings = 1 + len(polygon.interiors)
        touches = len(np.unique(points, axis=0)) < len(points) - rings
        for part in areas(polygon.buffer(-_APART, join_style="mitre") if touches else polygon).geoms:
            if not part.buffer(-SLIVER / 2).is_empty:
                holes = [hole for hole in part.interiors if shapely.Polygon(hole).area > _PINHOLE]
                kept.append(shapely.Polygon(part.exterior, holes))
    return sorted(kept, key=lambda p: (round(p.centroid.x, 3), round(p.centroid.y, 3)))


def section(mesh: Mesh, level: float) -> MultiPolygon:
    """Give the cross-section of a closed mesh at a level in metres, holes included.

    Corners lie on the mesh's edges, to the last bit where those are upright. A vertex at the level counts as
    above it: the section is that just below a ceiling's plane and just above a floor's.
    """
    import shapely

    above = mesh.vertices[:, 2] > level
    crossing = mesh.faces[(above[mesh.faces].sum(axis=1) % 3) > 0]
    if len(crossing) == 0:
        return shapely.MultiPolygon()
    # Each crossing triangle has one corner alone on its side; the section runs over its two edges.
    high = above[crossing]
    alone = np.where(high.sum(axis=1) == 1, high.argmax(axis=1), (~high).argmax(axis=1))
    row = np.arange(len(crossing))
    tip, one, two = (crossing[row, (alone + k) % 3] for k in range(3))
    ends = np.stack([np.sort(np.stack([tip, one], 1), axis=1), np.sort(np.stack([tip, two], 1), axis=1)], 1)
    edges, at = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    a, b = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
    share = (level - a[:, 2]) / (b[:, 2] - a[:, 2])
    points = a[:, :2] + share[:, None] * (b[:, :2] - a[:, :2])
    at = at.reshape(-1, 2)
    lines: Any = shapely.linestrings(points[at[(points[at[:, 0]] != points[at[:, 1]]).any(axis=1)]])
    return areas(shapely.simplify(shapely.build_area(shapely.GeometryCollection(list(lines))), _STRAIGHT))


def extrusion(plan: Polygon, base: float, height: float) -> Extrusion:
    """Give a plan polygon as an extrusion."""
    return Extrusion(rings_of(plan), base, height)


def rings_of(plan: Polygon) -> tuple[Float[np.ndarray, "_ 2"], ...]:
    """Give the rings of a polygon, none closed: the outer one counter-clockwise, then holes, clockwise."""
    import shapely

    turned = shapely.orient_polygons(plan)
    return tuple(np.asarray(ring.coords)[:-1] for ring in (turned.exterior, *turned.interiors))


def plan_of(rings: list[Float[np.ndarray, "_ 3"]]) -> MultiPolygon:
    """Give a polygon in space as it is seen from above; nothing for one that stands upright."""
    import shapely

    outer, *holes = [shapely.Polygon(ring[:, :2]) for ring in rings]
    plan = shapely.make_valid(outer) if not outer.is_valid else outer
    if holes:
        plan = shapely.difference(plan, shapely.union_all([shapely.make_valid(hole) for hole in holes]))
    return areas(plan)


def strip(
    origin: Float[np.ndarray, " 2"], up: Float[np.ndarray, " 2"], start: float, end: float
) -> MultiPolygon:
    """Give the points of the plan that lie from `start` to `end` metres up a way from an origin."""
    import shapely

    side, far = np.array([-up[1], up[0]]), 1e4
    start, end = max(start, -far), min(end, far)
    corners = [
        origin + up * way + side * off for way, off in ((start, -far), (end, -far), (end, far), (start, far))
    ]
    return shapely.MultiPolygon([shapely.Polygon(corners)])
