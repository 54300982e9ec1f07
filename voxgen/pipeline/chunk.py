"""What reading a batch leaves on disk for the later stages of a build: rows of the report, and candidates.

Candidates are the buildings that pass the filters: their surface (or points), where they stand, and what was
measured. One .npz holds a batch, so that it is there as a whole or not at all. Who only decides reads the
`Overview`, which leaves the surfaces on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from ..atomic import replacing
from ..geometry.grid import VoxelGrid
from ..geometry.measure import measure
from ..geometry.mesh import Mesh, rotation_z
from ..geometry.placement import Placement, place
from ..geometry.voxelize import voxelize, voxelize_points
from .report import Row


@dataclass(frozen=True)
class Stand:
    """Where a building stands in the world.

    Attributes:
        base: centre of its footprint's rectangle, on the ground, metres.
        yaw: angle from the world's x axis to the building's, radians.
        extents: its size along its own axes, metres.
    """

    base: Float[np.ndarray, " 3"]
    yaw: float
    extents: Float[np.ndarray, " 3"]

    @classmethod
    def of(cls, mesh: Mesh, align: bool) -> Stand:
        """Find it; a mesh without faces is a point cloud."""
        lay = place(_outline(mesh), 1, 1.0, align)
        return cls(lay.origin + rotation_z(lay.yaw) @ np.array([0.5, 0.5, 0.0]), lay.yaw, lay.extents)

    def grid(self, resolution: tuple[int, int, int], pitch: float) -> Placement:
        """Lay a grid that is centred on the building and stands on its ground."""
        half = np.array([resolution[0] * pitch / 2, resolution[1] * pitch / 2, 0.0])
        origin = self.base - rotation_z(self.yaw) @ half
        return Placement(origin, self.yaw, pitch, resolution, self.extents)


@dataclass(frozen=True)
class Candidate:
    """A building that passed the filters.

    Attributes:
        mesh: its surface, without faces for a point cloud.
        stand: where it stands.
        attributes: what was measured.
    """

    mesh: Mesh
    stand: Stand
    attributes: Mapping[str, float]

    def voxels(self, resolution: tuple[int, int, int], pitch: float) -> VoxelGrid:
        """Voxelize it in a grid centred on it."""
        return solid(self.mesh, self.stand, resolution, pitch)

    def stretched(self, factors: Float[np.ndarray, " 3"], storey_height: float) -> Candidate:
        """Give it stretched along its own length, width and height, where it stands.

        Its surface is measured anew; what cannot be measured is unknown, NaN.
        """
        to_own = rotation_z(-self.stand.yaw)
        own = (self.mesh.vertices - self.stand.base) @ to_own.T * factors
        mesh = replace(self.mesh, vertices=own)  # near the origin, where areas and unions keep their digits
        try:
            attributes = {name: float(value) for name, value in measure(mesh, storey_height).items()}
        except Exception:  # one odd copy must not end a run over ten thousand
            attributes = dict.fromkeys(self.attributes, float("nan"))
        back = replace(mesh, vertices=own @ to_own + self.stand.base)
        stand = replace(self.stand, extents=self.stand.extents * factors)
        return Candidate(back, stand, {**self.attributes, **attributes})


def solid(mesh: Mesh, stand: Stand, resolution: tuple[int, int, int], pitch: float) -> VoxelGrid:
    """Voxelize a surface, or a point cloud where there are no faces, in a grid centred on it."""
    lay = stand.grid(resolution, pitch)
    if len(mesh.faces):
        return voxelize(mesh, resolution, pitch, lay)
    return voxelize_points(mesh.vertices, resolution, pitch, lay)


@dataclass(frozen=True)
class Overview:
    """The rows of batches and what is known of their candidates, without the surfaces.

    Attributes:
        rows: one a building, candidates too.
        row_of: position among the rows of each candidate.
        stands: where each candidate stands.
        attributes: what was measured of each candidate.
    """

    rows: tuple[Row, ...]
    row_of: tuple[int, ...]
    stands: tuple[Stand, ...]
    attributes: tuple[Mapping[str, float], ...]

    @classmethod
    def load(cls, path: Path) -> Overview:
        """Read that of one chunk."""
        with np.load(path, allow_pickle=False) as archive:
            return cls._of(archive)

    @classmethod
    def join(cls, several: Iterable[Overview]) -> Overview:
        """Give that of several chunks, one after the other."""
        rows: list[Row] = []
        row_of: list[int] = []
        stands: list[Stand] = []
        attributes: list[Mapping[str, float]] = []
        for one in several:
            row_of.extend(len(rows) + position for position in one.row_of)
            rows.extend(one.rows)
            stands.extend(one.stands)
            attributes.extend(one.attributes)
        return cls(tuple(rows), tuple(row_of), tuple(stands), tuple(attributes))

    @classmethod
    def _of(cls, archive: Mapping[str, np.ndarray]) -> Overview:
        head = json.loads(archive["head"].tobytes())
        columns = zip(archive["base"], archive["yaw"], archive["extents"], strict=True)
        return cls(
            tuple(Row.from_plain(values) for values in head["rows"]),
            tuple(head["row_of"]),
            tuple(Stand(base, float(yaw), extents) for base, yaw, extents in columns),
            tuple(head["attributes"]),
        )


@dataclass(frozen=True)
class Chunk:
    """The rows of a batch and its candidates.

    Attributes:
        rows: one a building, candidates too.
        row_of: position among the rows of each candidate.
        candidates: in the order of their rows.
    """

    rows: tuple[Row, ...]
    row_of: tuple[int, ...]
    candidates: tuple[Candidate, ...]

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        meshes = [candidate.mesh for candidate in self.candidates]
        stands = [candidate.stand for candidate in self.candidates]
        head = {
            "rows": [row.to_plain() for row in self.rows],
            "row_of": self.row_of,
            "attributes": [dict(candidate.attributes) for candidate in self.candidates],
        }
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez(
                file,
                head=np.frombuffer(json.dumps(head).encode(), np.uint8),
                base=np.array([stand.base for stand in stands]).reshape(-1, 3),
                yaw=np.array([stand.yaw for stand in stands]),
                extents=np.array([stand.extents for stand in stands]).reshape(-1, 3),
                vertices=np.concatenate([np.zeros((0, 3)), *(mesh.vertices for mesh in meshes)]),
                v_offset=_offsets([len(mesh.vertices) for mesh in meshes]),
                faces=np.concatenate([np.zeros((0, 3), np.int32), *(mesh.faces for mesh in meshes)]),
                f_offset=_offsets([len(mesh.faces) for mesh in meshes]),
                labels=np.concatenate([np.zeros(0, np.uint8), *(mesh.labels for mesh in meshes)]),
                parts=np.concatenate([np.zeros(0, np.int32), *(mesh.parts for mesh in meshes)]),
            )

    @classmethod
    def load(cls, path: Path) -> Chunk:
        """Read it back."""
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        known = Overview._of(arrays)
        candidates = []
        for k, (stand, attributes) in enumerate(zip(known.stands, known.attributes, strict=True)):
            v, f = slice(*arrays["v_offset"][k : k + 2]), slice(*arrays["f_offset"][k : k + 2])
            mesh = Mesh.of(arrays["vertices"][v], arrays["faces"][f], arrays["labels"][f], arrays["parts"][f])
            candidates.append(Candidate(mesh, stand, attributes))
        return cls(known.rows, known.row_of, tuple(candidates))


def _outline(mesh: Mesh) -> Mesh:
    """Give triangles over all vertices of a point cloud, for finding its place; other meshes as they are."""
    if len(mesh.faces):
        return mesh
    count = len(mesh.vertices)
    # Wrapped around, so that the last triangle is whole too.
    return Mesh.of(mesh.vertices, np.arange(-(-count // 3) * 3).reshape(-1, 3) % count)


def _offsets(counts: Sequence[int]) -> Int64[np.ndarray, " n"]:
    return np.concatenate([[0], np.cumsum(np.array(counts, np.int64))]).astype(np.int64)
