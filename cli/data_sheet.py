"""`voxgen data sheet`: a picture of some buildings of a data set."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from voxgen.words import counted

from . import say
from .kernels import PAINTING, announce
from .options import json_option, seed_option


@click.command("sheet", short_help="Draw a contact sheet of a data set.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="PNG to write.")
@click.option("-n", "--count", type=click.IntRange(1, 400), default=16, show_default=True, help="Buildings.")
@click.option(
    "--split",
    type=click.Choice(("all", "train", "validation", "test", "copies")),
    default="all",
    show_default=True,
)
@click.option("--size", type=click.IntRange(64, 1024), default=256, show_default=True, help="Pixels each.")
@seed_option
@json_option
def command(
    data: Path, out: Path | None, count: int, split: str, size: int, seed: int, as_json: bool
) -> None:
    """Draw a contact sheet of buildings chosen by chance."""
    import numpy as np

    from voxgen.errors import DataError
    from voxgen.pictures import building_sheet, save_png
    from voxgen.pipeline.store import Dataset

    found = Dataset.open(data)
    if split == "all":
        rows = np.arange(len(found))
    elif split == "copies":
        rows = found.copies()
    else:
        rows = found.indices(split)
    if len(rows) == 0:
        raise DataError(f"{data} has no {split} buildings; choose another split")
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
    path = out or Path(f"{data.resolve().name}-sheet.png")
    title = f"{data.resolve().name}: {len(chosen)} of {counted(len(rows), 'building')}"
    captions = [str(found.table["id"][row]) for row in chosen]
    announce(PAINTING)
    save_png(building_sheet([found.grid(int(row)) for row in chosen], captions, title=title, size=size), path)
    say.result({"sheet": path, "rows": chosen.tolist(), "ids": captions}, f"{path} shows {title}", as_json)
    say.hint(f"voxgen train --data {data}")
