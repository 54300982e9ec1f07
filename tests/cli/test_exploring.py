"""`voxgen attributes`, `upscale` and `interpolate` between files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command

Told = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def houses(told: Told, folder: Path) -> list[Path]:
    told(
        "sample", "--pretrained", "gan", "-n", "2", "--seed", "5", "-f", "obj", "-o", folder / "houses-of-gan"
    )
    return sorted((folder / "houses-of-gan").glob("*.obj"))


def test_a_sample_moves_along_attributes(told: Told, tmp_path: Path) -> None:
    words = ("--along", "height", "--along", "footprint_length", "-n", "3", "--seed", "2", "-f", "npz")
    done = told("attributes", "pretrained:vae", "3", *words, "-o", tmp_path / "out")
    assert [one["along"] for one in done["steps"]] == ["height"] * 3 + ["footprint_length"] * 3
    higher, longer = done["steps"][:3], done["steps"][3:]
    assert all(abs(one["height"] - one["asked"]) < 1 for one in higher)
    assert longer[0]["footprint_length"] < longer[2]["footprint_length"]
    assert longer[2]["asked"] - longer[0]["asked"] > 2
    with (tmp_path / "out" / "attributes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    heights = [float(row["height"]) for row in rows[:3]]
    assert heights == sorted(heights)
    assert {"sheet.png", "buildings.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_an_attribute_that_is_none_is_refused(voxgen: Command, tmp_path: Path) -> None:
    result = voxgen("attributes", "pretrained:vae", "--along", "heigth", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "did you mean 'height'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_block_model_becomes_buildings(houses: list[Path], told: Told, tmp_path: Path) -> None:
    told("voxelize", houses[0], "--resolution", "32", "--pitch", "1", "-o", tmp_path / "rough")
    (grid,) = (tmp_path / "rough").glob("*.npz")
    done = told("upscale", "pretrained:vae", grid, "-n", "2", "-f", "obj", "-o", tmp_path / "out")
    assert min(done["agreement"].values()) >= 0.9
    assert {"sheet.png", "seen-coarsely.png"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert len(list((tmp_path / "out").glob("*.obj"))) == 2


def test_a_mesh_is_taken_in_coarse_voxels(
    houses: list[Path], voxgen: Command, told: Told, tmp_path: Path
) -> None:
    done = told(
        "upscale", "pretrained:gan", houses[0], "-n", "1", "--times", "4", "-f", "npz", "-o", tmp_path / "out"
    )
    assert min(done["agreement"].values()) >= 0.9
    result = voxgen("upscale", "pretrained:gan", houses[0], "--times", "5", "-o", tmp_path / "none")
    assert result.exit_code == 2
    assert "whole number" in result.stderr


def test_the_way_between_two_files_says_how_much_of_it_is_sound(
    houses: list[Path], told: Told, tmp_path: Path
) -> None:
    done = told("interpolate", "pretrained:vae", *houses, "-n", "5", "-f", "npz", "-o", tmp_path / "out")
    assert len(done["sound"]) == len(done["buildings"]) == 5
    assert done["share_sound"] == sum(done["sound"]) / 5
    assert done["share_sound"] >= 0.6
