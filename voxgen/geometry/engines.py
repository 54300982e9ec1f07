"""The column scan twice more: the numpy twin of `kernels`, and open3d's ray casting as an independent check.

Both find crossings in their own way and share what follows: signs add up from above, inside is nonzero
winding. The numpy twin does the same floating-point operations in the same order as the numba kernel and
gives the same grid bit for bit; open3d casts rays in float32 and may differ where a surface meets a sample.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

_SLAB = 2**22
"""Samples that are held at a time."""


def scan_numpy(
    points: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    resolution: tuple[int, int, int],
    floor: float,
    samples: Float[np.ndarray, "n 3"],
    s: int,
) -> UInt8[np.ndarray, "x y z"]:
    """Give `kernels.scan_counts` by numpy alone."""
    nx, ny, _ = resolution
    counts = np.zeros(resolution, np.uint8)
    for sample in samples:
        shifted = _shifted(points, sample, s)
        column, height, sign = crossings_numpy(shifted, faces, nx, ny)
        _fill(counts, column, height, sign, float(np.ceil(floor * s - sample[2])), s)
    return counts


def _shifted(
    points: Float[np.ndarray, "v 3"], sample: Float[np.ndarray, " 3"], s: int
) -> Float[np.ndarray, "v 3"]:
    """Move points so that the columns and samples of one row of `samples` lie at halves."""
    return points * (1.0, 1.0, float(s)) - sample + 0.5


def _fill(
    counts: UInt8[np.ndarray, "x y z"],
    column: Int[np.ndarray, " c"],
    height: Float[np.ndarray, " c"],
    sign: Int[np.ndarray, " c"],
    floor: float,
    s: int,
) -> None:
    """Add to each voxel how many of the samples of its columns have nonzero winding."""
    nx, ny, nz = counts.shape
    lowest = int(min(max(floor, 0), nz * s))
    level = np.clip(np.ceil(height - 0.5), lowest, nz * s).astype(np.int64)
    order = np.argsort(column, kind="stable")
    column, level, sign = column[order], level[order], sign[order]
    slab = max(1, _SLAB // (ny * nz * s))
    for i in range(0, nx, slab):
        wide = min(slab, nx - i)
        begin, end = np.searchsorted(column, [i * ny, (i + wide) * ny])
        change = np.zeros((wide * ny, nz * s + 1), np.int32)
        np.add.at(change, (column[begin:end] - i * ny, level[begin:end]), sign[begin:end])
        # Sample k lies below a crossing of level l where k < l.
        inside = np.cumsum(change[:, :0:-1], axis=1)[:, ::-1] != 0
        inside[:, :lowest] = False
        counts[i : i + wide] += inside.reshape(wide, ny, nz, s).sum(axis=-1, dtype=np.uint8)


def crossings_numpy(
    points: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], nx: int, ny: int
) -> tuple[Int[np.ndarray, " c"], Float[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Give column, height and sign of every crossing: `kernels.crossings`, operation by operation."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    u, w = b - a, c - a
    nz = u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]
    flat = np.where(nz == 0, 1.0, nz)
    gx = np.where(nz == 0, 0.0, (u[:, 2] * w[:, 1] - u[:, 1] * w[:, 2]) / flat)
    gy = np.where(nz == 0, 0.0, (u[:, 0] * w[:, 2] - u[:, 2] * w[:, 0]) / flat)
    bottom = np.minimum(np.minimum(a[:, 2], b[:, 2]), c[:, 2])
    top = np.maximum(np.maximum(a[:, 2], b[:, 2]), c[:, 2])

    corners = points[faces]
    order = np.argsort(corners[:, :, 0], axis=1, kind="stable")
    even = np.isin(order @ (9, 3, 1), (0 * 9 + 1 * 3 + 2, 1 * 9 + 2 * 3 + 0, 2 * 9 + 0 * 3 + 1))
    lo, mid, hi = (np.take_along_axis(corners, order[:, None, at, None], 1)[:, 0] for at in range(3))
    slope_long, slope_low, slope_high = _slope(lo, hi), _slope(lo, mid), _slope(mid, hi)
    first = np.clip(np.ceil(lo[:, 0] - 0.5), 0, nx).astype(np.int64)
    last = np.clip(np.ceil(hi[:, 0] - 0.5), 0, nx).astype(np.int64)
    turn = np.ceil(mid[:, 0] - 0.5)

    f, i = _expand(first, last)
    x = i + 0.5
    j_long = np.ceil(lo[f, 1] + (x - lo[f, 0]) * slope_long[f] - 0.5)
    j_low = np.ceil(lo[f, 1] + (x - lo[f, 0]) * slope_low[f] - 0.5)
    j_high = np.ceil(mid[f, 1] + (x - mid[f, 0]) * slope_high[f] - 0.5)
    j_short = np.where(i < turn[f], j_low, j_high)
    row_sign = np.where((j_short < j_long) == even[f], 1, -1)
    j0 = np.clip(np.minimum(j_short, j_long), 0, ny).astype(np.int64)
    j1 = np.clip(np.maximum(j_short, j_long), 0, ny).astype(np.int64)

    row, j = _expand(j0, j1)
    f, i = f[row], i[row]
    z = a[f, 2] + (i + 0.5 - a[f, 0]) * gx[f] + (j + 0.5 - a[f, 1]) * gy[f]
    return i * ny + j, np.minimum(np.maximum(z, bottom[f]), top[f]), row_sign[row]


def _slope(p: Float[np.ndarray, "f 3"], q: Float[np.ndarray, "f 3"]) -> Float[np.ndarray, " f"]:
    run = q[:, 0] - p[:, 0]
    return np.where(run > 0, (q[:, 1] - p[:, 1]) / np.where(run > 0, run, 1.0), 0.0)


def _expand(
    first: Int[np.ndarray, " n"], last: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Give every integer of the half-open intervals, with the number of its interval."""
    length = np.maximum(last - first, 0)
    owner = np.repeat(np.arange(len(first)), length)
    start = np.repeat(np.cumsum(length) - length, length)
    return owner, np.arange(length.sum()) - start + first[owner]


def scan_open3d(
    points: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    resolution: tuple[int, int, int],
    floor: float,
    samples: Float[np.ndarray, "n 3"],
    s: int,
) -> UInt8[np.ndarray, "x y z"]:
    """Give `kernels.scan_counts` by open3d's ray casting."""
    from .open3d_loader import load_open3d

    o3d = load_open3d()
    nx, ny, _ = resolution
    # Embree reports a crossing on a shared edge twice or never; a step aside keeps columns off most edges.
    columns = np.stack(np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij"), -1).reshape(-1, 2)
    columns = columns + np.array([0.50037, 0.50059])
    counts = np.zeros(resolution, np.uint8)
    for sample in samples:
        shifted = _shifted(points, sample, s)
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(
            o3d.core.Tensor(shifted.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32))
        )
        top = float(shifted[faces, 2].max()) + 1.0
        rays = np.zeros((len(columns), 6), np.float32)
        rays[:, :2], rays[:, 2], rays[:, 5] = columns, top, -1.0
        hits = scene.list_intersections(o3d.core.Tensor(rays))
        corners = shifted[faces[hits["primitive_ids"].numpy()]]
        u, w = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        sign = np.where(u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0] > 0, 1, -1)
        height = top - hits["t_hit"].numpy().astype(np.float64)
        column = hits["ray_ids"].numpy().astype(np.int64)
        _fill(counts, column, height, sign, float(np.ceil(floor * s - sample[2])), s)
    return counts
