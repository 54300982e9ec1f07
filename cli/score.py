"""`voxgen score`: buildings from surprising to typical, by a likelihood or by a critic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.words import counted

from . import say
from .inputs import grids_of, reading_of, stored, stored_grids
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

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, UInt8

    from voxgen.models.base import GenerativeModel

    Coverage = UInt8[np.ndarray, "n x y z"]
    Surprise = Callable[[Coverage, Coverage], Float[np.ndarray, " n"]]

SURPRISING = 99.0
"""Percentile of unseen buildings over which a building is called surprising."""

FIGURES = {"bits": "bits a voxel", "realism": "how real it looks to the critic, more is more real"}
"""What buildings are ranked by."""


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
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **reads: Any,
) -> None:
    """Rank buildings from the most surprising to the most typical.

    FILES are building files, folders, globs, archives, .npz grids or data sets. RUN is a model that knows
    likelihoods (voxgen train --model flow --space voxel), which ranks by bits a voxel, or one with a critic
    (voxgen train --model gan), which ranks by how real each looks to it. Each building is compared with the
    validation buildings of the data set, which the model has not learnt from: one that surprises more than
    99 % of them is marked, and may be broken, at a wrong scale, or merely unlike the others.
    """
    from voxgen.training.run import find_model

    reading = reading_of(reads)
    model, name = find_model(run), run_label(run)
    if dry_run:
        values = {"model": model, "files": list(files), "data": data, "read": reading.model_dump(mode="json")}
        say.settings(values, as_json)
        return
    from pathlib import Path

    import numpy as np

    from voxgen.evaluation.realism import COMPANY
    from voxgen.generator import load
    from voxgen.training.data import spread

    from .sample import say_if_young
    from .scoring import data_of

    generator = load(model, device=device, allow=allow)
    say_if_young(generator, name)
    figure, surprise = _surprise(generator.model, name)
    with Bar() as bar:
        known = data_of(model, data, bar)
    unseen = known.indices("validation")
    stores = [path for file in files for path in stored(Path(file))]
    given = list(stored_grids(stores, None)[1])
    rest = [file for file in files if not stored(Path(file))]
    if rest:
        given += grids_of(rest, generator.resolution, generator.pitch, reading)
    for title, grid in given:
        generator.check(grid)
        if not grid.occupancy.any():
            say.warn(f"{title} is empty: its rank says nothing")
    # A critic judges in company, which is then not compared with.
    beside = spread(unseen, COMPANY if figure == "realism" else 0)
    others = np.setdiff1d(unseen, beside)
    if not len(others):
        say.warn("the data set has no unseen building left to compare with: the shares say nothing")
    company = known.coverage(beside)
    usual = surprise(known.coverage(others), company)
    found = surprise(np.stack([grid.coverage for _, grid in given]), company)
    ranked = rank([name for name, _ in given], found.tolist(), usual.tolist(), figure)
    table = "\n".join(_line(row, figure) for row in ranked)
    say.result({"run": name, "unseen": len(usual), "buildings": ranked}, table, as_json)
    marked = sum(row["surprising"] for row in ranked)
    say.note(
        f"{marked} of {counted(len(ranked), 'building')} surprise more than {SURPRISING:g} % of "
        f"{counted(len(usual), 'building')} that the model has not seen; columns: {FIGURES[figure]}, and the "
        "share of those that surprise less"
    )


def _surprise(model: GenerativeModel[Any], name: str) -> tuple[str, Surprise]:
    """Give what a model ranks by, and how surprising it finds buildings beside some that it has not seen.

    Raises:
        UsageError: when the model knows neither likelihoods nor a critic.
    """
    from voxgen.errors import UsageError
    from voxgen.evaluation.likelihood import Likelihood, bits_per_voxel
    from voxgen.evaluation.realism import realism
    from voxgen.models.base import Judging

    if isinstance(model, Likelihood):
        return "bits", lambda coverage, _: bits_per_voxel(model, coverage)
    if isinstance(model, Judging):
        return "realism", lambda coverage, company: -realism(model, coverage, company)
    raise UsageError(
        f"the run {name!r} knows no likelihood of buildings and has no critic; train one that does: "
        "voxgen train --model flow --space voxel, or voxgen train --model gan"
    )


def rank(
    names: Sequence[str], surprise: Sequence[float], usual: Sequence[float], figure: str = "bits"
) -> list[dict[str, Any]]:
    """Give a row a building, the most surprising first.

    Args:
        names: of the buildings.
        surprise: how surprising each is.
        usual: the same of buildings to compare with.
        figure: what it is told as: `bits`, or `realism`, which is the less the more surprising.
    """
    import numpy as np

    rows = []
    sign = -1 if figure == "realism" else 1
    for name, cost in sorted(zip(names, surprise, strict=True), key=lambda pair: -pair[1]):
        share = float(100 * np.mean(np.asarray(usual) <= cost)) if usual else 50.0
        rows.append(
            {"name": name, figure: sign * cost, "percentile": share, "surprising": share > SURPRISING}
        )
    return rows


def _line(row: dict[str, Any], figure: str) -> str:
    mark = "  surprising" if row["surprising"] else ""
    return f"{row[figure]:8.4f}  {row['percentile']:5.1f} %  {row['name']}{mark}"
