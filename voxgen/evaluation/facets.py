"""Facets: of how many flat pieces a building's surface is made.

A flat piece is a set of exposed voxel faces in one plane and of one direction that hang together by their
edges. A box has 6, a ragged wall has hundreds: IoU is blind to what the eye sees first.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64
from numba import njit


def facets(occupancy: Bool[np.ndarray, "n x y z"]) -> Int64[np.ndarray, " n"]:
    """Count the flat pieces of each building, the one that it stands on among them; 0 for an empty one."""
    return _facets(np.ascontiguousarray(occupancy))


@njit(cache=True)
@no_type_check
def _facets(grids):
    n = grids.shape[0]
    counts = np.zeros(n, np.int64)
    longest = max(grids.shape[1], grids.shape[2], grids.shape[3])
    exposed = np.empty((longest, longest), np.bool_)
    stack = np.empty((longest * longest, 2), np.int64)
    for i in range(n):
        for axis in range(3):
            # Views with the plane's normal first; planes of both directions.
            if axis == 0:
                grid = grids[i]
            elif axis == 1:
                grid = grids[i].transpose(1, 0, 2)
            else:
                grid = grids[i].transpose(2, 0, 1)
            for direction in (-1, 1):
                for layer in range(grid.shape[0]):
                    counts[i] += _pieces(grid, layer, layer + direction, exposed, stack)
    return counts


@njit(cache=True)
@no_type_check
def _pieces(grid, layer, beyond, exposed, stack):
    """Count the 4-connected pieces of a layer's faces towards the layer beyond it."""
    nu, nv = grid.shape[1], grid.shape[2]
    outside = beyond < 0 or beyond >= grid.shape[0]
    for u in range(nu):
        for v in range(nv):
            exposed[u, v] = grid[layer, u, v] and (outside or not grid[beyond, u, v])
    count = 0
    for u0 in range(nu):
        for v0 in range(nv):
            if not exposed[u0, v0]:
                continue
            count += 1
            exposed[u0, v0] = False
            stack[0, 0], stack[0, 1] = u0, v0
            top = 1
            while top > 0:
                top -= 1
                u, v = stack[top, 0], stack[top, 1]
                for du, dv in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                    a, b = u + du, v + dv
                    if 0 <= a < nu and 0 <= b < nv and exposed[a, b]:
                        exposed[a, b] = False
                        stack[top, 0], stack[top, 1] = a, b
                        top += 1
    return count
