"""`voxgen interpolate`: the way from one building to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.errors import DataError

from .exporting import ExportOptions, metadata_of, report, write_buildings
from .inputs import grids_of, read_settings
from .options import RunName, allow_option, device_option, export_options, json_option, seed_option
from .sample import run_label

if TYPE_CHECKING:
    from voxgen.generator import Generator
    from voxgen.geometry.grid import VoxelGrid


@click.command("interpolate", short_help="Make the way from one building to another.")
@click.argument("run", type=RunName())
@click.option("--from", "start", default="0", show_default=True, help="Number of a sample, or a file.")
@click.option("--to", "end", default="1", show_default=True, help="Number of a sample, or a file.")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(2),
    default=8,
    show_default=True,
    help="Buildings, both ends included.",
)
@seed_option
@export_options("obj", "--up", "--unit")
@device_option
@allow_option
@json_option
def command(
    run: str,
    start: str,
    end: str,
    count: int,
    seed: int,
    device: str,
    allow: tuple[str, ...],
    as_json: bool,
    **export: Any,
) -> None:
    """Make the buildings on the way from one to another.

    The ends are samples of the seed, by number, or building files; for files the model must be one that
    encodes, such as vae.
    """
    from voxgen.generator import load

    options = ExportOptions(**export)
    generator = load(run, device=device, allow=allow)
    grids = generator.interpolate(_end(start, generator), _end(end, generator), count, seed)
    name = run_label(run)
    out = options.folder(f"{name}-way")
    settings = options.settings(metadata_of(generator.card, run=name, seed=seed, way=f"{start} to {end}"))
    named = [(f"{name}-way-{i:02d}", grid) for i, grid in enumerate(grids)]
    done = write_buildings(named, count, out, settings, f"{name}: from {start} to {end}")
    report(done, out, as_json, {"run": name, "seed": seed, "from": start, "to": end})


def _end(given: str, generator: Generator) -> VoxelGrid | int:
    """A sample's number, or the first building of a file."""
    if given.isdecimal():
        return int(given)
    reading = read_settings(None, None, None, split=False)
    for _, grid in grids_of([given], generator.resolution, generator.pitch, reading):
        return grid
    raise DataError(f"no building in {given}")
