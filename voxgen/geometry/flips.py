"""Better triangles within planar polygons, by flipping edges (Lawson 1977).

An edge between two triangles of one polygon is flipped where that makes the smallest of their angles larger.
Edges of polygons stay, so that what is closed stays closed.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Integer
from numba import njit

from .topology import edges


def flipped(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], source: Integer[np.ndarray, " f"]
) -> Integer[np.ndarray, "f 3"]:
    """Give faces with edges flipped within polygons.

    Args:
        vertices: (v, 3) metres.
        faces: (f, 3) triangles.
        source: (f,) the polygon of each triangle.
    """
    faces = np.array(faces, np.int32)
    _, edge_of, _, count = edges(faces, np.asarray(source, np.int32))
    _flip(np.ascontiguousarray(vertices), faces, edge_of, count)
    return faces


@njit(cache=True)
@no_type_check
def _flip(vertices, faces, edge_of, count):
    sides = np.full((count, 2), -1, np.int64)
    for f in range(faces.shape[0]):
        for c in range(3):
            e = edge_of[f, c]
            if e < 0:
                continue
            if sides[e, 0] < 0:
                sides[e, 0] = f
            elif sides[e, 1] < 0:
                sides[e, 1] = f
            else:
                sides[e, 0] = sides[e, 1] = -2
    for _ in range(50):
        changed = False
        for e in range(count):
            f, g = sides[e]
            if f < 0 or g < 0 or f == g:
                continue
            i = j = -1
            for c in range(3):
                if edge_of[f, c] == e:
                    i = c
                if edge_of[g, c] == e:
                    j = c
            a, b, c = faces[f, i], faces[f, (i + 1) % 3], faces[f, (i + 2) % 3]
            d = faces[g, (j + 2) % 3]
            if faces[g, j] != b or faces[g, (j + 1) % 3] != a or c == d:
                continue
            before = min(_angle(vertices, a, b, c), _angle(vertices, b, a, d))
            normal = _normal(vertices, a, b, c) + _normal(vertices, b, a, d)
            one, two = _normal(vertices, c, d, b), _normal(vertices, d, c, a)
            if (one * normal).sum() <= 0 or (two * normal).sum() <= 0:
                continue
            after = min(_angle(vertices, c, d, b), _angle(vertices, d, c, a))
            if after <= before + 1e-6:
                continue
            # Faces become (a, d, c) and (b, c, d).
            bc, ca = edge_of[f, (i + 1) % 3], edge_of[f, (i + 2) % 3]
            ad, db = edge_of[g, (j + 1) % 3], edge_of[g, (j + 2) % 3]
            faces[f, 0], faces[f, 1], faces[f, 2] = a, d, c
            edge_of[f, 0], edge_of[f, 1], edge_of[f, 2] = ad, e, ca
            faces[g, 0], faces[g, 1], faces[g, 2] = b, c, d
            edge_of[g, 0], edge_of[g, 1], edge_of[g, 2] = bc, e, db
            for s in range(2):
                if sides[ad, s] == g:
                    sides[ad, s] = f
                    break
            for s in range(2):
                if sides[bc, s] == f:
                    sides[bc, s] = g
                    break
            changed = True
        if not changed:
            break


@njit(cache=True)
@no_type_check
def _normal(vertices, a, b, c):
    u, v = vertices[b] - vertices[a], vertices[c] - vertices[a]
    return np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])


@njit(cache=True)
@no_type_check
def _angle(vertices, a, b, c):
    """Sine of the smallest angle of a triangle: twice its area over its two longer sides."""
    n = _normal(vertices, a, b, c)
    area = np.sqrt((n * n).sum())
    p = np.sqrt(((vertices[b] - vertices[a]) ** 2).sum())
    q = np.sqrt(((vertices[c] - vertices[b]) ** 2).sum())
    r = np.sqrt(((vertices[a] - vertices[c]) ** 2).sum())
    longer = p * q * r / max(min(p, q, r), 1e-12)
    return area / max(longer, 1e-24)
