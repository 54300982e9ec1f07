"""Lines cut the plan into convex cells, and an energy says which plane of the roof lies over each.

Each line splits the cells that its support passes, each of them from side to side, so that no line dangles. A
cell's neighbours get the new vertices too, which keeps the partition conformal: an edge has one cell on
either side. Then cells are labelled so that the volume under the labels' planes explains the volume of the
columns, with a price for borders (iterated conditional modes, Besag 1986) and one for regions, whole regions
at a time.

Coordinates are voxels. Label 0 is outside, label n + 1 is plane n.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from .plan_lines import PlanLine

NEAR = 0.06
"""A line that passes a vertex within this, in voxels, goes through it."""

STRAIGHT = 1e-3
"""Vertices within this of a line, in voxels, are on it."""

BORDER = 0.03
"""Price of a voxel's length of border between labels, in voxels of volume."""

STEP = 0.06
"""Price of a square voxel of wall between labels."""

REGION = 1.0
"""Price of a region, in voxels of volume."""


@dataclass
class Plan:
    """A partition of a rectangle into convex cells.

    Attributes:
        points: vertices, voxels.
        cells: vertex numbers of each cell, counter-clockwise; vertices in line with their neighbours are
            kept.
        beside: for each directed edge the cell on its left.
        line_of: for each undirected edge (lower vertex first) the number of the line that it lies on.
        normals: unit normals n of the lines n . p = d.
        offsets: their d.
    """

    points: list[tuple[float, float]]
    cells: list[list[int]]
    beside: dict[tuple[int, int], int] = field(default_factory=dict)
    line_of: dict[tuple[int, int], int] = field(default_factory=dict)
    normals: list[tuple[float, float]] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)

    def borders(self) -> Iterator[tuple[int, int, int, int]]:
        """Give each edge between two cells once: its vertices, the cell on its left, the one on its right.

        The plan may be changed meanwhile; edges that are new do not come.
        """
        for (u, v), left in list(self.beside.items()):
            right = self.beside.get((v, u), -1)
            if u < v and right >= 0:
                yield u, v, left, right

    def around(self, labels: list[int]) -> dict[int, set[int]]:
        """Give the labels of the cells at each vertex."""
        found: dict[int, set[int]] = {}
        for ring, one in zip(self.cells, labels, strict=True):
            for p in ring:
                found.setdefault(p, set()).add(one)
        return found

    def is_straight(self, u: int, v: int, line: int) -> bool:
        """Tell whether both ends of an edge lie on its line, not only near it."""
        (nx, ny), d = self.normals[line], self.offsets[line]
        ends = (self.points[u], self.points[v])
        return max(abs(nx * x + ny * y - d) for x, y in ends) < STRAIGHT

    def insert(self, u: int, v: int, point: tuple[float, float]) -> int:
        """Put a new vertex on edge u, v, in both cells."""
        w = len(self.points)
        self.points.append(point)
        line = self.line_of.pop((min(u, v), max(u, v)), -1)
        self.line_of[min(u, w), w] = line
        self.line_of[min(v, w), w] = line
        for a, b in ((u, v), (v, u)):
            cell = self.beside.pop((a, b), -1)
            if cell < 0:
                continue
            ring = self.cells[cell]
            ring.insert(ring.index(a) + 1, w)
            self.beside[a, w] = self.beside[w, b] = cell
        return w

    def cut(self, cell: int, u: int, v: int, line: int) -> None:
        """Cut a cell along the chord between two of its vertices."""
        ring = self.cells[cell]
        a, b = ring.index(u), ring.index(v)
        if a > b:
            a, b, u, v = b, a, v, u
        one, two = ring[a : b + 1], ring[b:] + ring[: a + 1]
        new = len(self.cells)
        self.cells[cell] = one
        self.cells.append(two)
        for p, q in pairwise(two):
            self.beside[p, q] = new
        self.beside[v, u] = cell
        self.beside[u, v] = new
        self.line_of[min(u, v), max(u, v)] = line


def rectangle(low: tuple[float, float], high: tuple[float, float]) -> Plan:
    """Give a plan of one cell."""
    (x0, y0), (x1, y1) = low, high
    plan = Plan([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], [[0, 1, 2, 3]])
    for n in range(4):
        a, b = n, (n + 1) % 4
        plan.beside[a, b] = 0
        plan.line_of[min(a, b), max(a, b)] = -1
    return plan


