"""Ranking buildings by how likely a model finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from voxgen.cli.score import rank

from voxgen.formats.grid_file import write_grid
from voxgen.geometry.grid import FULL, VoxelGrid
from voxgen.pipeline.store import Dataset

from .conftest import Command

Told = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def flow(data: Path, told: Told) -> str:
    """A flow over voxels, trained for as long as it takes to prefer buildings to noise."""
    settings = ("model.width=16", "model.couplings=1", "train.batch_size=8", "train.samples=4")
    settings += ("train.fit=16", "train.reports=1", "train.precision='32'", "train.learning_rate=4e-3")
    words = ["--name", "odds", "--steps", "40", *(part for word in settings for part in ("--set", word))]
    told("train", "--model", "flow", "--space", "voxel", "--data", data, *words)
    return "odds"


def test_noise_is_more_surprising_than_buildings(data: Path, flow: str, told: Told, tmp_path: Path) -> None:
    known = Dataset.open(data)
    grid = known.grid(0)
    noise = np.random.default_rng(0).integers(0, FULL + 1, grid.resolution).astype(np.uint8)
    write_grid(tmp_path / "house.npz", grid, name="house")
    write_grid(tmp_path / "noise.npz", VoxelGrid(noise, grid.pitch), name="noise")
    result = told("score", flow, tmp_path / "house.npz", tmp_path / "noise.npz", "--data", data)
    first, last = result["buildings"]
    assert [first["name"], last["name"]] == ["noise", "house"]
    assert first["surprising"]
    assert first["percentile"] == 100
    assert first["bits"] > 2 * last["bits"]
    assert result["unseen"] == len(known.indices("validation"))


def test_a_data_set_is_ranked_whole(data: Path, flow: str, told: Told) -> None:
    rows = told("score", flow, data, "--data", data)["buildings"]
    assert len(rows) == len(Dataset.open(data))
    assert [row["bits"] for row in rows] == sorted((row["bits"] for row in rows), reverse=True)


def test_grids_data_sets_and_building_files_are_ranked_together(
    data: Path, flow: str, told: Told, tmp_path: Path
) -> None:
    known = Dataset.open(data)
    write_grid(tmp_path / "house.npz", known.grid(0), name="house")
    told("export", data, "-n", "1", "-f", "obj", "-o", tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.obj")
    rows = told("score", flow, data, tmp_path / "house.npz", file, "--data", data)["buildings"]
    assert len(rows) == len(known) + 2


def test_a_model_without_likelihood_is_refused(run: str, data: Path, voxgen: Command) -> None:
    result = voxgen("score", run, data)
    assert result.exit_code == 2
    assert "--space voxel" in result.stderr


def test_ranks_are_shares_of_the_unseen() -> None:
    rows = rank(["a", "b", "c"], [1.0, 3.0, 2.0], [0.5, 1.5, 2.0, 2.5])
    assert [row["name"] for row in rows] == ["b", "c", "a"]
    assert [row["percentile"] for row in rows] == [100.0, 75.0, 25.0]
    assert [row["surprising"] for row in rows] == [True, False, False]
