"""Measures by hand, by trimesh and shapely; mesh and grid tell the same."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from geometry_oracles import box, building, gable, together
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from solids import defects, rectangle, solid_parts, turned, without_base

from voxgen.errors import DataError, UsageError
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.measure import measure, measure_grid
from voxgen.geometry.mesh import Mesh, SurfaceClass
from voxgen.geometry.voxelize import voxelize

BOX = {
    "height": 9,
    "footprint_length": 12,
    "footprint_width": 8,
    "footprint_area": 96,
    "gross_floor_area": 288,
    "storeys": 3,
    "pitched_share": 0,
    "fill_ratio": 1,
    "volume": 864,
    "surface_area": 2 * 96 + 2 * 9 * 20,
    "roof_area": 96,
    "wall_area": 2 * 9 * 20,
}

SLOPE = np.hypot(4, 4)

GABLE = {
    "height": 7,
    "footprint_length": 10,
    "footprint_width": 8,
    "footprint_area": 80,
    "storeys": 2,
    "gross_floor_area": 80 + 80 * 2.5 / 4,
    "pitched_share": 1,
    "fill_ratio": 400 / 560,
    "volume": 80 * 3 + 10 * 8 * 4 / 2,
    "roof_area": 2 * SLOPE * 10,
    "wall_area": 2 * 3 * 18 + 8 * 4,
    "surface_area": 2 * SLOPE * 10 + 2 * 3 * 18 + 8 * 4 + 80,
}


@pytest.mark.parametrize(("mesh", "expected"), [(box(12, 8, 9), BOX), (gable(), GABLE)], ids=["box", "gable"])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_house_measures_what_it_measures_by_hand(mesh, expected, shift):
    found = measure(mesh.rotated(0.3 if shift else 0.0).translated([shift, -shift, 20]))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=0.02 if "floor" in name else 1e-4, abs=1e-9), name


@pytest.mark.parametrize(("mesh", "expected"), [(box(12, 8, 9), BOX), (gable(), GABLE)], ids=["box", "gable"])
def test_a_grid_of_a_house_measures_nearly_the_same(mesh, expected):
    found = measure_grid(voxelize(mesh, 48, 0.3))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=0.07, abs=0.03), name


@pytest.mark.parametrize("seed", range(10))
def test_mesh_and_grid_agree_about_size(seed):
    mesh = building(seed)
    by_mesh, by_grid = measure(mesh), measure_grid(voxelize(mesh, 64, float(mesh.extents.max()) / 60))
    for name in ("height", "footprint_length", "footprint_width", "footprint_area", "volume", "fill_ratio"):
        assert by_grid[name] == pytest.approx(by_mesh[name], rel=0.05), name
    assert by_mesh["volume"] <= by_mesh["footprint_area"] * by_mesh["height"] * (1 + 1e-6)
    assert by_mesh["fill_ratio"] == pytest.approx(
        by_mesh["volume"] / by_mesh["footprint_area"] / by_mesh["height"]
    )


@pytest.mark.parametrize("seed", range(4))
def test_volume_and_area_of_a_closed_part_are_trimeshs(seed):
    mesh = solid_parts(seed)[0].mesh()
    found, other = measure(mesh), mesh.to_trimesh()
    assert found["volume"] == pytest.approx(other.volume)
    assert found["surface_area"] == pytest.approx(other.area)
    assert found["height"] == pytest.approx(other.extents[2])


@pytest.mark.parametrize("seed", range(10))
def test_footprint_area_and_rectangle_are_shapelys(seed):
    plan = shapely.union_all([shapely.Polygon(part.outline) for part in solid_parts(seed)])
    found = measure(building(seed))
    assert found["footprint_area"] == pytest.approx(plan.area, rel=1e-4)
    least = plan.minimum_rotated_rectangle.area
    assert found["footprint_length"] * found["footprint_width"] <= least * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_defects_do_not_change_the_volume(seed):
    sound = measure(building(seed))["volume"]
    if len(solid_parts(seed)) == 1:
        for name, mesh in defects(seed).items():
            assert measure(mesh)["volume"] == pytest.approx(sound, rel=0.01), name


@pytest.mark.parametrize("labelled", [True, False])
def test_overlapping_solids_are_counted_once(labelled):
    both = together(box(10, 8, 6), box(6, 8, 6, at=(6, 0, 0)), labelled=labelled)
    assert measure(both)["volume"] == pytest.approx(12 * 8 * 6, rel=0.01)
    assert measure(both)["footprint_area"] == pytest.approx(96, rel=1e-4)


def test_a_house_without_a_base_is_solid_down_to_the_ground():
    found = measure(without_base(turned(gable())))
    assert found["volume"] == pytest.approx(400, rel=0.01)
    assert found["footprint_area"] == pytest.approx(80, rel=1e-4)


@pytest.mark.parametrize(("height", "storeys"), [(1, 1), (2.9, 1), (4.4, 1), (4.6, 2), (9, 3), (30, 10)])
def test_storeys_are_levels_that_cut_the_building(height, storeys):
    assert measure(box(12, 8, float(height)))["storeys"] == storeys
    assert measure_grid(voxelize(box(12, 8, float(height)), (32, 32, 128), 0.4))["storeys"] == storeys


def test_a_spire_is_no_storey():
    spire = together(box(12, 12, 6), box(2, 2, 20, at=(5, 5, 0)))
    assert measure(spire)["storeys"] == 2


def test_a_storey_height_may_be_said():
    assert measure(box(12, 8, 9), storey_height=4.5)["storeys"] == 2


def test_labels_decide_what_is_roof_and_wall():
    mesh = box(12, 8, 9)
    labels = np.full(len(mesh.faces), SurfaceClass.WALL)
    labels[mesh.triangles[:, :, 2].max(axis=1) == 0] = SurfaceClass.ROOF
    found = measure(Mesh.of(mesh.vertices, mesh.faces, labels))
    assert found["roof_area"] == pytest.approx(96)
    assert found["wall_area"] == pytest.approx(2 * 9 * 20 + 96)


@pytest.mark.parametrize(("rise", "pitched"), [(0.05, 0), (0.1, 0), (0.2, 1), (1, 1)])
def test_pitched_is_steeper_than_eight_degrees(rise, pitched):
    assert measure(gable(10, 8, 3, 3 + 4 * rise))["pitched_share"] == pitched
    assert measure_grid(voxelize(gable(10, 8, 3, 3 + 4 * rise), 48, 0.25))["pitched_share"] == pytest.approx(
        pitched, abs=0.15
    )


@given(factor=st.floats(0.5, 3))
def test_measures_grow_by_their_dimension(factor):
    small, large = measure(gable()), measure(gable().scaled(factor), storey_height=3 * factor)
    powers = {"volume": 3, "storeys": 0, "pitched_share": 0, "fill_ratio": 0}
    powers |= dict.fromkeys(("height", "footprint_length", "footprint_width"), 1)
    for name, value in small.items():
        assert large[name] == pytest.approx(value * factor ** powers.get(name, 2), rel=1e-3), name


@settings(max_examples=40)
@given(
    values=hnp.arrays(
        np.uint8, st.tuples(*[st.integers(1, 6)] * 3), elements=st.sampled_from([0, 0, 20, 40, 64])
    ),
    pitch=st.floats(0.1, 3),
)
def test_any_grid_can_be_measured(values, pitch):
    found = measure_grid(VoxelGrid(values, pitch))
    assert all(np.isfinite(value) and value >= 0 for value in found.values())
    assert found["footprint_length"] >= found["footprint_width"]
    if (values > 32).any():
        assert found["volume"] == pytest.approx(VoxelGrid(values, pitch).volume)
    else:
        assert not any(found.values())


@pytest.mark.parametrize("height", [0.0, -3.0, float("nan"), float("inf")])
def test_a_storey_has_a_height(height):
    with pytest.raises(UsageError, match="storey_height"):
        measure(box(), height)
    with pytest.raises(UsageError, match="storey_height"):
        measure_grid(VoxelGrid(np.ones((2, 2, 2), bool)), height)


def test_a_mesh_without_faces_has_no_measures():
    with pytest.raises(DataError, match="no faces"):
        measure(Mesh.of(rectangle(0, 0, 1, 1) @ np.ones((2, 3)), np.zeros((0, 3))))
