"""Where the grid lies: turned with the footprint, centred on it, on the ground.

The footprint's minimum rectangle has a side along an edge of the convex hull (Freeman and Shapira 1975), so
trying each edge of the hull finds it. Its long side becomes the grid's x axis. A rectangle looks the same
after a half turn, and a square after a quarter turn; there the building decides: of the turns that are
equally good, the one that carries most surface towards +x, then towards +y. So a building that is moved and
turned in the world lands in the same voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from ..errors import DataError, UsageError
from .kernels import to_index
from .mesh import Mesh, rotation_z
from .topology import check

SLACK = 1e-6
"""Relative difference below which two rectangles are equally good."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle in the plan.

    Attributes:
        length: longer side in metres.
        width: shorter side in metres.
        yaw: angle of the long side from the x axis in radians, counter-clockwise, in [0, pi).
        centre: x and y in metres.
    """

    length: float
    width: float
    yaw: float
    centre: Float[np.ndarray, " 2"]


@dataclass(frozen=True)
class Placement:
    """Where a grid lies in the world, and whether the building fits in it.

    Attributes:
        origin: world position in metres of the grid's lowest corner.
        yaw: angle in radians from the world's x axis to the grid's.
        pitch: edge length of a voxel in metres.
        resolution: voxels along x, y and z.
        extents: size of the building along the grid's axes in metres.
    """

    origin: Float[np.ndarray, " 3"]
    yaw: float
    pitch: float
    resolution: tuple[int, int, int]
    extents: Float[np.ndarray, " 3"]

    @property
    def fits(self) -> bool:
        """True where nothing of the building lies outside the grid."""
        return bool(np.all(self.extents <= np.array(self.resolution) * self.pitch * (1 + SLACK)))

    def to_index(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Continuous indices of world positions in metres."""
        return to_index(points, self.origin, self.yaw, self.pitch)


def footprint_rectangle(points_xy: Float[np.ndarray, "n 2"]) -> Rectangle:
    """Find the rectangle of least area around points of the plan.

    Of rectangles that are equally small the one with the least yaw is taken.

    Raises:
        DataError: no points, or points that are not finite.
    """
    points = np.ascontiguousarray(points_xy, np.float64)
    if len(points) == 0 or not np.isfinite(points).all():
        raise DataError(f"a footprint needs finite points, {len(points)} were given, not all of them finite")
    base = points.mean(axis=0)
    table = _rectangles(points - base)
    length, width, yaw, x, y = table[np.argmin(table[:, 2])]
    return Rectangle(float(length), float(width), float(yaw), base + np.array([x, y]))


def place(
    mesh: Mesh, resolution: int | Sequence[int], pitch: float, align: bool = True, margin: float = 0.0
) -> Placement:
    """Lay a grid around a building: centred in the plan, the lowest vertex on its floor.

    Args:
        mesh: the building, metres.
        resolution: voxels along x, y and z, or one number for all.
        pitch: edge length of a voxel in metres.
        align: turn the grid so that its x axis runs along the footprint's long side; else yaw is 0.
        margin: free space in metres that `fits` asks for on all sides but the floor.

    Raises:
        DataError: a mesh without faces or with vertices that are not finite.
        UsageError: a resolution or pitch that is not positive.
    """
    counts = resolved(resolution)
    if not (np.isfinite(pitch) and pitch > 0):
        raise UsageError(f"pitch = {pitch}; a voxel's edge is a positive number of metres, for example 0.5")
    check(mesh)
    base = mesh.vertices[mesh.faces[0, 0]]
    local = mesh.vertices - base
    yaw = _best_yaw(local, np.ascontiguousarray(mesh.faces)) if align else 0.0
    low, high = bounds(local @ rotation_z(yaw), np.ascontiguousarray(mesh.faces))
    size = np.array(counts) * pitch
    corner = (low + high - size) / 2
    corner[2] = low[2]
    extents = high - low + margin * np.array([2.0, 2.0, 1.0])
    return Placement(base + rotation_z(yaw) @ corner, float(yaw), float(pitch), counts, extents)


def resolved(resolution: int | Sequence[int]) -> tuple[int, int, int]:
    """Give a resolution as three counts.

    Raises:
        UsageError: not one or three positive whole numbers.
    """
    counts = (resolution,) * 3 if isinstance(resolution, int | np.integer) else tuple(resolution)
    if len(counts) != 3 or any(int(n) != n or n < 1 for n in counts):
        raise UsageError(f"resolution = {resolution}; give one positive whole number or three (x, y, z)")
    x, y, z = (int(n) for n in counts)
    return x, y, z


