"""OBJ, STL, PLY and GLB as trimesh and meshio see them."""

from __future__ import annotations

from pathlib import Path

import meshio
import numpy as np
import pytest
import trimesh
from interop_buildings import Case, massing_grid

from voxgen.export import ExportSettings


@pytest.mark.parametrize("form", ["obj", "stl", "ply", "glb"])
def test_trimesh_sees_closed_solids_of_the_right_volume(building: Case, form: str, tmp_path: Path) -> None:
    done = building.write(tmp_path, form)
    wanted = building.surface(done).to_mesh()
    mesh = trimesh.load(done.files[0], force="mesh")
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(wanted.volume, rel=1e-4)
    turned = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]) if form == "glb" else np.eye(3)
    assert mesh.extents == pytest.approx(turned @ wanted.extents, abs=1e-3)


@pytest.mark.parametrize("form", ["stl", "ply"])  # its OBJ reader wants as many normals as vertices
def test_meshio_reads_the_same_extents(form: str, tmp_path: Path) -> None:
    case = Case(massing_grid(0), ExportSettings())
    done = case.write(tmp_path, form)
    mesh = meshio.read(done.files[0])
    assert np.ptp(mesh.points, axis=0) == pytest.approx(case.surface(done).to_mesh().extents, abs=1e-3)
    assert sum(len(cells.data) for cells in mesh.cells) > 0


def test_an_obj_has_an_object_groups_and_materials_that_its_library_holds(
    building: Case, tmp_path: Path
) -> None:
    done = building.write(tmp_path, "obj")
    lines = done.files[0].read_text(encoding="utf-8").splitlines()
    library = (tmp_path / "house.mtl").read_text(encoding="utf-8").splitlines()
    said = {
        line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines if line.startswith(("mtllib", "o "))
    }
    assert said == {"mtllib": "house.mtl", "o": "house"}
    used = {line.split()[1] for line in lines if line.startswith("usemtl ")}
    assert used == {line.split()[1] for line in lines if line.startswith("g ")}
    assert used <= {line.split()[1] for line in library if line.startswith("newmtl ")}
    assert "wall" in used
    surface = building.surface(done)
    faces = sum(line.startswith("f ") for line in lines)
    assert len(surface) <= faces <= len(surface.triangles[0])


def test_a_glb_has_a_material_for_each_class(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "glb")
    scene = trimesh.load(done.files[0])
    names = sorted(part.visual.material.name for part in scene.geometry.values())
    assert names == sorted(set(names))
    assert {"wall"} <= set(names) <= {"ground", "wall", "roof", "ceiling"}
    assert scene.graph.transforms.node_data
