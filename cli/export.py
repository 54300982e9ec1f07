"""`voxgen export`: grids, data sets and runs to meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from . import say
from .exporting import ExportOptions, report, write_buildings
from .inputs import refuse_several, stored, stored_grids
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    seed_option,
)


@click.command("export", short_help="Write grids, data sets or a run as meshes.")
@click.argument("sources", nargs=-1, required=True, type=RunName())
@click.option("-n", "--count", type=click.IntRange(1), help="Buildings at most; 16 of a run, else all.")
@seed_option
@export_options("obj,stl")
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    sources: tuple[str, ...],
    count: int | None,
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Write grids as meshes: .npz files and folders of them, data sets, or what a run makes.

    Each building is one solid; with --as elements it is its slabs, walls and roofs by storey, with its areas
    as CSV and JSON beside it.
    """
    options = ExportOptions(**export)
    paths = [path for source in sources for path in stored(Path(source))]
    if not paths:
        refuse_several(sources)
        from .sample import make

        make(sources[0], count or 16, {}, seed, device, allow, dry_run, as_json, options)
        return
    out = options.folder(f"{Path(sources[0]).resolve().stem}-buildings")
    if dry_run:
        values = {"grids": len(paths), "count": count, **vars(options), "out": out}
        say.settings(values, as_json)
        return
    total, grids = stored_grids(paths, count)
    title = f"{Path(sources[0]).resolve().name}: {total} buildings"
    done = write_buildings(grids, total, out, options.settings({}), title)
    report(done, out, as_json, {"sources": list(sources)})
