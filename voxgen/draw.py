"""Voxel grids to drawings: floor plans and elevations of each building on one sheet, to scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from .atomic import write_text
from .elements import ElementSettings
from .errors import DataError, UsageError
from .export import ExportSettings, distinct, file_name, prepared
from .extras import require
from .geometry.grid import VoxelGrid

FORMATS = ("svg", "dxf")


@dataclass(frozen=True)
class DrawSettings:
    """How buildings are drawn.

    Attributes:
        formats: of `svg` and `dxf`.
        scale: 100 for 1:100; words and symbols are sized for it.
        unit: of DXF.
        elements: storey heights and thicknesses.
        mass: how a grid becomes a mass.
        notes: a line in the title block.
    """

    formats: tuple[str, ...] = FORMATS
    scale: float = 100.0
    unit: Literal["m", "mm"] = "m"
    elements: ElementSettings = field(default_factory=ElementSettings)
    mass: ExportSettings = field(default_factory=ExportSettings)
    notes: str = ""


@dataclass(frozen=True)
class Drawn:
    """What became of one grid.

    Attributes:
        name: of the building.
        files: what was written; nothing where it could not be drawn.
        drawings: names of the drawings on the sheet.
        notes: what else there is to know; the reason, where nothing was drawn.
    """

    name: str
    files: tuple[Path, ...]
    drawings: tuple[str, ...] = ()
    notes: str = ""


def checked_formats(given: Iterable[str]) -> tuple[str, ...]:
    """Give formats as `DrawSettings` takes them, each once, in order.

    >>> checked_formats(["SVG", ".dxf", "svg"])
    ('svg', 'dxf')

    Raises:
        UsageError: for none, or one that is no drawing.
    """
    names = tuple(dict.fromkeys(one.strip().lower().lstrip(".") for one in given))
    unknown = [one for one in names if one not in FORMATS]
    if unknown or not names:
        raise UsageError(
            f"format {', '.join(unknown) or 'left out'}; give one or both of {', '.join(FORMATS)}"
        )
    return names


def draw_grids(
    grids: Iterable[tuple[str, VoxelGrid]], out: Path, settings: DrawSettings | None = None
) -> Iterator[Drawn]:
    """Draw grids, one after the other as the iterator is taken.

    Args:
        grids: name and grid; names are made fit for file names, and distinct.
        out: folder, made where it is not there.
        settings: the defaults where left out.

    Raises:
        UsageError, MissingExtraError: before the first, for settings that cannot be.
    """
    chosen = settings or DrawSettings()
    chosen = replace(chosen, formats=checked_formats(chosen.formats))
    if not 1 <= chosen.scale <= 10_000:
        raise UsageError(f"scale = {chosen.scale:g}; give 100 for 1:100, from 1 to 10000")
    if "dxf" in chosen.formats:
        require("ezdxf", "cad", "writing .dxf")
    taken: set[str] = set()
    for name, grid in grids:
        yield _draw(distinct(file_name(name), taken), grid, out, chosen)


def _draw(name: str, grid: VoxelGrid, out: Path, settings: DrawSettings) -> Drawn:
    from .drawings import drawing_dxf, drawing_svg, elevations, floor_plans
    from .elements import elements_of

    model = prepared(name, grid, settings.mass).model
    if model is None:
        return Drawn(name, (), (), "it is empty")
    try:
        elements = elements_of(model.solids[0].surface, settings.elements)
    except DataError as failure:
        return Drawn(name, (), (), str(failure))
    drawings = [*floor_plans(elements, settings.scale), *elevations(elements, settings.scale)]
    files = []
    for suffix in settings.formats:
        if suffix == "svg":
            text = drawing_svg(drawings, name, settings.notes)
        else:
            text = drawing_dxf(drawings, name, settings.notes, settings.unit)
        files.append(out / f"{name}.{suffix}")
        write_text(files[-1], text)
    notes = [str(model.metadata["notes"])] if "notes" in model.metadata else []
    return Drawn(
        name, tuple(files), tuple(one.name for one in drawings), "; ".join([*notes, *elements.notes])
    )
