"""The awkward real files, each held to what is known of it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from voxgen.formats import ReadOptions, expand, read_buildings
from voxgen.geometry.mesh import SurfaceClass

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "formats"


@pytest.fixture(scope="module")
def one(folder, read):
    def reader(name, **options):
        (building,) = read(folder / name, **options)
        assert building.error is None, building.error
        return building

    return reader


def test_every_file_of_the_manifest_has_a_known_fate(folder):
    fates = {file.path.name: file.role for file in expand([folder])}
    names = {entry["file"] for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))}
    assert names <= fates.keys()
    unsupported = {name for name, role in fates.items() if role == "unsupported"}
    assert unsupported == {
        "kaykit_building_D_noBase.fbx",
        "mc_smallhouse1.schem",
        "mc_vikinghouse.schematic",
    }
    side = {name for name, role in fates.items() if role == "side"}
    assert side == {"building_B.bin", "kaykit_building_A.mtl", "manifest.json"}


EXTENTS = {
    "bimwhale_TallBuilding.ifc": (8.28, 8.2, 16.55),
    "d_three_houses_m.3dm": (20.91, 31.16, 9.71),
    "rhino_mesh.3dm": (0.0503, 0.0503, 0.0503),
    "kaykit_building_A.obj": (2.0, 2.0, 1.65),
    "kaykit_building_E.obj": (2.01, 2.0, 2.35),
    "kaykit_medieval_church.obj": (1.03, 1.16, 1.65),
    "kaykit_medieval_home_A.obj": (0.79, 0.85, 0.93),
    "kaykit_medieval_windmill.obj": (1.13, 0.79, 0.69),
    "kaykit_building_B.gltf": (2.0, 2.0, 1.65),
    "kenney_building-small-a.glb": (1.0, 1.0, 0.95),
    "kenney_building-garage.glb": (1.0, 1.0, 0.55),
    "trimesh_3storybuilding_noindices.glb": (56.08, 63.36, 9.0),
    "trimesh_comments.off": (3.27, 3.27, 2.31),
    "trimesh_cube_same_name.3mf": (0.0928, 0.04, 0.04),
    "gelderseplein.obj": (356.73, 289.56, 81.91),
    "d_house_m.stl": (15.78, 14.74, 8.11),
    "d_house_mm.stl": (15.78, 14.74, 8.11),
    "d_house_ascii.stl": (16.31, 19.7, 7.36),
    "d_house_rd_epsg28992.obj": (20.91, 31.16, 9.71),
    "d_house_yup.obj": (22.77, 14.13, 8.52),
    "d_house_yup.glb": (22.77, 14.13, 8.52),
    "d_house.dae": (22.77, 14.13, 8.52),
    "d_house.ply": (15.13, 14.61, 7.48),
    "d_house.off": (22.88, 19.9, 8.79),
    "d_house.3mf": (0.01509, 0.01325, 0.0084),
    "d_house_ngons.obj": (18.71, 12.21, 9.05),
    "d_street_10_objects.obj": (1044.71, 1935.51, 17.33),
    "d_house_open_bottom.stl": (19.15, 23.91, 8.43),
    "d_house_flipped_normals.obj": (19.15, 23.91, 8.43),
}


@pytest.mark.parametrize("name", EXTENTS)
def test_a_file_comes_upright_and_in_metres(one, name):
    np.testing.assert_allclose(one(name).mesh.extents, EXTENTS[name], atol=0.006, rtol=0.005)


CLOSED = [
    "d_house_m.stl",
    "d_house_mm.stl",
    "d_house_ascii.stl",
    "d_house_rd_epsg28992.obj",
    "d_house_yup.obj",
    "d_house_yup.glb",
    "d_house.dae",
    "d_house.ply",
    "d_house.off",
    "d_house.3mf",
    "d_street_10_objects.obj",
    "trimesh_comments.off",
    "trimesh_cube_same_name.3mf",
]


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_house_is_closed_and_outward_after_reading(one, closed, volume, name):
    mesh = one(name).mesh
    assert closed(mesh)
    assert volume(mesh) > 0


def test_an_open_bottom_stays_open(one, closed):
    assert not closed(one("d_house_open_bottom.stl").mesh)


def test_flipped_faces_stay_flipped(one, closed):
    mesh = one("d_house_flipped_normals.obj").mesh
    assert not closed(mesh)
    edges = np.sort(np.concatenate([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_millimetres_are_guessed_from_the_size_and_said(one):
    metres, guessed = one("d_house_m.stl"), one("d_house_mm.stl")
    np.testing.assert_allclose(guessed.mesh.extents, metres.mesh.extents, atol=2e-3)
    assert metres.warnings == ()
    assert any("unit guessed: mm" in said and "--unit" in said for said in guessed.warnings)


def test_a_guessed_unit_can_be_overruled(one):
    as_metres = one("d_house_mm.stl", unit="m")
    assert as_metres.mesh.extents[2] == pytest.approx(8106, abs=1)
    assert as_metres.warnings == ()


def test_game_units_stay_and_are_said_to_be_small(one):
    assert any("1.65 m tall" in said and "--unit" in said for said in one("kaykit_building_A.obj").warnings)


def test_blender_files_come_upright_and_say_so(one):
    for name in ("kaykit_building_A.obj", "kaykit_medieval_windmill.obj"):
        assert any("up axis guessed: Y" in said for said in one(name).warnings)
    assert one("kaykit_building_A.obj", up="z").mesh.extents[1] == pytest.approx(1.65)


def test_the_same_house_lies_the_same_way_in_obj_glb_and_dae(one, volume):
    houses = [one(name) for name in ("d_house_yup.obj", "d_house_yup.glb", "d_house.dae")]
    for house in houses:
        np.testing.assert_allclose(house.mesh.bounds, houses[0].mesh.bounds, atol=1e-4)
        assert volume(house.mesh) == pytest.approx(volume(houses[0].mesh), rel=1e-4)
        assert house.mesh.bounds[0, 2] == pytest.approx(0, abs=1e-6)


def test_national_coordinates_keep_their_millimetres(one):
    vertices = one("d_house_rd_epsg28992.obj").mesh.vertices
    assert [233137.076, 475646.963, 13.555] in vertices.tolist()


def test_ngons_keep_all_edges_and_lose_only_slivers(one):
    house = one("d_house_ngons.obj")
    assert house.warnings == ("2 polygons without area dropped",)
    ways = Counter(way for a, b, c in house.mesh.faces.tolist() for way in ((a, b), (b, c), (c, a)))
    unmatched = [way for way in ways if ways[way] != ways[way[::-1]]]
    assert len(unmatched) == 6  # the file itself lacks the polygon inside this rim
    assert len({corner for way in unmatched for corner in way}) == 6


def test_a_street_is_one_building_or_ten_on_request(folder, read, one, closed):
    whole = one("d_street_10_objects.obj").mesh
    assert len(np.unique(whole.parts)) == 10
    houses = read(folder / "d_street_10_objects.obj", split=True)
    assert len(houses) == 10
    assert houses[0].id == "NL.IMBAG.Pand.1735100000000112"
    assert sum(len(house.mesh.faces) for house in houses) == len(whole.faces) == 2322
    for house in houses:
        assert closed(house.mesh)
        assert house.mesh.extents[:2].max() < 60


def test_many_objects_in_national_coordinates_split(folder, read):
    houses = read(folder / "gelderseplein.obj", split=True)
    assert len(houses) == 105
    assert all(house.error is None for house in houses)
    assert sum(len(house.mesh.faces) for house in houses) == pytest.approx(24348, abs=10)


def test_a_nan_vertex_is_the_reason_for_rejection(folder, read):
    (house,) = read(folder / "d_house_nan.obj")
    assert house.error is not None
    assert "1 of 101 vertices are NaN" in house.error


def test_an_empty_file_has_no_faces(folder, read):
    (nothing,) = read(folder / "d_empty.obj")
    assert nothing.error == "no faces"


def test_a_missing_material_file_is_no_matter(folder, one):
    assert not (folder / "building_church_blue.mtl").exists()
    assert len(one("kaykit_medieval_church.obj").mesh.faces) == 1601


def test_a_gltf_finds_its_buffer_beside_it(one):
    assert len(one("kaykit_building_B.gltf").mesh.faces) > 1000


def test_a_glb_without_indices_has_its_three_nodes(folder, read, one):
    assert len(np.unique(one("trimesh_3storybuilding_noindices.glb").mesh.parts)) == 3
    assert len(read(folder / "trimesh_3storybuilding_noindices.glb", split=True)) == 3


def test_3mf_objects_of_one_name_keep_apart(folder, read):
    bodies = read(folder / "trimesh_cube_same_name.3mf", split=True)
    assert len({body.id for body in bodies}) == 2
    np.testing.assert_allclose(bodies[0].mesh.extents, 0.04, atol=1e-5)


def test_3mf_millimetres_hold_until_overruled(one):
    small = one("d_house.3mf")
    assert any("0.0084 m tall" in said and "--unit" in said for said in small.warnings)
    assert one("d_house.3mf", unit="m").mesh.extents[2] == pytest.approx(8.4, abs=0.01)


def test_the_highest_level_of_detail_is_taken_unless_asked(folder, read):
    path = folder / "cjio_multi_lod.city.json"
    finest, coarse = read(path), read(path, lod=1.2)
    assert len(finest) == len(coarse) == 10
    assert {building.lod for building in finest} == {2.2}
    assert {building.lod for building in coarse} == {1.2}
    assert {building.lod for building in read(path, lod=2)} == {2.2}
    assert sum(len(b.mesh.faces) for b in finest) > sum(len(b.mesh.faces) for b in coarse)


def test_a_level_that_is_missing_is_the_reason(folder, read):
    for building in read(folder / "cjio_multi_lod.city.json", lod=3):
        assert building.error == "no LoD 3; this building has 1.2, 1.3, 2.2"


def test_buildings_with_a_footprint_only_are_said(folder, read, closed):
    buildings = read(folder / "d_3dbag_12b_v2.city.json")
    assert len(buildings) == 12
    flat = [building for building in buildings if building.error]
    assert len(flat) == 2
    assert all("footprint" in str(building.error) for building in flat)
    for building in buildings:
        if not building.error:
            assert building.crs == "EPSG:7415"
            assert closed(building.mesh)
            assert {SurfaceClass.GROUND, SurfaceClass.WALL, SurfaceClass.ROOF} <= set(building.mesh.labels)
            assert building.attributes["year"] == building.attributes["oorspronkelijkbouwjaar"]


def test_a_model_without_buildings_says_what_it_holds(folder, read):
    (nothing,) = read(folder / "fcb_geom_temp.city.jsonl")
    assert nothing.error is not None
    assert "15 SolitaryVegetationObject" in nothing.error


@pytest.mark.parametrize(
    ("name", "helper"),
    [
        ("kaykit_building_D_noBase.fbx", "Blender"),
        ("mc_smallhouse1.schem", "Mineways"),
        ("mc_vikinghouse.schematic", "Mineways"),
    ],
)
def test_an_unsupported_format_names_its_converter(folder, read, name, helper):
    (row,) = read(folder / name)
    assert row.error is not None
    assert helper in row.error


def test_a_material_alone_gives_nothing(folder):
    files = [f for f in expand([folder]) if f.role == "side"]
    assert [building for file in files for building in read_buildings(file, ReadOptions())] == []