def split(
    plan: Plan,
    normal: tuple[float, float],
    offset: float,
    low: float = -np.inf,
    high: float = np.inf,
    cells: list[int] | None = None,
) -> list[int]:
    """Split the cells that a line's support passes, or those of them that are given.

    Gives for each new cell the one that it was part of; new cells come last in the plan.
    """
    nx, ny = normal
    number = len(plan.normals)
    plan.normals.append(normal)
    plan.offsets.append(offset)
    parents: list[int] = []
    points = np.array(plan.points)
    away = points @ np.array(normal) - offset
    away[np.abs(away) < NEAR] = 0.0
    along = points @ np.array([-ny, nx])
    distance, position = away.tolist(), along.tolist()
    for cell in range(len(plan.cells)) if cells is None else cells:
        ring = list(plan.cells[cell])
        values = [distance[p] for p in ring]
        if min(values) >= 0.0 or max(values) <= 0.0:
            continue
        ends: list[tuple[float, int, int]] = []
        for n, p in enumerate(ring):
            q = ring[n - 1]
            if distance[p] == 0.0:
                ends.append((position[p], p, p))
            elif distance[p] * distance[q] < 0.0:
                t = distance[q] / (distance[q] - distance[p])
                ends.append((position[q] + t * (position[p] - position[q]), q, p))
        if len(ends) < 2:
            continue
        first, last = min(ends), max(ends)
        if min(last[0], high) - max(first[0], low) < 0.25 * min(1.0, last[0] - first[0]):
            continue
        chord = []
        for _, q, p in (first, last):
            if q == p:
                chord.append(p)
                continue
            t = distance[q] / (distance[q] - distance[p])
            a, b = plan.points[q], plan.points[p]
            w = plan.insert(q, p, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
            distance.append(0.0)
            position.append(position[q] + t * (position[p] - position[q]))
            chord.append(w)
        if (
            chord[0] != chord[1]
            and (chord[0], chord[1]) not in plan.beside
            and (chord[1], chord[0]) not in plan.beside
        ):
            plan.cut(cell, chord[0], chord[1], number)
            parents.append(cell)
    return parents


def partition(lines: list[PlanLine], low: tuple[float, float], high: tuple[float, float]) -> Plan:
    """Cut a rectangle by lines, in their order."""
    plan = rectangle(low, high)
    for line in lines:
        split(plan, line.normal, line.offset, line.low, line.high)
    return plan


def label(
    plan: Plan,
    planes: Float[np.ndarray, "m 3"],
    labels: Int[np.ndarray, "x y"],
    volume: Float[np.ndarray, "x y"],
) -> Int[np.ndarray, " cells"]:
    """Say which plane lies over each cell.

    Args:
        plan: the cells.
        planes: of the roof, heights above the base.
        labels: number of the plane over each column, -1 outside: where to begin.
        volume: filled part of each column.
    """
    rings = np.concatenate([np.asarray(cell) for cell in plan.cells])
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in plan.cells])])
    points = np.array(plan.points)
    start, column, pieces = _pieces(points, rings, offsets, *volume.shape)
    levels = np.concatenate([np.zeros((1, 3)), planes])
    borders = list(plan.borders())
    first, second = [left for _, _, left, _ in borders], [right for *_, right in borders]
    ends = [(u, v) for u, v, _, _ in borders]
    a, b = np.array(first + second, np.int64), np.array(second + first, np.int64)
    order = np.argsort(a, kind="stable")
    ends = points[np.array(ends + ends, np.int64).reshape(-1, 2)][order].reshape(-1, 4)
    beside = np.searchsorted(a[order], np.arange(len(plan.cells) + 1))
    return _modes(
        start,
        column,
        pieces,
        levels,
        labels.ravel(),
        volume.ravel(),
        beside,
        b[order],
        ends,
        BORDER,
        STEP,
        REGION,
    )


