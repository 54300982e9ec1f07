"""A height map to few planes: grown from seeds, re-dealt, merged and regularised.

Planes grow from small windows that fit a plane well, best first (Besl and Jain 1988), then columns go to the
neighbouring plane that fits best, and planes that explain each other's columns become one. All moments of a
plane's columns are kept as one 3 x 3 matrix, so that a changed plane's error costs nothing: that is how
`regularised` asks whether the data allow a plane to be level, to rise square to a wall, or to share slope and
level with another.

Coordinates are voxels: column (i, j) has its centre at (i + 1/2, j + 1/2), a plane is z = a x + b y + c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit

from .components import connected

_LOOSE = 3.0
"""Second sowing, for small or rough parts: this many times the tolerance."""

STEEPEST = 2.5
"""Slope of the steepest roof, 68 degrees; steeper ones are walls seen in the columns that they cross."""

_SNAP = 0.06
"""Root mean square, in voxels, that a plane may err more for being level, square or equal to another."""

_TURN = 0.5
"""Most that the slope of a plane changes for being level, square or equal to another."""


@dataclass(frozen=True)
class RoofPlanes:
    """Planes of the roof, and which column lies under which.

    Attributes:
        planes: (m, 3) coefficients a, b, c of z = a x + b y + c.
        labels: (nx, ny) number of the plane over each column, -1 outside.
        moment: sums of products over each plane's columns, see `moments`.
    """

    planes: Float[np.ndarray, "m 3"]
    labels: Int[np.ndarray, "x y"]
    moment: Float[np.ndarray, "m 4 4"]


def roof_planes(
    height: Float[np.ndarray, "x y"], inside: Bool[np.ndarray, "x y"], whole: Bool[np.ndarray, "x y"]
) -> RoofPlanes:
    """Find the planes of a height map.

    Args:
        height: of each column, voxels.
        inside: columns that belong to the building.
        whole: columns whose height is sure, those that are built over entirely.
    """
    seeds, noise = _seeds(height, whole)
    tolerance = float(np.clip(4 * noise + 0.08, 0.1, 0.6))
    labels = np.full(height.shape, -1, np.int64)
    planes = np.zeros((0, 3))
    planes = _sow(height, whole, seeds[seeds[:, 0] < tolerance / 2], labels, planes, tolerance, 6)
    loose, _ = _seeds(height, whole & (labels < 0))
    planes = _sow(height, whole & (labels < 0), loose, labels, planes, _LOOSE * tolerance, 4)
    rest = inside & (labels < 0)
    planes = _flats(height, rest & whole, labels, planes, 3)
    if len(planes) == 0:
        middle = float(np.median(height[inside]))
        planes = np.array([[0.0, 0.0, middle]])
        labels[inside] = 0
    for _ in range(3):
        _deal(height, inside, labels, planes)
        moment = moments(height, whole, labels, planes, 2 * tolerance)
        planes = np.array([_best(m, p) for m, p in zip(moment, planes, strict=True)])
    moment = moments(height, whole, labels, planes, 2 * tolerance)
    planes, labels = _joined(moment, labels, planes, max(tolerance / 2, _SNAP))
    moment = moments(height, whole, labels, planes, 2 * tolerance)
    return RoofPlanes(regularised(planes, moment, noise), labels, moment)


def moments(
    height: Float[np.ndarray, "x y"],
    whole: Bool[np.ndarray, "x y"],
    labels: Int[np.ndarray, "x y"],
    planes: Float[np.ndarray, "m 3"],
    reach: float,
) -> Float[np.ndarray, "m 4 4"]:
    """Sums of products of (x, y, 1, z) over each plane's columns.

    Only columns whose height is sure and within `reach` of the plane count, since those that a step or ridge
    crosses hold a mixture; all of them do where there are no such.
    """
    i, j = np.nonzero(labels >= 0)
    own = labels[i, j]
    rows = np.stack([i + 0.5, j + 0.5, np.ones(len(i)), height[i, j]], axis=1)
    off = np.abs((rows[:, :3] * planes[own]).sum(axis=1) - rows[:, 3])
    good = whole[i, j] & (off < reach)
    none = np.bincount(own[good], minlength=len(planes)) == 0
    good |= none[own]
    total = np.zeros((len(planes), 4, 4))
    np.add.at(total, own[good], rows[good][:, :, None] * rows[good][:, None, :])
    return total


def error(plane: Float[np.ndarray, " 3"], moment: Float[np.ndarray, "4 4"]) -> float:
    """Mean square by which a plane errs over the columns of a moment."""
    v = np.append(plane, -1.0)
    return max(float(v @ moment @ v), 0.0) / max(float(moment[2, 2]), 1.0)


def level_at(
    plane_gradient: Float[np.ndarray, " 2"], moment: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, " 3"]:
    """The best plane of a given gradient."""
    a, b = plane_gradient
    c = (moment[2, 3] - a * moment[0, 2] - b * moment[1, 2]) / max(moment[2, 2], 1.0)
    return np.array([a, b, c])


def along(direction: Float[np.ndarray, " 2"], moment: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, " 3"]:
    """The best plane that rises along a unit direction."""
    u = np.array([*direction, 0.0])
    uu, u1, n = u @ moment[:3, :3] @ u, u @ moment[:3, 2], moment[2, 2]
    uz, z = u @ moment[:3, 3], moment[2, 3]
    det = uu * n - u1 * u1
    slope = (uz * n - u1 * z) / det if det > 1e-9 else 0.0
    return level_at(slope * np.asarray(direction), moment)


def regularised(
    planes: Float[np.ndarray, "m 3"], moment: Float[np.ndarray, "m 4 4"], noise: float
) -> Float[np.ndarray, "m 3"]:
    """Make planes level, square, symmetric and of one level where they err hardly more for it."""
    planes = planes.copy()
    allowed = (_SNAP + noise / 2) ** 2
    size = moment[:, 2, 2]
    order = np.argsort(-size)
    free = np.array([error(plane, m) for plane, m in zip(planes, moment, strict=True)])

    def fits(candidate: Float[np.ndarray, " 3"], p: int) -> bool:
        # A single row of columns says nothing of the slope across it: any would fit.
        near = np.linalg.norm(candidate[:2] - planes[p, :2]) < _TURN
        return bool(near and error(candidate, moment[p]) <= free[p] + allowed)

    directions = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    gradients: list[Float[np.ndarray, " 2"]] = []
    level: list[int] = []
    for p in order.tolist():
        flat = level_at(np.zeros(2), moment[p])
        if fits(flat, p) and np.hypot(*planes[p, :2]) < 0.2:
            planes[p] = flat
            level.append(p)
            continue
        for gradient in gradients:
            if np.linalg.norm(planes[p, :2] - gradient) < 0.15:
                candidate = level_at(gradient, moment[p])
                if fits(candidate, p):
                    planes[p] = candidate
                    break
        else:
            best = min((along(d, moment[p]) for d in directions), key=lambda c, p=p: error(c, moment[p]))
            if fits(best, p):
                planes[p] = best
            elif size[p] > 30:
                d = planes[p, :2] / np.linalg.norm(planes[p, :2])
                directions += [d, np.array([-d[1], d[0]])]
            a, b = planes[p, :2]
            gradients += [np.array(g) for g in ((a, b), (-a, -b), (-b, a), (b, -a))]
            if abs(a) < 1e-12 or abs(b) < 1e-12:
                gradients += [np.array(g) for g in ((b, a), (-b, -a))]
    done: list[int] = []
    for p in level:
        for q in done:
            if abs(planes[p, 2] - planes[q, 2]) < 0.3 and fits(planes[q], p):
                planes[p] = planes[q]
                break
        else:
            done.append(p)
    return planes


def _best(moment: Float[np.ndarray, "4 4"], plane: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """Least squares; a hair of a pull to the level holds planes over a row of columns."""
    n = moment[2, 2]
    if n < 1:
        return plane
    mean = moment[:2, 2] / n
    spread = moment[:2, :2] / n - np.outer(mean, mean)
    slope = moment[:2, 3] / n - mean * moment[2, 3] / n
    gradient = np.linalg.solve(spread + 1e-2 / n * np.eye(2), slope)
    return level_at(gradient, moment)


def _joined(
    moment: Float[np.ndarray, "m 4 4"],
    labels: Int[np.ndarray, "x y"],
    planes: Float[np.ndarray, "m 3"],
    tolerance: float,
) -> tuple[Float[np.ndarray, "m2 3"], Int[np.ndarray, "x y"]]:
    """Make planes one that explain each other's columns; planes without columns go."""
    moment = moment.copy()
    target = np.arange(len(planes))
    while True:
        size = moment[:, 2, 2]
        live = [p for p in range(len(planes)) if target[p] == p and size[p] > 0]
        least, pair = tolerance**2, None
        for n, p in enumerate(live):
            for q in live[n + 1 :]:
                if np.linalg.norm(planes[p, :2] - planes[q, :2]) > 0.5:
                    continue
                small, large = (p, q) if size[p] < size[q] else (q, p)
                if error(planes[large], moment[small]) > 4 * tolerance**2:
                    continue
                both = moment[p] + moment[q]
                plane = _best(both, planes[large])
                worse = max(
                    error(plane, moment[p]) - error(planes[p], moment[p]),
                    error(plane, moment[q]) - error(planes[q], moment[q]),
                )
                if worse < least:
                    least, pair = worse, (large, small, plane)
        if pair is None:
            break
        large, small, plane = pair
        target[target == small] = large
        moment[large] += moment[small]
        planes[large] = plane
    live = np.flatnonzero((target == np.arange(len(planes))) & (moment[:, 2, 2] > 0))
    number = np.full(len(planes) + 1, -1)
    number[live] = np.arange(len(live))
    return planes[live], np.where(labels >= 0, number[target[labels]], -1)


