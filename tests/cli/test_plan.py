"""What `voxgen train` is asked: file, options, overrides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxgen.cli.options import Resolution
from voxgen.cli.plan import TrainPlan, make_plan

from voxgen.config import Config
from voxgen.errors import UsageError
from voxgen.training.config import DEFAULT_MINUTES

from .conftest import Command


def budget(plan: TrainPlan) -> tuple[int | None, float | None]:
    return plan.train.steps, plan.train.minutes


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_asked_is_ten_minutes_on_the_embedded_data() -> None:
    plan = make_plan(None, {}, [])
    assert (plan.data, budget(plan), plan.run) == ("massing", (None, DEFAULT_MINUTES), "vae-massing")


def test_options_go_before_the_file_and_overrides_before_options(tmp_path: Path) -> None:
    text = 'family = "gan"\ndata = "a"\n[train]\nseed = 1\nbatch_size = 2\n[model]\nwidths = [8]\n'
    plan = make_plan(file(tmp_path, text), {"data": "b", "train.seed": 5}, ["train.seed=7", "model.x.y=0.5"])
    assert (plan.family, plan.data, plan.train.seed, plan.train.batch_size) == ("gan", "b", 7, 2)
    assert plan.model_settings() == ["widths=[8]", "x.y=0.5"]


@pytest.mark.parametrize("inside", ["", "[train]\nminutes = 3\n", "[train]\nsteps = 9\n"])
def test_a_told_budget_replaces_the_other_kind(tmp_path: Path, inside: str) -> None:
    path = file(tmp_path, inside)
    assert budget(make_plan(path, {"train.steps": 5}, [])) == (5, None)
    assert budget(make_plan(path, {"train.minutes": 2.0}, [])) == (None, 2.0)
    assert budget(make_plan(path, {}, ["train.steps=5"])) == (5, None)
    assert budget(make_plan(path, {"train.minutes": 2.0}, ["train.steps=5"])) == (5, 2.0)


VALUES = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    st.text("xyz 'ü\"\\", max_size=5),
    st.lists(st.integers(0, 9), max_size=3),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES))
def test_settings_of_the_model_come_through_as_they_are(values: dict[str, Any]) -> None:
    class Anything(Config):
        a: Any = None
        b: Any = None
        c: Any = None

    settings = TrainPlan(model=values).model_settings()
    assert Anything().with_overrides(settings) == Anything(**values)


def test_unknown_keys_are_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'batch_size'"):
        make_plan(None, {}, ["train.batchsize=3"])
    with pytest.raises(UsageError, match="did you mean 'recipe'"):
        make_plan(file(tmp_path, 'recipy = "thesis"'), {}, [])
    with pytest.raises(UsageError, match="not valid TOML"):
        make_plan(file(tmp_path, "family ="), {}, [])
    with pytest.raises(UsageError, match="no config at"):
        make_plan(tmp_path / "none.toml", {}, [])
    with pytest.raises(UsageError, match="is a value"):
        make_plan(file(tmp_path, "[model]\nwidths = 3"), {}, ["model.widths.deep=3"])


def test_a_run_is_named_after_what_it_is(tmp_path: Path) -> None:
    plan = TrainPlan(family="my.module:Big Model", data=str(tmp_path / "my houses"), recipe="thesis")
    assert plan.run == "big-model-thesis-my-houses"


def test_a_dry_run_prints_the_settings_and_does_nothing(voxgen: Command, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    result = voxgen("train", "--model", "gan", "--steps", "3", "--dry-run", "--json")
    assert result.exit_code == 0
    values = json.loads(result.stdout)
    assert (values["family"], values["name"], values["train"]["steps"]) == ("gan", "gan-massing", 3)
    assert sorted(folder.rglob("*")) == before


def test_a_dry_run_refuses_what_a_run_would(voxgen: Command) -> None:
    for words, says in (
        (["--model", "gam"], "did you mean 'gan'"),
        (["--recipe", "thesis"], "has no recipe"),
        (["--set", "model.withs=[8]"], "did you mean 'widths'"),
        (["--set", "train.ema=2"], "ema"),
        (["--set", "steps"], "write key=value"),
    ):
        result = voxgen("train", "--dry-run", *words)
        assert result.exit_code == 2
        assert says in result.stderr


@pytest.mark.parametrize(("given", "counts"), [("32", (32, 32, 32)), ("160x160x80", (160, 160, 80))])
def test_resolutions_are_one_count_or_three(given: str, counts: tuple[int, int, int]) -> None:
    assert Resolution().convert(given, None, None) == counts


@pytest.mark.parametrize("given", ["", "0", "3", "32x32", "-8", "9999", "a", "8x8x8x8"])
def test_other_resolutions_are_refused(voxgen: Command, given: str) -> None:
    result = voxgen("data", "build", "massing", "-o", "x", "--resolution", given)
    assert result.exit_code == 2
    assert "no resolution" in result.stderr
