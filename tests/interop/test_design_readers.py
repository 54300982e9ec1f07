"""3MF, 3DM, STEP and USD as readers of these formats see them."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rhino3dm
import trimesh
from interop_buildings import Case, massing_grid
from lxml import etree

from voxgen.export import ExportSettings
from voxgen.formats.write import write_mesh, write_model
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.solid import Extrusion, Model, Solid, Storey


def slabs() -> Model:
    """Two slabs with a hole on two storeys."""
    outer, hole = (np.array([(-r, -r), (r, -r), (r, r), (-r, r)]) for r in (4.0, 1.0))
    prisms = [Extrusion((outer, hole[::-1]), base, 0.25) for base in (0.0, 3.0)]
    return Model(
        "slabs",
        tuple(Solid(f"slab-{i}", "slab", p.polyhedron(), i, p, {"area": 60.0}) for i, p in enumerate(prisms)),
        storeys=(Storey("Storey 0", 0.0, 3.0), Storey("Storey 1", 3.0, 3.0)),
        metadata={"seed": 4},
    )


def test_a_3mf_is_closed_in_millimetres_with_materials(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "3mf", metadata={"run": "a & b <c>"})
    mesh = trimesh.load(done.files[0], force="mesh")
    mesh.merge_vertices()
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    wanted = building.surface(done).to_mesh()
    assert mesh.volume == pytest.approx(wanted.volume * 1e9, rel=1e-6)
    with zipfile.ZipFile(done.files[0]) as archive:
        tree = etree.fromstring(archive.read("3D/3dmodel.model"))
        assert archive.testzip() is None
    core = {"c": tree.nsmap[None]}
    assert tree.get("unit") == "millimeter"
    ids = {entry.get("id") for entry in tree.iterfind(".//c:object", core)}
    assert {item.get("objectid") for item in tree.iterfind(".//c:item", core)} == ids
    materials = len(tree.find(".//c:basematerials", core))
    assert all(0 <= int(t.get("p1")) < materials for t in tree.iterfind(".//c:triangle", core))
    assert "run: a & b <c>" in [e.text for e in tree.iterfind("c:metadata", core)][2]


def test_rhino_sees_closed_valid_objects_on_their_layer(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "3dm", metadata={"seed": 9})
    document = rhino3dm.File3dm.Read(str(done.files[0]))
    assert document.Settings.ModelUnitSystem == rhino3dm.UnitSystem.Meters
    assert len(document.Objects) >= 1
    for entry in document.Objects:
        assert entry.Geometry.IsClosed
        assert entry.Geometry.IsValid
        assert document.Layers[entry.Attributes.LayerIndex].Name == "mass"
        assert entry.Attributes.GetUserString("seed") == "9"
    box = [entry.Geometry.GetBoundingBox() for entry in document.Objects]
    low = np.min([(b.Min.X, b.Min.Y, b.Min.Z) for b in box], axis=0)
    high = np.max([(b.Max.X, b.Max.Y, b.Max.Z) for b in box], axis=0)
    assert [low, high] == pytest.approx(building.surface(done).to_mesh().bounds, abs=1e-3)


@pytest.mark.parametrize(("unit", "scale"), [("m", 1.0), ("mm", 1000.0)])
def test_rhino_sees_prisms_as_solid_extrusions_on_layers_of_their_storeys(
    tmp_path: Path, unit: str, scale: float
) -> None:
    write_model(tmp_path / "a.3dm", slabs(), unit=unit)
    document = rhino3dm.File3dm.Read(str(tmp_path / "a.3dm"))
    for number, entry in enumerate(document.Objects):
        assert isinstance(entry.Geometry, rhino3dm.Extrusion)
        assert entry.Geometry.IsSolid
        assert entry.Geometry.ProfileCount == 2
        assert document.Layers[entry.Attributes.LayerIndex].FullPath == f"Storey {number}::slab"
        box = entry.Geometry.GetBoundingBox()
        assert pytest.approx((3 * number * scale, (3 * number + 0.25) * scale)) == (box.Min.Z, box.Max.Z)
        assert pytest.approx((-4 * scale, 4 * scale)) == (box.Min.X, box.Max.X)


def test_step_has_a_face_for_each_polygon_and_every_edge_twice(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "step")
    text = done.files[0].read_bytes().decode("ascii")
    records = dict(re.findall(r"^(#\d+)=(.*);$", text, re.MULTILINE))
    referred = set(re.findall(r"#\d+", " ".join(records.values())))
    assert referred <= set(records)
    surface = building.surface(done)
    kinds = Counter(record.split("(")[0] for record in records.values())
    assert kinds["ADVANCED_FACE"] == len(surface)
    uses: dict[str, list[str]] = {}
    for record in records.values():
        if found := re.fullmatch(r"ORIENTED_EDGE\('',\*,\*,(#\d+),\.([TF])\.\)", record):
            uses.setdefault(found[1], []).append(found[2])
    assert len(uses) == kinds["EDGE_CURVE"]
    assert {"".join(sorted(said)) for said in uses.values()} == {"FT"}


def test_a_cad_kernel_finds_valid_solids_in_step(building: Case, tmp_path: Path) -> None:
    pytest.importorskip("OCP", reason="needs OpenCASCADE: pip install 'voxgen[interop]'")
    from OCP.BRepCheck import BRepCheck_Analyzer
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.STEPControl import STEPControl_Reader

    done = building.write(tmp_path, "step")
    reader = STEPControl_Reader()
    reader.ReadFile(str(done.files[0]))
    reader.TransferRoots()
    shape, measured = reader.OneShape(), GProp_GProps()
    assert BRepCheck_Analyzer(shape).IsValid()
    BRepGProp.VolumeProperties_s(shape, measured)
    assert measured.Mass() == pytest.approx(building.surface(done).to_mesh().volume * 1e9, rel=1e-6)


def test_usd_opens_with_materials_and_is_closed(building: Case, tmp_path: Path) -> None:
    pytest.importorskip("pxr", reason="needs OpenUSD: pip install 'voxgen[interop]'")
    from pxr import Usd, UsdGeom, UsdShade

    done = building.write(tmp_path, "usd")
    stage = Usd.Stage.Open(str(done.files[0]))
    assert (UsdGeom.GetStageUpAxis(stage), UsdGeom.GetStageMetersPerUnit(stage)) == ("Z", 1.0)
    assert stage.GetDefaultPrim().GetName() == "house"
    volume = 0.0
    for prim in (p for p in stage.Traverse() if p.IsA(UsdGeom.Mesh)):
        mesh = UsdGeom.Mesh(prim)
        ok, why = UsdGeom.Mesh.ValidateTopology(
            mesh.GetFaceVertexIndicesAttr().Get(),
            mesh.GetFaceVertexCountsAttr().Get(),
            len(mesh.GetPointsAttr().Get()),
        )
        assert ok, why
        points = np.array(mesh.GetPointsAttr().Get(), float)
        at, faces = 0, []
        for count in mesh.GetFaceVertexCountsAttr().Get():
            corners = list(mesh.GetFaceVertexIndicesAttr().Get()[at : at + count])
            faces += [(corners[0], corners[k], corners[k + 1]) for k in range(1, count - 1)]
            at += count
        read = trimesh.Trimesh(points, faces)
        assert read.is_watertight
        volume += read.volume
        subsets = UsdGeom.Subset.GetGeomSubsets(mesh, familyName="materialBind")
        covered = sorted(i for subset in subsets for i in subset.GetIndicesAttr().Get())
        assert covered == list(range(len(mesh.GetFaceVertexCountsAttr().Get())))
        for subset in subsets:
            material = UsdShade.MaterialBindingAPI(subset.GetPrim()).ComputeBoundMaterial()[0]
            assert material.GetPrim().GetName() == subset.GetPrim().GetName()
            assert material.ComputeSurfaceSource()[0].GetShaderId() == "UsdPreviewSurface"
    assert volume == pytest.approx(building.surface(done).to_mesh().volume, rel=1e-4)


@pytest.mark.parametrize("suffix", [".3mf", ".step", ".usda", ".city.json"])
def test_the_same_building_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_model(tmp_path / name / f"slabs{suffix}", slabs())
    assert (tmp_path / "a" / f"slabs{suffix}").read_bytes() == (
        tmp_path / "b" / f"slabs{suffix}"
    ).read_bytes()


@pytest.mark.parametrize("suffix", [".3mf", ".step", ".3dm", ".ifc", ".ifc2x3.ifc", ".city.json"])
def test_an_open_surface_is_refused_where_a_format_holds_solids(tmp_path: Path, suffix: str) -> None:
    from voxgen.errors import DataError

    mesh = (
        Case(massing_grid(0), ExportSettings())
        .surface(Case(massing_grid(0), ExportSettings()).write(tmp_path / "a", "npz"))
        .to_mesh()
    )
    with pytest.raises(DataError, match="no closed solid"):
        write_mesh(tmp_path / f"open{suffix}", Mesh.of(mesh.vertices, mesh.faces[1:]), name="open")
    assert not (tmp_path / f"open{suffix}").exists()
