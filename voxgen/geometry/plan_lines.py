"""Straight lines of the plan: walls, steps of the roof, ridges, valleys and hips, all finer than a voxel.

Where a wall crosses a row of columns, the shares of the columns along the row add up to where it stands, as
each holds the share that lies before the wall. So every side of a column on a border gives a point on the
wall, exact for straight walls; a step between two roofs gives one too, by the share of the higher roof in the
volume. Points follow each other around a border; they are cut into straight runs by dynamic programming
(Bellman 1961) with a price for each run, lower for runs along the grid, which lies along the building.
Ridges, valleys and hips are where two planes meet.

Coordinates are voxels; a line is n . p = d with a unit normal n, its support runs along t = (-n_y, n_x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int, Shaped
from numba import njit

from .roof_planes import RoofPlanes

_SURE = 0.08
"""A window of columns tells where a wall is if its ends are full and empty up to this share."""

_MEETS = 1.2
"""Voxels within which a border of two planes is where they meet, not a step."""

_STEP = 0.15
"""Steps of less, in voxels, are none."""

_REACH = 1.5
"""Voxels by which a line reaches over its outermost points."""

_ALIKE = 0.3
"""Parallel lines closer than this, in voxels, are one."""


@dataclass(frozen=True)
class PlanLine:
    """A line of the plan.

    Attributes:
        normal: unit normal.
        offset: distance of the line from the origin along the normal.
        low: where its support begins, along (-n_y, n_x).
        high: where it ends.
        weight: how many points told of it.
        exact: whether it is where two planes meet; such lines are not moved.
    """

    normal: tuple[float, float]
    offset: float
    low: float
    high: float
    weight: float
    exact: bool = False

    @property
    def direction(self) -> tuple[float, float]:
        """The way along the line."""
        return -self.normal[1], self.normal[0]


def plan_lines(
    volume: Float[np.ndarray, "x y"], share: Float[np.ndarray, "x y"], roof: RoofPlanes
) -> list[PlanLine]:
    """Find the lines on which a building's plan is drawn, the longest first.

    Args:
        volume: filled part of each column, voxels.
        share: built share of each column.
        roof: planes, and which lies over which column.
    """
    labels = np.pad(roof.labels, 3, constant_values=-1)
    volume, share = np.pad(volume, 3), np.pad(share, 3)
    outline = np.where(labels >= 0, 0, -1)
    planes = roof.planes
    lines: list[PlanLine] = []
    for sides, closed in _arcs(outline, outer=True):
        points = _wall_points(sides, share)
        lines += _straight(points, sides, closed)
    for sides, closed in _arcs(labels, outer=False):
        i, j = (int(labels[tuple(sides[0, at : at + 2])]) for at in (0, 3))
        points, meets = _step_points(sides, volume, labels, planes, i, j)
        lines += _straight(points, sides, closed)
        if meets.any():
            lines += _meeting(planes[i], planes[j], points[meets, :2])
    moved = [_shifted(line, -3.0) for line in lines]
    return sorted(regular(moved), key=lambda line: line.low - line.high)


def _shifted(line: PlanLine, by: float) -> PlanLine:
    along = by * (line.direction[0] + line.direction[1])
    offset = line.offset + by * (line.normal[0] + line.normal[1])
    return replace(line, offset=offset, low=line.low + along, high=line.high + along)


def _meeting(
    p: Float[np.ndarray, " 3"], q: Float[np.ndarray, " 3"], points: Float[np.ndarray, "n 2"]
) -> list[PlanLine]:
    """The line on which two planes meet, along the points near it."""
    a, b, c = p - q
    # Planes are in unpadded coordinates, points three voxels further.
    c -= 3.0 * (a + b)
    length = float(np.hypot(a, b))
    normal = (float(a / length), float(b / length))
    along = points @ np.array([-normal[1], normal[0]])
    return [
        PlanLine(
            normal,
            float(-c / length),
            float(along.min()) - _REACH,
            float(along.max()) + _REACH,
            float(len(points)),
            True,
        )
    ]


def _arcs(labels: Int[np.ndarray, "x y"], *, outer: bool) -> list[tuple[Int[np.ndarray, "n 5"], bool]]:
    """Borders as sequences of sides (column inside, way out 0..3, column outside); and which close.

    Inner borders come once, from the region of the lower number, cut where the neighbour changes.
    """
    sides, offsets = _trace(labels)
    found = []
    for a, b in pairwise(offsets):
        ring = sides[a:b]
        beyond = labels[ring[:, 3], ring[:, 4]]
        if outer:
            found.append((_from_corner(ring), True))
            continue
        here = labels[ring[0, 0], ring[0, 1]]
        cuts = np.flatnonzero(beyond != np.roll(beyond, 1))
        if len(cuts) == 0:
            if beyond[0] > here:
                found.append((_from_corner(ring), True))
            continue
        ring, beyond = np.roll(ring, -cuts[0], axis=0), np.roll(beyond, -cuts[0])
        bounds = np.append(np.flatnonzero(np.diff(beyond, prepend=-9)), len(ring))
        found += [(ring[s:e], False) for s, e in pairwise(bounds) if beyond[s] > here]
    return found


def _from_corner(ring: Int[np.ndarray, "n 5"]) -> Int[np.ndarray, "n 5"]:
    """Start a ring where two long straight runs meet, so that no run is cut by the start."""
    way = ring[:, 2]
    turns = np.flatnonzero(way != np.roll(way, 1))
    runs = np.diff(np.append(turns, turns[0] + len(way)))
    best = int(np.argmax(np.minimum(runs, np.roll(runs, 1))))
    return np.roll(ring, -turns[best], axis=0)


@njit(cache=True)
@no_type_check
def _trace(labels):
    """Walk around every region (of columns with labels >= 0), the region on the left."""
    nx, ny = labels.shape
    total = 0
    # Side d of a column: 0 below, 1 right, 2 above, 3 left; it runs along (du, dv), outside is (ox, oy).
    ox, oy = np.array([0, 1, 0, -1]), np.array([-1, 0, 1, 0])
    du, dv = np.array([1, 0, -1, 0]), np.array([0, 1, 0, -1])
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            if labels[i, j] < 0:
                continue
            for d in range(4):
                if labels[i + ox[d], j + oy[d]] != labels[i, j]:
                    total += 1
    sides = np.empty((total, 5), np.int64)
    offsets = np.zeros(total + 1, np.int64)
    done = np.zeros((nx, ny, 4), np.bool_)
    n = rings = 0
    for i0 in range(1, nx - 1):
        for j0 in range(1, ny - 1):
            if labels[i0, j0] < 0:
                continue
            for d0 in range(4):
                if done[i0, j0, d0] or labels[i0 + ox[d0], j0 + oy[d0]] == labels[i0, j0]:
                    continue
                i, j, d = i0, j0, d0
                label = labels[i, j]
                while not done[i, j, d]:
                    done[i, j, d] = True
                    sides[n, 0], sides[n, 1], sides[n, 2] = i, j, d
                    sides[n, 3], sides[n, 4] = i + ox[d], j + oy[d]
                    n += 1
                    # Left turn: same column's next side; straight on: the next column; right: the one beyond.
                    e = (d + 1) % 4
                    ai, aj = i + du[d], j + dv[d]
                    if labels[ai, aj] != label:
                        d = e
                        continue
                    bi, bj = ai + ox[d], aj + oy[d]
                    if labels[bi, bj] != label:
                        i, j = ai, aj
                        continue
                    i, j, d = bi, bj, (d + 3) % 4
                rings += 1
                offsets[rings] = n
    return sides[:n], offsets[: rings + 1]


@njit(cache=True)
@no_type_check
def _wall_points(sides, share):
    """Where the wall crosses each side's row: x, y and weight."""
    points = np.empty((sides.shape[0], 3))
    for n in range(sides.shape[0]):
        i, j, _, p, q = sides[n]
        ox, oy = p - i, q - j
        f = share[i, j] + share[p, q]
        behind, ahead = share[i - ox, j - oy], share[p + ox, q + oy]
        far, further = share[i - 2 * ox, j - 2 * oy], share[p + 2 * ox, q + 2 * oy]
        weight = 1.0
        if behind > 1 - _SURE and ahead < _SURE:
            at = f + behind + ahead - 1.5
        elif far > 1 - _SURE and further < _SURE and behind > 0.5 and ahead < 0.5:
            at = f + behind + ahead + far + further - 2.5
            weight = 0.5
        else:
            at = f - 0.5 if share[p, q] > 0.02 or behind > 0.9 else 0.5
            at = min(max(at, 0.0), 1.0)
            weight = 0.05
        points[n, 0] = i + 0.5 + ox * at
        points[n, 1] = j + 0.5 + oy * at
        points[n, 2] = weight
    return points


