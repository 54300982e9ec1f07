"""`voxgen draw`: plans and elevations of grids, data sets and runs, to scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import rich_click as click

from voxgen.words import counted

from . import say
from .inputs import refuse_several, stored, stored_grids
from .kernels import SURFACES, announce
from .options import (
    Formats,
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    element_options,
    json_option,
    seed_option,
)
from .progress import Bar
from .sample import run_label, sampled

if TYPE_CHECKING:
    from voxgen.draw import Drawn
    from voxgen.export import Surface

FORMATS = ("svg", "dxf")


@click.command("draw", short_help="Draw plans and elevations to scale: SVG and DXF.")
@click.argument("sources", nargs=-1, required=True, type=RunName())
@click.option("-n", "--count", type=click.IntRange(1), help="Buildings at most; 4 of a run, else all.")
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@click.option(
    "-f",
    "--format",
    "formats",
    type=Formats(FORMATS, "voxgen.draw"),
    default="svg,dxf",
    show_default=True,
    help="svg, dxf.",
)
@click.option(
    "--scale", type=click.FloatRange(1, 10_000), default=100.0, show_default=True, help="100 for 1:100."
)
@click.option(
    "--out-unit", "unit", type=click.Choice(("m", "mm")), default="m", show_default=True, help="Unit of DXF."
)
@element_options
@click.option(
    "--surface",
    type=click.Choice(("planar", "blocks")),
    default="planar",
    show_default=True,
    help="Few planes with sharp edges, or the voxels as they are.",
)
@seed_option
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    sources: tuple[str, ...],
    count: int | None,
    out: Path | None,
    formats: tuple[str, ...],
    scale: float,
    unit: Literal["m", "mm"],
    storey_height: tuple[float, ...],
    slab: float,
    wall: float,
    roof: float,
    surface: Surface,
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Draw each building on a sheet: a plan of every storey, the roof, and four elevations.

    SOURCES are .npz files and folders of them, data sets, or a run, which makes new buildings.
    """
    paths = [path for source in sources for path in stored(Path(source))]
    if not paths:
        refuse_several(sources)
    label = Path(sources[0]).resolve().stem if paths else run_label(sources[0])
    folder = out or Path(f"{label}-drawings")
    if dry_run:
        asked = {"sources": list(sources), "count": count, "formats": formats, "scale": scale, "unit": unit}
        asked |= {"storey_height": storey_height, "slab": slab, "wall": wall, "roof": roof}
        say.settings({**asked, "surface": surface, "seed": seed, "out": folder}, as_json)
        return
    from voxgen.draw import DrawSettings, draw_grids
    from voxgen.elements import ElementSettings
    from voxgen.errors import VoxgenError
    from voxgen.export import ExportSettings

    elements, notes = ElementSettings(storey_height, slab, wall, roof), ""
    if paths:
        total, grids = stored_grids(paths, count)
    else:
        from voxgen.generator import load

        total = count or 4
        grids = sampled(load(sources[0], device=device, allow=allow), label, total, seed, {})
        notes = f"{label}, seed {seed}"
    settings = DrawSettings(formats, scale, unit, elements, ExportSettings(surface=surface), notes)
    announce(SURFACES[surface])
    done: list[Drawn] = []
    with Bar() as bar:
        for one in draw_grids(grids, folder, settings):
            done.append(one)
            bar.show(len(done) / max(total, 1), f"{len(done):,} of {total:,} drawn")
    for one in done:
        if one.notes:
            say.warn(f"{one.name}: {one.notes}")
    made = [one for one in done if one.files]
    if not made:
        raise VoxgenError(f"none of {counted(len(done), 'building')} could be drawn; the lines above say why")
    values = {"out": folder, "scale": scale, "drawn": len(made)}
    values["buildings"] = [
        {"name": one.name, "files": one.files, "drawings": one.drawings, "notes": one.notes} for one in done
    ]
    say.result(values, f"{counted(len(made), 'building')} as {', '.join(formats)} in {folder}", as_json)
    say.hint(f"voxgen export {sources[0]} --as elements -f ifc4,3dm")
