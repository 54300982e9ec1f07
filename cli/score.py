"""`voxgen score`: buildings from surprising to typical, by a model that knows likelihoods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rich_click as click

from voxgen.words import counted

from . import say
from .inputs import grids_of, read_settings, stored, stored_grids
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    json_option,
    read_options,
)
from .progress import Bar
from .sample import run_label

SURPRISING = 99.0
"""Percentile of unseen buildings over which a building is called surprising."""


@click.command("score", short_help="Rank buildings from surprising to typical.")
@click.argument("run", type=RunName())
@click.argument("files", nargs=-1, required=True)
@click.option("--data", help="Data set to compare with; the one that it was trained on if left out.")
@read_options
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    files: tuple[str, ...],
    data: str | None,
    file_unit: str | None,
    file_up: str | None,
    lod: float | None,
    split_objects: bool,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Rank buildings from the most surprising to the most typical, by bits a voxel.

    FILES are building files, folders, globs, archives, .npz grids or data sets. Each building is compared
    with the validation buildings of the data set, which the model has not learnt from: one that costs more
    bits than 99 % of them is marked, and may be broken, at a wrong scale, or merely unlike the others. RUN is
    a model that knows likelihoods: voxgen train --model flow --recipe voxel.
    """
    from voxgen.training.run import find_model

    reading = read_settings(file_unit, file_up, lod, split_objects)
    model, name = find_model(run), run_label(run)
    if dry_run:
        values = {"model": model, "files": list(files), "data": data, "read": reading.model_dump(mode="json")}
        say.settings(values, as_json)
        return
    from pathlib import Path

    import numpy as np

    from voxgen.errors import UsageError
    from voxgen.evaluation.likelihood import Likelihood, bits_per_voxel
    from voxgen.generator import load

    from .scoring import data_of

    generator = load(model, device=device, allow=allow)
    if not isinstance(generator.model, Likelihood):
        raise UsageError(
            f"the run {name!r} knows no likelihood of buildings; train one that does: "
            "voxgen train --model flow --recipe voxel"
        )
    with Bar() as bar:
        known = data_of(model, data, bar)
    stores = [path for file in files for path in stored(Path(file))]
    given = list(stored_grids(stores, None)[1])
    rest = [file for file in files if not stored(Path(file))]
    if rest:
        given += grids_of(rest, generator.resolution, generator.pitch, reading)
    for _, grid in given:
        generator.check(grid)
    usual = bits_per_voxel(generator.model, known.coverage(known.indices("validation")))
    bits = bits_per_voxel(generator.model, np.stack([grid.coverage for _, grid in given]))
    ranked = rank([name for name, _ in given], bits.tolist(), usual.tolist())
    table = "\n".join(_line(row) for row in ranked)
    say.result({"run": name, "unseen": len(usual), "buildings": ranked}, table, as_json)
    marked = sum(row["surprising"] for row in ranked)
    say.note(
        f"{marked} of {counted(len(ranked), 'building')} cost more bits than {SURPRISING:g} % of "
        f"{counted(len(usual), 'building')} that the model has not seen"
    )


def rank(names: Sequence[str], bits: Sequence[float], usual: Sequence[float]) -> list[dict[str, Any]]:
    """Give a row a building, the most surprising first.

    Args:
        names: of the buildings.
        bits: a voxel, of each.
        usual: of buildings to compare with.
    """
    import numpy as np

    rows = []
    for name, cost in sorted(zip(names, bits, strict=True), key=lambda pair: -pair[1]):
        share = float(100 * np.mean(np.asarray(usual) <= cost)) if usual else 50.0
        rows.append({"name": name, "bits": cost, "percentile": share, "surprising": share > SURPRISING})
    return rows


def _line(row: dict[str, Any]) -> str:
    mark = "  surprising" if row["surprising"] else ""
    return f"{row['bits']:8.4f}  {row['percentile']:5.1f} %  {row['name']}{mark}"