@njit(cache=True)
@no_type_check
def _step_points(sides, volume, labels, planes, first, second):
    """Points on the step between two planes (weight 0 where there is none), and where they meet instead."""
    n_sides = sides.shape[0]
    points = np.zeros((n_sides, 3))
    meets = np.zeros(n_sides, np.bool_)
    slope = np.hypot(planes[first, 0] - planes[second, 0], planes[first, 1] - planes[second, 1])
    for n in range(n_sides):
        i, j, _, p, q = sides[n]
        ox, oy = p - i, q - j
        x, y = i + 0.5 + ox * 0.5, j + 0.5 + oy * 0.5
        points[n, 0], points[n, 1] = x, y
        gap = _height(planes[first], x, y) - _height(planes[second], x, y)
        if slope > 0.04 and abs(gap) < _MEETS * slope and abs(gap) < 1.5:
            meets[n] = True
            continue
        if abs(gap) < _STEP:
            continue
        total = 0.0
        for k in range(4):
            a, b = i + (k - 1) * ox, j + (k - 1) * oy
            if k == 0 and labels[a, b] != first:
                total += 1.0
                continue
            if k == 3 and labels[a, b] != second:
                continue
            one, two = _height(planes[first], a + 0.5, b + 0.5), _height(planes[second], a + 0.5, b + 0.5)
            if abs(one - two) < _STEP / 2:
                total += 1.0 if k < 2 else 0.0
                continue
            total += min(max((volume[a, b] - two) / (one - two), 0.0), 1.0)
        at = min(max(total - 1.5, -0.5), 1.5)
        points[n, 0], points[n, 1] = i + 0.5 + ox * at, j + 0.5 + oy * at
        points[n, 2] = min(1.0, abs(gap))
    return points, meets


