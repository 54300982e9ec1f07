"""IFC and 3DM as input: buildings, elements and blocks, placed and in metres."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import ifcopenshell
import ifcopenshell.guid
import numpy as np
import pytest
import rhino3dm

from voxgen.formats import Limits, ReadOptions, read_buildings
from voxgen.formats.write import write_model
from voxgen.geometry.solid import Extrusion, Model, Solid


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def hollow() -> Model:
    """A slab of 8 x 8 x 0.5 m with a hole of 2 x 2 m, and a wall on it."""
    slab = Extrusion((box(-4, -4, 4, 4), box(-1, -1, 1, 1)[::-1]), 0.0, 0.5)
    wall = Extrusion((box(-4, -4, 4, -3.5),), 0.5, 2.5)
    return Model(
        "hollow",
        (
            Solid("slab", "slab", slab.polyhedron(), 0, slab),
            Solid("wall", "wall", wall.polyhedron(), 0, wall),
        ),
    )


@pytest.mark.parametrize("suffix", [".ifc", ".ifc2x3.ifc", ".3dm"])
def test_elements_with_holes_come_back_as_parts(tmp_path: Path, suffix: str) -> None:
    write_model(tmp_path / f"a{suffix}", hollow())
    (read,) = read_buildings(tmp_path / f"a{suffix}")
    assert read.error is None
    assert read.mesh.volume == pytest.approx(0.5 * 60 + 8 * 0.5 * 2.5)
    assert len(np.unique(read.mesh.parts)) == 2


def test_the_unit_of_a_3dm_is_undone(tmp_path: Path) -> None:
    write_model(tmp_path / "a.3dm", hollow(), unit="mm")
    (read,) = read_buildings(tmp_path / "a.3dm")
    assert read.mesh.extents == pytest.approx((8, 8, 3))


def test_blocks_of_a_3dm_are_placed(tmp_path: Path) -> None:
    mesh = rhino3dm.Mesh()
    for point in ((0, 0, 0), (4, 0, 0), (0, 4, 0), (0, 0, 4)):
        mesh.Vertices.Add(*map(float, point))
    for a, b, c in ((0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)):
        mesh.Faces.AddFace(a, b, c)
    document = rhino3dm.File3dm()
    document.Settings.ModelUnitSystem = rhino3dm.UnitSystem.Meters
    index = document.InstanceDefinitions.Add(
        "tent", "", "", "", rhino3dm.Point3d(0, 0, 0), (mesh,), (rhino3dm.ObjectAttributes(),)
    )
    block = document.InstanceDefinitions.FindIndex(index).Id
    for x in (0.0, 10.0):
        moved = rhino3dm.Transform.Translation(x, 0.0, 0.0)
        document.Objects.AddInstanceObject(
            rhino3dm.InstanceReference(block, moved), rhino3dm.ObjectAttributes()
        )
    (tmp_path / "a.3dm").write_bytes(base64.b64decode(document.Encode()))
    (read,) = read_buildings(tmp_path / "a.3dm")
    assert read.error is None
    assert read.mesh.bounds == pytest.approx(np.array([[0, 0, 0], [14, 4, 4]]))
    assert len(np.unique(read.mesh.parts)) == 2
    assert len(read.mesh.faces) == 8


def test_each_building_of_an_ifc_is_one(tmp_path: Path) -> None:
    write_model(tmp_path / "a.ifc", hollow())
    file = ifcopenshell.open(str(tmp_path / "a.ifc"))
    first = file.by_type("IfcBuilding")[0]
    (storey,) = file.by_type("IfcBuildingStorey")
    other = file.create_entity("IfcBuilding", ifcopenshell.guid.new(), Name="annexe")
    upper = file.create_entity(
        "IfcBuildingStorey", ifcopenshell.guid.new(), ObjectPlacement=storey.ObjectPlacement
    )
    file.create_entity(
        "IfcRelAggregates",
        ifcopenshell.guid.new(),
        None,
        None,
        None,
        first.Decomposes[0].RelatingObject,
        [other],
    )
    file.create_entity("IfcRelAggregates", ifcopenshell.guid.new(), None, None, None, other, [upper])
    (contained,) = storey.ContainsElements
    slab, wall = contained.RelatedElements
    contained.RelatedElements = [slab]
    file.create_entity(
        "IfcRelContainedInSpatialStructure", ifcopenshell.guid.new(), None, None, None, [wall], upper
    )
    file.write(str(tmp_path / "b.ifc"))
    slabs, walls = read_buildings(tmp_path / "b.ifc")
    assert (slabs.id, walls.id) == ("b-hollow", "b-annexe")
    assert (slabs.mesh.volume, walls.mesh.volume) == pytest.approx((30, 10))


def test_a_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    write_model(tmp_path / "a.ifc", hollow())
    data = (tmp_path / "a.ifc").read_bytes()
    (tmp_path / "a.ifc").write_bytes(data[: -len("END-ISO-10303-21;\n")])
    (read,) = read_buildings(tmp_path / "a.ifc")
    assert "the file is cut off" in read.warnings


@pytest.mark.parametrize("suffix", [".ifc", ".3dm"])
def test_limits_hold(tmp_path: Path, suffix: str) -> None:
    write_model(tmp_path / f"a{suffix}", hollow())
    for limits in (Limits(faces=10), Limits(nodes=1), Limits(file_bytes=100)):
        (read,) = read_buildings(tmp_path / f"a{suffix}", ReadOptions(limits=limits))
        assert read.error is not None
        assert "limit" in read.error or "at most" in read.error


@pytest.mark.parametrize(
    ("suffix", "library", "extra"), [(".ifc", "ifcopenshell", "ifc"), (".3dm", "rhino3dm", "rhino")]
)
def test_a_missing_library_is_the_reason_with_its_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, library: str, extra: str
) -> None:
    write_model(tmp_path / f"a{suffix}", hollow())
    monkeypatch.setitem(sys.modules, library, None)
    (read,) = read_buildings(tmp_path / f"a{suffix}")
    assert read.error is not None
    assert f"pip install 'voxgen[{extra}]'" in read.error
