"""The column scan: which samples of a lattice lie inside a triangle soup.

Notation: everything is in index units of the lattice that is sampled, `i, j` count columns along x and y, `k`
samples along z, and sample `(i, j, k)` lies at `(i + 1/2, j + 1/2, k + 1/2)`. A vertical line through each
column meets the triangles in *crossings*; a crossing at height z changes the winding number of all samples
below it by its *sign*, +1 where the triangle faces up and -1 where it faces down. Inside is nonzero winding.

No crack, no double count: a triangle's columns in row `i` lie between two of its edges. Both ends of an edge
are ordered by x before its y is computed, so the two triangles that share an edge round it to the same
column; and all intervals are half open, which breaks ties as if the lattice were moved by an infinitesimal
amount. The sign follows from the order of the two rounded edges, never from a cross product, so that even
slivers cancel exactly.

The kernels are unannotated: numba compiles them, and the type-check hook must not wrap them.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True)
@no_type_check
def to_index(points, origin, yaw, pitch):
    """Give (n, 3) world positions in the index units of a grid."""
    index = np.empty(points.shape, np.float64)
    c, s = np.cos(yaw), np.sin(yaw)
    for n in range(points.shape[0]):
        x, y = points[n, 0] - origin[0], points[n, 1] - origin[1]
        index[n, 0] = (x * c + y * s) / pitch
        index[n, 1] = (y * c - x * s) / pitch
        index[n, 2] = (points[n, 2] - origin[2]) / pitch
    return index


@njit(cache=True)
@no_type_check
def crossings(points, faces, nx, ny):
    """Give column, height, sign and face of every crossing of the (nx, ny) columns, in face order."""
    size = 4096
    column = np.empty(size, np.int32)
    height = np.empty(size, np.float64)
    sign = np.empty(size, np.int8)
    face = np.empty(size, np.int32)
    count = 0
    for f in range(faces.shape[0]):
        lo, mid, hi = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = points[lo, 0], points[lo, 1], points[lo, 2]
        ux, uy, uz = points[mid, 0] - ax, points[mid, 1] - ay, points[mid, 2] - az
        wx, wy, wz = points[hi, 0] - ax, points[hi, 1] - ay, points[hi, 2] - az
        bottom = min(az, points[mid, 2], points[hi, 2])
        top = max(az, points[mid, 2], points[hi, 2])
        even = True
        if points[mid, 0] < points[lo, 0]:
            lo, mid, even = mid, lo, not even
        if points[hi, 0] < points[mid, 0]:
            mid, hi, even = hi, mid, not even
            if points[mid, 0] < points[lo, 0]:
                lo, mid, even = mid, lo, not even
        lx, ly = points[lo, 0], points[lo, 1]
        mx, my = points[mid, 0], points[mid, 1]
        hx, hy = points[hi, 0], points[hi, 1]
        first = max(np.ceil(lx - 0.5), 0.0)
        last = min(np.ceil(hx - 0.5), np.float64(nx))
        if first >= last:
            continue
        turn = np.ceil(mx - 0.5)
        slope_long = (hy - ly) / (hx - lx)
        slope_low = (my - ly) / (mx - lx) if mx > lx else 0.0
        slope_high = (hy - my) / (hx - mx) if hx > mx else 0.0
        nz = ux * wy - uy * wx
        gx, gy = 0.0, 0.0
        if nz != 0.0:
            gx = (uz * wy - uy * wz) / nz
            gy = (ux * wz - uz * wx) / nz
        for i in range(int(first), int(last)):
            x = i + 0.5
            j_long = np.ceil(ly + (x - lx) * slope_long - 0.5)
            if i < turn:
                j_short = np.ceil(ly + (x - lx) * slope_low - 0.5)
            else:
                j_short = np.ceil(my + (x - mx) * slope_high - 0.5)
            s = 1 if (j_short < j_long) == even else -1
            j0 = int(max(min(j_short, j_long), 0.0))
            j1 = int(min(max(j_short, j_long), np.float64(ny)))
            while count + j1 - j0 > size:
                size *= 2
                column = _grown(column, size)
                height = _grown(height, size)
                sign = _grown(sign, size)
                face = _grown(face, size)
            for j in range(j0, j1):
                z = az + (x - ax) * gx + (j + 0.5 - ay) * gy
                column[count] = i * ny + j
                height[count] = min(max(z, bottom), top)
                sign[count] = s
                face[count] = f
                count += 1
    return column[:count], height[:count], sign[:count], face[:count]


@njit(cache=True)
@no_type_check
def _grown(array, size):
    bigger = np.empty(size, array.dtype)
    bigger[: array.shape[0]] = array
    return bigger


@njit(cache=True)
@no_type_check
def linked(column, n_columns):
    """Chain the crossings of each column: `head[c]`, then `after[crossing]` until -1."""
    head = np.full(n_columns, -1, np.int32)
    after = np.empty(column.shape[0], np.int32)
    for n in range(column.shape[0]):
        c = column[n]
        after[n] = head[c]
        head[c] = n
    return head, after


@njit(cache=True)
@no_type_check
def _runs(start, after, level, sign, floor, levels, signs, runs):
    """Write the runs `[k0, k1)` of nonzero winding of one column, from above; give how many."""
    n = 0
    c = start
    while c >= 0:
        k, s = level[c], sign[c]
        at = n
        while at > 0 and levels[at - 1] < k:
            levels[at] = levels[at - 1]
            signs[at] = signs[at - 1]
            at -= 1
        levels[at] = k
        signs[at] = s
        n += 1
        c = after[c]
    winding = 0
    found = 0
    for at in range(n):
        before = winding
        winding += signs[at]
        if before == 0 and winding != 0:
            runs[found, 1] = levels[at]
        elif before != 0 and winding == 0:
            runs[found, 0] = levels[at]
            if runs[found, 1] > runs[found, 0]:
                found += 1
    if winding != 0:
        runs[found, 0] = floor
        if runs[found, 1] > floor:
            found += 1
    return found


@njit(cache=True)
@no_type_check
def _room(crossings):
    """Give room for the levels, signs and runs of a column, should all crossings lie in one."""
    levels, signs = np.empty(crossings + 1, np.int32), np.empty(crossings + 1, np.int32)
    return levels, signs, np.empty((crossings + 1, 2), np.int64)


@njit(cache=True)
@no_type_check
def _levels(height, floor, nz):
    """Round heights to the lowest sample that is not below them, inside `[floor, nz]`."""
    level = np.empty(height.shape[0], np.int32)
    for n in range(height.shape[0]):
        level[n] = int(min(max(np.ceil(height[n] - 0.5), floor), nz))
    return level


@njit(cache=True)
@no_type_check
def scan_bits(points, faces, nx, ny, nz, floor):
    """Give occupancy as uint64 words of bits, z fastest, least significant bit first; air below `floor`."""
    column, height, sign, _ = crossings(points, faces, nx, ny)
    level = _levels(height, floor, nz)
    head, after = linked(column, nx * ny)
    levels, signs, runs = _room(column.shape[0])
    words = np.zeros((nx * ny * nz + 63) // 64, np.uint64)
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    for c in range(nx * ny):
        if head[c] < 0:
            continue
        for r in range(_runs(head[c], after, level, sign, floor, levels, signs, runs)):
            begin = c * nz + runs[r, 0]
            end = c * nz + runs[r, 1] - 1
            w0, w1 = begin >> 6, end >> 6
            low = ones << np.uint64(begin & 63)
            high = ones >> np.uint64(63 - (end & 63))
            if w0 == w1:
                words[w0] |= low & high
            else:
                words[w0] |= low
                for w in range(w0 + 1, w1):
                    words[w] = ones
                words[w1] |= high
    return words


@njit(cache=True)
@no_type_check
def scan_counts(points, faces, nx, ny, nz, floor, samples, s):
    """Give how many of a voxel's samples are inside, uint8 (nx, ny, nz); `points` and `floor` in voxels.

    Row (x, y, z) of `samples` is where in a voxel a column stands, and how far up each of its s equal steps
    its samples lie, as a share of the step.
    """
    counts = np.zeros((nx, ny, nz), np.uint8)
    shifted = np.empty_like(points)
    full = np.uint8(s)
    for n in range(samples.shape[0]):
        for v in range(points.shape[0]):
            shifted[v, 0] = points[v, 0] - samples[n, 0] + 0.5
            shifted[v, 1] = points[v, 1] - samples[n, 1] + 0.5
            shifted[v, 2] = points[v, 2] * s - samples[n, 2] + 0.5
        lowest = min(max(np.ceil(floor * s - samples[n, 2]), 0.0), np.float64(nz * s))
        column, height, sign, _ = crossings(shifted, faces, nx, ny)
        level = _levels(height, lowest, nz * s)
        head, after = linked(column, nx * ny)
        levels, signs, runs = _room(column.shape[0])
        for c in range(nx * ny):
            if head[c] < 0:
                continue
            voxels = counts[c // ny, c % ny]
            for r in range(_runs(head[c], after, level, sign, lowest, levels, signs, runs)):
                begin, end = runs[r, 0], runs[r, 1]
                k0, k1 = begin // s, end // s
                if k0 == k1:
                    voxels[k0] += np.uint8(end - begin)
                    continue
                voxels[k0] += np.uint8((k0 + 1) * s - begin)
                for k in range(k0 + 1, k1):
                    voxels[k] += full
                if end > k1 * s:
                    voxels[k1] += np.uint8(end - k1 * s)
    return counts
