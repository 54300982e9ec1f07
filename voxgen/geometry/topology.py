"""How the triangles of a mesh hang together: open, non-manifold and flipped edges.

Vertices closer than a tolerance count as one, whatever the file says, because STL and many exporters repeat
them. Edges join faces of the same part only: parts are solids of their own and may touch. Triangles that
collapse when welded have no edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from numba import njit

from ..errors import DataError
from .mesh import Mesh
from .weld import NEARER, WELD_TOLERANCE

TOLERANCE = WELD_TOLERANCE
"""Vertices closer than a millimetre are one; the rule of `weld.weld`, but for chains of close vertices."""


@dataclass(frozen=True)
class Topology:
    """Edge counts of a welded mesh.

    Attributes:
        edges: all edges.
        open: edges with one face.
        nonmanifold: edges with three faces or more.
        flipped: edges whose two faces run along them in the same direction.
        faces: triangles that do not collapse when welded.
    """

    edges: int
    open: int
    nonmanifold: int
    flipped: int
    faces: int

    @property
    def is_closed(self) -> bool:
        """True where every edge has exactly two faces."""
        return self.faces > 0 and self.open == 0 and self.nonmanifold == 0

    @property
    def is_oriented(self) -> bool:
        """True where no two neighbours disagree about which side is outside."""
        return self.flipped == 0

    @property
    def open_fraction(self) -> float:
        """Share of edges that are open."""
        return self.open / max(self.edges, 1)

    @property
    def nonmanifold_fraction(self) -> float:
        """Share of edges with three faces or more."""
        return self.nonmanifold / max(self.edges, 1)


def topology(mesh: Mesh, tolerance: float = TOLERANCE) -> Topology:
    """Count the edges of a mesh, welded at `tolerance` metres, part by part.

    Raises:
        DataError: where a vertex that a face uses is not finite, or a face names a vertex that is not there.
    """
    check(mesh)
    welded = weld(mesh.vertices, tolerance)[mesh.faces]
    kept, edge_of, direction, n_edges = edges(welded, mesh.parts)
    along, against, n_faces = _count(kept, edge_of, direction, n_edges)
    total = along + against
    return Topology(
        edges=int(n_edges),
        open=int(np.count_nonzero(total == 1)),
        nonmanifold=int(np.count_nonzero(total > 2)),
        flipped=int(np.count_nonzero((total == 2) & (along != against))),
        faces=int(n_faces),
    )


def check(mesh: Mesh) -> None:
    """Refuse a mesh that cannot be computed with.

    Raises:
        DataError: no faces, vertices that are not finite, or faces that name vertices that are not there.
    """
    if len(mesh.faces) == 0:
        raise DataError(
            "the mesh has no faces; a solid needs triangles (for a point cloud use voxelize_points)"
        )
    low, high, finite = _usable(mesh.vertices, mesh.faces)
    if low < 0 or high >= len(mesh.vertices):
        wrong = low if low < 0 else high
        raise DataError(
            f"a face names vertex {wrong}, but the mesh has {len(mesh.vertices)}, counted from 0; "
            "the file is damaged, export it again"
        )
    if not finite:
        raise DataError("the mesh has vertices that are not finite (NaN or infinity); export it again")


@njit(cache=True)
@no_type_check
def _usable(vertices, faces):
    """Give the lowest and highest vertex that a face names, and whether all that exist are finite."""
    low, high, finite = faces[0, 0], faces[0, 0], True
    for f in range(faces.shape[0]):
        for corner in range(3):
            v = faces[f, corner]
            low, high = min(low, v), max(high, v)
            if 0 <= v < vertices.shape[0]:
                for axis in range(3):
                    finite = finite and np.isfinite(vertices[v, axis])
    return low, high, finite


@njit(cache=True)
@no_type_check
def weld(vertices, tolerance):
    """Give for each vertex the lowest-numbered one that it is welded to, by a hash of cells.

    Vertices closer than the tolerance are one, and equal ones even at tolerance 0. Only vertices that
    stay are joined to, so that a chain of close vertices keeps some of its links.
    """
    n = vertices.shape[0]
    limit = (tolerance * NEARER) ** 2
    cell = max(4.0 * tolerance, 1e-9)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.int64(size - 1)
    head = np.full(size, -1, np.int32)
    after = np.full(n, -1, np.int32)
    target = np.empty(n, np.int32)
    base = np.empty(3, np.int64)
    reach = np.empty((3, 2), np.int64)
    for v in range(n):
        for axis in range(3):
            q = vertices[v, axis] / cell
            low = np.floor(q)
            base[axis] = np.int64(low) if np.isfinite(q) else 0
            inside = (q - low) * cell
            reach[axis, 0] = -1 if inside < tolerance else 0
            reach[axis, 1] = 1 if inside > cell - tolerance else 0
        found = -1
        for dx in range(reach[0, 0], reach[0, 1] + 1):
            for dy in range(reach[1, 0], reach[1, 1] + 1):
                for dz in range(reach[2, 0], reach[2, 1] + 1):
                    slot = _hash(base[0] + dx, base[1] + dy, base[2] + dz) & mask
                    w = head[slot]
                    while w >= 0:
                        ex = vertices[w, 0] - vertices[v, 0]
                        ey = vertices[w, 1] - vertices[v, 1]
                        ez = vertices[w, 2] - vertices[v, 2]
                        near = ex * ex + ey * ey + ez * ez <= limit
                        if near and (found < 0 or w < found):
                            found = w
                        w = after[w]
        if found < 0:
            slot = _hash(base[0], base[1], base[2]) & mask
            after[v] = head[slot]
            head[slot] = v
            found = v
        target[v] = found
    return target


@njit(cache=True)
@no_type_check
def _hash(x, y, z):
    h = (x * np.int64(73856093)) ^ (y * np.int64(19349663)) ^ (z * np.int64(83492791))
    return h ^ (h >> np.int64(17))


@njit(cache=True)
@no_type_check
def edges(faces, groups):
    """Number the undirected edges; faces of different groups share none.

    Gives which faces have three different corners, the edge of each half-edge (f, 3) from corner c to c + 1,
    whether the half-edge runs from the lower-numbered vertex to the higher, and the number of edges.
    """
    n = faces.shape[0]
    size = 16
    while size < 6 * n:
        size *= 2
    mask = np.int64(size - 1)
    head = np.full(size, -1, np.int32)
    after = np.empty(3 * n, np.int32)
    lower = np.empty(3 * n, np.int32)
    upper = np.empty(3 * n, np.int32)
    group = np.empty(3 * n, np.int32)
    kept = np.empty(n, np.bool_)
    edge_of = np.full((n, 3), -1, np.int32)
    direction = np.zeros((n, 3), np.bool_)
    count = 0
    for f in range(n):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        kept[f] = a != b and b != c and c != a
        if not kept[f]:
            continue
        for corner in range(3):
            p, q = faces[f, corner], faces[f, (corner + 1) % 3]
            lo, hi = min(p, q), max(p, q)
            slot = _hash(np.int64(lo), np.int64(hi), np.int64(groups[f])) & mask
            e = head[slot]
            while e >= 0 and (lower[e] != lo or upper[e] != hi or group[e] != groups[f]):
                e = after[e]
            if e < 0:
                e = count
                count += 1
                lower[e], upper[e], group[e] = lo, hi, groups[f]
                after[e] = head[slot]
                head[slot] = e
            edge_of[f, corner] = e
            direction[f, corner] = p < q
    return kept, edge_of, direction, count


@njit(cache=True)
@no_type_check
def _count(kept, edge_of, direction, n_edges):
    along = np.zeros(n_edges, np.int32)
    against = np.zeros(n_edges, np.int32)
    n_faces = 0
    for f in range(edge_of.shape[0]):
        if not kept[f]:
            continue
        n_faces += 1
        for corner in range(3):
            if direction[f, corner]:
                along[edge_of[f, corner]] += 1
            else:
                against[edge_of[f, corner]] += 1
    return along, against, n_faces