@njit(cache=True)
@no_type_check
def _hull(points):
    """Convex hull, counter-clockwise (Andrew's monotone chain)."""
    n = points.shape[0]
    # One kind of sort for both: each is compiled, at the first use of voxgen.
    by_y = points[np.argsort(points[:, 1], kind="mergesort")]
    ordered = by_y[np.argsort(by_y[:, 0], kind="mergesort")]
    hull = np.empty((2 * n + 2, 2))
    k = 0
    for sweep in range(2):
        floor = k + 1 if sweep else 1
        for step in range(n):
            p = ordered[n - 1 - step] if sweep else ordered[step]
            while k > floor:
                ax, ay = hull[k - 1, 0] - hull[k - 2, 0], hull[k - 1, 1] - hull[k - 2, 1]
                if ax * (p[1] - hull[k - 2, 1]) - ay * (p[0] - hull[k - 2, 0]) > 0:
                    break
                k -= 1
            hull[k] = p
            k += 1
        k -= 1
    return hull[: max(k, 1)]


@njit(cache=True)
@no_type_check
def _rectangles(points):
    """Rows of length, width, yaw, centre x, centre y of all rectangles of least area, squares twice."""
    hull = _hull(points)
    n = hull.shape[0]
    sides = np.zeros((n, 5))
    least = np.inf
    found = 0
    for e in range(n):
        dx, dy = hull[(e + 1) % n, 0] - hull[e, 0], hull[(e + 1) % n, 1] - hull[e, 1]
        norm = np.hypot(dx, dy)
        if norm == 0.0:
            dx, norm = 1.0, 1.0
        c, s = dx / norm, dy / norm
        x0 = y0 = np.inf
        x1 = y1 = -np.inf
        for p in range(n):
            x, y = c * hull[p, 0] + s * hull[p, 1], c * hull[p, 1] - s * hull[p, 0]
            x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
        a, b = x1 - x0, y1 - y0
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        yaw = np.arctan2(s, c)
        sides[found] = a, b, yaw, c * mx - s * my, s * mx + c * my
        least = min(least, a * b)
        found += 1
    # Collinear points have area 0 at every edge; the absolute term keeps rounding from choosing among them.
    scale = 0.0
    for p in range(n):
        scale = max(scale, abs(hull[p, 0]), abs(hull[p, 1]))
    table = np.empty((2 * found, 5))
    count = 0
    for e in range(found):
        a, b, yaw, x, y = sides[e]
        if a * b > least * (1 + SLACK) + 1e-12 * scale * scale:
            continue
        for quarter in range(2):
            length, width = (a, b) if quarter == 0 else (b, a)
            if length < width * (1 - SLACK):
                continue
            turned = (yaw + quarter * np.pi / 2) % np.pi
            if np.pi - turned < 1e-9:
                turned = 0.0
            table[count] = max(length, width), min(length, width), turned, x, y
            count += 1
    return table[:count]


@njit(cache=True)
@no_type_check
def _best_yaw(points, faces):
    """Yaw in [0, 2 pi) of the best rectangle; half and quarter turns follow where the surface lies."""
    used = np.zeros(points.shape[0], np.bool_)
    for f in range(faces.shape[0]):
        for corner in range(3):
            used[faces[f, corner]] = True
    table = _rectangles(points[used][:, :2].copy())
    area = mx = my = 0.0
    for f in range(faces.shape[0]):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        wx, wy, wz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        weight = np.sqrt(nx * nx + ny * ny + nz * nz)
        area += weight
        mx += weight * (a[0] + b[0] + c[0]) / 3
        my += weight * (a[1] + b[1] + c[1]) / 3
    best = table[0, 2]
    best_x = best_y = -np.inf
    for row in range(table.shape[0]):
        slack = 1e-4 * max(table[row, 0], 1e-12)
        cx = mx / max(area, 1e-300) - table[row, 3]
        cy = my / max(area, 1e-300) - table[row, 4]
        for half in range(2):
            yaw = table[row, 2] + half * np.pi
            c, s = np.cos(yaw), np.sin(yaw)
            x, y = c * cx + s * cy, c * cy - s * cx
            level = abs(x - best_x) <= slack
            further = x > best_x + slack or (level and y > best_y + slack)
            if further or (level and abs(y - best_y) <= slack and yaw < best - 1e-9):
                best, best_x, best_y = yaw, x, y
    return best


@njit(cache=True)
@no_type_check
def bounds(points, faces):
    """Give the lowest and highest coordinates of the points that faces name."""
    low = np.full(3, np.inf)
    high = np.full(3, -np.inf)
    for f in range(faces.shape[0]):
        for corner in range(3):
            for axis in range(3):
                value = points[faces[f, corner], axis]
                low[axis] = min(low[axis], value)
                high[axis] = max(high[axis], value)
    return low, high
