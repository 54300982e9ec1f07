"""Voxel grids to files that design tools open: mended, in metres, at the origin, with a table.

A building stands on z = 0 with its grid centred on the origin, because design tools lose precision far from
it; where it stood in the world is said in the file and in the table. `place="world"` leaves it there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .atomic import replacing
from .errors import UsageError
from .formats.grid_file import SUFFIX, write_grid
from .formats.write import checked_format, write_mesh
from .geometry.grid import VoxelGrid

if TYPE_CHECKING:
    from .geometry.polyhedron import Polyhedron

Surface = Literal["planar", "smooth", "blocks"]
Place = Literal["origin", "world"]

TABLE = "buildings.csv"


@dataclass(frozen=True)
class ExportSettings:
    """How grids become files.

    Attributes:
        formats: suffixes without dot: obj, stl, ply, glb for meshes, npz for the grid itself.
        surface: `planar`, few planes with sharp edges; `smooth`, the iso-surface of the coverage; or
            `blocks`, the voxels as they are, coplanar faces merged.
        up: axis that points up in OBJ, STL and PLY.
        unit: unit of OBJ, STL and PLY.
        place: `origin` sets each building on the origin, `world` leaves it where its grid is.
        mend: fill diagonal contacts, keep the largest piece, set it on the ground.
        metadata: said in every file, such as run and seed.
    """

    formats: tuple[str, ...] = ("obj", "stl")
    surface: Surface = "planar"
    up: str = "z"
    unit: str = "m"
    place: Place = "origin"
    mend: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """What became of one grid.

    Attributes:
        name: of the building.
        files: what was written; nothing for an empty grid.
        grid: as it was written, mended and in place.
        measures: height, areas, volume and so on, by name; see `geometry.measure`.
        repairs: what was mended, in words; empty where nothing was.
        notes: what else there is to know, such as parts that planes could not give.
    """

    name: str
    files: tuple[Path, ...]
    grid: VoxelGrid
    measures: Mapping[str, float]
    repairs: str = ""
    notes: str = ""


def checked_formats(given: Iterable[str]) -> tuple[str, ...]:
    """Give formats as `ExportSettings` takes them, each once, in order.

    >>> checked_formats(["OBJ", ".stl", "obj", "npz"])
    ('obj', 'stl', 'npz')

    Raises:
        UsageError: for none.
        UnsupportedFormatError: for one that cannot be written.
    """
    names = [one.strip().lower().lstrip(".") for one in given]
    known = dict.fromkeys(
        name if f".{name}" == SUFFIX else checked_format(name)[1:] for name in names if name
    )
    if not known:
        raise UsageError("no format; give one or more of obj, stl, ply, glb, npz")
    return tuple(known)


def export_grids(
    grids: Iterable[tuple[str, VoxelGrid]], out: Path, settings: ExportSettings | None = None
) -> Iterator[Exported]:
    """Write grids as files, one after the other as the iterator is taken, and at the end a table of them.

    Args:
        grids: name and grid; names are made fit for file names, and distinct.
        out: folder, made where it is not there.
        settings: the defaults where left out.

    Raises:
        UsageError, UnsupportedFormatError: before the first, for settings that cannot be.
    """
    chosen = settings or ExportSettings()
    chosen = replace(chosen, formats=checked_formats(chosen.formats))
    done: list[Exported] = []
    taken: set[str] = set()
    for name, grid in grids:
        one = _export(_distinct(file_name(name), taken), grid, out, chosen)
        done.append(one)
        yield one
    _write_table(out / TABLE, done)


def polyhedron_of(grid: VoxelGrid, surface: Surface) -> Polyhedron:
    """Give a grid's surface as polygons with classes in world coordinates, metres; none for an empty grid."""
    if surface == "blocks":
        from .geometry.blocks import block_polygons

        return block_polygons(grid)
    if surface == "planar":
        from .geometry.planar import planar

        return planar(grid)
    from .geometry.polyhedron import of_triangles
    from .geometry.surface import isosurface

    return of_triangles(isosurface(grid))