@njit(cache=True)
@no_type_check
def _pieces(points, rings, offsets, nx, ny):
    """Cut cells by columns: per cell and column the area and the first moments."""
    n_cells = offsets.shape[0] - 1
    start = np.zeros(n_cells + 1, np.int64)
    column = np.empty(nx * ny + 1024, np.int64)
    pieces = np.empty((nx * ny + 1024, 3))
    n = 0
    one, two = np.empty((128, 2)), np.empty((128, 2))
    for cell in range(n_cells):
        a, b = offsets[cell], offsets[cell + 1]
        x0 = y0 = np.inf
        x1 = y1 = -np.inf
        for k in range(a, b):
            x, y = points[rings[k], 0], points[rings[k], 1]
            x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        if b - a > 100:
            one, two = np.empty((2 * (b - a), 2)), np.empty((2 * (b - a), 2))
        for i in range(max(int(np.floor(x0)), 0), min(int(np.ceil(x1)), nx)):
            # First the strip, then each column of it.
            m = 0
            for k in range(a, b):
                one[m, 0], one[m, 1] = points[rings[k], 0], points[rings[k], 1]
                m += 1
            m = _clip(one, m, two, 0, i, 1.0)
            m = _clip(two, m, one, 0, i + 1, -1.0)
            if m < 3:
                continue
            low, high = np.inf, -np.inf
            for k in range(m):
                low, high = min(low, one[k, 1]), max(high, one[k, 1])
            strip = one[:m].copy()
            for j in range(max(int(np.floor(low)), 0), min(int(np.ceil(high)), ny)):
                one[:m] = strip
                c = _clip(one, m, two, 1, j, 1.0)
                c = _clip(two, c, one, 1, j + 1, -1.0)
                area = sx = sy = 0.0
                for k in range(1, c - 1):
                    ux, uy = one[k, 0] - one[0, 0], one[k, 1] - one[0, 1]
                    vx, vy = one[k + 1, 0] - one[0, 0], one[k + 1, 1] - one[0, 1]
                    cross = (ux * vy - uy * vx) / 2
                    area += cross
                    sx += cross * (one[0, 0] + one[k, 0] + one[k + 1, 0]) / 3
                    sy += cross * (one[0, 1] + one[k, 1] + one[k + 1, 1]) / 3
                if area < 1e-9:
                    continue
                if n == column.shape[0]:
                    longer = np.empty(2 * n, np.int64)
                    longer[:n] = column
                    column = longer
                    wider = np.empty((2 * n, 3))
                    wider[:n] = pieces
                    pieces = wider
                column[n] = i * ny + j
                pieces[n, 0], pieces[n, 1], pieces[n, 2] = sx, sy, area
                n += 1
        start[cell + 1] = n
    return start, column[:n], pieces[:n]


@njit(cache=True)
@no_type_check
def _clip(source, count, target, axis, level, sign):
    """Sutherland and Hodgman 1974: keep where sign (x - level) >= 0."""
    n = 0
    for k in range(count):
        p, q = source[k - 1 if k else count - 1], source[k]
        a, b = sign * (p[axis] - level), sign * (q[axis] - level)
        if (a < 0) != (b < 0):
            t = a / (a - b)
            target[n, 0], target[n, 1] = p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])
            n += 1
        if b >= 0:
            target[n, 0], target[n, 1] = q[0], q[1]
            n += 1
    return n


