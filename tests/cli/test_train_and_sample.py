"""From a data set to new buildings, through the commands."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

import voxgen
from voxgen.formats.grid_file import read_grid

from .conftest import TINY, Command

Told = Callable[..., dict[str, Any]]


def closed(path: str | Path) -> trimesh.Trimesh:
    """A file as trimesh reads it, which must be watertight."""
    mesh = trimesh.load(path, force="mesh")
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    assert mesh.is_watertight, path
    return mesh


def test_a_run_folder_holds_what_was_made(run: str, folder: Path) -> None:
    names = {path.name for path in (folder / "runs" / run).iterdir()}
    assert {
        "config.json",
        "environment.json",
        "metrics.csv",
        "model.safetensors",
        "README.md",
        "samples",
    } <= names


def test_a_finished_run_says_so_and_other_settings_are_refused(run: str, data: Path, voxgen: Command) -> None:
    words = ["train", "--model", "vae", "--data", data, "--name", run, *TINY]
    again = voxgen(*words, "--steps", "6")
    assert again.exit_code == 0
    assert "is finished" in again.stderr
    other = voxgen(*words, "--steps", "6", "--seed", "3")
    assert other.exit_code == 2
    assert "train.seed" in other.stderr


def test_a_larger_budget_goes_on_and_says_so_before_the_first_step(
    data: Path, told: Told, voxgen: Command
) -> None:
    words = ["train", "--data", data, "--name", "more", *TINY]
    assert told(*words, "--steps", "2")["step"] == 2
    result = voxgen(*words, "--steps", "3", "--json")
    told_of = json.loads(result.stdout)
    assert (told_of["step"], told_of["finished"]) == (3, True)
    lines = result.stderr.splitlines()
    assert lines[1].startswith("goes on from step 2")
    assert result.stderr.count("goes on from") == 1
    assert "goes on from" not in voxgen(*words, "--steps", "3").stderr


def test_off_a_terminal_training_is_not_silent_for_long(
    data: Path, voxgen: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(name: str, silence: float) -> int:
        monkeypatch.setattr("voxgen.cli.train.SILENCE", silence)
        result = voxgen("train", "--data", data, "--name", name, "--steps", "4", *TINY)
        assert result.exit_code == 0, result.stderr
        return sum("%  step " in line for line in result.stderr.splitlines())

    assert lines("spoken", 0.0) == 4
    assert lines("quiet", 1e9) == 1


def test_train_alone_takes_the_embedded_buildings(
    folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxgen.cli.embedded.COUNT", 30)
    monkeypatch.setattr("voxgen.cli.embedded.RESOLUTION", (16, 16, 16))
    small = ("--set", "model.critic_widths=[8, 8]")
    result = told("train", "--model", "gan", "--steps", "1", *TINY, *small)
    assert (result["run"], result["step"]) == ("gan-massing", 1)
    assert list((folder / "cache").glob("*/massing/card.json"))
    assert Path(result["sheet"]).is_file()


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a child on Windows")
def test_ctrl_c_saves_and_leaves_cleanly(data: Path, folder: Path, told: Told) -> None:
    words = ["train", "--data", str(data), "--name", "stopped", *TINY]
    child = subprocess.Popen(
        [sys.executable, "-m", "voxgen.cli", *words, "--steps", "100000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=folder,
    )  # fmt: skip
    metrics = folder / "runs" / "stopped" / "metrics.csv"
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline and child.poll() is None:
            if metrics.is_file() and len(metrics.read_text(encoding="utf-8").splitlines()) > 1:
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130, said
    assert said.splitlines()[-1].endswith("and saved; the same command goes on")
    assert "Traceback" not in said
    assert out == ""
    told_again = told(*words, "--steps", "1")
    assert told_again["step"] >= 10


def test_ctrl_c_before_a_step_says_where_the_run_stands(
    data: Path, folder: Path, voxgen: Command, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    words = ["train", "--data", data, "--name", "halted", *TINY]
    with monkeypatch.context() as patch:
        patch.setattr("voxgen.training.loop.Reporter", interrupted)
        result = voxgen(*words, "--steps", "2")
        assert (result.exit_code, "before the first step, so nothing is kept" in result.stderr) == (130, True)
        assert not (folder / "runs" / "halted").exists()
    told(*words, "--steps", "2")
    with monkeypatch.context() as patch:
        patch.setattr("voxgen.training.loop.Reporter", interrupted)
        result = voxgen(*words, "--steps", "4")
    assert (result.exit_code, "stopped at step 2, and saved" in result.stderr) == (130, True)


def test_runs_tells_the_step_that_training_goes_on_from(
    data: Path, folder: Path, told: Told, voxgen: Command
) -> None:
    from voxgen.api import train
    from voxgen.training.config import TrainConfig

    settings = [word.removeprefix("model.") for word in TINY if word.startswith("model.")]
    config = TrainConfig(steps=4, batch_size=4, reports=2, samples=4, validation=4, precision="32")
    steps = train("half", data, "vae", config, settings=settings)
    while next(steps).step < 3:
        pass
    (listed,) = (one for one in told("runs")["runs"] if one["name"] == "half")
    assert listed["state"] == "under way"
    steps.close()
    (listed,) = (one for one in told("runs")["runs"] if one["name"] == "half")
    assert (listed["state"], listed["step"], listed["model_step"]) == ("stopped", 3, 2)
    said = voxgen("sample", "half", "-n", "1", "-f", "npz", "-o", folder / "half-buildings").stderr
    assert "is not finished" in said


def test_samples_are_closed_files_with_a_table_and_a_sheet(run: str, told: Told, tmp_path: Path) -> None:
    words = [
        "sample",
        run,
        "-n",
        "3",
        "--seed",
        "5",
        "--format",
        "obj,stl,ply,glb,npz",
        "-o",
        tmp_path / "out",
    ]
    result = told(*words)
    assert [one["name"] for one in result["buildings"]] == [f"{run}-s5-{i:04d}" for i in range(3)]
    for one in result["buildings"]:
        assert len(one["files"]) == 5
        sizes = []
        for path in one["files"][:4]:
            mesh = closed(path)
            up = 1 if path.endswith(".glb") else 2
            assert mesh.bounds[0, up] == pytest.approx(0, abs=1e-5)
            sizes.append(sorted(mesh.extents))
            # The figures are those of what is opened.
            assert mesh.volume == pytest.approx(one["volume"], rel=1e-3)
        assert np.ptp(sizes, axis=0).max() < 1e-3
        _, grid = read_grid(Path(one["files"][4]))
        assert grid.occupancy.any()
    with Path(result["table"]).open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    with Image.open(result["sheet"]) as sheet:
        assert sheet.format == "PNG"
    text = Path(result["buildings"][0]["files"][0]).read_text(encoding="utf-8")
    assert {"# run: tiny", "# seed: 5", "# licence: CC0-1.0", "# up: z"} <= set(text.splitlines())


def test_a_seed_decides_the_buildings_and_more_begin_with_the_same(
    run: str, told: Told, tmp_path: Path
) -> None:
    few = told("sample", run, "-n", "2", "--format", "stl", "-o", tmp_path / "few")
    more = told("sample", run, "-n", "3", "--format", "stl", "-o", tmp_path / "more")
    for a, b in zip(few["buildings"], more["buildings"], strict=False):
        assert Path(a["files"][0]).read_bytes() == Path(b["files"][0]).read_bytes()
    other = told("sample", run, "-n", "1", "--seed", "1", "--format", "npz", "-o", tmp_path / "other")
    same = told("sample", run, "-n", "1", "--seed", "0", "--format", "npz", "-o", tmp_path / "same")
    grids = [read_grid(Path(r["buildings"][0]["files"][0]))[1].values for r in (other, same)]
    assert not np.array_equal(*grids)


def test_settings_of_sampling_decide_what_is_made(run: str, told: Told, tmp_path: Path) -> None:
    def made(*words: str) -> np.ndarray:
        done = told("sample", run, "-n", "1", "--format", "npz", *words, "-o", tmp_path / "-".join(words))
        return read_grid(Path(done["buildings"][0]["files"][0]))[1].values

    assert not np.array_equal(made(), made("--set", "settle=0"))
    assert np.array_equal(made(), made("--set", "settle=1", "--set", "feedback=0"))


@pytest.mark.parametrize("names", [("--out-unit", "--out-up"), ("--unit", "--up")])
def test_units_axes_and_blocks_reach_the_file(run: str, told: Told, tmp_path: Path, names) -> None:
    metres = told("sample", run, "-n", "1", "--format", "obj", "-o", tmp_path / "m", "--surface", "blocks")
    words = [names[0], "mm", names[1], "y", "--surface", "blocks"]
    milli = told("sample", run, "-n", "1", "--format", "obj", "-o", tmp_path / "mm", *words)
    a, b = (closed(r["buildings"][0]["files"][0]).extents for r in (metres, milli))
    assert b == pytest.approx(a[[0, 2, 1]] * 1000, rel=1e-6)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(run: str, told: Told, tmp_path: Path) -> None:
    for words in (
        ["sample", run, "-n", "3"],
        ["reconstruct", run, "house.obj", "--unit", "ft"],
        ["interpolate", run, "--from", "3", "--to", "house.obj", "--up", "y"],
        ["export", run],
        ["voxelize", "house.obj"],
        ["evaluate", run],
    ):
        values = told(*words, "-o", tmp_path / "out", "--dry-run")
        assert values["out"] == str(tmp_path / "out")
        assert not list(tmp_path.iterdir())
    assert values["model"].endswith("model.safetensors")


def test_unit_and_up_are_of_files_read_where_a_command_reads_any(voxgen: Command) -> None:
    from voxgen.cli.root import Root

    for name in Root.lazy:
        options = " ".join(voxgen(name, "--help").stdout.split())
        reads, writes = "--split-objects" in options, "--out-up" in options
        assert ("--unit" in options) == ("--up" in options) == (reads or writes), name
        assert ("Unit of the files read" in options) == reads, name


def test_a_dry_run_of_a_training_looks_at_its_data(data: Path, voxgen: Command) -> None:
    assert voxgen("train", "--data", data, "--dry-run").exit_code == 0
    result = voxgen("train", "--data", "nowhere", "--dry-run")
    assert result.exit_code == 3
    assert "no data set at nowhere" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sample", "tinny"], "did you mean 'tiny'"),
        (["sample", "tiny", "--format", "dwg"], "dwg"),
        (["sample", "tiny", "--ask", "hight=9"], "did you mean 'height'"),
        (["sample", "tiny", "--ask", "height"], "height=9"),
        (["sample", "tiny", "--ask", "height=nan"], "height"),
        (["sample", "tiny", "--ask", "height=9", "--ask", "height=8"], "height is asked for more than once"),
        (["sample", "tiny", "-n", "0"], "1"),
        (["sample", "tiny", "--device", "abacus"], "abacus"),
        (["interpolate", "tiny", "-n", "1"], "2"),
        (["export", "tinny"], "did you mean 'tiny'"),
        (["runs", "tinny"], "voxgen runs"),
    ],
)
def test_slips_are_usage_errors(run: str, voxgen: Command, words: list[str], says: str) -> None:
    result = voxgen(*words)
    assert result.exit_code == 2, result.output
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_conditions_are_asked_for_by_name(run: str, told: Told, voxgen: Command, tmp_path: Path) -> None:
    words = ["-n", "1", "--format", "npz", "--ask", "height=9", "--ask", "storeys=3"]
    assert told("sample", run, *words, "-o", tmp_path)["asked"] == {"height": 9.0, "storeys": 3.0}
    (then,) = [
        line
        for line in voxgen("sample", run, *words, "-o", str(tmp_path)).stderr.splitlines()
        if "next:" in line
    ]
    assert "--ask height=9.0 --ask storeys=3.0" in then


@pytest.mark.parametrize(("height", "warned"), [(9, False), (60, True), (-40, True)])
def test_an_ask_far_from_the_data_is_warned_of(
    height: int, warned: bool, run: str, voxgen: Command, tmp_path: Path
) -> None:
    words = ["-n", "1", "--format", "npz", "--ask", f"height={height}", "-o", str(tmp_path / "out")]
    assert ("is far from what it learnt from" in voxgen("sample", run, *words).stderr) == warned


def test_the_way_between_two_samples_begins_and_ends_with_them(run: str, told: Told, tmp_path: Path) -> None:
    words = ["-n", "3", "--format", "npz", "--no-mend"]
    way = told("interpolate", run, "--from", "0", "--to", "1", *words, "-o", tmp_path / "way")
    ends = told("sample", run, "-n", "2", "--format", "npz", "--no-mend", "-o", tmp_path / "ends")

    def grid(result: dict[str, Any], i: int) -> np.ndarray:
        return read_grid(Path(result["buildings"][i]["files"][0]))[1].values

    assert np.array_equal(grid(way, 0), grid(ends, 0))
    assert np.array_equal(grid(way, 2), grid(ends, 1))


def test_the_ends_of_a_way_are_two_words_or_two_options(
    run: str, voxgen: Command, told: Told, tmp_path: Path
) -> None:
    files = []
    for size in ((8.0, 6.0, 5.0), (6.0, 5.0, 7.0)):
        files.append(tmp_path / f"box{size[2]:.0f}.stl")
        trimesh.creation.box(size).export(files[-1])
    words = ["-n", "2", "--format", "npz", "--unit", "m", "--no-mend"]
    short = told("interpolate", run, *files, *words, "-o", tmp_path / "short")
    spelt = told("interpolate", run, "--from", files[0], "--to", files[1], *words, "-o", tmp_path / "spelt")
    for one, other in zip(short["buildings"], spelt["buildings"], strict=True):
        grids = [read_grid(Path(way["files"][0]))[1].values for way in (one, other)]
        assert np.array_equal(*grids)
    for wrong in (files[:1], [*files, "3"], [*files, "--to", "3"]):
        result = voxgen("interpolate", run, *wrong, *words, "-o", tmp_path / "wrong")
        assert result.exit_code == 2
        assert "--from and --to" in result.stderr


def test_grids_go_to_meshes_through_the_model_and_back(
    run: str, data: Path, told: Told, tmp_path: Path
) -> None:
    exported = told("export", data, "-n", "2", "--format", "npz,obj", "-o", tmp_path / "grids")
    assert len(exported["buildings"]) == 2
    meshes = told("export", tmp_path / "grids", "--format", "stl", "-o", tmp_path / "meshes")
    for one in meshes["buildings"]:
        closed(one["files"][0])
    grid = exported["buildings"][0]["files"][0]
    seen = told("reconstruct", run, grid, "-o", tmp_path / "seen", "--format", "npz")
    (_, given), (iou,) = read_grid(Path(grid)), seen["iou"].values()
    before, after = given.occupancy, voxgen.load(run).reconstruct(given).occupancy
    assert iou == pytest.approx((before & after).sum() / (before | after).sum(), abs=1e-3)
    assert Path(seen["pairs"]).is_file()


def test_files_are_voxelized_at_their_size(told: Told, tmp_path: Path) -> None:
    from .test_data import cuboid

    path = cuboid(tmp_path / "box.obj", (10.0, 6.0, 4.0))
    words = ["voxelize", path, "--resolution", "32", "--format", "npz,obj"]
    fitted = told(*words, "-o", tmp_path / "fit")
    (one,) = fitted["buildings"]
    assert one["volume"] == pytest.approx(240, rel=0.01)
    assert closed(one["files"][1]).volume == pytest.approx(240, rel=0.03)
    _, grid = read_grid(Path(one["files"][0]))
    assert grid.pitch == pytest.approx(10 / 32)
    fixed = told(*words, "--pitch", "0.5", "-o", tmp_path / "fixed")
    assert read_grid(Path(fixed["buildings"][0]["files"][0]))[1].pitch == 0.5


def test_a_building_larger_than_the_grid_is_cut_with_a_warning(voxgen: Command, tmp_path: Path) -> None:
    from .test_data import cuboid

    path = cuboid(tmp_path / "box.obj", (10.0, 6.0, 4.0))
    result = voxgen("voxelize", path, "--resolution", "16", "--pitch", "0.5", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert "larger than the grid" in result.stderr


def test_files_that_cannot_be_used_are_bad_data(voxgen: Command, run: str, tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(b"solid nothing")
    (tmp_path / "b.npz").write_bytes(b"no archive")
    for words in (["voxelize"], ["reconstruct", run]):
        for file in ("a.stl", "b.npz", "none.obj"):
            result = voxgen(*words, tmp_path / file, "-o", tmp_path / "out")
            assert result.exit_code == 3, result.output
            assert file in result.stderr


def test_runs_are_listed_and_a_damaged_one_does_not_hide_the_others(
    run: str, voxgen: Command, told: Told, folder: Path
) -> None:
    broken = folder / "runs" / "broken"
    broken.mkdir(exist_ok=True)
    (broken / "config.json").write_text("{", encoding="utf-8")
    listed = {one["name"]: one for one in told("runs")["runs"]}
    assert listed[run]["state"] == "finished"
    assert listed[run]["step"] == 6
    assert listed["broken"]["state"].startswith("damaged")
    text = voxgen("runs").stdout
    assert text.splitlines()[0].split()[:3] == ["name", "model", "data"]
    assert "vae" in voxgen("runs", run).stdout
    assert json.loads(voxgen("runs", run, "--json").stdout)["resolution"] == [16, 16, 16]


def test_what_comes_next_is_a_run_with_a_model_or_more_training(
    run: str, data: Path, voxgen: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from voxgen.training.run import find_model

    monkeypatch.setenv("VOXGEN_RUNS", str(tmp_path))
    words = ["train", "--data", str(data), "--name", "aaa", "--steps", "9", *TINY]
    stopped = tmp_path / "aaa"
    shutil.copytree(folder / "runs" / run, stopped)
    (stopped / "model.safetensors").unlink()
    sessions = {"sessions": [{"command": ["__main__.py", *words]}]}
    (stopped / "environment.json").write_text(json.dumps(sessions), encoding="utf-8")
    again = f"next: {shlex.join(['voxgen', *words])}"
    assert voxgen("runs").stderr.splitlines() == [again]
    assert voxgen("runs", "aaa").stderr.splitlines() == [again]
    (stopped / "environment.json").unlink()
    assert voxgen("runs").stderr.splitlines() == ["next: voxgen train"]
    shutil.copytree(folder / "runs" / run, tmp_path / "with")
    (hint,) = voxgen("runs").stderr.splitlines()
    assert hint.startswith("next: voxgen sample with ")
    assert find_model("with").is_file()


def test_no_runs_is_no_error(voxgen: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VOXGEN_RUNS", str(tmp_path / "none"))
    result = voxgen("runs")
    assert result.exit_code == 0
    assert "no runs in" in result.stdout
    assert "next: voxgen train" in result.stderr


def test_a_diffusion_shows_its_way_from_noise(
    data: Path, told: Told, voxgen: Command, run: str, tmp_path: Path
) -> None:
    words = ["--set", "model.field_width=16", "--set", "model.directions=8", "--set", "model.field_depth=1"]
    told("train", "--model", "diffusion", "--data", data, "--name", "way", "--steps", "6", *TINY, *words)
    asked = ("-n", "2", "--trajectory", "--set", "steps=4", "--set", "solver=euler", "-f", "npz")
    done = told("sample", "way", *asked, "-o", tmp_path / "out")
    sheet, moving = done["trajectory"]
    with Image.open(moving) as picture:
        assert picture.format == "GIF"
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
    result = voxgen("sample", run, "-n", "1", "--trajectory", "-o", tmp_path / "vae")
    assert result.exit_code == 2
    assert "--model diffusion" in result.stderr
    result = voxgen("sample", run, "-n", "1", "--set", "steps=4", "-o", tmp_path / "vae")
    assert result.exit_code == 2
    assert not (tmp_path / "vae").exists()
