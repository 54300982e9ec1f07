"""A building of slabs, walls and roofs in every format: each a valid solid, of the same volume when read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import ifcopenshell
import pytest
from interop_buildings import Case, massing_grid
from interop_checks import faults
from test_cityjson import problems, solids
from test_ifc import findings, polygons

from voxgen.elements import elements_of
from voxgen.export import ExportSettings
from voxgen.formats import read_buildings
from voxgen.formats.write import write_model
from voxgen.formats.write_table import WRITABLE
from voxgen.geometry.solid import Model


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Model:
    case = Case(massing_grid(1), ExportSettings())
    return elements_of(case.surface(case.write(tmp_path_factory.mktemp("house"), "npz"))).model("house")


@pytest.mark.parametrize("form", [form for form in WRITABLE if form not in ("step", "usd")])
def test_all_elements_come_back(house: Model, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"house{WRITABLE[form].suffix}"
    write_model(path, house)
    (read,) = read_buildings(path)
    assert read.error is None
    assert read.mesh.volume == pytest.approx(sum(s.surface.to_mesh().volume for s in house.solids), rel=1e-4)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("form", ["ifc4", "ifc2x3"])
def test_ifc_has_an_extrusion_or_a_valid_boundary_for_each(house: Model, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"house{WRITABLE[form].suffix}"
    write_model(path, house)
    file = ifcopenshell.open(str(path))
    assert findings(file) == []
    prisms = sum(solid.extrusion is not None for solid in house.solids)
    breps = file.by_type("IfcFacetedBrep")
    assert len(file.by_type("IfcExtrudedAreaSolid")) == prisms > 0
    assert len(breps) == len(house.solids) - prisms
    assert all(faults([polygons(brep)]) == {} for brep in breps)
    for kind, name in (("wall", "IfcWall"), ("slab", "IfcSlab"), ("roof", "IfcRoof")):
        assert len(file.by_type(name)) == sum(solid.kind == kind for solid in house.solids)
    assert len(file.by_type("IfcBuildingStorey")) == len(house.storeys)


def test_cityjson_has_a_valid_constructive_element_for_each(house: Model, tmp_path: Path) -> None:
    write_model(tmp_path / "house.city.json", house)
    document = json.loads((tmp_path / "house.city.json").read_text(encoding="utf-8"))
    assert problems(document) == []
    bodies = solids(document, "3.0")
    assert len(bodies) == len(house.solids)
    assert all(faults(body) == {} for body in bodies)


def test_step_is_an_assembly_with_a_named_product_for_each(house: Model, tmp_path: Path) -> None:
    write_model(tmp_path / "house.step", house)
    text = (tmp_path / "house.step").read_text(encoding="ascii")
    records = dict(re.findall(r"^(#\d+)=(.*);$", text, re.MULTILINE))
    products = re.findall(r"PRODUCT\('([^']*)'", text)
    assert sorted(products) == sorted(["house", *(solid.name for solid in house.solids)])
    shapes = [
        key for key, record in records.items() if record.startswith("ADVANCED_BREP_SHAPE_REPRESENTATION")
    ]
    placed = re.findall(r"\(REPRESENTATION_RELATIONSHIP\('','',(#\d+),(#\d+)\)", text)
    assert sorted(part for part, _ in placed) == sorted(shapes)
    assert len({whole for _, whole in placed}) == 1
    assert len(shapes) == text.count("MANIFOLD_SOLID_BREP(") + text.count("BREP_WITH_VOIDS(")
    assert set(re.findall(r"#\d+", text)) <= set(records)
