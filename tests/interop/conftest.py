"""The buildings that are exported, as a fixture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from voxgen.export import ExportSettings

sys.path.insert(0, str(Path(__file__).parent))

from interop_buildings import CASES, COLLECTIONS, HARD, Case, hard_grid, massing_grid, real_grid

collect_ignore = ["tools"]  # run by the Python of each tool


@pytest.fixture(scope="session", params=CASES, ids=lambda case: "-".join(case))
def building(request: pytest.FixtureRequest) -> Case:
    """A building and the surface to give it; drawn shapes stay as they are, pieces and all."""
    name, surface = request.param
    kind, _, number = name.partition("-")
    if kind in COLLECTIONS:
        grid = real_grid(request.getfixturevalue("shared"), kind, int(number))
        if grid is None:
            pytest.skip(f"no such building of {kind} in ../shared/data")
    else:
        grid = massing_grid(int(number)) if kind == "massing" else hard_grid(name)
    return Case(grid, ExportSettings(surface=surface, mend=kind not in HARD))