@njit(cache=True)
@no_type_check
def _height(plane, x, y):
    """Level of a plane, given without padding, at padded coordinates."""
    return plane[0] * (x - 3.0) + plane[1] * (y - 3.0) + plane[2]


def _straight(
    points: Float[np.ndarray, "n 3"], sides: Int[np.ndarray, "n 5"], closed: bool
) -> list[PlanLine]:
    """Cut a sequence of points into straight runs, and connect runs that do not meet."""
    known = np.flatnonzero(points[:, 2] > 0)
    if len(known) == 0:
        return []
    points, ways = points[known], sides[known, 2]
    spread = _roughness(points, ways)
    runs = _runs(points, ways, max(0.1, spread))
    lines = [_line(points[a:b], int(kind)) for a, b, kind in runs]
    joined = list(lines)
    count = len(lines)
    for k in range(count if closed and count > 1 else count - 1):
        n = (k + 1) % count
        one, two = lines[k], lines[n]
        if (known[runs[n][0]] - known[runs[k][1] - 1]) % len(sides) > 4:
            continue
        middle = (points[runs[k][1] - 1, :2] + points[runs[n][0], :2]) / 2
        across = one.normal[0] * two.normal[1] - one.normal[1] * two.normal[0]
        if abs(across) > 0.05:
            x = (one.offset * two.normal[1] - two.offset * one.normal[1]) / across
            y = (two.offset * one.normal[0] - one.offset * two.normal[0]) / across
            if np.hypot(x - middle[0], y - middle[1]) < 1.6 + 0.5 * abs(int(runs[n][0]) - int(runs[k][1])):
                continue
        heavy = one if one.weight >= two.weight else two
        normal = heavy.direction
        ends = points[[runs[k][1] - 1, runs[n][0]], :2] @ np.array([-normal[1], normal[0]])
        joined.append(
            PlanLine(
                normal,
                float(middle @ np.array(normal)),
                float(ends.min()) - 0.5,
                float(ends.max()) + 0.5,
                0.5,
            )
        )
    return joined


