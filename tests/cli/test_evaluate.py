"""Scores of a run, and all families beside each other, through the commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from voxgen.cli.compare import make_plans, variants

from voxgen.errors import UsageError
from voxgen.models import FAMILIES

from .conftest import TINY, Command

Told = Callable[..., dict[str, Any]]

FEW = ("-n", "6", "--asked", "3")

SMALL = (
    *(word for word in TINY if not word.startswith("model.") and word != "--set"),
    *("vae.widths=[8, 16]", "vae.plan=8", "vae.fine=8", "vae.depth=1"),
)
ONE = ("compare", "--data", "houses", "--models", "vae")

SETTINGS = tuple(part for word in SMALL for part in ("--set", word))


def test_a_run_is_scored_beside_the_floors(data: Path, run: str, told: Told, tmp_path: Path) -> None:
    result = told("evaluate", run, "--data", data, *FEW, "-o", tmp_path / "out")
    assert set(result["floors"]) == {"test", "real against real", "Bernoulli", "height maps"}
    assert result["scores"]["count"] == 6
    assert 0 <= result["scores"]["figures"]["nna"]["mean"] <= 1
    assert set(result["conditions"]) >= {"height", "storeys"}
    assert result["subject"]["step"] == 6
    written = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert written["scores"] == result["scores"]
    text = (tmp_path / "out" / "scores.md").read_text(encoding="utf-8")
    assert text.startswith("# tiny against houses\n")
    with Image.open(result["files"]["sheet"]) as sheet:
        assert sheet.format == "PNG"
    again = told("evaluate", run, "--data", data, *FEW, "-o", tmp_path / "again")
    assert again["scores"] == result["scores"]
    assert again["floors"] == result["floors"]


def test_without_json_the_table_is_the_result(data: Path, run: str, voxgen: Command, tmp_path: Path) -> None:
    words = ("evaluate", run, "--data", data, "-n", "6", "--asked", "0", "-o", tmp_path / "out")
    result = voxgen(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (tmp_path / "out" / "scores.md").read_text(encoding="utf-8")
    assert "1-NNA" in result.stdout
    assert "next: voxgen compare" in result.stderr


def test_the_data_of_a_run_are_found_by_its_command_or_asked_for(
    data: Path, run: str, folder: Path, voxgen: Command, tmp_path: Path
) -> None:
    words = ("evaluate", run, *FEW, "-o", tmp_path / "out")
    environment = folder / "runs" / run / "environment.json"
    before = environment.read_text(encoding="utf-8")

    def says(*command: str) -> None:
        said = json.loads(before)
        said["sessions"][-1]["command"] = ["voxgen", "train", *command]
        environment.write_text(json.dumps(said), encoding="utf-8")

    try:
        says(f"--data={data}")
        assert voxgen(*words).exit_code == 0
        says("--data", "elsewhere")
        result = voxgen(*words)
    finally:
        environment.write_text(before, encoding="utf-8")
    assert result.exit_code == 2
    assert "--data FOLDER" in result.stderr


def test_other_data_than_the_trained_on_are_warned_of(
    data: Path, run: str, told: Told, voxgen: Command, tmp_path: Path
) -> None:
    pitch = told("data", "info", data)["pitch"]
    words = ("data", "build", "massing:40:1", "-o", "others", "--resolution", "16", "--workers", "1")
    told(*words, "--pitch", str(pitch))
    result = voxgen("evaluate", run, "--data", "others", *FEW, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "was trained on other data" in result.stderr


def test_a_dry_run_scores_nothing(run: str, voxgen: Command, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    result = voxgen("evaluate", run, "--dry-run", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["count"] == 500
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["evaluate", "tinny"], 2, "did you mean 'tiny'"),
        (["evaluate", "tiny", "-n", "2"], 2, "3"),
        (["evaluate", "tiny", "--split", "train"], 2, "train"),
        (["evaluate", "tiny", "--data", "nowhere"], 3, "no data set at nowhere"),
        (["compare"], 2, "--data"),
        (["compare", "--data", "nowhere", "--models", "vae", "--steps", "1"], 3, "no data set at nowhere"),
        (["compare", "--data", "houses", "--models", "vea"], 2, "did you mean 'vae'"),
        (["compare", "--data", "houses", "--models", ","], 2, "vae,gan"),
        ([*ONE, "--set", "gan.width=3"], 2, "gan.width=3"),
        (
            [*ONE, "--set", "vae.widhts=[3]"],
            2,
            "did you mean 'widths'",
        ),
        (
            [*ONE, "--set", "train.sede=3"],
            2,
            "did you mean 'seed'",
        ),
    ],
)
def test_slips_are_told(run: str, voxgen: Command, words: list[str], code: int, says: str) -> None:
    result = voxgen(*words)
    assert result.exit_code == code, result.output
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_families_are_trained_scored_and_set_in_one_table_and_not_done_twice(
    data: Path, voxgen: Command, told: Told, folder: Path, tmp_path: Path
) -> None:
    words = ("compare", "--data", data, "--steps", "1", "--models", "vae,thesis", *SETTINGS, *FEW)
    words = (*words, "--set", "thesis.width=4", "-o", tmp_path / "out")
    result = told(*words)
    assert list(result["models"]) == ["vae", "thesis"]
    assert result["models"]["thesis"]["conditions"] == {}
    assert not result["failed"]
    for name in ("vae.json", "vae.png", "thesis.json", "thesis.png", "comparison.json", "comparison.md"):
        assert (tmp_path / "out" / name).is_file()
    text = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    head = next(line for line in text.splitlines() if line.startswith("| figure"))
    assert [cell.strip() for cell in head.split("|")][3:5] == ["vae", "thesis"]
    listed = {one["name"]: one["state"] for one in told("runs")["runs"]}
    assert listed["houses-1steps-vae"] == listed["houses-1steps-thesis"] == "finished"
    models = [folder / "runs" / f"houses-1steps-{label}" / "model.safetensors" for label in ("vae", "thesis")]
    before = [path.stat().st_mtime_ns for path in models]
    again = voxgen(*words, "--json")
    assert again.exit_code == 0
    assert again.stderr.count("is scored already") == 2
    assert json.loads(again.stdout)["models"] == result["models"]
    assert [path.stat().st_mtime_ns for path in models] == before
    # A damaged file of scores costs scoring again, and gives the same.
    (tmp_path / "out" / "vae.json").write_text("{", encoding="utf-8")
    third = voxgen(*words, "--json")
    assert third.stderr.count("is scored already") == 1
    assert json.loads(third.stdout)["models"]["vae"]["scores"] == result["models"]["vae"]["scores"]


def test_one_that_fails_does_not_stop_the_others(
    data: Path, voxgen: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from voxgen.cli import train

    from voxgen.errors import VoxgenError

    follow = train.follow

    def failing(taken: Any, plan: Any, bar: Any) -> Any:
        if plan.recipe == "thesis":
            raise VoxgenError("a loss became NaN")
        return follow(taken, plan, bar)

    monkeypatch.setattr(train, "follow", failing)
    words = ("compare", "--data", data, "--steps", "1", "--models", "thesis,vae", *SETTINGS, *FEW)
    result = voxgen(*words, "--name", "hard", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert list(told["models"]) == ["vae"]
    assert told["failed"] == {"thesis": "a loss became NaN"}
    assert "thesis failed" in (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")


def test_all_families_and_thesis_are_compared_where_none_is_named() -> None:
    chosen = variants(None)
    assert set(chosen) == {*FAMILIES, "thesis"}
    assert chosen["thesis"] == ("gan", "thesis")
    assert variants("gan/thesis, vae") == {"gan-thesis": ("gan", "thesis"), "vae": ("vae", "default")}
    assert variants("my.module:Big") == {"big": ("my.module:Big", "default")}


def test_runs_are_named_after_data_budget_and_seed() -> None:
    chosen = {"vae": ("vae", "default")}

    def name(given: dict[str, Any], beginning: str | None = None) -> str:
        return make_plans(chosen, "my houses", given, [], beginning)["vae"].run

    assert name({}) == "my-houses-10min-vae"
    assert name({"train.minutes": 2.5, "train.seed": 3}) == "my-houses-2.5min-s3-vae"
    assert name({"train.steps": 9}) == "my-houses-9steps-vae"
    assert name({}, "trial") == "trial-vae"
    with pytest.raises(UsageError, match="begin with one of"):
        make_plans(chosen, "x", {}, ["depth=3"], None)


def test_a_dry_run_of_a_comparison_prints_its_runs(voxgen: Command, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    result = voxgen("compare", "--data", "houses", "--steps", "3", "--dry-run", "--json")
    assert result.exit_code == 0
    runs = json.loads(result.stdout)["runs"]
    assert set(runs) == set(variants(None))
    assert all(run["train"]["steps"] == 3 for run in runs.values())
    assert sorted(folder.rglob("*")) == before
