"""What voxgen writes it reads back as the same building, in every format that it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from interop_buildings import Case

from voxgen.formats import read_buildings
from voxgen.geometry.placement import place
from voxgen.geometry.voxelize import voxelize

READ = ("obj", "stl", "ply", "glb", "3mf", "3dm", "ifc4", "ifc2x3", "cityjson")


@pytest.mark.parametrize("form", READ)
def test_a_building_comes_back_as_it_was(building: Case, form: str, tmp_path: Path) -> None:
    done = building.write(tmp_path, form)
    mesh = building.surface(done).to_mesh()
    (read,) = read_buildings(done.files[0])
    assert read.error is None
    assert read.mesh.bounds == pytest.approx(mesh.bounds, abs=1e-3)
    where = place(mesh, 36, done.grid.pitch)
    # Coverage, since a centre on a face is in or out by the last bit of single precision.
    ours, theirs = (voxelize(m, 36, done.grid.pitch, where).coverage.astype(int) for m in (mesh, read.mesh))
    assert np.minimum(ours, theirs).sum() >= 0.99 * np.maximum(ours, theirs).sum() > 0
