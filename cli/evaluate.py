"""`voxgen evaluate`: a trained run in, its scores out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from . import say
from .options import (
    RunName,
    allow_option,
    ask_option,
    asked_option,
    device_option,
    dry_run_option,
    json_option,
    seed_option,
    tune_option,
)
from .progress import Bar, Stages
from .sample import run_label
from .scoring import data_of, write_record, write_sheet

SCORES = "scores"
SHEET = "sheet.png"


@click.command("evaluate", short_help="Score a model: likeness, validity, originality, conditions.")
@click.argument("run", type=RunName())
@click.option("--data", help="Folder of a data set; the one that it was trained on if left out.")
@click.option("-n", "--count", type=click.IntRange(3), default=500, show_default=True, help="Samples.")
@click.option(
    "--split",
    type=click.Choice(("test", "validation")),
    default="test",
    show_default=True,
    help="Buildings to compare with, which the model has not seen.",
)
@ask_option
@asked_option
@seed_option
@tune_option
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    data: str | None,
    count: int,
    split: str,
    ask: dict[str, float],
    asked: int,
    seed: int,
    tuning: tuple[str, ...],
    out: Path | None,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Score a model, beside what real buildings and trivial models reach.

    Do its samples look like buildings that it has not seen, could they stand, are they new, and are they
    what was asked for? Writes scores.json, scores.md, and a contact sheet with the nearest training building
    beside each sample.
    """
    from voxgen.evaluation.evaluate import EvaluationConfig, Evaluator
    from voxgen.evaluation.record import Against, Record, Subject
    from voxgen.generator import load
    from voxgen.training.run import find_model

    config = EvaluationConfig(count=count, split=split, ask=ask, asked=asked, seed=seed)
    name = run_label(run)
    folder = out or Path(f"{name}-scores")
    model = find_model(run)
    if dry_run:
        values: dict[str, Any] = {"model": model, "data": data, "out": folder, "set": list(tuning)}
        values |= config.model_dump()
        say.settings(values, as_json)
        return
    with Bar() as bar:
        generator = load(model, device=device, allow=allow).tuned(tuning)
        evaluator = Evaluator(data_of(model, data, bar), config, Stages(bar))
        found = evaluator.evaluate(generator)
        floors = evaluator.floors(bits="bits" in found.judged.scores.figures)
    against = Against.of(evaluator.data, config, evaluator.size)
    record = Record.of(Subject.of(name, model), against, found, floors)
    paths = write_record(record, folder, SCORES)
    write_sheet(found, evaluator, folder / SHEET, f"{name}: samples, each with its nearest training building")
    files = {"out": folder, **paths, "sheet": folder / SHEET}
    say.result({**record.model_dump(mode="json"), "files": files}, record.markdown().rstrip("\n"), as_json)
    say.note(f"scores.json, scores.md and {SHEET} are in {folder}")
    say.hint(f"voxgen compare --data {data or evaluator.data.path} --minutes 10")
