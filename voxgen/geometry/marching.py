"""The case table of marching cubes, derived instead of typed in.

A cube has 8 corners, each inside or outside, so 256 cases; corner `c` lies at `(c & 1, c >> 1 & 1, c >> 2)`.
On each face the surface cuts off corners along segments between edge crossings; where a face has its two
inside corners on a diagonal, the segments keep them joined. What happens on a face follows from its four
corners alone, so neighbouring cubes agree, and the surface is closed and two-manifold for any input (the
ambiguity that Lorensen and Cline 1987 left open). Segments link up to loops, loops are triangulated without a
diagonal that lies in a face, where it could meet the neighbour's.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Int8

EDGES = tuple((c, c | 1 << axis, axis) for axis in range(3) for c in range(8) if not c >> axis & 1)
"""Lower corner, upper corner and axis of the 12 edges."""

_EDGE_OF = {(low, high): e for e, (low, high, _) in enumerate(EDGES)}


@cache
def triangle_table() -> Int8[np.ndarray, "256 n"]:
    """Edges of the triangles of each case, three by three, outward, ended by -1."""
    rows = [
        [e for loop in _loops(case) for triangle in _triangles(loop) for e in triangle] for case in range(256)
    ]
    table = np.full((256, max(map(len, rows)) + 1), -1, np.int8)
    for case, row in enumerate(rows):
        table[case, : len(row)] = row
    return table


def _faces() -> list[tuple[int, int, int, int]]:
    """Corners of the six faces, counter-clockwise seen from outside."""
    faces = []
    for axis in range(3):
        u, v = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
        faces.append((0, v, u | v, u))
        top = 1 << axis
        faces.append((top, top | u, top | u | v, top | v))
    return faces


def _loops(case: int) -> list[list[int]]:
    """Closed chains of edges, with the inside on the left seen from outside the surface."""
    after: dict[int, int] = {}
    for face in _faces():
        ring = [bool(case >> c & 1) for c in face]
        edge = [_EDGE_OF[min(p, q), max(p, q)] for p, q in pairwise((*face, face[0]))]
        enters = [i for i in range(4) if not ring[i] and ring[(i + 1) % 4]]
        leaves = [i for i in range(4) if ring[i] and not ring[(i + 1) % 4]]
        for i in enters:
            # Walking the ring, the outside run before an entry began at the last leaving edge: joining these
            # two cuts off the outside corners and keeps inside corners together.
            before = max(leaves, key=lambda j: (j - i - 1) % 4)
            after[edge[i]] = edge[before]
    loops = []
    while after:
        start, at = after.popitem()
        loop = [start]
        while at != start:
            loop.append(at)
            at = after.pop(at)
        loops.append(loop)
    return loops


def _share_a_face(e: int, f: int) -> bool:
    corners = {*EDGES[e][:2], *EDGES[f][:2]}
    return any(corners <= set(face) for face in _faces())


def _triangles(loop: list[int]) -> list[tuple[int, int, int]]:
    found = _cut(tuple(loop))
    if found is None:
        raise AssertionError(f"loop {loop} has no triangulation without diagonals in a face")
    return found


def _cut(polygon: tuple[int, ...]) -> list[tuple[int, int, int]] | None:
    """Triangulate by a triangle on the side from last to first, then what is left and right of it."""
    if len(polygon) < 3:
        return []
    first, last = polygon[0], polygon[-1]
    for at in range(1, len(polygon) - 1):
        tip = polygon[at]
        clear_left = at == 1 or not _share_a_face(first, tip)
        clear_right = at == len(polygon) - 2 or not _share_a_face(tip, last)
        if clear_left and clear_right:
            left, right = _cut(polygon[: at + 1]), _cut(polygon[at:])
            if left is not None and right is not None:
                return [(first, tip, last), *left, *right]
    return None
