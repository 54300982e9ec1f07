"""`voxgen reconstruct`: buildings through a model and back, beside the originals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from voxgen.words import counted, csv_text

from . import say
from .exporting import SHEET_MOST, ExportOptions, metadata_of, report, write_buildings
from .inputs import grids_of, reading_of
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    read_options,
)
from .sample import run_label

PAIRS = "pairs.png"
PREDICTED = "predicted.csv"


@click.command("reconstruct", short_help="Show buildings as a model sees them.")
@click.argument("run", type=RunName())
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--refine",
    type=click.IntRange(0, 2000),
    default=0,
    metavar="STEPS",
    help="Improve on the encoder by gradient descent (projection); needs no encoder.",
)
@read_options
@export_options("obj,stl", reads=True)
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    files: tuple[str, ...],
    refine: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Show buildings as a model sees them: encoded and decoded again, with the IoU of each.

    FILES are building files, folders, globs and archives, or .npz grids at the model's resolution and pitch.
    A model with an autoencoder also tells their attributes by their latents (predicted.csv).
    """
    from voxgen.training.run import find_model

    reading = reading_of(export)
    options = ExportOptions(**export)
    model, name = find_model(run), run_label(run)
    out = options.folder(f"{name}-reconstructed")
    if dry_run:
        read = reading.model_dump(mode="json")
        say.settings(
            {
                "model": model,
                "files": list(files),
                "refine": refine,
                **vars(options),
                "out": out,
                "read": read,
            },
            as_json,
        )
        return
    import numpy as np

    from voxgen.generator import load
    from voxgen.geometry.grid import pack
    from voxgen.geometry.similarity import popcount_iou
    from voxgen.pictures import building_sheet, save_png

    generator = load(model, device=device, allow=allow)
    given = list(grids_of(files, generator.resolution, generator.pitch, reading))
    made = [(name, generator.reconstruct(grid, refine)) for name, grid in given]
    predicted = {name: told for name, grid in given if (told := generator.predict(grid))}
    ious = [
        float(popcount_iou(pack(a.occupancy)[None], pack(b.occupancy)[None])[0, 0])
        for (_, a), (_, b) in zip(given, made, strict=True)
    ]
    settings = options.settings(metadata_of(generator.card, run=name))
    done = write_buildings(
        made, len(made), out, settings, f"{name}: {counted(len(made), 'building')} reconstructed"
    )
    shown = [grid for pair in zip(given, made, strict=True) for _, grid in pair][: 2 * SHEET_MOST]
    captions = [text for (n, _), iou in zip(given, ious, strict=True) for text in (n, f"IoU {iou:.3f}")]
    sheet = building_sheet(
        shown, captions[: len(shown)], columns=min(8, 2 * len(given)), title="given, and as seen by " + name
    )
    save_png(sheet, out / PAIRS)
    say.note(
        f"median IoU {np.median(ious):.3f} over {counted(len(ious), 'building')}; pairs in {out / PAIRS}"
    )
    values = {"run": name, "pairs": out / PAIRS, "iou": dict(zip([n for n, _ in given], ious, strict=True))}
    values["predicted"] = predicted
    if predicted:
        _write_table(out / PREDICTED, predicted)
        say.note(f"their attributes, as the model tells them, are in {out / PREDICTED}")
    report(done, out, as_json, values)


def _write_table(path: Path, rows: Mapping[str, Mapping[str, float]]) -> None:
    from voxgen.atomic import write_text

    names = list(next(iter(rows.values())))
    told = [[key, *(f"{values[name]:.4g}" for name in names)] for key, values in rows.items()]
    write_text(path, csv_text([["name", *names], *told]))
