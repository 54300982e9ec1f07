"""What reading a batch leaves on disk for the later stages of a build: rows of the report, and candidates.

Candidates are the buildings that pass the filters: their surface (or points), where they stand, and what was
measured. One .npz holds it all, so that it is there as a whole or not at all; rows travel as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from ..atomic import replacing
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh, rotation_z
from ..geometry.placement import Placement, place
from ..geometry.voxelize import voxelize, voxelize_points
from .report import Row


@dataclass(frozen=True)
class Candidate:
    """A building that passed the filters.

    Attributes:
        row: its row in the report.
        mesh: its surface, without faces for a point cloud.
        base: centre of its footprint on the ground, in the world, metres.
        yaw: angle of its long side from the world's x axis, radians.
        extents: its size along its own axes, metres.
        attributes: what was measured.
    """

    row: Row
    mesh: Mesh
    base: Float[np.ndarray, " 3"]
    yaw: float
    extents: Float[np.ndarray, " 3"]
    attributes: dict[str, float]

    @classmethod
    def of(cls, row: Row, mesh: Mesh, attributes: dict[str, float], align: bool) -> Candidate:
        """Find where a building stands; `mesh` without faces is a point cloud."""
        lay = place(outline(mesh), 1, 1.0, align)
        middle = np.array([0.5, 0.5, 0.0])
        base = lay.origin + rotation_z(lay.yaw) @ middle
        return cls(row, mesh, base, lay.yaw, lay.extents, attributes)

    def voxels(self, resolution: tuple[int, int, int], pitch: float, supersample: int = 4) -> VoxelGrid:
        """Voxelize it in a grid centred on it."""
        half = np.array([resolution[0] * pitch / 2, resolution[1] * pitch / 2, 0.0])
        origin = self.base - rotation_z(self.yaw) @ half
        lay = Placement(origin, self.yaw, pitch, resolution, self.extents)
        if len(self.mesh.faces):
            return voxelize(self.mesh, resolution, pitch, lay, supersample=supersample)
        return voxelize_points(self.mesh.vertices, resolution, pitch, lay)


def outline(mesh: Mesh) -> Mesh:
    """Give a mesh over all vertices of a point cloud, for finding its place; others as they are."""
    if len(mesh.faces):
        return mesh
    count = len(mesh.vertices)
    # Wrapped around, so that the last triangle is whole too.
    return Mesh.of(mesh.vertices, np.arange(-(-count // 3) * 3).reshape(-1, 3) % count)


@dataclass(frozen=True)
class Chunk:
    """The rows of a batch and its candidates.

    Attributes:
        rows: one a building, candidates too.
        positions: position among the rows of each candidate.
        candidates: in the order of their rows.
    """

    rows: tuple[Row, ...]
    positions: tuple[int, ...]
    candidates: tuple[Candidate, ...]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        meshes = [candidate.mesh for candidate in self.candidates]
        head = {
            "rows": [row.to_plain() for row in self.rows],
            "positions": self.positions,
            "attributes": [candidate.attributes for candidate in self.candidates],
        }
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez(
                file,
                head=np.frombuffer(json.dumps(head).encode(), np.uint8),
                base=_stacked([c.base for c in self.candidates]),
                yaw=np.array([c.yaw for c in self.candidates]),
                extents=_stacked([c.extents for c in self.candidates]),
                vertices=np.concatenate([np.zeros((0, 3)), *(m.vertices for m in meshes)]),
                v_offset=_offsets([len(m.vertices) for m in meshes]),
                faces=np.concatenate([np.zeros((0, 3), np.int32), *(m.faces for m in meshes)]),
                f_offset=_offsets([len(m.faces) for m in meshes]),
                parts=np.concatenate([np.zeros(0, np.int32), *(m.parts for m in meshes)]),
            )

    @classmethod
    def load(cls, path: Path) -> Chunk:
        """Read it back."""
        with np.load(path, allow_pickle=False) as archive:
            a = {name: archive[name] for name in archive.files}
        head = json.loads(a["head"].tobytes())
        rows = tuple(Row.from_plain(values) for values in head["rows"])
        candidates = []
        for k, position in enumerate(head["positions"]):
            v, f = slice(*a["v_offset"][k : k + 2]), slice(*a["f_offset"][k : k + 2])
            mesh = Mesh.of(a["vertices"][v], a["faces"][f], None, a["parts"][f])
            place_ = a["base"][k], float(a["yaw"][k]), a["extents"][k]
            candidates.append(Candidate(rows[position], mesh, *place_, head["attributes"][k]))
        return cls(rows, tuple(head["positions"]), tuple(candidates))


def _stacked(rows: Sequence[Float[np.ndarray, " 3"]]) -> Float[np.ndarray, "n 3"]:
    return np.stack(rows) if rows else np.zeros((0, 3))


def _offsets(counts: Sequence[int]) -> Int64[np.ndarray, " n"]:
    return np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]).astype(np.int64)
