"""Polygons as files hold them -> a `Mesh`: cleaned, welded inside parts, triangulated.

Readers collect polygons in a `PolygonSoup` in the file's own coordinates; `assemble` takes it from there,
once for all formats. Nothing is repaired here: what stays open or non-manifold is the building's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Integer, Shaped

from ..errors import DataError
from ..geometry.mesh import Mesh
from ..geometry.triangulate import next_in_ring, triangulate
from ..geometry.weld import WELD_TOLERANCE, weld

EMPTY = Mesh.of(np.zeros((0, 3)), np.zeros((0, 3)))
"""The mesh of a building that has none: a point cloud, or one with an error."""


@dataclass(frozen=True)
class PolygonSoup:
    """Polygons with holes, flat, in the offsets of `voxgen.geometry.triangulate`.

    Attributes:
        vertices: (v, 3) float64, in the unit and axes of the file until placed.
        loops: vertex indices of all rings.
        rings: (r + 1,) offsets of rings in `loops`.
        polygons: (p + 1,) offsets of polygons in `rings`.
        labels: (p,) `SurfaceClass` of each polygon.
        parts: (p,) shell or building part of each polygon.
    """

    vertices: Float[np.ndarray, "v 3"]
    loops: Integer[np.ndarray, " n"]
    rings: Integer[np.ndarray, " r1"]
    polygons: Integer[np.ndarray, " p1"]
    labels: Integer[np.ndarray, " p"]
    parts: Integer[np.ndarray, " p"]

    @classmethod
    def of_faces(
        cls,
        vertices: Float[np.ndarray, "v 3"],
        loops: Shaped[np.ndarray, " n"],
        sizes: Shaped[np.ndarray, " p"],
        parts: Shaped[np.ndarray, " p"] | None = None,
        labels: Shaped[np.ndarray, " p"] | None = None,
    ) -> PolygonSoup:
        """Give a soup of faces without holes, `sizes` corners each."""
        count = len(sizes)
        zeros = np.zeros(count, np.int32)
        return cls(
            vertices,
            np.asarray(loops, np.int64),
            np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
            np.arange(count + 1),
            zeros if labels is None else labels,
            zeros if parts is None else parts,
        )

    @classmethod
    def of_triangles(
        cls,
        vertices: Float[np.ndarray, "v 3"],
        faces: Shaped[np.ndarray, "f 3"],
        parts: Shaped[np.ndarray, " f"] | None = None,
    ) -> PolygonSoup:
        """Give a soup of triangles."""
        return cls.of_faces(vertices, faces.ravel(), np.full(len(faces), 3), parts)

    def compact(self) -> PolygonSoup:
        """Give the soup without vertices that no polygon uses."""
        used, loops = np.unique(self.loops, return_inverse=True)
        return replace(self, vertices=self.vertices[used], loops=loops)

    def used(self) -> Float[np.ndarray, "u 3"]:
        """Positions of the vertices that some polygon uses."""
        return self.vertices[np.unique(self.loops)]

    def select(self, keep: Shaped[np.ndarray, " p"]) -> PolygonSoup:
        """Give the polygons where `keep` is true, over the same vertices."""
        rings_of = np.repeat(keep, np.diff(self.polygons))
        sizes = np.diff(self.rings)
        return replace(
            self,
            loops=self.loops[np.repeat(rings_of, sizes)],
            rings=np.concatenate([[0], np.cumsum(sizes[rings_of])]),
            polygons=np.concatenate([[0], np.cumsum(np.diff(self.polygons)[keep])]),
            labels=self.labels[keep],
            parts=self.parts[keep],
        )


@dataclass
class SoupBuilder:
    """Collects polygons one by one, over vertices that are given whole or ring by ring."""

    vertices: list[np.ndarray] = field(default_factory=list)
    loops: list[int] = field(default_factory=list)
    rings: list[int] = field(default_factory=lambda: [0])
    polygons: list[int] = field(default_factory=lambda: [0])
    labels: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)

    def add(self, rings: list[list[int]], label: int, part: int) -> None:
        """Add a polygon by its rings of vertex indices, the outer first."""
        for ring in rings:
            self.loops.extend(ring)
            self.rings.append(len(self.loops))
        self.polygons.append(len(self.rings) - 1)
        self.labels.append(label)
        self.parts.append(part)

    def add_points(self, rings: list[np.ndarray], label: int, part: int) -> None:
        """Add a polygon by its rings of (n, 3) positions, the outer first."""
        start = len(self.loops)
        indices = []
        for ring in rings:
            self.vertices.append(ring)
            indices.append(list(range(start, start + len(ring))))
            start += len(ring)
        self.add(indices, label, part)

    def soup(self, vertices: Float[np.ndarray, "v 3"] | None = None) -> PolygonSoup:
        """Give what was collected, over `vertices` where polygons were added by indices.

        Raises:
            DataError: where an index is no vertex.
        """
        loops = np.array(self.loops or np.zeros(0, np.int64))
        if vertices is None:
            vertices = np.concatenate(self.vertices) if self.vertices else np.zeros((0, 3))
        elif len(loops):
            if loops.dtype.kind not in "iu" or loops.min() < 0 or loops.max() >= len(vertices):
                raise DataError(f"faces refer to vertices that do not exist (there are {len(vertices)})")
            used, loops = np.unique(loops, return_inverse=True)
            vertices = vertices[used]
        return PolygonSoup(
            vertices,
            loops.astype(np.int64),
            np.array(self.rings, np.int64),
            np.array(self.polygons, np.int64),
            np.array(self.labels, np.int32),
            np.array(self.parts, np.int32),
        )


def assemble(soup: PolygonSoup, tolerance: float = WELD_TOLERANCE) -> tuple[Mesh, tuple[str, ...]]:
    """Weld inside each part, drop what has no area to begin with, and triangulate.

    Args:
        soup: polygons in metres, Z up, finite.
        tolerance: metres below which corners of one part are the same.

    Returns:
        The mesh, and what had to be dropped, a phrase each.
    """
    if len(soup.labels) == 0:
        return EMPTY, ()
    sizes = np.diff(soup.rings)
    polygon_of_ring = np.repeat(np.arange(len(soup.labels)), np.diff(soup.polygons))
    ring_of_corner = np.repeat(np.arange(len(sizes)), sizes)
    part_of_corner = soup.parts[polygon_of_ring[ring_of_corner]].astype(np.int64)

    # One vertex per (part, vertex) that is used, in order of part, then of the file.
    lowest = part_of_corner.min()
    key, corner = np.unique((part_of_corner - lowest) * len(soup.vertices) + soup.loops, return_inverse=True)
    vertices, index = weld(soup.vertices[key % len(soup.vertices)], key // len(soup.vertices), tolerance)
    loops = index[corner]

    repeats = loops == loops[next_in_ring(soup.rings)]
    loops, ring_of_corner = loops[~repeats], ring_of_corner[~repeats]
    sizes = np.bincount(ring_of_corner, minlength=len(sizes))
    # Rings of two corners or fewer cancel in every count of edges and of area.
    outer = np.zeros(len(sizes), bool)
    outer[soup.polygons[:-1][np.diff(soup.polygons) > 0]] = True
    lost = np.bincount(polygon_of_ring, weights=(sizes < 3) & outer, minlength=len(soup.labels)) > 0
    lost |= np.diff(soup.polygons) == 0
    keep = (sizes >= 3) & ~lost[polygon_of_ring]
    loops = loops[keep[ring_of_corner]]
    rings = np.concatenate([[0], np.cumsum(sizes[keep])])
    counts = np.bincount(polygon_of_ring[keep], minlength=len(soup.labels))[~lost]
    faces, source = triangulate(vertices, loops, rings, np.concatenate([[0], np.cumsum(counts)]))

    a, b, c = faces.T
    whole = (a != b) & (b != c) & (c != a)
    faces, source = faces[whole], np.flatnonzero(~lost)[source[whole]]
    used, compact = np.unique(faces, return_inverse=True)
    mesh = Mesh.of(vertices[used], compact.reshape(-1, 3), soup.labels[source], soup.parts[source])
    dropped = int(lost.sum())
    warnings = (f"{dropped} polygons without area dropped",) if dropped else ()
    return mesh, warnings