def _roughness(points: Float[np.ndarray, "n 3"], ways: Int[np.ndarray, " n"]) -> float:
    """How far points stray from the line through their neighbours, in voxels: the median."""
    same = (ways[1:-1] == ways[:-2]) & (ways[1:-1] == ways[2:]) & (points[1:-1, 2] > 0.1)
    if np.count_nonzero(same) < 4:
        return 0.0
    bend = points[1:-1, :2] - (points[:-2, :2] + points[2:, :2]) / 2
    return float(np.median(np.linalg.norm(bend[same], axis=1)))


def _line(points: Float[np.ndarray, "n 3"], kind: int) -> PlanLine:
    """The line of a run: 0 x is constant, 1 y is constant, 2 any."""
    w = points[:, 2]
    middle = (points[:, :2] * w[:, None]).sum(axis=0) / w.sum()
    if kind < 2:
        normal = np.array([1.0, 0.0]) if kind == 0 else np.array([0.0, 1.0])
    else:
        local = points[:, :2] - middle
        _, vectors = np.linalg.eigh((local * w[:, None]).T @ local)
        normal = vectors[:, 0]
    along = points[:, :2] @ np.array([-normal[1], normal[0]])
    return PlanLine(
        (float(normal[0]), float(normal[1])),
        float(middle @ normal),
        float(along.min()) - _REACH,
        float(along.max()) + _REACH,
        float(w.sum()),
    )


@njit(cache=True)
@no_type_check
def _runs(points, ways, sigma):
    """Cheapest cut of points into runs: rows of first, end and kind."""
    n = points.shape[0]
    sums = np.zeros((n + 1, 6))
    flat = np.zeros((n + 1, 2))
    for k in range(n):
        x, y, w = points[k, 0] - points[0, 0], points[k, 1] - points[0, 1], points[k, 2]
        sums[k + 1, 0] = sums[k, 0] + w
        sums[k + 1, 1] = sums[k, 1] + w * x
        sums[k + 1, 2] = sums[k, 2] + w * y
        sums[k + 1, 3] = sums[k, 3] + w * x * x
        sums[k + 1, 4] = sums[k, 4] + w * x * y
        sums[k + 1, 5] = sums[k, 5] + w * y * y
        flat[k + 1, 0] = flat[k, 0] + (1.0 if ways[k] % 2 == 1 else 0.0)
        flat[k + 1, 1] = flat[k, 1] + (1.0 if ways[k] % 2 == 0 else 0.0)
    cost = np.full(n + 1, np.inf)
    origin = np.zeros((n + 1, 2), np.int64)
    cost[0] = 0.0
    for b in range(1, n + 1):
        cost[b] = cost[b - 1] + 2.5
        origin[b, 0], origin[b, 1] = b - 1, -1
        for a in range(b):
            count = b - a
            w = sums[b, 0] - sums[a, 0]
            mx, my = (sums[b, 1] - sums[a, 1]) / w, (sums[b, 2] - sums[a, 2]) / w
            xx = sums[b, 3] - sums[a, 3] - w * mx * mx
            xy = sums[b, 4] - sums[a, 4] - w * mx * my
            yy = sums[b, 5] - sums[a, 5] - w * my * my
            for kind in range(3):
                if kind == 2:
                    if count < 4:
                        continue
                    price = 9.0
                    half = (xx + yy) / 2
                    error = half - np.sqrt(max((xx - yy) ** 2 / 4 + xy * xy, 0.0))
                else:
                    if 2 * (flat[b, kind] - flat[a, kind]) < count + 1:
                        continue
                    price = 4.0
                    error = xx if kind == 0 else yy
                total = cost[a] + price + max(error, 0.0) / (2 * sigma * sigma)
                if total < cost[b] - 1e-9:
                    cost[b] = total
                    origin[b, 0], origin[b, 1] = a, kind
    runs = np.empty((n, 3), np.int64)
    count = 0
    b = n
    while b > 0:
        a, kind = origin[b]
        if kind >= 0:
            runs[count, 0], runs[count, 1], runs[count, 2] = a, b, kind
            count += 1
        b = a
    return runs[:count][::-1].copy()


