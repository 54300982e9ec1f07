"""`voxgen interpolate`: the way from one building to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.errors import UsageError
from voxgen.words import counted

from . import say
from .exporting import ExportOptions, metadata_of, report, write_buildings
from .inputs import building_given, reading_of
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    read_options,
    seed_option,
)
from .sample import run_label

if TYPE_CHECKING:
    pass


_COLUMNS = 8
"""Of the sheet at most."""


@click.command("interpolate", short_help="Make the way from one building to another.")
@click.argument("run", type=RunName())
@click.argument("ends", nargs=-1)
@click.option("--from", "start", help="Number of a sample, or a file.  [default: 0]")
@click.option("--to", "end", help="Number of a sample, or a file.  [default: 1]")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(2),
    default=8,
    show_default=True,
    help="Buildings, both ends included.",
)
@seed_option
@read_options
@export_options("obj", reads=True)
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    ends: tuple[str, ...],
    start: str | None,
    end: str | None,
    count: int,
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Make the buildings on the way from one to another.

    The two ENDS, given so or with --from and --to, are samples of the seed, by number, or building files;
    a file's building is given as the model sees it. Said is how many on the way could stand as they are.
    """
    from voxgen.training.run import find_model

    start, end = _both(ends, start, end)
    reading = reading_of(export)
    options = ExportOptions(**export)
    model, name = find_model(run), run_label(run)
    out = options.folder(f"{name}-way")
    if dry_run:
        values = {"model": model, "from": start, "to": end, "count": count, "seed": seed, **vars(options)}
        say.settings({**values, "out": out, "read": reading.model_dump(mode="json")}, as_json)
        return
    import numpy as np

    from voxgen.evaluation.validity import sound
    from voxgen.generator import load

    generator = load(model, device=device, allow=allow)
    first, last = (building_given(given, generator, reading) for given in (start, end))
    grids = generator.interpolate(first, last, count, seed)
    settings = options.settings(metadata_of(generator.card, run=name, seed=seed, way=f"{start} to {end}"))
    named = [(f"{name}-way-{i:02d}", grid) for i, grid in enumerate(grids)]
    done = write_buildings(
        named,
        count,
        out,
        settings,
        f"{name}: from {Path(start).stem} to {Path(end).stem}",
        columns=min(count, _COLUMNS),
    )
    stands = sound(np.stack([grid.occupancy for grid in grids])).tolist()
    say.note(
        f"{sum(stands)} of {counted(count, 'building')} on the way are sound before any mending: "
        "one piece, on the ground, all but a twentieth carried from below"
    )
    values = {"sound": stands, "share_sound": sum(stands) / count}
    report(done, out, as_json, {"run": name, "seed": seed, "from": start, "to": end, **values})


def _both(ends: tuple[str, ...], start: str | None, end: str | None) -> tuple[str, str]:
    """The two ends, given one way or the other; the first two samples where neither is."""
    if not ends:
        return "0" if start is None else start, "1" if end is None else end
    if len(ends) != 2 or start is not None or end is not None:
        options = [f"--{name} {given}" for name, given in (("from", start), ("to", end)) if given is not None]
        raise UsageError(
            f"a way has two ends, given are: {', '.join([*ends, *options])}; name both after the run, "
            "or give them with --from and --to"
        )
    return ends[0], ends[1]