def _seeds(
    height: Float[np.ndarray, "x y"], whole: Bool[np.ndarray, "x y"]
) -> tuple[Float[np.ndarray, "s 4"], float]:
    """Windows of 3 x 3, then of 2 x 2, of sure columns: error, lowest corner and size, the best first.

    The second result is the noise: the median error of the wide windows.
    """
    rows = _windows(height, whole, 3)
    noise = float(np.median(rows[:, 0])) if len(rows) else 0.0
    rows = rows[np.argsort(np.round(rows[:, 0], 2), kind="stable")]
    narrow = _windows(height, whole, 2)
    narrow = narrow[np.argsort(np.round(narrow[:, 0], 2), kind="stable")]
    return np.concatenate([rows, narrow]), noise


@njit(cache=True)
@no_type_check
def _windows(height, whole, size):
    nx, ny = height.shape
    rows = np.empty((nx * ny, 4))
    n = 0
    half = (size - 1) / 2
    spread = 0.0
    for k in range(size):
        spread += (k - half) ** 2 * size
    for i in range(nx - size + 1):
        for j in range(ny - size + 1):
            good = True
            mean = sx = sy = 0.0
            for k in range(size):
                for m in range(size):
                    good = good and whole[i + k, j + m]
                    mean += height[i + k, j + m]
                    sx += (k - half) * height[i + k, j + m]
                    sy += (m - half) * height[i + k, j + m]
            if not good:
                continue
            mean, sx, sy = mean / size**2, sx / spread, sy / spread
            square = 0.0
            for k in range(size):
                for m in range(size):
                    square += (height[i + k, j + m] - mean - sx * (k - half) - sy * (m - half)) ** 2
            rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3] = np.sqrt(square / (size**2 - 3)), i, j, size
            n += 1
    return rows[:n]