@njit(cache=True)
@no_type_check
def _modes(start, column, pieces, levels, initial, volume, beside, neighbour, ends, border, step, price):
    """Label cells, then whole regions, as long as the energy falls."""
    n_cells = start.shape[0] - 1
    n_labels = levels.shape[0]
    labels = np.zeros(n_cells, np.int64)
    votes = np.empty(n_labels)
    for c in range(n_cells):
        votes[:] = 0.0
        for k in range(start[c], start[c + 1]):
            votes[initial[column[k]] + 1] += pieces[k, 2]
        labels[c] = np.argmax(votes)
    miss = -volume.copy()
    for c in range(n_cells):
        _put(c, labels[c], 1.0, start, column, pieces, levels, miss)
    tried = np.zeros(n_labels, np.int64)
    stamp = 0
    region = np.empty(n_cells, np.int64)
    touched = np.zeros(volume.shape[0], np.bool_)
    for _ in range(3):
        for _ in range(12):
            changed = 0
            for c in range(n_cells):
                stamp += 1
                here = labels[c]
                tried[here] = stamp
                best, least = here, -1e-9
                for n in range(beside[c], beside[c + 1]):
                    new = labels[neighbour[n]]
                    if tried[new] == stamp:
                        continue
                    tried[new] = stamp
                    change = 0.0
                    for k in range(start[c], start[c + 1]):
                        m = miss[column[k]]
                        d = 0.0
                        for axis in range(3):
                            d += pieces[k, axis] * (levels[new, axis] - levels[here, axis])
                        change += abs(m + d) - abs(m)
                    for e in range(beside[c], beside[c + 1]):
                        other = labels[neighbour[e]]
                        change += _between(ends[e], levels[new], levels[other], border, step)
                        change -= _between(ends[e], levels[here], levels[other], border, step)
                    if change < least:
                        best, least = new, change
                if best != here:
                    _put(c, here, -1.0, start, column, pieces, levels, miss)
                    _put(c, best, 1.0, start, column, pieces, levels, miss)
                    labels[c] = best
                    changed += 1
            if changed == 0:
                break
        # Whole regions: is the region worth its price?
        changed = 0
        seen = np.zeros(n_cells, np.bool_)
        for c in range(n_cells):
            if seen[c]:
                continue
            here = labels[c]
            count = 1
            region[0] = c
            seen[c] = True
            at = 0
            around = np.zeros(n_labels)
            now = 0.0
            while at < count:
                d = region[at]
                at += 1
                for e in range(beside[d], beside[d + 1]):
                    other = neighbour[e]
                    if labels[other] != here:
                        around[labels[other]] += 1.0
                        now += _between(ends[e], levels[here], levels[labels[other]], border, step)
                    elif not seen[other]:
                        seen[other] = True
                        region[count] = other
                        count += 1
            best, least = here, -1e-9
            before = _error(region, count, start, column, miss, touched)
            for new in range(n_labels):
                if around[new] == 0.0:
                    continue
                for r in range(count):
                    _put(region[r], here, -1.0, start, column, pieces, levels, miss)
                    _put(region[r], new, 1.0, start, column, pieces, levels, miss)
                after = _error(region, count, start, column, miss, touched)
                for r in range(count):
                    _put(region[r], new, -1.0, start, column, pieces, levels, miss)
                    _put(region[r], here, 1.0, start, column, pieces, levels, miss)
                change = after - before - price - now
                for r in range(count):
                    for e in range(beside[region[r]], beside[region[r] + 1]):
                        other = labels[neighbour[e]]
                        if other != here:
                            change += _between(ends[e], levels[new], levels[other], border, step)
                if change < least:
                    best, least = new, change
            if best != here:
                for r in range(count):
                    _put(region[r], here, -1.0, start, column, pieces, levels, miss)
                    _put(region[r], best, 1.0, start, column, pieces, levels, miss)
                    labels[region[r]] = best
                changed += 1
        if changed == 0:
            break
    return labels


@njit(cache=True)
@no_type_check
def _put(cell, label, sign, start, column, pieces, levels, miss):
    """Add (or take, sign -1) a cell's volume under a label's plane to the columns."""
    for k in range(start[cell], start[cell + 1]):
        for axis in range(3):
            miss[column[k]] += sign * pieces[k, axis] * levels[label, axis]


@njit(cache=True)
@no_type_check
def _error(region, count, start, column, miss, touched):
    """How far the volume is off in the columns of a region, each counted once."""
    total = 0.0
    for r in range(count):
        for k in range(start[region[r]], start[region[r] + 1]):
            if not touched[column[k]]:
                touched[column[k]] = True
                total += abs(miss[column[k]])
    for r in range(count):
        for k in range(start[region[r]], start[region[r] + 1]):
            touched[column[k]] = False
    return total


@njit(cache=True)
@no_type_check
def _between(ends, one, two, border, step):
    """Price of a border between two planes: its length and the wall on it; none within one plane."""
    if one[0] == two[0] and one[1] == two[1] and one[2] == two[2]:
        return 0.0
    a, b, c = one[0] - two[0], one[1] - two[1], one[2] - two[2]
    length = np.hypot(ends[2] - ends[0], ends[3] - ends[1])
    wall = (abs(a * ends[0] + b * ends[1] + c) + abs(a * ends[2] + b * ends[3] + c)) / 2
    return length * (border + step * wall)