def at_origin(grid: VoxelGrid) -> VoxelGrid:
    """Give the grid centred on the origin, on the ground, along the axes."""
    x, y, _ = grid.resolution
    return VoxelGrid(grid.values, grid.pitch, np.array([-x * grid.pitch / 2, -y * grid.pitch / 2, 0.0]))


def file_name(name: str) -> str:
    """Give a name as a file may bear it on every platform.

    >>> file_name("NL.IMBAG/0001: a")
    'NL.IMBAG_0001_a'
    """
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else " " for c in name)
    return "_".join(kept.split()).strip("._")[:100] or "building"


def _export(name: str, grid: VoxelGrid, out: Path, settings: ExportSettings) -> Exported:
    from .geometry.measure import measure_grid

    mended, repairs = _mended(grid) if settings.mend else (grid, "")
    if not mended.occupancy.any():
        return Exported(name, (), mended, {}, repairs)
    placed = at_origin(mended) if settings.place == "origin" else mended
    measures = measure_grid(placed)
    said = {**settings.metadata, **_georeference(mended, settings.place)}
    said |= {key: f"{value:.3f}" for key, value in measures.items()}
    files = []
    solid = None if settings.formats == (SUFFIX[1:],) else polyhedron_of(placed, settings.surface)
    notes = "; ".join(solid.notes) if solid is not None else ""
    if notes:
        said["notes"] = notes
    mesh = solid.to_mesh() if solid is not None else None
    if mesh is not None and settings.mend:
        # A lowest layer that is filled in part begins above its floor, and the building would hover.
        mesh = mesh.translated(np.array([0.0, 0.0, placed.origin[2] - mesh.bounds[0, 2]]))
    for suffix in settings.formats:
        path = out / f"{name}.{suffix}"
        if mesh is None or f".{suffix}" == SUFFIX:
            write_grid(path, placed, name)
        else:
            write_mesh(path, mesh, name=name, up=settings.up, unit=settings.unit, metadata=said)
        files.append(path)
    return Exported(name, tuple(files), placed, measures, repairs, notes)


def _mended(grid: VoxelGrid) -> tuple[VoxelGrid, str]:
    from .geometry.repair import repair

    mended, report = repair(grid)
    told = [
        (report.filled, f"{report.filled} voxels filled where others touched along an edge"),
        (report.removed_pieces, f"{report.removed_pieces} loose pieces removed ({report.removed} voxels)"),
        (report.lowered, f"lowered by {report.lowered:g} m"),
    ]
    return mended, "; ".join(text for happened, text in told if happened)


def _georeference(grid: VoxelGrid, place: Place) -> dict[str, str]:
    """Where the building stood, where it was moved from there."""
    centred = at_origin(grid)
    if place == "world" or (np.allclose(grid.origin, centred.origin) and grid.yaw == 0):
        return {}
    x, y, _ = grid.resolution
    (stood,) = grid.to_world(np.array([[x / 2, y / 2, 0.0]]))
    return {
        "world_origin": " ".join(f"{v:.3f}" for v in stood),
        "world_yaw_degrees": f"{np.degrees(grid.yaw):.4f}",
    }


def _distinct(name: str, taken: set[str]) -> str:
    """The name, numbered where another building bears it; letters' case tells no files apart everywhere."""
    number, tried = 2, name
    while tried.lower() in taken:
        tried, number = f"{name}-{number}", number + 1
    taken.add(tried.lower())
    return tried


def _write_table(path: Path, done: Sequence[Exported]) -> None:
    columns = list(dict.fromkeys(key for one in done for key in one.measures))
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", *columns, "repairs", "notes", "files"])
        for one in done:
            values = [f"{one.measures[key]:.3f}" if key in one.measures else "" for key in columns]
            writer.writerow([one.name, *values, one.repairs, one.notes, " ".join(p.name for p in one.files)])
