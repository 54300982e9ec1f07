"""The stages of a build that run in worker processes: read, compare, stretch, voxelize.

Each takes a small description of its work, leaves its result in the build's working folder under a name that
says what went into it, and does nothing where that is already there. So a build that was killed goes on where
it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..atomic import replacing, write_text
from ..errors import VoxgenError
from ..formats import Building
from ..geometry.grid import HALF, pack
from ..geometry.measure import measure, measure_grid
from ..geometry.mesh import Mesh
from ..geometry.topology import topology
from . import filters, store
from .chunk import Candidate, Chunk, Stand, solid
from .config import BuildConfig
from .copies import Bounds
from .duplicates import Columns, comparison_grid
from .report import Reason, Row
from .sources import Batch

SCAN_CELLS = 96
"""Voxels along the longest side of the grid by which a point cloud is measured."""

ONE_SIZE = 64
"""Voxels along the longest side where buildings are compared at one size, whatever theirs."""


@dataclass(frozen=True)
class ReadTask:
    """Read a batch and leave its chunk at `path`."""

    batch: Batch
    config: BuildConfig
    path: Path


@dataclass(frozen=True)
class CompareTask:
    """Leave the columns of a chunk's candidates at `path`, a set for each pitch; 0 scales all to one size."""

    chunk: Path
    pitches: tuple[float, ...]
    path: Path


@dataclass(frozen=True)
class StretchTask:
    """Leave a stretched copy of some candidates of a chunk at `path`, as a chunk of its own.

    Attributes:
        chunk: where the candidates are.
        members: which of them; none is a point cloud.
        names: of the copies, by which factors are drawn.
        bounds: within which they are.
        storey_height: metres, for what is measured.
        path: where the chunk goes.
    """

    chunk: Path
    members: tuple[int, ...]
    names: tuple[str, ...]
    bounds: Bounds
    storey_height: float
    path: Path


@dataclass(frozen=True)
class VoxelTask:
    """Voxelize some candidates of a chunk into rows of the arrays in `folder`.

    Attributes:
        chunk: where the candidates are.
        members: which of them.
        rows: the row of each.
        pitches: the pitch of each, metres.
        resolution: voxels along x, y and z.
        folder: where the arrays are.
        path: where the numbers of filled voxels go, once the rows are written.
    """

    chunk: Path
    members: tuple[int, ...]
    rows: tuple[int, ...]
    pitches: tuple[float, ...]
    resolution: tuple[int, int, int]
    folder: Path
    path: Path


def read(task: ReadTask) -> None:
    """Read, filter and measure the buildings of a batch."""
    if task.path.exists():
        return
    rows: list[Row] = []
    row_of: list[int] = []
    candidates: list[Candidate] = []
    for building in task.batch.buildings(task.config.read):
        row, candidate = examine(building, task.config)
        if candidate is not None:
            row_of.append(len(rows))
            candidates.append(candidate)
        rows.append(row)
    Chunk(tuple(rows), tuple(row_of), tuple(candidates)).save(task.path)


def examine(building: Building, config: BuildConfig) -> tuple[Row, Candidate | None]:
    """Give a building's row, and the building as a candidate where it passes the filters."""
    try:
        return _examine(building, config)
    except VoxgenError as failure:
        return _rejected(building, Reason.UNREADABLE, str(failure)), None
    except Exception as failure:  # one bad building must not end a run over ten thousand
        told = f"not understood ({type(failure).__name__}: {failure})"
        return _rejected(building, Reason.UNREADABLE, told), None


def compare(task: CompareTask) -> None:
    """Make the comparison grids of a chunk's candidates."""
    if task.path.exists():
        return
    candidates = Chunk.load(task.chunk).candidates
    arrays = {}
    for k, pitch in enumerate(task.pitches):
        columns = Columns.join(_columns(candidate, pitch) for candidate in candidates)
        arrays |= {f"words{k}": columns.words, f"shapes{k}": columns.shapes, f"levels{k}": columns.levels}
    with replacing(task.path) as beside, beside.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_columns(path: Path, count: int) -> list[Columns]:
    """Give what `compare` left at `path` for each of `count` pitches."""
    with np.load(path, allow_pickle=False) as archive:
        return [
            Columns(archive[f"words{k}"], archive[f"shapes{k}"], archive[f"levels{k}"]) for k in range(count)
        ]