def _sow(
    height: Float[np.ndarray, "x y"],
    free: Bool[np.ndarray, "x y"],
    seeds: Float[np.ndarray, "s 4"],
    labels: Int[np.ndarray, "x y"],
    planes: Float[np.ndarray, "m 3"],
    tolerance: float,
    least: int,
) -> Float[np.ndarray, "m2 3"]:
    grown = _grow(height, free & (labels < 0), seeds, labels, len(planes), tolerance, least, STEEPEST)
    return np.concatenate([planes, grown])


@njit(cache=True)
@no_type_check
def _grow(height, free, seeds, labels, first, tolerance, least, steepest):
    """Grow planes from seeds, in place; gives the planes."""
    nx, ny = height.shape
    planes = np.empty((seeds.shape[0], 3))
    count = 0
    stack = np.empty((nx * ny, 2), np.int64)
    mark = np.zeros((nx, ny), np.int64)
    stamp = 0
    for s in range(seeds.shape[0]):
        i0, j0, size = int(seeds[s, 1]), int(seeds[s, 2]), int(seeds[s, 3])
        good = seeds[s, 0] < tolerance
        for k in range(size):
            for m in range(size):
                good = good and free[i0 + k, j0 + m] and labels[i0 + k, j0 + m] < 0
        if not good:
            continue
        moment = np.zeros((3, 4))
        for k in range(size):
            for m in range(size):
                _add(moment, i0 + k, j0 + m, height[i0 + k, j0 + m])
        plane = _solve(moment)
        for sweep in range(3):
            stamp += 1
            moment[:] = 0.0
            depth = n = 0
            refit = 16
            for k in range(size):
                for m in range(size):
                    stack[depth, 0], stack[depth, 1] = i0 + k, j0 + m
                    mark[i0 + k, j0 + m] = stamp
                    depth += 1
            at = 0
            while at < depth:
                i, j = stack[at]
                at += 1
                _add(moment, i, j, height[i, j])
                n += 1
                if n == refit and sweep == 0:
                    plane = _solve(moment)
                    refit *= 2
                for d in range(4):
                    p, q = i + (d == 0) - (d == 1), j + (d == 2) - (d == 3)
                    if p < 0 or q < 0 or p >= nx or q >= ny or mark[p, q] == stamp:
                        continue
                    if not free[p, q] or labels[p, q] >= 0:
                        continue
                    if _off(plane, p, q, height[p, q]) < tolerance:
                        mark[p, q] = stamp
                        stack[depth, 0], stack[depth, 1] = p, q
                        depth += 1
            plane = _solve(moment)
        if depth < least or np.hypot(plane[0], plane[1]) > steepest or _rise_across(moment, plane) > 0.35:
            continue
        for at in range(depth):
            labels[stack[at, 0], stack[at, 1]] = first + count
        planes[count] = plane
        count += 1
    return planes[:count]


