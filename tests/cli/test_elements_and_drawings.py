"""Elements and drawings by the command line: files that open again, and what cannot be is told."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxgen.formats import read_buildings
from voxgen.formats.grid_file import write_grid
from voxgen.geometry.grid import VoxelGrid

from .conftest import Command

Told = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def towers(folder: Path) -> Path:
    """Two grids: a tower with a setback, and nothing."""
    filled = np.zeros((16, 16, 16), bool)
    filled[2:14, 2:14, :6] = True
    filled[4:10, 4:10, :12] = True
    write_grid(folder / "towers" / "tower.npz", VoxelGrid(filled, 1.0), "tower")
    write_grid(folder / "towers" / "void.npz", VoxelGrid(np.zeros((4, 4, 4), bool), 1.0), "void")
    return folder / "towers"


def test_export_as_elements_writes_them_with_their_schedule(told: Told, towers: Path, folder: Path) -> None:
    said = told(
        "export", towers, "-o", "parts", "--as", "elements", "-f", "obj,glb", "--storey-height", "4,3"
    )
    tower = next(one for one in said["buildings"] if one["name"] == "tower")
    names = {Path(path).name for path in tower["files"]}
    assert {"tower.obj", "tower-storeys.csv", "tower-elements.csv", "tower-schedule.json"} <= names
    rows = list(
        csv.DictReader((folder / "parts" / "tower-storeys.csv").read_text(encoding="utf-8").splitlines())
    )
    # At 10 m nobody could stand: the roof's underside is at 11.7 m.
    assert [row["storey"] for row in rows] == ["Storey 0", "Storey 1", "Storey 2", "total"]
    assert [float(row["elevation"]) for row in rows[:-1]] == [0, 4, 7]
    schedule = json.loads((folder / "parts" / "tower-schedule.json").read_text(encoding="utf-8"))
    objects = [line for line in (folder / "parts" / "tower.obj").read_text().splitlines() if line[:2] == "o "]
    assert len(objects) == len(schedule["elements"])
    (again,) = read_buildings(folder / "parts" / "tower.obj")
    parts = sum(row["volume"] for row in schedule["elements"])
    assert again.error is None
    assert again.mesh.volume == pytest.approx(parts, rel=5e-3)
    assert tower["gross_floor_area"] == pytest.approx(schedule["total"]["gross_floor_area"])


def test_a_mass_stays_one_solid(told: Told, towers: Path, folder: Path) -> None:
    said = told("export", towers, "-o", "mass", "-f", "obj")
    tower = next(one for one in said["buildings"] if one["name"] == "tower")
    assert [Path(path).name for path in tower["files"]] == ["tower.obj"]


def test_draw_writes_sheets_and_tells_what_it_could_not(voxgen: Command, towers: Path, folder: Path) -> None:
    pytest.importorskip("ezdxf")
    result = voxgen("draw", towers, "-o", "sheets", "--scale", "200", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["drawn"] == 1
    tower, void = said["buildings"]
    assert [Path(path).name for path in tower["files"]] == ["tower.svg", "tower.dxf"]
    assert tower["drawings"][-4:] == [f"elevation-{side}" for side in ("south", "east", "north", "west")]
    assert void["notes"] == "it is empty"
    assert "void: it is empty" in result.stderr
    assert "next: voxgen export" in result.stderr
    assert "1:200" in (folder / "sheets" / "tower.svg").read_text(encoding="utf-8")


def test_draw_makes_what_a_run_makes(told: Told, run: str, folder: Path) -> None:
    said = told("draw", run, "-n", "1", "-f", "svg", "--surface", "blocks", "--dry-run")
    assert said["formats"] == ["svg"]
    assert said["count"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["draw", "x.npz", "-f", "pdf"], "svg"),
        (["draw", "x.npz", "--storey-height", "high"], "metres"),
        (["draw", "x.npz", "--scale", "0"], "scale"),
        (["draw", "no-such-run", "other-run"], "alone"),
    ],
)
def test_what_cannot_be_drawn_is_a_slip_of_usage(voxgen: Command, words: list[str], told: str) -> None:
    result = voxgen(*words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_thicknesses_that_cannot_be_are_refused_before_anything_is_written(
    voxgen: Command, towers: Path, folder: Path
) -> None:
    for words in (["export", towers, "--as", "elements"], ["draw", towers]):
        result = voxgen(*words, "-o", "never", "--slab", "9")
        assert result.exit_code == 2
        assert "slab = 9" in result.stderr
    smooth = voxgen("export", towers, "-o", "never", "--as", "elements", "--surface", "smooth")
    assert smooth.exit_code == 2
    assert "planar or blocks" in smooth.stderr
    assert not (folder / "never").exists()


def test_without_ezdxf_draw_says_how_to_get_it(
    voxgen: Command, towers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ezdxf", None)
    result = voxgen("draw", towers, "-o", "never")
    assert result.exit_code == 4
    assert "pip install 'voxgen[cad]'" in result.stderr
