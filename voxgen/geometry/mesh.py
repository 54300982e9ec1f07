"""A building's surface: vertices in metres (float64, Z up), triangles, and what each triangle is.

float64 because national grids put houses at 500 km from the origin, where float32 steps by 3 cm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

if TYPE_CHECKING:
    import trimesh


class SurfaceClass(IntEnum):
    """What a face is, after the thematic surfaces of CityGML and CityJSON."""

    UNKNOWN = 0
    GROUND = 1
    WALL = 2
    ROOF = 3
    OPENING = 4
    OUTER_FLOOR_OR_CEILING = 5
    CLOSURE = 6
    OTHER = 7


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh in metres, Z up.

    Attributes:
        vertices: (v, 3) float64, metres.
        faces: (f, 3) int32 indices into `vertices`.
        labels: (f,) uint8 of `SurfaceClass`, all unknown where the source says nothing.
        parts: (f,) int32, the shell or building part of each face; parts are solids of their own.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    labels: Integer[np.ndarray, " f"]
    parts: Integer[np.ndarray, " f"]

    @classmethod
    def of(
        cls,
        vertices: np.typing.ArrayLike,
        faces: np.typing.ArrayLike,
        labels: np.typing.ArrayLike | None = None,
        parts: np.typing.ArrayLike | None = None,
    ) -> Mesh:
        """Build a mesh from anything array-like; faces without labels are unknown, in one part."""
        v = np.ascontiguousarray(np.asarray(vertices, dtype=np.float64).reshape(-1, 3))
        f = np.ascontiguousarray(np.asarray(faces, dtype=np.int32).reshape(-1, 3))
        lab = np.zeros(len(f), np.uint8) if labels is None else np.asarray(labels, np.uint8)
        prt = np.zeros(len(f), np.int32) if parts is None else np.asarray(parts, np.int32)
        return cls(v, f, lab, prt)

    @property
    def triangles(self) -> Float[np.ndarray, "f 3 3"]:
        """Corner coordinates of each face."""
        return self.vertices[self.faces]

    @property
    def bounds(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner of the faces; vertices that no face uses do not count."""
        used = self.vertices[np.unique(self.faces)]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    @property
    def extents(self) -> Float[np.ndarray, 3]:
        """Size along x, y and z in metres."""
        low, high = self.bounds
        return high - low

    @property
    def area_vectors(self) -> Float[np.ndarray, "f 3"]:
        """Along each face's normal, as long as its area in m2."""
        a, b, c = np.moveaxis(self.triangles, 1, 0)
        return np.cross(b - a, c - a) / 2

    @property
    def volume(self) -> float:
        """Volume in m3 by the divergence theorem, where the mesh is closed; negative if turned inwards."""
        if len(self.faces) == 0:
            return 0.0
        # From a corner of its own: far from the origin the terms would lose their digits.
        a, b, c = np.moveaxis(self.triangles - self.vertices[self.faces[0, 0]], 1, 0)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    def translated(self, offset: np.typing.ArrayLike) -> Mesh:
        """Give the mesh moved by `offset` metres."""
        return replace(self, vertices=self.vertices + np.asarray(offset, np.float64))

    def scaled(self, factor: float) -> Mesh:
        """Give the mesh scaled about the origin."""
        return replace(self, vertices=self.vertices * float(factor))

    def rotated(self, yaw: float) -> Mesh:
        """Give the mesh turned about the Z axis by `yaw` radians, counter-clockwise from above."""
        return replace(self, vertices=self.vertices @ rotation_z(yaw).T)

    def to_trimesh(self) -> trimesh.Trimesh:
        """Give the same mesh as a `trimesh.Trimesh`, unprocessed."""
        import trimesh

        return trimesh.Trimesh(self.vertices, self.faces, process=False)


def rotation_z(yaw: float) -> Float[np.ndarray, "3 3"]:
    """Rotation matrix about the Z axis, counter-clockwise from above, `yaw` in radians."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
