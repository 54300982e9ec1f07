"""`voxgen compare`: every family on one data set and one budget, in one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from . import say
from .options import asked_option, dry_run_option, json_option, training_device_option
from .progress import Bar, Stages
from .scoring import write_sheet

if TYPE_CHECKING:
    from voxgen.evaluation.evaluate import EvaluationConfig, Evaluator
    from voxgen.evaluation.record import Against, Record, Subject
    from voxgen.pipeline.store import Dataset

    from .plan import TrainPlan

TABLE = "comparison"


@click.command("compare", short_help="Train every family on one budget, and score them in one table.")
@click.option("--data", required=True, help="Folder of a data set, or massing.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Of training, each.  [default: 10]")
@click.option("--steps", type=click.IntRange(1), help="Steps of training, each.")
@click.option("--models", help="With commas: vae, gan, flow, diffusion, thesis; all of them if left out.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of all runs.")
@click.option("-n", "--count", type=click.IntRange(3), default=500, show_default=True, help="Samples, each.")
@asked_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting: train.KEY of all runs, or MODEL.KEY of one, such as vae.depth=3; may be repeated.",
)
@click.option("--name", help="What names of runs begin with; made from data and budget if left out.")
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@training_device_option
@dry_run_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    data: str,
    minutes: float | None,
    steps: int | None,
    models: str | None,
    seed: int,
    count: int,
    asked: int,
    overrides: tuple[str, ...],
    name: str | None,
    out: Path | None,
    device: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train every family on one data set and one budget, one after another, and score them in one table.

    The runs are ordinary ones: voxgen runs lists them, Ctrl-C saves, and the same command goes on; what is
    finished is not done again. Writes comparison.json, comparison.md, and for each model its scores and a
    contact sheet with the nearest training building beside each sample.
    """
    from voxgen.evaluation.evaluate import EvaluationConfig

    from .embedded import open_data

    given = {"train.minutes": minutes, "train.steps": steps, "train.seed": seed, "train.accelerator": device}
    plans = make_plans(variants(models), data, given, overrides, name)
    folder = out or Path(f"{Path(data).resolve().name}-comparison")
    config = EvaluationConfig(count=count, asked=asked, seed=seed)
    if dry_run:
        lines = [f"{label}: run {plan.run} for {plan.train.budget()}" for label, plan in plans.items()]
        lines.append(f"scores of {count} samples each, in {folder}")
        runs = {label: plan.model_dump(mode="json") for label, plan in plans.items()}
        say.result({"out": folder, **config.model_dump(), "runs": runs}, "\n".join(lines), as_json)
        return
    with Bar() as bar:
        found = open_data(data, bar)
    scoring = _Scoring(found, config, folder, "cpu" if device in (None, "auto") else device)
    failed: dict[str, str] = {}
    records: dict[str, Record] = {}
    for label, plan in plans.items():
        trouble = _train(label, plan, found)
        if trouble is not None:
            failed[label] = trouble
            continue
        records[label] = scoring.score(label, plan.run)
    _report(records, failed, folder, as_json)
    say.hint(f"voxgen sample {plans[next(iter(plans))].run} -n 16")
    if failed:
        ctx.exit(1)


