"""Planes that nearly meet at a corner are made to meet there.

Planes come from their own columns, so a hip misses the corner of the walls by centimetres, four planes of a
pyramid meet in two points, and eaves differ by a hair: slivers that no one has drawn. Vertices of the
labelled plan that lie together, and the planes around them, give equations (equal level at one point, equal
levels of eaves); planes are the least-squares answer to these and to their own columns. A plane that its
columns would not allow to move so far is left out, and so are its equations.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from .plan_cells import Plan
from .roof_planes import error

_NEAR = 0.2
"""Vertices and levels closer than this, in voxels, are meant to be one."""

_EAVES = 0.25
"""Levels at corners of the outline closer than this, in voxels, are meant to be equal."""

_STIFF = 1e4
"""Weight of an equation beside a column."""

_ALLOWED = 0.1
"""Root mean square, in voxels, that a plane may err more for its ties."""

_ROUNDS = 4


def tied(
    plan: Plan,
    labels: Int[np.ndarray, " cells"],
    planes: Float[np.ndarray, "m 3"],
    moment: Float[np.ndarray, "m 4 4"],
    exact: list[bool],
) -> Float[np.ndarray, "m 3"]:
    """Give planes that meet where they nearly do.

    Args:
        plan: the cells.
        labels: of each cell, 0 outside, n + 1 under plane n.
        planes: heights over the base.
        moment: sums of products over each plane's columns, as `roof_planes.moments` gives them.
        exact: for each line of the plan whether two planes meet there; other lines stay where they are.
    """
    equations = _equations(plan, labels.tolist(), planes, exact)
    if not equations:
        return planes
    bases = [_freedom(plane) for plane in planes]
    starts = np.concatenate([[0], np.cumsum([basis.shape[1] for basis in bases])])
    data, wanted = [], []
    for p, basis in enumerate(bases):
        root = np.linalg.cholesky(moment[p, :3, :3] + 1e-6 * np.eye(3)).T
        row = np.zeros((3, starts[-1]))
        row[:, starts[p] : starts[p + 1]] = root @ basis
        data.append(row)
        wanted.append(root @ planes[p])
    allowed = [error(plane, m) + _ALLOWED**2 for plane, m in zip(planes, moment, strict=True)]
    barred: set[int] = set()
    for _ in range(_ROUNDS):
        rows = []
        for p, at_p, q, at_q in equations:
            if p in barred or q in barred:
                continue
            row = np.zeros(starts[-1])
            row[starts[p] : starts[p + 1]] += np.array([*at_p, 1.0]) @ bases[p]
            row[starts[q] : starts[q + 1]] -= np.array([*at_q, 1.0]) @ bases[q]
            rows.append(_STIFF * row)
        if not rows:
            return planes
        system = np.concatenate([*data, np.array(rows)])
        target = np.concatenate([*wanted, np.zeros(len(rows))])
        answer = np.linalg.lstsq(system, target, rcond=None)[0]
        moved = np.array([bases[p] @ answer[starts[p] : starts[p + 1]] for p in range(len(planes))])
        worse = {p for p in range(len(planes)) if error(moved[p], moment[p]) > allowed[p]} - barred
        if not worse:
            return moved
        barred |= worse
    return planes


def _freedom(plane: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 k"]:
    """How a plane may change: its level, its slope, and its direction where that is not along the grid."""
    a, b, _ = np.abs(plane) > 1e-9
    columns = [np.array([0.0, 0.0, 1.0])]
    if a:
        columns.append(np.array([1.0, 0.0, 0.0]))
    if b:
        columns.append(np.array([0.0, 1.0, 0.0]))
    return np.stack(columns, axis=1)


def _equations(
    plan: Plan, labels: list[int], planes: Float[np.ndarray, "m 3"], exact: list[bool]
) -> list[tuple[int, tuple[float, float], int, tuple[float, float]]]:
    """Pairs of a plane and a point whose levels are meant to be equal."""
    around = plan.around(labels)
    fixed: dict[int, set[int]] = {}
    for (u, v), line in plan.line_of.items():
        if line >= 0 and not exact[line]:
            fixed.setdefault(u, set()).add(line)
            fixed.setdefault(v, set()).add(line)
    corners = [p for p, several in around.items() if len(several) > 1]
    if not corners:
        return []
    points = np.array([plan.points[p] for p in corners])
    found = []
    eaves = []
    taken: set[int] = set()
    order = sorted(range(len(corners)), key=lambda n: -min(len(fixed.get(corners[n], ())), 2))
    for n in order:
        if n in taken:
            continue
        near = np.flatnonzero(np.abs(points - points[n]).max(axis=1) < _NEAR).tolist()
        taken.update(near)
        several = set().union(*(around[corners[k]] for k in near))
        still = len(fixed.get(corners[n], ())) >= 2
        x, y = points[n].tolist() if still else points[near].mean(axis=0).tolist()
        stack = sorted((float(planes[one - 1] @ (x, y, 1.0)), one - 1) for one in several if one)
        if still or len(near) > 1:
            for (low, p), (high, q) in pairwise(stack):
                if high - low < _NEAR:
                    found.append((p, (x, y), q, (x, y)))
        if still and 0 in several and stack:
            eaves.append((*stack[0], (x, y)))
    eaves.sort()
    for (low, p, at_p), (high, q, at_q) in pairwise(eaves):
        if p != q and high - low < _EAVES:
            found.append((p, at_p, q, at_q))
    return found
