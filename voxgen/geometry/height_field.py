"""A labelled plan to a closed solid: each cell is lifted to its plane, steps become walls.

Above each vertex of the plan stand as many vertices as its cells' planes have levels there; levels closer
than `SAME` are one. Two cells then share an edge of the roof, or a wall stands between them, whose sides pass
all levels, so that no vertex lies inside a neighbour's edge: the surface is closed by construction.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from .mesh import SurfaceClass
from .plan_cells import Plan, split
from .polyhedron import Polyhedron, merged, nothing

LOWEST = 0.5
"""Height in voxels of the lowest part."""

RISE = 1.5
"""Voxels by which planes may rise over the highest column, as a steep ridge between columns does."""

SAME = 0.02
"""Levels within this, in voxels, are one."""


def lifted(
    plan: Plan, labels: Int[np.ndarray, " cells"], planes: Float[np.ndarray, "m 3"]
) -> Int[np.ndarray, " cells2"]:
    """Give labels without parts of planes below `LOWEST`: cells are cut there, the low side is outside."""
    given = labels.tolist()
    for n, plane in enumerate(planes):
        _relabel_beyond(plan, given, n + 1, -plane, -LOWEST, 0)
    return np.array(given, np.int64)


def capped(
    plan: Plan, labels: Int[np.ndarray, " cells"], planes: Float[np.ndarray, "m 3"], highest: float
) -> tuple[Int[np.ndarray, " cells2"], Float[np.ndarray, "m2 3"]]:
    """Give labels and planes that rise no more than `RISE` over `highest`, the level of the highest column.

    Planes that do are cut at `highest`, and a level plane lies over what is cut off.
    """
    given = labels.tolist()
    level = np.array([0.0, 0.0, highest])
    points = np.array([*plan.points])
    rising = [
        n
        for n, plane in enumerate(planes)
        if any(
            one == n + 1 and (points[cell] @ plane[:2] + plane[2]).max() > highest + RISE
            for cell, one in zip(plan.cells, given, strict=True)
        )
    ]
    if not rising:
        return labels, planes
    for n in rising:
        _relabel_beyond(plan, given, n + 1, planes[n], highest, len(planes) + 1)
    return np.array(given, np.int64), np.concatenate([planes, level[None]])


def _relabel_beyond(
    plan: Plan, given: list[int], label: int, plane: Float[np.ndarray, " 3"], limit: float, new: int
) -> None:
    """Cut the cells of a label along the line where `plane` is at `limit`; what lies beyond is relabelled."""
    a, b, c = plane.tolist()

    def levels(cell: int) -> Float[np.ndarray, " n"]:
        return np.array([plan.points[p] for p in plan.cells[cell]]) @ (a, b) + c

    beyond = [cell for cell, one in enumerate(given) if one == label and levels(cell).max() > limit]
    if not beyond:
        return
    slope = float(np.hypot(a, b))
    if slope > 1e-9:
        given += [given[p] for p in split(plan, (a / slope, b / slope), (limit - c) / slope, cells=beyond)]
    for cell, one in enumerate(given):
        if one == label and levels(cell).mean() > limit:
            given[cell] = new


def raised(plan: Plan, labels: Int[np.ndarray, " cells"], planes: Float[np.ndarray, "m 3"]) -> Polyhedron:
    """Give the solid between the base and the planes over the cells, in voxels.

    Args:
        plan: the cells; vertices are added where planes cross over an edge.
        labels: of each cell, 0 outside, n + 1 under plane n.
        planes: heights over the base.
    """
    over = np.concatenate([np.zeros((1, 3)), planes])
    given = labels.tolist()

    def level(label: int, point: int) -> float:
        x, y = plan.points[point]
        return float(over[label, 0] * x + over[label, 1] * y + over[label, 2])

    borders = []
    for u, v, left, right in plan.borders():
        a, b = given[left], given[right]
        if a == b:
            continue
        at_u, at_v = level(a, u) - level(b, u), level(a, v) - level(b, v)
        if at_u * at_v < 0 and min(abs(at_u), abs(at_v)) > SAME:
            t = at_u / (at_u - at_v)
            (x0, y0), (x1, y1) = plan.points[u], plan.points[v]
            w = plan.insert(u, v, (x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
            borders += [(u, w, a, b), (w, v, a, b)]
        else:
            borders.append((u, v, a, b))
    points: list[tuple[float, float, float]] = []
    at: dict[tuple[int, int], int] = {}
    standing: dict[int, list[int]] = {}
    for p, several in plan.around(given).items():
        if several == {0}:
            continue
        stack = sorted((level(one, p), one) for one in several | {0})
        standing[p] = []
        last = -np.inf
        for z, one in stack:
            if z - last > SAME:
                standing[p].append(len(points))
                points.append((*plan.points[p], z))
                last = z
            at[p, one] = len(points) - 1
    facets: list[list[int]] = []
    keys: list[int] = []
    classes: list[SurfaceClass] = []
    for cell, ring in enumerate(plan.cells):
        one = given[cell]
        if one == 0:
            continue
        facets.append([at[p, one] for p in ring])
        keys.append(one)
        classes.append(SurfaceClass.ROOF)
        facets.append([at[p, 0] for p in reversed(ring)])
        keys.append(0)
        classes.append(SurfaceClass.GROUND)
    walls = len(over)
    for u, v, a, b in borders:
        high_u, low_u, high_v, low_v = at[u, a], at[u, b], at[v, a], at[v, b]
        if high_u == low_u and high_v == low_v:
            continue
        line = plan.line_of[min(u, v), max(u, v)]
        if high_u < low_u or high_v < low_v:
            u, v, high_u, low_u, high_v, low_v = v, u, low_v, high_v, low_u, high_u
        up = [p for p in standing[v] if low_v <= p <= high_v]
        down = [p for p in reversed(standing[u]) if low_u <= p <= high_u]
        facets.append(down[-1:] + up + down[:-1])
        if line >= 0 and plan.is_straight(u, v, line):
            nx, ny = plan.normals[line]
            (x0, y0), (x1, y1) = plan.points[u], plan.points[v]
            keys.append(walls + 2 * line + int((y1 - y0) * nx - (x1 - x0) * ny > 0))
        else:
            # Where a line was bent to a vertex, each of its walls has its own plane.
            keys.append(walls + 2 * len(plan.normals) + len(keys))
        classes.append(SurfaceClass.WALL)
    if not facets:
        return nothing()
    rings = np.concatenate([[0], np.cumsum([len(facet) for facet in facets])]).astype(np.int64)
    loops = np.concatenate([np.array(facet, np.int64) for facet in facets])
    return merged(np.array(points), loops, rings, np.array(keys, np.int64), np.array(classes, np.uint8))
