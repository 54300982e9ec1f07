"""A depth buffer: which triangle each pixel sees, and how far it is.

The kernels are unannotated: numba compiles them, and the type-check hook must not wrap them.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int32
from numba import njit


def rasterize(
    corners: Float[np.ndarray, "f 3 3"], size: int
) -> tuple[Float32[np.ndarray, "size size"], Int32[np.ndarray, "size size"]]:
    """Give depth and index of the nearest triangle at each pixel's centre, `inf` and -1 where there is none.

    Args:
        corners: pixel x, pixel y and depth of each corner.
        size: edge of the picture in pixels.
    """
    depth = np.full((size, size), np.inf, np.float32)
    index = np.full((size, size), -1, np.int32)
    _rasterize(np.ascontiguousarray(corners, np.float64), depth, index)
    return depth, index


@njit(cache=True, nogil=True)
@no_type_check
def _rasterize(corners, depth, index):
    height, width = depth.shape
    for f in range(corners.shape[0]):
        ax, ay, az = corners[f, 0, 0], corners[f, 0, 1], corners[f, 0, 2]
        ux, uy, uz = corners[f, 1, 0] - ax, corners[f, 1, 1] - ay, corners[f, 1, 2] - az
        vx, vy, vz = corners[f, 2, 0] - ax, corners[f, 2, 1] - ay, corners[f, 2, 2] - az
        area = ux * vy - uy * vx
        if abs(area) < 1e-12:
            continue
        left = max(int(np.ceil(ax + min(0.0, ux, vx) - 0.5)), 0)
        right = min(int(np.floor(ax + max(0.0, ux, vx) - 0.5)), width - 1)
        top = max(int(np.ceil(ay + min(0.0, uy, vy) - 0.5)), 0)
        bottom = min(int(np.floor(ay + max(0.0, uy, vy) - 0.5)), height - 1)
        for row in range(top, bottom + 1):
            py = row + 0.5 - ay
            for column in range(left, right + 1):
                px = column + 0.5 - ax
                s = (px * vy - py * vx) / area
                t = (ux * py - uy * px) / area
                # A hair of overlap, or pixels on a shared edge would belong to neither triangle.
                if s < -1e-7 or t < -1e-7 or s + t > 1.0 + 1e-7:
                    continue
                d = np.float32(az + s * uz + t * vz)
                if d < depth[row, column]:
                    depth[row, column] = d
                    index[row, column] = f