def stretch(task: StretchTask) -> None:
    """Make a stretched copy of some candidates."""
    if task.path.exists():
        return
    found = Chunk.load(task.chunk)
    rows: list[Row] = []
    copies: list[Candidate] = []
    for k, name in zip(task.members, task.names, strict=True):
        candidate = found.candidates[k]
        factors = task.bounds.factors(name, candidate)
        copies.append(candidate.stretched(factors, task.storey_height))
        length, width, height = (float(metres) for metres in copies[-1].stand.extents)
        rows.append(replace(found.rows[found.row_of[k]], id=name, size=(length, width, height)))
    Chunk(tuple(rows), tuple(range(len(rows))), tuple(copies)).save(task.path)


def voxelize(task: VoxelTask) -> None:
    """Write the grids of some candidates into their rows."""
    if task.path.exists():
        return
    candidates = Chunk.load(task.chunk).candidates
    work = zip(task.members, task.pitches, strict=True)
    coverage = np.stack([candidates[k].voxels(task.resolution, pitch).coverage for k, pitch in work])
    occupancy = coverage > HALF
    store.write_rows(task.folder, np.array(task.rows), coverage, pack(occupancy))
    write_text(task.path, json.dumps(occupancy.sum(axis=(1, 2, 3)).tolist()))


def _examine(building: Building, config: BuildConfig) -> tuple[Row, Candidate | None]:
    verdict = filters.readable(building) or filters.plain_limits(building, config)
    if verdict is not None:
        return _rejected(building, *verdict), None
    if building.points is None:
        mesh, edges = building.mesh, topology(building.mesh)
        stand = Stand.of(mesh, config.align)
        # Near the origin, where areas and unions keep their digits: national grids lie 500 km off.
        building = replace(building, mesh=mesh.translated(-mesh.bounds[0]))
        measures = measure(building.mesh, config.storey_height)
    else:
        mesh, edges = Mesh.of(building.points, np.zeros((0, 3))), None
        stand = Stand.of(mesh, config.align)
        pitch = max(float(stand.extents.max()) / SCAN_CELLS, 1e-6)
        resolution, cell, _ = comparison_grid(stand.extents.tolist(), pitch)
        measures = measure_grid(solid(mesh, stand, resolution, cell), config.storey_height)
    verdict = filters.large_enough(building, measures["footprint_area"], config)
    verdict = verdict or filters.sound(building, edges, config)
    if verdict is not None:
        return _rejected(building, *verdict), None
    length, width, height = (float(metres) for metres in stand.extents)
    row = Row(
        building.source,
        building.id,
        warnings=(*building.warnings, *filters.warnings(edges)),
        size=(length, width, height),
        triangles=len(mesh.faces),
    )
    attributes = {name: float(value) for name, value in measures.items()}
    attributes["lod"] = float("nan") if building.lod is None else float(building.lod)
    return row, Candidate(mesh, stand, attributes)


def _rejected(building: Building, reason: Reason, detail: str) -> Row:
    size = (0.0, 0.0, 0.0)
    if len(building.mesh.faces) and reason is not Reason.UNREADABLE:
        x, y, z = (float(metres) for metres in building.mesh.extents)
        size = (max(x, y), min(x, y), z)
    count = len(building.mesh.faces)
    return Row(building.source, building.id, reason, detail, building.warnings, size, count)


def _columns(candidate: Candidate, pitch: float) -> Columns:
    extents: Sequence[float] = candidate.stand.extents.tolist()
    resolution, cell, level = comparison_grid(extents, pitch or max(max(extents), 1e-6) / ONE_SIZE)
    return Columns.of(candidate.voxels(resolution, cell), level)
