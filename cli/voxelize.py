"""`voxgen voxelize`: building files to voxel grids."""

from __future__ import annotations

from typing import Any

import rich_click as click

from voxgen.words import counted

from . import say
from .exporting import ExportOptions, report, write_buildings
from .inputs import grids_of, reading_of
from .options import Resolution, dry_run_option, export_options, json_option, read_options


@click.command("voxelize", short_help="Turn building files into solid voxel grids.")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--resolution", type=Resolution(), default="64", show_default=True, help="Voxels along x, y, z."
)
@click.option("--pitch", type=float, help="Metres a voxel; by default each building fills the grid.")
@read_options
@export_options("npz", reads=True)
@dry_run_option
@json_option
def command(
    files: tuple[str, ...],
    resolution: tuple[int, int, int],
    pitch: float | None,
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Turn building files into solid voxel grids (.npz), or back into meshes (--format obj).

    FILES are files, folders, globs and .zip archives. Grids are repaired; --no-mend keeps them as read.
    """
    reading = reading_of(export)
    options = ExportOptions(**export)
    out = options.folder("voxels")
    if dry_run:
        values = {
            "files": list(files),
            "resolution": list(resolution),
            "pitch": pitch,
            **vars(options),
            "out": out,
            "read": reading.model_dump(mode="json"),
        }
        say.settings(values, as_json)
        return
    grids = list(grids_of(files, resolution, pitch, reading))
    title = f"{counted(len(grids), 'building')} at {say.times(resolution)} voxels"
    done = write_buildings(grids, len(grids), out, options.settings({}), title)
    report(done, out, as_json, {"resolution": list(resolution), "pitch": pitch})
    if "npz" in options.formats:
        say.hint(f"voxgen export {out} --format obj,stl")
