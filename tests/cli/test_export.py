"""Exports for design tools, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from voxgen.cli.options import FORMATS

from voxgen.formats.grid_file import write_grid
from voxgen.formats.write_table import WRITABLE
from voxgen.geometry.grid import VoxelGrid
from voxgen.tools import TOOLS


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A block of 6 x 4 x 3 m as a grid file."""
    filled = np.zeros((16, 12, 8), bool)
    filled[2:14, 2:10, :6] = True
    write_grid(tmp_path / "house.npz", VoxelGrid(filled, 0.5), "house")
    return tmp_path / "house.npz"


def test_the_command_line_knows_every_format_and_tool() -> None:
    assert (*WRITABLE, "npz") == FORMATS
    assert all(set(tool.formats) <= set(FORMATS) for tool in TOOLS.values())


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_gets_the_files_it_opens(
    told: Callable[..., dict[str, Any]], house: Path, tool: str
) -> None:
    out = house.parent / "out"
    done = told("export", house, "--for", tool, "-o", out)
    (written,) = done["buildings"]
    assert [Path(p).name for p in written["files"]] == [
        f"house{WRITABLE[f].suffix}" for f in TOOLS[tool].formats
    ]
    assert all(Path(p).stat().st_size > 0 for p in written["files"])


def test_what_is_said_goes_before_what_a_tool_wishes(
    told: Callable[..., dict[str, Any]], house: Path
) -> None:
    done = told("export", house, "--for", "print", "--out-unit", "cm", "-f", "obj", "--dry-run")
    assert (done["formats"], done["out_unit"]) == (["obj"], "cm")
    done = told("export", house, "--for", "print", "--dry-run")
    assert (done["formats"], done["out_unit"]) == (["3mf", "stl"], "mm")


def test_a_building_is_placed_in_a_reference_system(told: Callable[..., dict[str, Any]], house: Path) -> None:
    from voxgen.formats import read_buildings

    out = house.parent / "out"
    place = ("--crs", "EPSG:7415", "--at", "85000,446000,1.5", "--yaw", "90")
    told("export", house, "-f", "cityjson", "-o", out, *place)
    (read,) = read_buildings(out / "house.city.json")
    assert read.crs == "EPSG:7415"
    assert read.mesh.bounds == pytest.approx(
        np.array([[84_998, 445_997, 1.5], [85_002, 446_003, 4.5]]), abs=1e-3
    )


@pytest.mark.parametrize(
    "wrong",
    [
        ("--crs", "EPSG:4326"),
        ("--at", "1,2,3"),
        ("--at", "1,2"),
        ("--crs", "28992", "--at", "1,2,3", "--place", "world"),
    ],
)
def test_a_place_that_cannot_be_is_an_error_of_usage(
    voxgen: Callable[..., Result], house: Path, wrong: tuple[str, ...]
) -> None:
    result = voxgen("export", house, "-f", "cityjson", "-o", house.parent / "out", *wrong)
    assert result.exit_code == 2
    assert not (house.parent / "out").exists()


@pytest.mark.parametrize(
    ("form", "library", "extra"), [("ifc", "ifcopenshell", "ifc"), ("3dm", "rhino3dm", "rhino")]
)
def test_a_library_that_is_missing_is_told_with_its_pip_line(
    voxgen: Callable[..., Result],
    house: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    library: str,
    extra: str,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    result = voxgen("export", house, "-f", f"obj,{form}", "-o", house.parent / "out")
    assert result.exit_code == 4
    assert f"pip install 'voxgen[{extra}]'" in result.stderr
    assert not (house.parent / "out").exists()


def test_what_a_folder_held_before_is_told(
    voxgen: Callable[..., Result], house: Path, tmp_path: Path
) -> None:
    assert "of before" not in voxgen("export", house, "-o", tmp_path / "out").stderr
    assert "of before" in voxgen("export", house, "-o", tmp_path / "out").stderr


def test_a_building_that_mending_halves_is_told(voxgen: Callable[..., Result], tmp_path: Path) -> None:
    values = np.zeros((24, 12, 12), bool)
    values[1:9, 2:10, :6] = values[14:21, 2:10, :6] = True
    write_grid(tmp_path / "pair.npz", VoxelGrid(values, 0.5), "pair")
    done = voxgen("export", tmp_path / "pair.npz", "-o", tmp_path / "out")
    assert "took away 47% of it" in " ".join(done.stderr.split())