def variants(told: str | None) -> dict[str, tuple[str, str]]:
    """Give family and recipe of each model to compare, by a name of its own.

    Args:
        told: with commas, families, recipes that only one family has, `family/recipe`, or
            `package.module:Class`; every family and the thesis recipe where None.

    Raises:
        UsageError: for a name that is none of these.
    """
    from voxgen.errors import UsageError, nearest
    from voxgen.models import FAMILIES

    known = {name: (name, "default") for name in FAMILIES}
    recipes = [(name, recipe) for name, its in FAMILIES.items() for recipe in its if recipe != "default"]
    for name, recipe in recipes:
        known[f"{name}/{recipe}"] = (name, recipe)
        if [r for _, r in recipes].count(recipe) == 1:
            known[recipe] = (name, recipe)
    if told is None:
        return {name: known[name] for name in (*FAMILIES, "thesis") if name in known}
    found = {}
    for name in filter(None, (part.strip() for part in told.split(","))):
        if ":" in name:
            found[name.rpartition(":")[2].lower()] = (name, "default")
        elif name in known:
            found[name.replace("/", "-")] = known[name]
        else:
            raise UsageError(f"no model {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
    if not found:
        raise UsageError("no model is named; write for example --models vae,gan, or leave the option out")
    return found


def make_plans(
    chosen: Mapping[str, tuple[str, str]],
    data: str,
    given: Mapping[str, Any],
    overrides: Iterable[str],
    name: str | None,
) -> dict[str, TrainPlan]:
    """Give the plan of each run.

    Args:
        chosen: family and recipe by label.
        data: the data set.
        given: options by dotted key, None where they were left out.
        overrides: `train.KEY=VALUE` for all, `LABEL.KEY=VALUE` for one.
        name: what the names of runs begin with; made from data, budget and seed where None.

    Raises:
        UsageError: for an unknown key, or one of a model that is not compared.
    """
    from voxgen.errors import UsageError, nearest

    from .plan import make_plan
    from .train import check_model

    settings: dict[str, list[str]] = {label: [] for label in chosen}
    for item in overrides:
        section, _, rest = item.strip().partition(".")
        if section == "train":
            for of in settings.values():
                of.append(item)
        elif section in settings:
            settings[section].append(f"model.{rest}")
        else:
            allowed = ["train", *settings]
            raise UsageError(
                f"{item!r} is a setting of no run{nearest(section, allowed)}; "
                f"begin with one of: {', '.join(f'{part}.' for part in allowed)}"
            )
    plans = {}
    for label, (family, recipe) in chosen.items():
        asked = {**given, "family": family, "recipe": recipe, "data": data}
        plan = make_plan(None, asked, settings[label])
        plan = plan.model_copy(update={"name": f"{name or _beginning(plan)}-{label}"})
        check_model(plan)
        plans[label] = plan
    return plans


def _beginning(plan: TrainPlan) -> str:
    from .plan import as_name

    train = plan.train
    budget = f"{train.steps}steps" if train.steps is not None else f"{train.minutes:g}min"
    seed = f"-s{train.seed}" if train.seed else ""
    return as_name(f"{Path(plan.data).resolve().name}-{budget}{seed}")


def _train(label: str, plan: TrainPlan, data: Dataset) -> str | None:
    """Train a run as far as its budget goes; gives what went wrong on the way, if anything did."""
    from voxgen.errors import UsageError, VoxgenError

    from .train import train_aloud

    try:
        with Bar() as bar:
            train_aloud(plan, data, bar)
    except UsageError:
        raise
    except VoxgenError as failure:
        say.warn(f"{label}: {failure}")
        return str(failure)
    return None


class _Scoring:
    """Scores runs, and knows again what it scored before."""

    def __init__(self, data: Dataset, config: EvaluationConfig, folder: Path, device: str) -> None:
        self._data = data
        self._config = config
        self._folder = folder
        self._device = device
        self._evaluator: Evaluator | None = None

    def score(self, label: str, run: str) -> Record:
        """Give the scores of a run, from its file where that is of the same model and data."""
        from voxgen.errors import DataError
        from voxgen.evaluation.record import Against, Record, Subject
        from voxgen.training.run import find_model

        data, config = self._data, self._config
        subject = Subject.of(run, find_model(run))
        against = Against.of(data, config, config.subset_size(data))
        scores, sheet = self._folder / f"{label}.json", self._folder / f"{label}.png"
        if scores.is_file() and sheet.is_file():
            try:
                before = Record.read(scores)
            except DataError:
                say.note(f"{scores} is damaged, so {label} is scored again")
            else:
                if (before.subject, before.against) == (subject, against):
                    say.note(f"{label} is scored already, in {scores}")
                    return before
        record = self._judge(label, subject, against, sheet)
        record.write(scores)
        return record

    def _judge(self, label: str, subject: Subject, against: Against, sheet: Path) -> Record:
        from voxgen.evaluation.evaluate import Evaluator
        from voxgen.evaluation.record import Record
        from voxgen.generator import load

        say.note(f"scoring {label}")
        with Bar() as bar:
            if self._evaluator is None:
                self._evaluator = Evaluator(self._data, self._config, Stages(bar))
            self._evaluator.progress = Stages(bar)
            found = self._evaluator.evaluate(load(subject.name, device=self._device, allow=_outside(subject)))
            floors = self._evaluator.floors(bits="bits" in found.judged.scores.figures)
        title = f"{label}: samples, each with its nearest training building"
        write_sheet(found, self._evaluator, sheet, title)
        return Record.of(subject, against, found, floors)


def _outside(subject: Subject) -> tuple[str, ...]:
    """A family from outside that was trained here a moment ago may be imported again."""
    return (subject.family,) if ":" in subject.family else ()


def _report(records: dict[str, Record], failed: dict[str, str], folder: Path, as_json: bool) -> None:
    from voxgen.atomic import write_text
    from voxgen.errors import VoxgenError
    from voxgen.evaluation.record import comparison

    if not records:
        raise VoxgenError(f"no model came through training: {'; '.join(failed.values())}")
    text = comparison(records)
    for label, reason in failed.items():
        text += f"\n{label} failed: {reason}\n"
    values = {
        "format": "voxgen-comparison",
        "models": {label: record.model_dump(mode="json") for label, record in records.items()},
        "failed": failed,
    }
    write_text(folder / f"{TABLE}.json", json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / f"{TABLE}.md", text)
    files = {
        "table": folder / f"{TABLE}.md",
        "scores": folder / f"{TABLE}.json",
        "sheets": {label: folder / f"{label}.png" for label in records},
    }
    say.result({**values, "files": files}, text.rstrip("\n"), as_json)
    say.note(f"{TABLE}.json, {TABLE}.md and a contact sheet for each model are in {folder}")
