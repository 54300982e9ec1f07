"""The least rectangle against a search over angles and shapely; where the grid lies."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from geometry_oracles import box, building, gable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from voxgen.errors import DataError, UsageError
from voxgen.geometry.mesh import Mesh, rotation_z
from voxgen.geometry.placement import footprint_rectangle, place

plans = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.just(2)),
    elements=st.one_of(st.floats(-50, 50), st.integers(-5, 5).map(float)),
)


def local(points, rectangle):
    """Points seen from a rectangle's centre, along its sides."""
    return (points - rectangle.centre) @ rotation_z(rectangle.yaw)[:2, :2]


@given(points=plans)
def test_all_points_lie_in_the_rectangle_and_touch_its_sides(points):
    found = footprint_rectangle(points)
    reach = np.abs(local(points, found)).max(axis=0)
    np.testing.assert_allclose(reach, [found.length / 2, found.width / 2], atol=1e-6)
    assert found.length >= found.width >= 0
    assert 0 <= found.yaw < np.pi


@given(points=plans)
def test_no_angle_gives_a_smaller_rectangle(points):
    found = footprint_rectangle(points)
    angles = np.linspace(0, np.pi / 2, 721)
    axes = np.stack([np.cos(angles), np.sin(angles)])
    sizes = np.ptp(points @ axes, axis=0) * np.ptp(points @ np.stack([-axes[1], axes[0]]), axis=0)
    assert found.length * found.width <= sizes.min() + 1e-6 * np.ptp(points) ** 2 + 1e-9


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 60))
def test_its_area_is_shapelys(seed, count):
    points = np.random.default_rng(seed).normal(size=(count, 2)) * [20, 7]
    found = footprint_rectangle(points)
    oracle = shapely.MultiPoint(points).minimum_rotated_rectangle
    assert found.length * found.width <= oracle.area * (1 + 1e-9)
    assert found.length * found.width >= shapely.MultiPoint(points).convex_hull.area * (1 - 1e-9)


@given(yaw=st.floats(0, np.pi - 1e-3), x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_a_rectangle_in_the_world_is_found_where_it_lies(yaw, x, y):
    points = gable(12, 5).rotated(yaw).vertices[:, :2] + [x, y]
    found = footprint_rectangle(points)
    assert (found.length, found.width) == pytest.approx((12, 5), abs=1e-8)
    turn = (found.yaw - yaw + np.pi / 2) % np.pi - np.pi / 2
    assert turn == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(found.centre, points[:4].mean(axis=0), atol=1e-8)


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.array([[0, 0], [np.nan, 1]])])
def test_a_footprint_needs_finite_points(points):
    with pytest.raises(DataError, match=f"{len(points)} were given"):
        footprint_rectangle(points)


@given(
    seed=st.integers(0, 9),
    yaw=st.floats(-4, 4),
    shift=hnp.arrays(np.float64, 3, elements=st.floats(-1e6, 1e6)),
)
def test_a_building_stands_on_the_floor_in_the_middle_with_its_long_side_on_x(seed, yaw, shift):
    mesh = building(seed).rotated(yaw).translated(shift)
    lay = place(mesh, (40, 30, 20), 0.9)
    index = lay.to_index(mesh.vertices)
    low, high = index.min(axis=0), index.max(axis=0)
    np.testing.assert_allclose((low + high)[:2], [40, 30], atol=1e-6)
    assert low[2] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose((high - low) * 0.9, lay.extents, atol=1e-6)
    assert lay.extents[0] >= lay.extents[1] * (1 - 1e-6)


@given(seed=st.integers(0, 9), yaw=st.floats(-4, 4), x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_a_building_lands_in_the_same_voxels_wherever_it_stands_and_however_it_is_turned(seed, yaw, x, y):
    mesh = building(seed)
    moved = mesh.rotated(yaw).translated([x, y, 77])
    here = place(mesh, 32, 0.8).to_index(mesh.vertices)
    there = place(moved, 32, 0.8).to_index(moved.vertices)
    # As sets: a box may take the half turn that changes nothing.
    assert np.max(np.min(cdist(here, there), axis=1)) < 1e-6


@given(turns=st.integers(0, 3), yaw=st.floats(-4, 4))
def test_on_a_square_plan_the_building_itself_decides_the_turn(turns, yaw):
    tower = box(2, 3, 9, at=(7, 1, 0))
    mesh = Mesh.of(
        np.concatenate([box(10, 10, 3).vertices, tower.vertices]),
        np.concatenate([box().faces, box().faces + 8]),
    )
    moved = mesh.rotated(yaw + turns * np.pi / 2)
    here = place(mesh, 16, 1.0).to_index(mesh.vertices)
    np.testing.assert_allclose(place(moved, 16, 1.0).to_index(moved.vertices), here, atol=1e-6)


def test_without_alignment_the_grid_lies_along_the_world():
    mesh = box(4, 3, 2).rotated(0.4)
    lay = place(mesh, 8, 1.0, align=False)
    assert lay.yaw == 0
    np.testing.assert_allclose(lay.extents, mesh.extents)


@pytest.mark.parametrize(
    ("size", "fits"), [((8, 6, 4), True), ((8.01, 6, 4), False), ((8, 6.01, 4), False), ((8, 6, 4.01), False)]
)
def test_a_building_fits_where_nothing_of_it_is_outside(size, fits):
    assert place(box(*size).translated([1e5, 1e5, 3]), (8, 6, 4), 1.0).fits is fits


def test_a_margin_asks_for_room_on_all_sides_but_the_floor():
    mesh = box(8, 6, 4)
    assert place(mesh, (10, 8, 5), 1.0, margin=1.0).fits
    assert not place(mesh, (9, 8, 5), 1.0, margin=1.0).fits
    assert not place(mesh, (10, 8, 4), 1.0, margin=1.0).fits
    plain, wide = place(mesh, (10, 8, 5), 1.0), place(mesh, (10, 8, 5), 1.0, margin=1.0)
    np.testing.assert_array_equal(plain.origin, wide.origin)


@pytest.mark.parametrize("resolution", [0, -4, (8, 8), (8, 8, 0), (8, 8, 8, 8)])
def test_a_resolution_is_one_or_three_positive_whole_numbers(resolution):
    with pytest.raises(UsageError, match="resolution = "):
        place(box(), resolution, 1.0)


@pytest.mark.parametrize("pitch", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pitch_is_a_positive_number_of_metres(pitch):
    with pytest.raises(UsageError, match=f"pitch = {pitch}"):
        place(box(), 8, pitch)


def test_a_mesh_without_faces_has_no_place():
    with pytest.raises(DataError, match="no faces"):
        place(Mesh.of(np.zeros((3, 3)), np.zeros((0, 3))), 8, 1.0)
