"""`voxgen originality`: how far buildings lie from all that a model learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from . import say
from .certifying import KNOWN, known_of, write_certificates
from .inputs import grids_of, reading_of
from .options import RunName, dry_run_option, json_option, read_options
from .sample import run_label


@click.command("originality", short_help="Show how original buildings are, beside the nearest known one.")
@click.argument("run", type=RunName())
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--known",
    metavar="FILE|DATA",
    help=f"{KNOWN} of voxgen data known, or a data set; looked for if left out.",
)
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@read_options
@dry_run_option
@json_option
def command(
    run: str,
    files: tuple[str, ...],
    known: str | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    **reads: Any,
) -> None:
    """Hold buildings against all that a model learnt from: files of any kind, its samples or others.

    For each the nearest training building, modulo turns and mirrors of the plan: IoU, and how many per cent
    of unseen real buildings lie nearer to one; for all of them a test whether they lie nearer than chance
    (Z_U, Meehan et al. 2020). Writes originality.csv, and originality.png with both side by side.
    """
    from voxgen.training.run import find_model

    reading = reading_of(reads)
    model, folder = find_model(run), out or Path(f"{run_label(run)}-originality")
    if dry_run:
        values = {"model": model, "files": list(files), "known": known, "out": folder}
        say.settings({**values, "read": reading.model_dump(mode="json")}, as_json)
        return
    found = known_of(model, known)
    grids = grids_of(files, *found.grid, reading, whole=True)
    named = [(name, grid) for name, grid in grids if grid.occupancy.any()]
    title = f"buildings, each beside the nearest that {run_label(run)} learnt from"
    told = write_certificates(named, found, folder, title)
    lines = [f"{one['iou']:.2f}  {one['name']}: {one['nearest']}" for one in told["buildings"]]
    say.result({"run": run_label(run), "out": folder, **told}, "\n".join(lines), as_json)
