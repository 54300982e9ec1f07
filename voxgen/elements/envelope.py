"""The faces of a mass by slope, and how they meet: what roof, walls and slabs are derived from.

A face steeper than 75 degrees is a wall, another one that looks up a roof, one that looks down a soffit (the
ground among them). The labels of the source do not count, so that any closed polyhedron can be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from ..errors import DataError
from ..geometry.mesh import Mesh, SurfaceClass
from ..geometry.polyhedron import Polyhedron
from ..geometry.triangulate import next_in_ring
from .plans import areas, plan_of, strip

if TYPE_CHECKING:
    from shapely import MultiPolygon

_UPRIGHT = np.cos(np.deg2rad(75.0))

_TILTED = 1e-6
"""Rise of the normal from which a wall takes room in plan."""


class Slope(IntEnum):
    """What a face is by where it looks."""

    ROOF = 0
    WALL = 1
    SOFFIT = 2


@dataclass(frozen=True)
class Envelope:
    """The faces of a closed mass.

    Attributes:
        mass: its polygons, near the origin.
        normals: (p, 3) unit normals.
        slopes: (p,) the `Slope` of each polygon.
        following: (n,) for each place in the loops the next of its ring.
        face: (n,) the polygon of each place.
        across: (n,) the polygon on the other side of the edge that begins at each place.
        convex: (n,) whether the mass is convex there.
    """

    mass: Polyhedron
    normals: Float[np.ndarray, "p 3"]
    slopes: Int[np.ndarray, " p"]
    following: Integer[np.ndarray, " n"]
    face: Integer[np.ndarray, " n"]
    across: Integer[np.ndarray, " n"]
    convex: Bool[np.ndarray, " n"]

    @classmethod
    def of(cls, mass: Polyhedron) -> Envelope:
        """Give the faces of a mass.

        Raises:
            DataError: where an edge has not exactly one face on each side.
        """
        normals = mass.normals
        rise = normals[:, 2]
        slopes = np.where(np.abs(rise) <= _UPRIGHT, Slope.WALL, np.where(rise > 0, Slope.ROOF, Slope.SOFFIT))
        following = next_in_ring(mass.rings)
        ring_face = np.repeat(np.arange(len(mass)), np.diff(mass.polygons))
        face = np.repeat(ring_face, np.diff(mass.rings))
        start, end = mass.loops, mass.loops[following]
        count = len(mass.vertices)
        order = np.argsort(start * count + end, kind="stable")
        back = np.searchsorted((start * count + end)[order], end * count + start)
        twin = order[np.minimum(back, len(order) - 1)]
        if not ((start[twin] == end) & (end[twin] == start)).all():
            raise DataError(
                "the mass is not closed: a face has no neighbour at one of its edges; repair the mesh, "
                "or give a surface that is closed for any grid (`planar`, `blocks`)"
            )
        across = face[twin]
        along = mass.vertices[end] - mass.vertices[start]
        convex = (np.cross(normals[face], normals[across]) * along).sum(axis=1) > 0
        return cls(mass, normals, slopes.astype(np.int64), following, face, across, convex)

    @cached_property
    def mesh(self) -> Mesh:
        """Give the mass as triangles."""
        return self.mass.to_mesh()

    @cached_property
    def plans(self) -> list[MultiPolygon]:
        """Give each face seen from above."""
        return [plan_of(self.mass.polygon(number)) for number in range(len(self.mass))]

    @cached_property
    def classes(self) -> Int[np.ndarray, " p"]:
        """Give the `SurfaceClass` of each face by its slope; the ground looks down at the lowest level."""
        lowest = self.mass.vertices[self.mass.loops, 2].min()
        ground = [self.levels(face)[1] <= lowest + 1e-3 for face in range(len(self.mass))]
        down = np.where(ground, SurfaceClass.GROUND, SurfaceClass.OUTER_FLOOR_OR_CEILING)
        others = np.where(self.slopes == Slope.ROOF, SurfaceClass.ROOF, SurfaceClass.WALL)
        return np.where(self.slopes == Slope.SOFFIT, down, others).astype(np.int64)

    def faces(self, slope: Slope) -> list[int]:
        """Give the numbers of the faces of a slope."""
        return np.flatnonzero(self.slopes == slope).tolist()

    def places(self, face: int) -> list[list[int]]:
        """Give the places of a face in the loops, ring by ring."""
        first, last = self.mass.polygons[face : face + 2].tolist()
        bounds = self.mass.rings[first : last + 1].tolist()
        return [list(range(a, b)) for a, b in pairwise(bounds)]

    def edge(self, place: int) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
        """Give both ends of the edge that begins at a place."""
        a, b = self.mass.loops[[place, int(self.following[place])]]
        return self.mass.vertices[a], self.mass.vertices[b]

    def levels(self, face: int) -> tuple[float, float]:
        """Give the lowest and the highest level of a face."""
        height = np.concatenate(self.mass.polygon(face))[:, 2]
        return float(height.min()), float(height.max())

    def height(self, face: int, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Give the height of a face's plane at points of the plan; the face must not be upright."""
        a, b, c = self.normals[face].tolist()
        x, y, z = self.mass.vertices[self.mass.loops[self.mass.rings[self.mass.polygons[face]]]].tolist()
        return z - ((points[:, 0] - x) * a + (points[:, 1] - y) * b) / c

    def part(self, face: int, low: float, high: float) -> MultiPolygon:
        """Give, seen from above, what of a face that is not upright lies between two levels."""
        plan, (a, b, c) = self.plans[face], self.normals[face].tolist()
        bottom, top = self.levels(face)
        if bottom >= low and top <= high:
            return plan
        if top <= low or bottom >= high:
            return areas(plan.difference(plan))
        x, y, z = self.mass.vertices[self.mass.loops[self.mass.rings[self.mass.polygons[face]]]].tolist()
        # Height z + slope * (way up the slope) lies between the levels in a strip across it.
        run = float(np.hypot(a, b))
        up = np.array([-a, -b]) / run
        start, end = ((level - z) * c / run for level in (low, high))
        return areas(plan.intersection(strip(np.array([x, y]), up, min(start, end), max(start, end))))

    def tilted(self, face: int, low: float, high: float) -> MultiPolygon:
        """Give the same of a wall; nothing of one that is upright."""
        if abs(float(self.normals[face, 2])) < _TILTED:
            return areas(self.plans[face].difference(self.plans[face]))
        return self.part(face, low, high)