@njit(cache=True)
@no_type_check
def _off(plane, i, j, z):
    """How far a plane lies from the height z of column (i, j)."""
    return abs(plane[0] * (i + 0.5) + plane[1] * (j + 0.5) + plane[2] - z)


@njit(cache=True)
@no_type_check
def _rise_across(moment, plane):
    """Slope of a plane across a strip of two columns or less, where it may as well be a step; else 0."""
    n = moment[2, 2]
    mx, my = moment[0, 2] / n, moment[1, 2] / n
    xx, xy, yy = moment[0, 0] / n - mx * mx, moment[0, 1] / n - mx * my, moment[1, 1] / n - my * my
    half = np.sqrt(max((xx - yy) ** 2 / 4 + xy * xy, 0.0))
    if (xx + yy) / 2 - half > 0.5:
        return 0.0
    angle = np.arctan2(2 * xy, xx - yy) / 2
    return abs(-np.sin(angle) * plane[0] + np.cos(angle) * plane[1])


@njit(cache=True)
@no_type_check
def _add(moment, i, j, z):
    x, y = i + 0.5, j + 0.5
    moment[0, 0] += x * x
    moment[0, 1] += x * y
    moment[0, 2] += x
    moment[1, 1] += y * y
    moment[1, 2] += y
    moment[2, 2] += 1.0
    moment[0, 3] += x * z
    moment[1, 3] += y * z
    moment[2, 3] += z


