"""`voxgen edit`, `vary` and `complete`: one's own building in, designs out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from voxgen.formats import read_buildings, write_mesh


@pytest.fixture(scope="module")
def house(folder: Path) -> Path:
    """A gable house of twelve by eight metres, away from the origin."""
    from voxgen.geometry.mesh import Mesh

    corners = [(0, 0, 0), (12, 0, 0), (12, 8, 0), (0, 8, 0), (0, 0, 4), (12, 0, 4), (12, 8, 4), (0, 8, 4)]
    corners += [(0, 4, 8), (12, 4, 8)]
    faces = [(0, 2, 1), (0, 3, 2), (0, 1, 5), (0, 5, 4), (2, 3, 7), (2, 7, 6), (4, 5, 9), (4, 9, 8)]
    faces += [(6, 7, 8), (6, 8, 9), (0, 4, 8), (0, 8, 7), (0, 7, 3), (1, 2, 6), (1, 6, 9), (1, 9, 5)]
    moved = [[x + 20.0, y + 30.0, float(z)] for x, y, z in corners]
    path = folder / "house.obj"
    import numpy as np

    write_mesh(path, Mesh.of(np.array(moved), np.array(faces)), name="house")
    return path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("edit", ("--regenerate", "26,29,0,33,39,9", "--strength", "0.8")),
        ("vary", ("--strength", "0.5")),
        ("complete", ("--height", "9")),
    ],
)
def test_designs_of_a_building_are_written_where_it_stands(
    told: Callable[..., dict[str, Any]], house: Path, folder: Path, command: str, words: tuple[str, ...]
) -> None:
    out = folder / command
    done = told(command, "pretrained:vae", house, "-n", "1", *words, "-f", "obj", "-o", out)
    (name,) = [one["name"] for one in done["designs"]]
    (building,) = read_buildings(out / f"{name}.obj")
    low, high = building.mesh.bounds
    assert 8 < low[0] < 32
    assert 18 < high[1] < 48
    assert low[2] == pytest.approx(0, abs=1e-3)
    lineage = json.loads((out / "designs.json").read_text())
    assert lineage["made_by"] == command
    assert len(lineage["parents"][0]["sha256"]) == 64


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("edit", "pretrained:vae", "house.obj", "--regenerate", "1,2,3"), "no file and no box"),
        (("edit", "pretrained:vae", "house.obj", "--regenerate", "1,2,3,0,4,5"), "an empty box"),
        (("edit", "pretrained:vae", "none.obj", "--regenerate", "0,0,0,1,1,1"), "none.obj"),
        (("vary", "pretrained:none", "house.obj"), "comes with voxgen"),
        (("vary", "pretrained:vae", "house.obj", "--surface", "smooth"), "leave them out"),
    ],
)
def test_what_cannot_be_ends_in_a_reason(voxgen: Callable[..., Result], house: Path, words, told) -> None:
    result = voxgen(*words)
    assert result.exit_code in (2, 3)
    assert told in result.stderr
