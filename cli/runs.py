"""`voxgen runs`: what was trained, and how far it is."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from . import say
from .options import RunName, json_option

if TYPE_CHECKING:
    from voxgen.training.run import Run


@click.command("runs", short_help="List the runs, or say all of one.")
@click.argument("run", type=RunName(), required=False)
@json_option
def command(run: str | None, as_json: bool) -> None:
    """List the runs, or say all of one."""
    from voxgen.training.run import run_path, runs_folder

    if run is not None:
        from voxgen.errors import UsageError

        path = Path(run) if (Path(run) / "config.json").is_file() else run_path(run)
        if not (path / "config.json").is_file():
            raise UsageError(f"no run {run!r} in {runs_folder()}; `voxgen runs` lists them")
        values = _described(path)
        say.result(values, _told(values), as_json)
        _hint([values], run)
        return
    folder = runs_folder()
    found = sorted((path.parent for path in folder.glob("*/config.json")), key=lambda path: path.name)
    listed = [_described(path) for path in found]
    say.result({"folder": folder, "runs": listed}, _list(folder, listed), as_json)
    _hint(listed)


def _hint(runs: Sequence[Mapping[str, Any]], called: str | None = None) -> None:
    """Name what comes next: samples of a run that has a model, else more training.

    Args:
        runs: what is said of them.
        called: what the user called the only one.
    """
    from voxgen.training.run import Run

    for run in runs:
        if "model_step" in run:
            name = run["name"]
            say.hint(f"voxgen sample {called or name} -n 16 -o {name}-buildings")
            return
    words = next(filter(None, (Run(run["path"]).train_words() for run in runs)), ["train"])
    say.hint(shlex.join(["voxgen", *words]))


def _described(path: Path) -> dict[str, Any]:
    """What a run's folder says; damaged files are said to be so instead of ending the list."""
    from voxgen import checkpoint
    from voxgen.errors import VoxgenError
    from voxgen.training.run import Run
    from voxgen.training.state import read_position

    run = Run(path)
    values: dict[str, Any] = {"name": run.name, "path": path, "state": "no model yet"}
    try:
        asked = run.read_config()
        values |= {
            "model": asked.family,
            "recipe": asked.recipe,
            "data": asked.data.name,
            "begun_from": asked.begun_from,
            "budget": asked.train.budget(),
        }
        if run.state.is_file():
            position = read_position(run.state)
            values |= {"step": position.step, "minutes": position.seconds / 60}
        if run.model.is_file():
            card = checkpoint.read_card(run.model)
            training = card["training"]
            values.setdefault("step", training["step"])
            values.setdefault("minutes", training["seconds"] / 60)
            done = training["finished"] and values["step"] == training["step"]
            values |= {
                "state": "finished" if done else _standing(run),
                "model_step": training["step"],
                "resolution": card["config"]["resolution"],
                "pitch": card["pitch"],
                "parameters": training["parameters"],
                "measured": training["measured"],
            }
    except (VoxgenError, KeyError, TypeError, json.JSONDecodeError) as failure:
        values["state"] = f"damaged: {failure}"
    sheets = sorted(run.samples.glob("*.png"))
    return values | {"sheet": sheets[-1] if sheets else None}


def _standing(run: Run) -> str:
    from voxgen.training.lock import is_held

    return "under way" if is_held(run.lock) else "stopped"


def _list(folder: Path, runs: list[dict[str, Any]]) -> str:
    if not runs:
        return f"no runs in {folder}"
    rows = [("name", "model", "data", "grid", "steps", "minutes", "state")]
    for run in runs:
        recipe = run.get("recipe", "default")
        rows.append(
            (
                run["name"],
                run.get("model", "?") + ("" if recipe == "default" else f" ({recipe})"),
                run.get("data", "?"),
                f"{say.times(run['resolution'])} of {run['pitch']:g} m" if "resolution" in run else "-",
                f"{run['step']:,}" if "step" in run else "-",
                f"{run['minutes']:.1f}" if "minutes" in run else "-",
                run["state"],
            )
        )
    return say.table(rows)


def _told(run: dict[str, Any]) -> str:
    measured = run.pop("measured", {})
    if "minutes" in run:
        run["minutes"] = round(run["minutes"], 1)
    rows = [(key, str(value)) for key, value in run.items() if value is not None]
    rows += [(key, f"{value:g}") for key, value in measured.items()]
    return say.table([("", ""), *rows]).strip("\n")
