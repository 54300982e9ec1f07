"""Corners of a labelled plan where high parts touch along an upright line only.

Around such a vertex heights go up and down twice, and four walls would meet in one edge, which no solid
modeller takes. The corner of a low cell between the high ones is cut off and raised, as `repair` fills one of
a diagonal pair of voxels.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from .height_field import SAME
from .plan_cells import Plan

_CORNER = 0.3
"""Edge in voxels of a corner that is cut off."""

_ROUNDS = 4
"""Cutting a corner may make another contact; that ends soon or not at all."""


def separated(
    plan: Plan, labels: Int[np.ndarray, " cells"], planes: Float[np.ndarray, "m 3"]
) -> Int[np.ndarray, " cells2"]:
    """Give labels without such corners; cells are cut in the plan."""
    over = np.concatenate([np.zeros((1, 3)), planes])
    given = labels.tolist()
    for _ in range(_ROUNDS):
        cell_at: dict[int, int] = {}
        for cell, ring in enumerate(plan.cells):
            for p in ring:
                if given[cell] != 0:
                    cell_at[p] = cell
        found = False
        for p, cell in cell_at.items():
            # A corner cut before may have taken the vertex from its cell: it waits for the next round.
            found |= p not in plan.cells[cell] or _separate(plan, given, over, p, cell)
        if not found:
            break
    return np.array(given, np.int64)


def _separate(plan: Plan, given: list[int], over: Float[np.ndarray, "m1 3"], p: int, cell: int) -> bool:
    """Cut the lowest corner at a vertex where heights go up and down twice; tell whether there was one."""
    fan = [cell]
    while True:
        ring = plan.cells[fan[-1]]
        before = ring[ring.index(p) - 1]
        following = plan.beside.get((p, before), -1)
        if following < 0 or len(fan) > len(plan.cells):
            return False
        if following == cell:
            break
        fan.append(following)
    if len({given[c] for c in fan}) < 2 or len(fan) < 4:
        return False
    x, y = plan.points[p]
    level = [float(over[given[c]] @ (x, y, 1.0)) for c in fan]
    for threshold in sorted(set(level))[:-1]:
        high = [z > threshold + SAME for z in level]
        rises = [n for n in range(len(fan)) if high[n] and not high[n - 1]]
        if len(rises) < 2:
            continue
        # The run of low cells that is narrowest: from a fall to the next rise.
        runs = []
        for n in rises:
            low = []
            k = n - 1
            while not high[k % len(fan)]:
                low.append(fan[k % len(fan)])
                k -= 1
            sides = (given[fan[n]], given[fan[k % len(fan)]])
            runs.append((len(low), min(sides, key=lambda one: float(over[one] @ (x, y, 1.0))), low))
        _, raised_to, low = min(runs)
        for c in low:
            _cut_corner(plan, given, c, p, raised_to)
        return True
    return False


def _cut_corner(plan: Plan, given: list[int], cell: int, p: int, new: int) -> None:
    ring = plan.cells[cell]
    n = ring.index(p)
    ends = []
    for q in (ring[n - 1], ring[(n + 1) % len(ring)]):
        (x0, y0), (x1, y1) = plan.points[p], plan.points[q]
        length = float(np.hypot(x1 - x0, y1 - y0))
        if length <= 1.5 * _CORNER:
            ends.append(q)
            continue
        t = _CORNER / length
        ends.append(plan.insert(p, q, (x0 + t * (x1 - x0), y0 + t * (y1 - y0))))
    u, v = ends
    if (u, v) in plan.beside or (v, u) in plan.beside:
        given[cell] = new
        return
    (x0, y0), (x1, y1) = plan.points[u], plan.points[v]
    length = float(np.hypot(x1 - x0, y1 - y0))
    normal = ((y1 - y0) / length, (x0 - x1) / length)
    plan.normals.append(normal)
    plan.offsets.append(normal[0] * x0 + normal[1] * y0)
    plan.cut(cell, u, v, len(plan.normals) - 1)
    given.append(given[cell])
    corner = cell if p in plan.cells[cell] else len(plan.cells) - 1
    given[corner] = new
