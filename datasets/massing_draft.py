"""A building in the making: named solids added and cut in order, then one closed mesh with a name per face.

Provenance survives the union: manifold3d keeps, for each triangle, which original solid it came from
(`run_original_id`), and that tells the part. The class of a face follows from its normal and its part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from manifold3d import Manifold

from voxgen.errors import DataError
from voxgen.geometry.mesh import Mesh, SurfaceClass

STEEP = 0.1
"""A face whose normal rises less than this is a wall: it leans less than six degrees."""

FLAT = math.cos(math.radians(8.0))
"""A roof face whose normal rises more than this is flat: it slopes less than eight degrees."""

SLIVER = 1e-5
"""Metres; what is thinner came of rounding."""

GROUND = 1e-6
"""Metres; lower than this is on the ground."""


@dataclass(frozen=True)
class Brief:
    """What was asked of a building, known before any geometry.

    Attributes:
        type: the kind of building, such as `terraced house`.
        footprint: kind of plan.
        roof: kind of roof of the main body.
        pitch: degrees of the main roof, 0 where flat.
        eaves: metres from the ground to the main roof.
        storeys: full storeys of the highest part, a mansard's roof storey included.
        storey_height: metres.
    """

    type: str
    footprint: str
    roof: str
    pitch: float
    eaves: float
    storeys: int
    storey_height: float


class Draft:
    """Named solids, added and cut in order."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Manifold, int]] = []

    def add(self, part: str, solid: Manifold | None) -> None:
        """Add a solid; nothing is added for None, which is what parts give that do not fit."""
        if solid is not None:
            self._steps.append((part, solid.as_original(), 1))

    def cut(self, part: str, void: Manifold | None) -> None:
        """Cut a void out of everything added so far; its walls bear the part's name."""
        if void is not None:
            self._steps.append((part, void.as_original(), -1))

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts, each once, in the order of their first use."""
        return tuple(dict.fromkeys(part for part, _, _ in self._steps))

    def union(self) -> Manifold:
        """Give everything as one solid."""
        solid = Manifold()
        for _, step, sign in self._steps:
            solid = solid + step if sign > 0 else solid - step
        # Planes that should be one can lie a rounding error apart, and leave slivers between them.
        return solid.simplify(SLIVER)

    def solids(self) -> list[tuple[str, Manifold]]:
        """Give each added part as a solid of its own, without what was cut out of it later."""
        done: list[tuple[str, Manifold]] = []
        for part, step, sign in self._steps:
            if sign > 0:
                done.append((part, step))
            else:
                done = [(name, solid - step) for name, solid in done]
        return [(name, solid) for name, solid in done if not solid.is_empty()]

    def names_of(self, solid: Manifold) -> Integer[np.ndarray, " f"]:
        """Give for each triangle of the union the index into `parts` of where it came from."""
        names = {step.original_id(): self.parts.index(part) for part, step, _ in self._steps}
        mesh = solid.to_mesh64()
        runs = np.asarray(mesh.run_index, np.int64) // 3
        of_run = [names[int(original)] for original in mesh.run_original_id]
        return np.repeat(np.asarray(of_run, np.int32), np.diff(runs))


def to_mesh(solid: Manifold) -> Mesh:
    """Give a solid as an unlabelled mesh in one part.

    Raises:
        DataError: the solid is empty, which a sound draft never is.
    """
    if solid.is_empty():
        raise DataError("a draft came out empty; report the seed and the index it was made with")
    mesh = solid.to_mesh64()
    return Mesh.of(mesh.vert_properties[:, :3], mesh.tri_verts)


def normals(mesh: Mesh) -> tuple[Float[np.ndarray, "f 3"], Float[np.ndarray, " f"]]:
    """Unit normals and areas in square metres of the faces."""
    corners = mesh.triangles
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(double, 1e-300)[:, None], double / 2


def classes(mesh: Mesh, floors: np.ndarray) -> Integer[np.ndarray, " f"]:
    """Tell walls, roofs, ground and the undersides of what hangs over.

    Args:
        mesh: grounded at z = 0.
        floors: (f,) True where an upward face is walked on outdoors (balconies), not a roof.
    """
    rise = normals(mesh)[0][:, 2]
    low = mesh.triangles[:, :, 2].max(axis=1) < GROUND
    outdoors = SurfaceClass.OUTER_FLOOR_OR_CEILING
    return np.select(
        [np.abs(rise) <= STEEP, (rise < 0) & low, (rise < 0) | floors],
        [SurfaceClass.WALL, SurfaceClass.GROUND, outdoors],
        SurfaceClass.ROOF,
    ).astype(np.uint8)


def pitched_share(mesh: Mesh) -> float:
    """Share of the roofs' plan area that is steeper than eight degrees."""
    normal, area = normals(mesh)
    roof = mesh.labels == SurfaceClass.ROOF
    plan = (area * normal[:, 2])[roof]
    return float(plan[normal[roof, 2] < FLAT].sum() / plan.sum()) if plan.sum() > 0 else 0.0


def gross_floor_area(solid: Manifold, brief: Brief) -> float:
    """Sum in square metres of the plans at half height of the storeys; of columns, only themselves."""
    levels = [(storey + 0.5) * brief.storey_height for storey in range(brief.storeys)]
    return float(sum(solid.slice(level).area() for level in levels))