@njit(cache=True)
@no_type_check
def _solve(moment):
    """Least-squares plane; a hair of a pull to the level holds planes over a row of columns."""
    n = moment[2, 2]
    mx, my, mz = moment[0, 2] / n, moment[1, 2] / n, moment[2, 3] / n
    xx, xy, yy = moment[0, 0] / n - mx * mx, moment[0, 1] / n - mx * my, moment[1, 1] / n - my * my
    xz, yz = moment[0, 3] / n - mx * mz, moment[1, 3] / n - my * mz
    xx, yy = xx + 0.01 / n, yy + 0.01 / n
    det = xx * yy - xy * xy
    a, b = (xz * yy - yz * xy) / det, (yz * xx - xz * xy) / det
    plane = np.empty(3)
    plane[0], plane[1], plane[2] = a, b, mz - a * mx - b * my
    return plane


def _flats(
    height: Float[np.ndarray, "x y"],
    rest: Bool[np.ndarray, "x y"],
    labels: Int[np.ndarray, "x y"],
    planes: Float[np.ndarray, "m 3"],
    least: int,
) -> Float[np.ndarray, "m2 3"]:
    """Give patches of columns that no plane took and no neighbour explains a level of their own."""
    from scipy import ndimage

    patches, count = connected(rest)
    added = []
    for n in range(1, count + 1):
        here = patches == n
        if np.count_nonzero(here) < least:
            continue
        i, j = np.nonzero(here)
        near = np.unique(labels[np.asarray(ndimage.binary_dilation(here, np.ones((3, 3))), np.bool_)])
        near = near[(near >= 0) & (near < len(planes))]
        if len(near):
            levels = np.stack([i + 0.5, j + 0.5, np.ones(len(i))], axis=1) @ planes[near].T
            thin = not (here[1:, 1:] & here[:-1, 1:] & here[1:, :-1] & here[:-1, :-1]).any()
            between = (height[i, j] < levels.max(axis=1)) & (height[i, j] > levels.min(axis=1))
            # A step seen in the columns that it crosses: a row of heights between those on either side.
            if thin and between.mean() > 0.6:
                continue
            if np.abs(levels - height[i, j][:, None]).min(axis=1).mean() < 0.75:
                continue
        labels[here] = len(planes) + len(added)
        added.append([0.0, 0.0, float(np.median(height[here]))])
    return np.concatenate([planes, np.array(added).reshape(-1, 3)])


@njit(cache=True)
@no_type_check
def _deal(height, inside, labels, planes):
    """Give each column to the plane among its neighbours' that fits best, in place, until all have one."""
    nx, ny = height.shape
    for sweep in range(nx + ny):
        changed = 0
        for i in range(nx):
            for j in range(ny):
                if not inside[i, j]:
                    labels[i, j] = -1
                    continue
                if sweep > 1 and labels[i, j] >= 0:
                    continue
                best = labels[i, j]
                least = np.inf
                if best >= 0:
                    least = _off(planes[best], i, j, height[i, j]) - 0.02
                for k in range(max(i - 1, 0), min(i + 2, nx)):
                    for m in range(max(j - 1, 0), min(j + 2, ny)):
                        label = labels[k, m]
                        if label < 0:
                            continue
                        off = _off(planes[label], i, j, height[i, j])
                        if off < least:
                            best, least = label, off
                if best != labels[i, j]:
                    labels[i, j] = best
                    changed += 1
        if changed == 0 and sweep > 1:
            break
    # Columns that no labelled column touches: the plane that fits best anywhere.
    for i in range(nx):
        for j in range(ny):
            if inside[i, j] and labels[i, j] < 0:
                least = np.inf
                for label in range(planes.shape[0]):
                    off = _off(planes[label], i, j, height[i, j])
                    if off < least:
                        labels[i, j], least = label, off
