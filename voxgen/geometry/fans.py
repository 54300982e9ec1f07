"""Faces that every reader splits into the right triangles.

Many readers cut a face with many corners into a fan from its first corner. That is right for a face only
where its first corner sees all others; a U-shaped one would be cut across its opening. So faces begin with a
corner that sees all; where there is none, or the polygon has holes, its triangles are joined to as few such
faces as a greedy pass finds (after Hertel and Mehlhorn 1983).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .polyhedron import Polyhedron

_EMPTY = 1e-9
"""Square metres that a triangle of a fan has at least, and share of the whole face."""


def fans(surface: Polyhedron, polygon: int) -> list[list[int]]:
    """Give the corners of the faces of a polygon, each a fan from its first corner.

    Args:
        surface: metres.
        polygon: its number.
    """
    rings = surface.corners(polygon)
    normal = surface.area_vectors[polygon]
    length = np.linalg.norm(normal)
    if (len(rings[0]) == 3 and len(rings) == 1) or length == 0:
        return [ring.tolist() for ring in rings]
    normal = normal / length
    if len(rings) == 1:
        whole = _fan(surface.vertices, rings[0].tolist(), normal)
        if whole:
            return [whole]
    triangles, source = surface.triangles
    own = triangles[slice(*np.searchsorted(source, [polygon, polygon + 1]))]
    return _joined(surface.vertices, own.tolist(), normal)


def _joined(
    vertices: Float[np.ndarray, "v 3"], faces: list[list[int]], normal: Float[np.ndarray, " 3"]
) -> list[list[int]]:
    """Join neighbours, longest common edge first, where the result is still a fan."""
    pieces = dict(enumerate(faces))
    owner = {(a, b): i for i, face in pieces.items() for a, b in _sides(face)}
    inner = [(a, b) for a, b in owner if a < b and (b, a) in owner]
    inner.sort(key=lambda side: (-float(np.linalg.norm(vertices[side[0]] - vertices[side[1]])), side))
    for a, b in inner:
        one, other = owner[a, b], owner[b, a]
        if one == other:
            continue
        left, right = pieces[one], pieces[other]
        i, j = left.index(b), right.index(a)
        ring = [*left[i:], *left[:i], *(right[j:] + right[:j])[1:-1]]
        joined = _fan(vertices, ring, normal)
        if joined:
            pieces[one] = joined
            del pieces[other]
            owner.update(dict.fromkeys(_sides(joined), one))
    return list(pieces.values())


def _sides(face: list[int]) -> list[tuple[int, int]]:
    return list(zip(face, [*face[1:], face[0]], strict=True))


def _fan(
    vertices: Float[np.ndarray, "v 3"], ring: list[int], normal: Float[np.ndarray, " 3"]
) -> list[int] | None:
    """Give the ring from the corner whose fan has the largest smallest triangle; None where none is right."""
    if len(set(ring)) < len(ring):
        return None
    corners = vertices[ring]
    following = np.roll(corners, -1, axis=0)
    # area[s, k]: of the triangle from start s over the side that begins at k; the two sides at s have none.
    area = np.cross(corners[None] - corners[:, None], following[None] - corners[:, None]) @ normal / 2
    count = len(ring)
    smallest = np.where(_beside(count), np.inf, area).min(axis=1)
    best = int(np.argmax(smallest))
    if smallest[best] <= _EMPTY * max(1.0, float(area[best].sum())):
        return None
    return ring[best:] + ring[:best]


def _beside(count: int) -> np.ndarray:
    start = np.arange(count)
    beside = np.eye(count, dtype=bool)
    beside[start, start - 1] = True
    return beside
