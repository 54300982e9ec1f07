"""Beginning from a trained model, models that come with voxgen, and what a model says of your buildings."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from voxgen import pretrained
from voxgen.formats.grid_file import write_grid
from voxgen.pipeline.store import Dataset

from .conftest import TINY, Command

Told = Callable[..., dict[str, Any]]
LOOP = TINY[TINY.index("train.batch_size=4") - 1 :]


@pytest.fixture
def shelf(run: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny VAE as a model that comes with voxgen."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "weights")
    pretrained.ship(str(folder / "runs" / run), "vae")
    return tmp_path / "weights"


def test_a_run_begins_with_the_weights_of_another_and_goes_on(
    data: Path, run: str, folder: Path, told: Told, voxgen: Command
) -> None:
    words = ["train", "--model", "diffusion", "--data", data, "--name", "begun", "--finetune", run]
    words += [*LOOP, "--set", "model.autoencoding=0", "--set", "model.field_width=16"]
    assert told(*words, "--steps", "3")["step"] == 3
    before, after = (load_file(folder / "runs" / name / "model.safetensors") for name in (run, "begun"))
    shared = [name for name in after if name.startswith("autoencoder.") and "num_batches" not in name]
    assert shared
    assert all((before[name] == after[name]).all() for name in shared)
    assert told(*words, "--steps", "5")["step"] == 5
    assert told("runs", "begun")["begun_from"] == run
    other = [word if word != run else "begun" for word in words]
    refused = voxgen(*other, "--steps", "6")
    assert refused.exit_code == 2
    assert "begun_from" in refused.stderr


def test_a_model_of_another_size_is_no_beginning(told: Told, voxgen: Command, run: str) -> None:
    told("data", "build", "massing:12", "-o", "smaller", "--resolution", "8", "--workers", "1")
    result = voxgen("train", "--data", "smaller", "--name", "x", "--finetune", run, "--steps", "1")
    assert result.exit_code == 2
    assert "16 x 16 x 16" in result.stderr
    assert "--resolution 16x16x16" in result.stderr
    assert "training vae" not in result.stderr


def test_a_shipped_model_has_weights_of_16_bits_and_samples_without_training(
    shelf: Path, run: str, folder: Path, told: Told, tmp_path: Path
) -> None:
    full, shipped = (
        load_file(path) for path in (folder / "runs" / run / "model.safetensors", shelf / "vae.safetensors")
    )
    assert shipped["autoencoder.to_moments.weight"].dtype == torch.float16
    assert torch.equal(shipped["density.points"], full["density.points"])
    torch.testing.assert_close(
        shipped["autoencoder.to_moments.weight"].float(),
        full["autoencoder.to_moments.weight"],
        atol=1e-3,
        rtol=1e-3,
    )
    made = told("sample", "--pretrained", "vae", "-n", "2", "-o", tmp_path / "out", "--format", "obj")
    assert len(made["buildings"]) == 2
    again = told("sample", "pretrained:vae", "-n", "2", "-o", tmp_path / "again", "--format", "obj")
    assert [b["volume"] for b in again["buildings"]] == [b["volume"] for b in made["buildings"]]


def test_finetune_alone_begins_with_the_shipped_model_of_the_family(
    shelf: Path, data: Path, told: Told
) -> None:
    words = ["train", "--data", data, "--name", "tuned", *LOOP, "--steps", "2", "--finetune"]
    assert told(*words)["step"] == 2


def test_what_is_not_shipped_is_told(voxgen: Command, shelf: Path) -> None:
    result = voxgen("sample", "--pretrained", "vea")
    assert result.exit_code == 2
    assert "did you mean 'vae'" in result.stderr
    both = voxgen("sample", "tiny", "--pretrained", "vae")
    assert both.exit_code == 2


def test_reconstruct_refines_and_tells_attributes(data: Path, run: str, told: Told, tmp_path: Path) -> None:
    write_grid(tmp_path / "house.npz", Dataset.open(data).grid(0), name="house")
    words = ["reconstruct", run, tmp_path / "house.npz", "--format", "obj"]
    plain = told(*words, "-o", tmp_path / "plain")
    finer = told(*words, "-o", tmp_path / "finer", "--refine", "20")
    assert finer["iou"]["house"] >= plain["iou"]["house"] - 0.05
    with (tmp_path / "plain" / "predicted.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "house"
    assert float(row["height"]) == pytest.approx(plain["predicted"]["house"]["height"], rel=1e-3)


def test_a_space_is_a_recipe_and_some_families_have_one_alone(
    told: Told, voxgen: Command, data: Path
) -> None:
    words = ["train", "--data", data, "--dry-run"]
    assert told(*words, "--model", "diffusion", "--space", "voxel")["recipe"] == "voxel"
    assert told(*words, "--model", "diffusion", "--space", "latent")["recipe"] == "default"
    for wrong in (["--model", "vae", "--space", "voxel"], ["--recipe", "thesis", "--space", "voxel"]):
        assert voxgen(*words, *wrong).exit_code == 2


def test_a_critic_ranks_buildings(data: Path, told: Told) -> None:
    words = ["--set", "model.critic_widths=[8,16]", "--set", "model.warm_up=0.3"]
    told("train", "--model", "gan", "--data", data, "--name", "game", "--steps", "6", *TINY, *words)
    found = told("score", "game", data, "--data", data)
    rows = found["buildings"]
    assert len(rows) == len(Dataset.open(data))
    assert [row["realism"] for row in rows] == sorted(row["realism"] for row in rows)


def test_samples_may_be_asked_for_something_when_scored(
    data: Path, run: str, told: Told, tmp_path: Path
) -> None:
    words = ["evaluate", run, "--data", data, "-n", "6", "--asked", "0", "-o", tmp_path / "out"]
    told(*words, "--ask", "height=9")
    assert "asked for height = 9" in (tmp_path / "out" / "scores.md").read_text(encoding="utf-8")


def test_a_mixed_data_set_tells_which_buildings_are_procedural(
    data: Path, told: Told, folder: Path, tmp_path: Path
) -> None:
    told("export", data, "-n", "6", "-f", "obj", "-o", tmp_path / "real")
    words = ["data", "build", tmp_path / "real", "massing:8", "-o", tmp_path / "mixed", "--resolution", "16"]
    told(*words, "--workers", "1")
    mixed = Dataset.open(tmp_path / "mixed")
    assert "procedural" in mixed.attribute_names
    assert set(mixed.attributes(["procedural"])[:, 0].tolist()) == {0.0, 1.0}
    assert "procedural" not in Dataset.open(data).attribute_names