def regular(lines: list[PlanLine]) -> list[PlanLine]:
    """Make lines parallel, square and one where they nearly are; those where planes meet stay."""
    free = sorted((line for line in lines if not line.exact), key=lambda line: -line.weight)
    ways: list[np.ndarray] = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    turned: list[PlanLine] = []
    for line in free:
        normal = np.array(line.normal)
        half = (line.high - line.low) / 2 - _REACH
        for way in ways:
            across = float(normal[0] * way[1] - normal[1] * way[0])
            if abs(across) < 0.05 and abs(across) * half < 0.2:
                line = _turned(line, way if normal @ way > 0 else -way)
                break
        else:
            if line.weight > 3:
                ways += [normal, np.array([-normal[1], normal[0]])]
        turned.append(line)
    kept: list[PlanLine] = []
    for line in turned:
        for n, other in enumerate(kept):
            sign = line.normal[0] * other.normal[0] + line.normal[1] * other.normal[1]
            if abs(abs(sign) - 1) > 1e-9:
                continue
            sign = 1.0 if sign > 0 else -1.0
            if abs(sign * line.offset - other.offset) < _ALIKE:
                low, high = (line.low, line.high) if sign > 0 else (-line.high, -line.low)
                total = other.weight + line.weight
                offset = (other.offset * other.weight + sign * line.offset * line.weight) / total
                kept[n] = replace(
                    other, offset=offset, low=min(low, other.low), high=max(high, other.high), weight=total
                )
                break
        else:
            kept.append(line)
    exact: list[PlanLine] = []
    for line in (line for line in lines if line.exact):
        for n, other in enumerate(exact):
            sign = line.normal[0] * other.normal[0] + line.normal[1] * other.normal[1]
            if abs(abs(sign) - 1) < 1e-9 and abs(np.sign(sign) * line.offset - other.offset) < 1e-6:
                low, high = (line.low, line.high) if sign > 0 else (-line.high, -line.low)
                exact[n] = replace(other, low=min(low, other.low), high=max(high, other.high))
                break
        else:
            exact.append(line)
    return kept + exact


def _turned(line: PlanLine, normal: Shaped[np.ndarray, " 2"]) -> PlanLine:
    """Turn a line about the middle of its support."""
    middle = line.offset * np.array(line.normal) + (line.low + line.high) / 2 * np.array(line.direction)
    half = (line.high - line.low) / 2
    along = float(middle @ np.array([-normal[1], normal[0]]))
    return replace(
        line,
        normal=(float(normal[0]), float(normal[1])),
        offset=float(middle @ normal),
        low=along - half,
        high=along + half,
    )
