"""Voxel grids to files that design tools open: mended, in metres, at the origin, with a table.

A building is one solid, its mass; or, with `elements`, its slabs, walls and roofs, with a schedule beside it.

A building stands on z = 0 with its grid centred on the origin, because design tools lose precision far from
it; where it stood in the world is said in the file and in the table. `place="world"` leaves it there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .atomic import replacing, write_text
from .errors import DataError, UsageError
from .formats.grid_file import SUFFIX, write_grid
from .formats.write import write_model
from .formats.write_table import WRITABLE, checked_format
from .geometry.grid import VoxelGrid
from .geometry.mesh import Mesh

if TYPE_CHECKING:
    from .elements import ElementSettings
    from .geometry.polyhedron import Polyhedron
    from .geometry.solid import Georeference, Model

Surface = Literal["planar", "smooth", "blocks"]
Place = Literal["origin", "world"]

TABLE = "buildings.csv"


@dataclass(frozen=True)
class ExportSettings:
    """How grids become files.

    Attributes:
        formats: any of `WRITABLE`, and npz for the grid itself.
        surface: `planar`, few planes with sharp edges; `smooth`, the iso-surface of the coverage; or
            `blocks`, the voxels as they are, coplanar faces merged.
        up: axis that points up, in formats that leave it open.
        unit: unit of formats that leave it open.
        place: `origin` sets each building on the origin, `world` leaves it where its grid is.
        mend: fill diagonal contacts, keep the largest piece, set it on the ground.
        metadata: said in every file, such as run and seed.
        crs: projected reference system, such as `EPSG:7415`, that the world's coordinates are in.
        at: easting, northing and height where the middle of the grid's floor is to stand; where it stood
            before, if left out.
        yaw: radians that the building is turned there, counter-clockwise from above; as before, if left out.
        offset: metres to add to the coordinates of `place="world"` for the reference system's own, where they
            were made small.
        storey_height: metres, by which the measures of a mass count storeys and floor areas.
        elements: storey heights and thicknesses of the building's elements; None for its mass as one solid.
    """

    formats: tuple[str, ...] = ("obj", "stl")
    surface: Surface = "planar"
    up: str = "z"
    unit: str = "m"
    place: Place = "origin"
    mend: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    crs: str | None = None
    at: tuple[float, float, float] | None = None
    yaw: float | None = None
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    storey_height: float = 3.0
    elements: ElementSettings | None = None


@dataclass(frozen=True)
class Exported:
    """What became of one grid.

    Attributes:
        name: of the building.
        files: what was written; nothing for an empty grid.
        grid: as it was written, mended and in place.
        measures: height, areas, volume and so on of what was written, by name; see `geometry.measure`.
        repairs: what was mended, in words; empty where nothing was.
        lost: share of the filled voxels that mending took away as loose pieces.
        notes: what else there is to know, such as parts that planes could not give.
        mesh: the surface that was written, as a mass; None where only the grid was.
    """

    name: str
    files: tuple[Path, ...]
    grid: VoxelGrid
    measures: Mapping[str, float]
    repairs: str = ""
    lost: float = 0.0
    notes: str = ""
    mesh: Mesh | None = None


def checked_formats(given: Iterable[str]) -> tuple[str, ...]:
    """Give formats as `ExportSettings` takes them, each once, in order.

    >>> checked_formats(["OBJ", ".stl", "obj", "npz"])
    ('obj', 'stl', 'npz')

    Raises:
        UsageError: for none.
        UnsupportedFormatError: for one that cannot be written.
    """
    names = [one.strip().lower().lstrip(".") for one in given]
    known = dict.fromkeys(name if f".{name}" == SUFFIX else checked_format(name) for name in names if name)
    if not known:
        raise UsageError(f"no format; give one or more of {', '.join(WRITABLE)}, npz")
    return tuple(known)


def see_ready(formats: Iterable[str]) -> None:
    """See that the libraries of some formats are installed.

    Raises:
        MissingExtraError: with the pip line, for one that is not.
    """
    for key in formats:
        if key in WRITABLE:
            WRITABLE[key].ready()


Shape = Callable[[str, VoxelGrid], "Polyhedron"]
"""Gives the surface of a grid of a name, in world coordinates."""


def export_grids(
    grids: Iterable[tuple[str, VoxelGrid]],
    out: Path,
    settings: ExportSettings | None = None,
    shape: Shape | None = None,
) -> Iterator[Exported]:
    """Write grids as files, one after the other as the iterator is taken, and at the end a table of them.

    Args:
        grids: name and grid; names are made fit for file names, and distinct.
        out: folder, made where it is not there.
        settings: the defaults where left out.
        shape: gives the surfaces; as `settings.surface` says where left out.

    Raises:
        UsageError, UnsupportedFormatError, MissingExtraError: before the first, for settings that cannot be.
    """
    chosen = settings or ExportSettings()
    chosen = replace(chosen, formats=checked_formats(chosen.formats), crs=_checked_crs(chosen))
    if chosen.elements is not None and chosen.surface == "smooth":
        raise UsageError(
            "elements of a smooth surface, which has no walls and roofs; choose planar or blocks"
        )
    see_ready(chosen.formats)
    done: list[Exported] = []
    taken: set[str] = set()
    for name, grid in grids:
        one = _export(distinct(file_name(name), taken), grid, out, chosen, shape)
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


@dataclass(frozen=True)
class Prepared:
    """A grid on its way to files.

    Attributes:
        grid: mended and in place.
        measures: of the model where there is one, else of the grid; by name.
        repairs: what was mended, in words.
        lost: share of the filled voxels that mending took away.
        model: the building as one solid; None where nothing of it is filled, or it was not asked for.
    """

    grid: VoxelGrid
    measures: Mapping[str, float]
    repairs: str
    lost: float
    model: Model | None


def prepared(
    name: str, grid: VoxelGrid, settings: ExportSettings, *, mass: bool = True, shape: Shape | None = None
) -> Prepared:
    """Mend a grid, put it in place and measure it.

    Args:
        name: of the building.
        grid: occupancy or coverage.
        settings: what holds for it.
        mass: whether to make its surface, which takes time.
        shape: as of `export_grids`.
    """
    from .geometry.measure import measure_grid

    mended, repairs, lost = mend(grid) if settings.mend else (grid, "", 0.0)
    if not mended.occupancy.any():
        return Prepared(mended, {}, repairs, lost, None)
    placed = at_origin(mended) if settings.place == "origin" else mended
    model = _mass(name, mended, placed, settings, shape) if mass else None
    measures = measure_grid(placed) if model is None else model.measures
    return Prepared(placed, measures, repairs, lost, model)


def _export(name: str, grid: VoxelGrid, out: Path, settings: ExportSettings, shape: Shape | None) -> Exported:
    made = prepared(name, grid, settings, mass=settings.formats != (SUFFIX[1:],), shape=shape)
    if not made.measures:
        return Exported(name, (), made.grid, {}, made.repairs, made.lost)
    model, files, measures = made.model, [], made.measures
    mesh = None if model is None else model.solids[0].surface.to_mesh()
    if model is not None and settings.elements is not None:
        model, tables = _in_elements(model, settings.elements)
        measures = model.measures
        for ending, text in tables.items():
            write_text(out / f"{name}{ending}", text)
            files.append(out / f"{name}{ending}")
    for key in settings.formats:
        if model is None or f".{key}" == SUFFIX:
            path = out / f"{name}{SUFFIX}"
            write_grid(path, made.grid, name)
        else:
            path = out / f"{name}{WRITABLE[key].suffix}"
            write_model(path, model, up=settings.up, unit=settings.unit)
        files.append(path)
    notes = str(model.metadata.get("notes", "")) if model is not None else ""
    return Exported(name, tuple(files), made.grid, measures, made.repairs, made.lost, notes, mesh)


def _in_elements(model: Model, settings: ElementSettings) -> tuple[Model, dict[str, str]]:
    """The building as its elements, and its schedule by the ends of its files; as it is where it has none."""
    from .elements import elements_of, schedule

    noted = [str(model.metadata["notes"])] if "notes" in model.metadata else []
    try:
        elements = elements_of(model.solids[0].surface, settings)
    except DataError as failure:
        metadata = {**model.metadata, "notes": "; ".join([*noted, f"given as a mass: {failure}"])}
        return replace(model, metadata=metadata), {}
    result = schedule(elements)
    metadata = dict(model.metadata)
    if noted or elements.notes:
        metadata["notes"] = "; ".join([*noted, *elements.notes])
    whole = elements.model(
        model.name,
        measures={**model.measures, **{key: float(value) for key, value in result.total.items()}},
        metadata=metadata,
        georeference=model.georeference,
    )
    return whole, {
        "-storeys.csv": result.storeys_csv(),
        "-elements.csv": result.elements_csv(),
        "-schedule.json": result.json(),
    }


def _mass(
    name: str, grid: VoxelGrid, placed: VoxelGrid, settings: ExportSettings, shape: Shape | None
) -> Model:
    """The building as one solid, with the figures of that very solid: a surface smooths what voxels blur."""
    from .geometry.measure import measure
    from .geometry.solid import MASS, Model, Solid

    surface = polyhedron_of(placed, settings.surface) if shape is None else shape(name, placed)
    if settings.mend:
        # A lowest layer that is filled in part begins above its floor, and the building would hover.
        hover = surface.vertices[surface.loops, 2].min() - placed.origin[2]
        surface = surface.moved(surface.vertices - np.array([0.0, 0.0, hover]))
    georeference = _georeference(grid, settings)
    metadata = dict(settings.metadata)
    if georeference is None:
        metadata |= _stood(grid, settings.place)
    if surface.notes:
        metadata["notes"] = "; ".join(surface.notes)
    solid = Solid(MASS, MASS, surface)
    measures = measure(surface.to_mesh(), settings.storey_height)
    return Model(name, (solid,), measures=measures, metadata=metadata, georeference=georeference)


def mend(grid: VoxelGrid) -> tuple[VoxelGrid, str, float]:
    """The grid mended, what was done, and the share taken away as loose pieces."""
    from .geometry.repair import repair

    mended, report = repair(grid)
    told = [
        (report.filled, f"{report.filled} voxels filled where others touched along an edge"),
        (report.removed_pieces, f"{report.removed_pieces} loose pieces removed ({report.removed} voxels)"),
        (report.lowered, f"lowered by {report.lowered:g} m"),
    ]
    lost = report.removed / max(1, np.count_nonzero(mended.occupancy) + report.removed)
    return mended, "; ".join(text for happened, text in told if happened), lost


def _checked_crs(settings: ExportSettings) -> str | None:
    from .formats.crs import projected_crs

    if settings.crs is None:
        if settings.at is not None or settings.yaw is not None:
            raise UsageError(
                "a place without its reference system; give it as well, such as --crs EPSG:28992"
            )
        return None
    if settings.place == "world" and (settings.at is not None or settings.yaw is not None):
        raise UsageError(
            "--place world leaves buildings where they are, --at and --yaw move them: leave out one"
        )
    return projected_crs(settings.crs)


def _georeference(grid: VoxelGrid, settings: ExportSettings) -> Georeference | None:
    from .geometry.solid import Georeference

    if settings.crs is None:
        return None
    if settings.place == "world":
        return Georeference(settings.crs, settings.offset)
    x, y, z = _middle(grid).tolist() if settings.at is None else settings.at
    return Georeference(settings.crs, (x, y, z), grid.yaw if settings.yaw is None else settings.yaw)


def _stood(grid: VoxelGrid, place: Place) -> dict[str, str]:
    """Where the building stood, in words, where it was moved from there."""
    centred = at_origin(grid)
    if place == "world" or (np.allclose(grid.origin, centred.origin) and grid.yaw == 0):
        return {}
    return {
        "world_origin": " ".join(f"{v:.3f}" for v in _middle(grid)),
        "world_yaw_degrees": f"{np.degrees(grid.yaw):.4f}",
    }


def _middle(grid: VoxelGrid) -> np.ndarray:
    """The middle of the grid's floor in the world."""
    x, y, _ = grid.resolution
    return grid.to_world(np.array([[x / 2, y / 2, 0.0]]))[0]


def distinct(name: str, taken: set[str]) -> str:
    """Give a name, numbered where another has taken it in any case, since files may not tell case apart."""
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
