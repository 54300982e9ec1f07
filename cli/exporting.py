"""What all commands that write buildings share: settings from options, the loop, the sheet, the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxgen.words import counted

from . import say
from .kernels import PAINTING, SURFACES, announce
from .progress import Bar

if TYPE_CHECKING:
    from PIL.Image import Image

    from voxgen.elements import ElementSettings
    from voxgen.export import Exported, ExportSettings, Shape, Surface
    from voxgen.geometry.grid import VoxelGrid
    from voxgen.geometry.mesh import Mesh

SHEET = "sheet.png"
SHEET_MOST = 64
"""Buildings on a contact sheet at most."""
MUCH = 0.1
"""Share of a building that is not taken away without a word."""


@dataclass(frozen=True)
class ExportOptions:
    """The values of `options.export_options`."""

    out: Path | None
    formats: tuple[str, ...]
    surface: Surface
    out_up: str
    out_unit: str
    place: str
    mend: bool
    crs: str | None
    at: tuple[float, float, float] | None
    yaw: float | None
    parts: str
    storey_height: tuple[float, ...]
    slab: float
    wall: float
    roof: float

    def settings(self, metadata: Mapping[str, Any]) -> ExportSettings:
        """Give the library's settings."""
        from voxgen.export import ExportSettings

        return ExportSettings(
            formats=self.formats,
            surface=self.surface,
            up=self.out_up,
            unit=self.out_unit,
            place="world" if self.place == "world" else "origin",
            mend=self.mend,
            metadata=metadata,
            crs=self.crs,
            at=self.at,
            yaw=None if self.yaw is None else math.radians(self.yaw),
            elements=self._elements() if self.parts == "elements" else None,
        )

    def _elements(self) -> ElementSettings:
        from voxgen.elements import ElementSettings

        return ElementSettings(self.storey_height, self.slab, self.wall, self.roof)

    def folder(self, name: str) -> Path:
        """Give the folder asked for, or one named after the command's subject."""
        return self.out or Path(name)


def write_buildings(
    grids: Iterable[tuple[str, VoxelGrid]],
    count: int,
    out: Path,
    settings: ExportSettings,
    title: str,
    *,
    shape: Shape | None = None,
    picture: Callable[[str], Image] | None = None,
    caption: Callable[[Exported], str] | None = None,
    columns: int | None = None,
) -> list[Exported]:
    """Write grids and their contact sheet, with a bar; empty ones are told.

    Args:
        grids: name and grid of each.
        count: how many there will be.
        out: folder.
        settings: how they become files.
        title: of the sheet.
        shape: gives the surface of a name; as the settings say where left out.
        picture: gives the picture of a name; of the surface alone where left out.
        caption: gives what stands below each; height and plan where left out.
        columns: of the sheet; about a square where left out.

    Raises:
        VoxgenError: when not one of them has a filled voxel.
    """
    from voxgen.errors import VoxgenError
    from voxgen.export import TABLE, export_grids
    from voxgen.pictures import building_sheet, contact_sheet, save_png

    if (out / TABLE).exists():
        say.warn(f"{out} holds buildings of before: {TABLE} and {SHEET} are replaced, other files stay")
    announce(SURFACES[settings.surface], PAINTING)
    done: list[Exported] = []
    with Bar() as bar:
        for one in export_grids(grids, out, settings, shape):
            done.append(one)
            bar.show(len(done) / max(count, 1), f"{len(done):,} of {count:,} written")
    made = [one for one in done if one.files]
    for one in done:
        if not one.files:
            say.warn(f"{one.name} is empty; nothing was written for it")
        if one.lost > MUCH:
            say.warn(
                f"{one.name}: mending took away {one.lost:.0%} of it as loose pieces; --no-mend keeps them"
            )
        if one.files and settings.elements is not None and one.notes:
            say.warn(f"{one.name}: {one.notes}")
    if not made:
        raise VoxgenError(
            f"none of {counted(len(done), 'building')} has a filled voxel, so nothing was written"
        )
    shown = made[:SHEET_MOST]
    captions = [(caption or _caption)(one) for one in shown]
    if picture is None:
        sheet = building_sheet([one.mesh or one.grid for one in shown], captions, columns, title)
    else:
        sheet = contact_sheet([picture(one.name) for one in shown], captions, columns, title)
    save_png(sheet, out / SHEET)
    return done


def surface_of(one: Exported, surface: Surface) -> Mesh:
    """Give the surface that was written; of a grid alone the one that it would have."""
    from voxgen.export import polyhedron_of

    return polyhedron_of(one.grid, surface).to_mesh() if one.mesh is None else one.mesh


def report(done: list[Exported], out: Path, as_json: bool, more: Mapping[str, Any]) -> None:
    """Give what was written."""
    from voxgen.export import TABLE

    made = [one for one in done if one.files]
    mended = sum(bool(one.repairs) for one in made)
    kinds = sorted({path.suffix[1:] for one in made for path in one.files})
    text = f"{counted(len(made), 'building')} as {', '.join(kinds)} in {out}, with {SHEET} and {TABLE}"
    blocks = sum("given as blocks" in one.notes for one in made)
    if mended or blocks:
        told = [(mended, "mended"), (blocks, "given as blocks in place of planes")]
        text += "; " + ", ".join(f"{n} {what}" for n, what in told if n) + f" (see {TABLE})"
    values = {
        **more,
        "out": out,
        "sheet": out / SHEET,
        "table": out / TABLE,
        "buildings": [
            {"name": one.name, "files": list(one.files), "repairs": one.repairs, **one.measures}
            for one in done
        ],
    }
    say.result(values, text, as_json)


def metadata_of(card: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What a file says of the model that made it, credits included."""
    data = card.get("data") or {}
    told = {"licence": data.get("licence"), "attribution": data.get("attribution")}
    credits = {key: "; ".join(map(str, value)) for key, value in told.items() if value}
    return {"model": card.get("family", ""), **more, **credits}


def _caption(one: Exported) -> str:
    height, area = one.measures.get("height"), one.measures.get("footprint_area")
    return one.name if height is None or area is None else f"{height:.1f} m, {area:.0f} m2"
