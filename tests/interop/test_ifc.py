"""IFC2X3 and IFC4 as ifcopenshell sees them: no finding of the schema's rules, solids of the right volume."""

from __future__ import annotations

import ast
from pathlib import Path
from unittest import mock

import ifcopenshell
import ifcopenshell.util.geolocation
import ifcopenshell.util.placement
import ifcopenshell.validate
import numpy as np
import pytest
from _pytest.assertion.rewrite import rewrite_asserts
from interop_buildings import Case, massing_grid
from interop_checks import faults

from voxgen.export import ExportSettings
from voxgen.formats.write import write_model
from voxgen.geometry.solid import Extrusion, Georeference, Model, Solid, Storey

SCHEMAS = ("ifc4", "ifc2x3")

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the validator's own files


_REWRITTEN: dict[str, list[ast.stmt]] = {}


def rewritten_once(mod: ast.Module, source: str) -> None:
    """Pytest's rewriting of a schema's rules, which the validator asks for anew with every file: 5 s each."""
    if source not in _REWRITTEN:
        rewrite_asserts(mod=mod, source=source)
        _REWRITTEN[source] = mod.body
    mod.body = _REWRITTEN[source]


def findings(file: ifcopenshell.file, rules: bool = True) -> list[str]:
    """What the schema finds, and its EXPRESS rules, which take seconds a file."""
    log = ifcopenshell.validate.json_logger()
    with mock.patch("_pytest.assertion.rewrite.rewrite_asserts", rewritten_once):
        ifcopenshell.validate.validate(file, log, express_rules=rules)
    return [str(said) for said in log.statements]


def polygons(brep: ifcopenshell.entity_instance) -> list[list[np.ndarray]]:
    """The faces of a faceted boundary."""
    faces = []
    for face in brep.Outer.CfsFaces:
        bounds = sorted(face.Bounds, key=lambda bound: not bound.is_a("IfcFaceOuterBound"))
        faces.append([np.array([p.Coordinates for p in bound.Bound.Polygon]) for bound in bounds])
    return faces


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_rules_find_nothing_and_every_boundary_is_a_valid_solid(
    building: Case, form: str, tmp_path: Path
) -> None:
    done = building.write(tmp_path, form, metadata={"seed": 7, "licence": "CC BY 4.0"})
    file = ifcopenshell.open(str(done.files[0]))
    assert file.schema == form.upper()
    assert findings(file, rules=len(building.surface(done)) <= 12) == []
    breps = file.by_type("IfcFacetedBrep")
    assert breps
    for brep in breps:
        assert faults([polygons(brep)]) == {}
    faces = sum(len(polygons(brep)) for brep in breps)
    assert faces == len(building.surface(done))
    (storey,) = file.by_type("IfcBuildingStorey")
    (contained,) = storey.ContainsElements
    assert {p.is_a() for p in contained.RelatedElements} == {"IfcBuildingElementProxy"}


def house() -> Model:
    """A slab with a hole, two walls, and a gabled roof, on two storeys."""

    def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)

    slab = Extrusion((box(0, 0, 10, 6), box(4, 2, 6, 4)[::-1]), -0.3, 0.3)
    walls = [Extrusion((box(0, 0, 10, 0.3),), 0.0, 2.7), Extrusion((box(0, 0, 10, 0.3),), 3.0, 2.7)]
    return Model(
        "mill",
        (
            Solid("slab-0", "slab", slab.polyhedron(), 0, slab, {"role": "ground", "area": 56.0}),
            *(
                Solid(f"wall-{i}", "wall", w.polyhedron(), i, w, {"azimuth": 180.0})
                for i, w in enumerate(walls)
            ),
            Solid("roof", "roof", Extrusion((box(0, 0, 10, 6),), 5.7, 1.0).polyhedron(), 1),
        ),
        storeys=(Storey("Storey 0", 0.0, 3.0), Storey("Storey 1", 3.0, 3.0)),
        measures={"height": 6.7, "volume": 400.0, "pitched_share": 0.5},
        metadata={"model": "vae", "seed": 3},
        georeference=Georeference("EPSG:28992", (85_000.5, 446_000.25, 1.5), 0.5),
    )


@pytest.mark.parametrize("form", SCHEMAS)
def test_elements_are_extrusions_on_their_storeys_with_properties(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"house.{'ifc' if form == 'ifc4' else 'ifc2x3.ifc'}"
    write_model(path, house())
    file = ifcopenshell.open(str(path))
    assert findings(file) == []
    assert len(file.by_type("IfcExtrudedAreaSolid")) == 3
    assert len(file.by_type("IfcFacetedBrep")) == 1
    assert len(file.by_type("IfcArbitraryProfileDefWithVoids")) == 1
    upper = next(s for s in file.by_type("IfcBuildingStorey") if s.Name == "Storey_1" or s.Name == "Storey 1")
    names = {p.Name: p for p in upper.ContainsElements[0].RelatedElements}
    assert set(names) == {"wall-1", "roof"}
    assert ifcopenshell.util.placement.get_local_placement(names["wall-1"].ObjectPlacement)[2, 3] == 3.0
    sets = ifcopenshell.util.element.get_psets(names["wall-1"])
    assert sets["Voxgen_Element"]["azimuth"] == 180.0
    said = ifcopenshell.util.element.get_psets(file.by_type("IfcBuilding")[0])
    quantities = said["Qto_BuildingBaseQuantities" if form == "ifc4" else "BaseQuantities"]
    assert (quantities["Height"], quantities["GrossVolume"]) == (6.7, 400.0)
    assert said["Voxgen_Source"]["model"] == "vae"


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_place_in_the_world_is_where_the_schema_has_it(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"house.{'ifc' if form == 'ifc4' else 'ifc2x3.ifc'}"
    write_model(path, house())
    file = ifcopenshell.open(str(path))
    assert len(file.by_type("IfcMapConversion") if form == "ifc4" else ()) == (form == "ifc4")
    x, y, z = ifcopenshell.util.geolocation.auto_xyz2enh(file, 10.0, 0.0, 0.0)
    assert (x, y, z) == pytest.approx((85_000.5 + 10 * np.cos(0.5), 446_000.25 + 10 * np.sin(0.5), 1.5))
    if form == "ifc2x3":
        for owner in ("IfcProject", "IfcSite"):
            sets = ifcopenshell.util.element.get_psets(file.by_type(owner)[0])
            assert sets["ePSet_ProjectedCRS"]["Name"] == "EPSG:28992"


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_kernel_makes_a_solid_of_the_right_volume(form: str, tmp_path: Path) -> None:
    import ifcopenshell.geom

    case = Case(massing_grid(0), ExportSettings())
    done = case.write(tmp_path, form)
    file = ifcopenshell.open(str(done.files[0]))
    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    shape = ifcopenshell.geom.create_shape(settings, file.by_type("IfcBuildingElementProxy")[0])
    vertices, faces = (
        np.array(shape.geometry.verts).reshape(-1, 3),
        np.array(shape.geometry.faces).reshape(-1, 3),
    )
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert volume == pytest.approx(case.surface(done).to_mesh().volume, rel=1e-6)


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_same_building_gives_the_same_file(form: str, tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        files.append(tmp_path / name / f"house.{'ifc' if form == 'ifc4' else 'ifc2x3.ifc'}")
        write_model(files[-1], house())
    assert files[0].read_bytes() == files[1].read_bytes()
