"""Folds: faces of a closed mesh that lie on each other, back to back, from an edge that they share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer

from ..geometry.mesh import Mesh

_FOLDED = -1 + 1e-8
"""Cosine between the normals of neighbours that lie back to back: a hundredth of a degree."""


def is_folded(mesh: Mesh) -> bool:
    """Tell whether two faces of a closed mesh lie on each other, back to back, from an edge that they share.

    Between them is a crack or a blade without thickness, which is 2-manifold all the same. Programs that
    unite faces of one plane make an outline of both that crosses itself.
    """
    return len(folds(mesh)) > 0


def folds(mesh: Mesh) -> Integer[np.ndarray, "n 2"]:
    """Pairs of triangles that share an edge and lie back to back."""
    normal = normals(mesh)
    ends = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    face = np.tile(np.arange(len(mesh.faces)), 3)
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((high, low))
    low, high, face = low[order], high[order], face[order]
    pair = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1]))
    a, b = face[pair], face[pair + 1]
    back = (normal[a] * normal[b]).sum(axis=1) < _FOLDED
    return np.stack([a[back], b[back]], axis=1)


def normals(mesh: Mesh) -> Float[np.ndarray, "n 3"]:
    """Give the normal of each triangle, one metre long; none where it has no area."""
    vectors = mesh.area_vectors
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None]
