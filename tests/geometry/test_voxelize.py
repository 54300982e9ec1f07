"""Voxelization against analytic solids, the exact winding number, ray casting and a second implementation."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import box, building, centres, gable, iou, soup, together, winding_number
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import defects, inside_union, solid_parts, turned

from voxgen.errors import DataError, UsageError
from voxgen.geometry.grid import pack
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.placement import Placement, place
from voxgen.geometry.voxelize import (
    occupancy_bits,
    occupy,
    sample_net,
    voxelize,
    voxelize_points,
)

seeds = st.integers(0, 2**32 - 1)


def at_origin(resolution, pitch=1.0):
    """A grid along the world's axes, its lowest corner at the origin."""
    return Placement(np.zeros(3), 0.0, pitch, resolution, np.zeros(3))


# Two engines, one grid.


@settings(max_examples=60)
@given(seed=seeds, resolution=st.tuples(*[st.integers(1, 24)] * 3), s=st.sampled_from([1, 2, 4]))
def test_numba_and_numpy_give_the_same_grid_of_any_soup(seed, resolution, s):
    mesh, lay = soup(seed, resolution), at_origin(resolution)
    fast = voxelize(mesh, resolution, 1.0, lay, supersample=s)
    slow = voxelize(mesh, resolution, 1.0, lay, supersample=s, engine="numpy")
    np.testing.assert_array_equal(fast.values, slow.values)


@pytest.mark.parametrize("resolution", [24, (20, 12, 7)])
@pytest.mark.parametrize("seed", range(10))
def test_numba_and_numpy_give_the_same_grid_of_buildings(seed, resolution):
    for mesh in list(defects(seed).values())[::3]:
        moved = mesh.rotated(0.3 * seed).translated([1e5, 4e5, 20])
        fast, slow = (voxelize(moved, resolution, 0.9, engine=e) for e in ("numba", "numpy"))
        np.testing.assert_array_equal(fast.values, slow.values)
        assert fast.resolution == (resolution if isinstance(resolution, tuple) else (24, 24, 24))


def test_numba_and_numpy_give_the_same_large_grid():
    mesh = building(8).rotated(1.1)
    lay = place(mesh, (160, 160, 80), float(mesh.extents.max()) / 120)
    fast, slow = (voxelize(mesh, (160, 160, 80), lay.pitch, lay, engine=e) for e in ("numba", "numpy"))
    np.testing.assert_array_equal(fast.values, slow.values)
    assert fast.volume > 0


@settings(max_examples=60)
@given(seed=seeds, resolution=st.tuples(*[st.integers(1, 24)] * 3))
def test_packed_occupancy_is_occupancy_packed(seed, resolution):
    mesh, lay = soup(seed, resolution), at_origin(resolution)
    slow = occupy(mesh, resolution, 1.0, lay, engine="numpy").values
    np.testing.assert_array_equal(occupancy_bits(mesh, lay), pack(slow))
    np.testing.assert_array_equal(occupy(mesh, resolution, 1.0, lay).values, slow)


@pytest.mark.parametrize("seed", range(10))
def test_ray_casting_gives_nearly_the_same(seed):
    mesh = building(seed).rotated(0.4)
    lay = place(mesh, 32, float(mesh.extents.max()) / 28)
    fast = occupy(mesh, 32, lay.pitch, lay).values
    assert iou(occupy(mesh, 32, lay.pitch, lay, engine="open3d").values, fast) > 0.995
    if seed < 2:
        coverage = voxelize(mesh, 32, lay.pitch, lay)
        cast = voxelize(mesh, 32, lay.pitch, lay, engine="open3d")
        assert cast.volume == pytest.approx(coverage.volume, rel=0.01)


# What is inside.


@pytest.mark.parametrize("seed", range(10))
def test_every_defect_leaves_the_analytic_solid(seed):
    inside = inside_union(solid_parts(seed))
    whole = building(seed)
    lay = place(whole, 64, float(whole.extents.max()) / 62)
    grid = occupy(whole, 64, lay.pitch, lay)
    truth = inside(grid.to_world(centres(grid.resolution))).reshape(grid.resolution)
    shares = {
        name: iou(occupy(mesh, 64, lay.pitch, lay).values, truth) for name, mesh in defects(seed).items()
    }
    assert min(shares.values()) >= 0.99, shares


@pytest.mark.parametrize("name", ["overlap, no base", "interior sheets, down", "flipped faces, 20 %"])
def test_coverage_of_a_broken_building_is_that_of_the_sound_one(name):
    whole = building(7)
    lay = place(whole, 32, float(whole.extents.max()) / 30)
    sound = voxelize(whole, 32, lay.pitch, lay)
    broken = voxelize(defects(7)[name], 32, lay.pitch, lay)
    assert iou(broken.occupancy, sound.occupancy) >= 0.99
    assert broken.volume == pytest.approx(sound.volume, rel=0.01)


@settings(max_examples=30)
@given(seed=seeds, count=st.integers(1, 5))
def test_of_closed_solids_it_is_the_exact_winding_number(seed, count):
    rng = np.random.default_rng(seed)
    solids = [
        box(*rng.uniform(1, 7, 3)).rotated(rng.uniform(0, 6)).translated(rng.uniform(0, 6, 3))
        for _ in range(count)
    ]
    mesh, shape = together(*solids), (12, 11, 10)
    grid = occupy(mesh, shape, 1.0, at_origin(shape))
    expected = np.abs(winding_number(centres(shape), mesh.triangles)) > 0.5
    np.testing.assert_array_equal(grid.values.ravel(), expected)


def test_a_cavity_is_air_and_a_part_inside_another_is_solid():
    outer, inner = box(10, 10, 10), box(4, 4, 4, at=(3, 3, 3))
    lay = at_origin((10, 10, 10))
    hollow = occupy(together(outer, turned(inner)), 10, 1.0, lay).values
    assert hollow.sum() == 1000 - 64
    assert not hollow[3:7, 3:7, 3:7].any()
    parts = occupy(together(outer, turned(inner), labelled=True), 10, 1.0, lay).values
    assert parts.all()


def test_a_cantilever_has_air_below_it():
    mesh = together(box(4, 4, 8), box(6, 4, 2, at=(3.5, 0, 5)))
    grid = occupy(mesh, (10, 4, 8), 1.0, at_origin((10, 4, 8))).values
    assert grid[6:9, :, 5:7].all()
    assert not grid[5:, :, :5].any()


def test_a_house_without_a_base_closes_on_the_ground():
    roofed = defects(1)["no base"]
    lay = place(roofed, 32, 0.6)
    np.testing.assert_array_equal(
        occupy(roofed, 32, 0.6, lay).values, occupy(building(1), 32, 0.6, lay).values
    )


# Coverage.


@given(seed=seeds, s=st.sampled_from([1, 2, 4]))
def test_coverage_is_between_nothing_and_full(seed, s):
    grid = voxelize(soup(seed, (7, 6, 5)), (7, 6, 5), 1.0, at_origin((7, 6, 5)), supersample=s)
    assert grid.values.dtype == np.uint8
    assert grid.values.max() <= 64
    assert not (grid.values % (64 // s**3)).any()
    np.testing.assert_array_equal(grid.occupancy, grid.values > 32)


@given(k=st.integers(0, 64))
def test_a_floor_is_seen_to_a_64th_of_a_voxel(k):
    grid = voxelize(box(4, 4, 1 + k / 64), (4, 4, 3), 1.0, at_origin((4, 4, 3)))
    assert (grid.values[:, :, 0] == 64).all()
    assert (grid.values[:, :, 1] == k).all()


@given(k=st.integers(0, 16), axis=st.integers(0, 1))
def test_a_wall_is_seen_to_a_16th_of_a_voxel(k, axis):
    size = [3.0, 3.0, 2.0]
    size[axis] = 1 + k / 16
    values = voxelize(box(*size), (3, 3, 2), 1.0, at_origin((3, 3, 2))).values
    assert (values.take(1, axis) == 4 * k).all()


@settings(max_examples=40)
@given(seed=seeds, yaw=st.floats(0, 6), s=st.sampled_from([1, 2, 4]))
def test_coverage_adds_up_to_the_volume(seed, yaw, s):
    size = np.random.default_rng(seed).uniform(8, 18, 3)
    mesh = box(*size).rotated(yaw)
    lay = place(mesh, 32, 1.0, align=False)
    grid = voxelize(mesh, 32, 1.0, lay, supersample=s)
    # Each side is seen to about one of its steps: 1 / s^2 of a voxel in the plan, 1 / s^3 upwards.
    step = 2.0 * np.array([s**-2, s**-2, s**-3])
    assert grid.volume == pytest.approx(np.prod(size), rel=np.prod(1 + step / size) - 1)


@pytest.mark.parametrize("s", [1, 2, 4])
def test_the_samples_of_a_voxel_are_evenly_spread(s):
    net = sample_net(s)
    assert net.shape == (s * s, 3)
    levels = (net[:, 2:] + np.arange(s)) / s
    for positions in (net[:, 0], net[:, 1]):
        np.testing.assert_allclose(np.sort(positions), (np.arange(s * s) + 0.5) / s**2)
    np.testing.assert_allclose(np.sort(levels.ravel()), (np.arange(s**3) + 0.5) / s**3)


# Where the building stands.


@pytest.mark.parametrize("seed", range(10))
def test_a_building_moved_and_turned_gives_the_same_voxels(seed):
    mesh = building(seed)
    rng = np.random.default_rng(seed)
    moved = mesh.rotated(rng.uniform(-4, 4)).translated([*rng.uniform(-1e6, 1e6, 2), 300.0])
    here, there = voxelize(mesh, 32, 0.73), voxelize(moved, 32, 0.73)
    if seed in (0, 1):
        # Boxes and plain gables look the same after a half turn, and so they may land.
        turned_back = min(
            (there.values, there.values[::-1, ::-1]), key=lambda v: np.count_nonzero(v != here.values)
        )
        assert np.count_nonzero(turned_back != here.values) <= 0.002 * here.values.size
    else:
        np.testing.assert_array_equal(here.values, there.values)


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e7])
def test_far_from_the_origin_nothing_is_lost(shift):
    mesh = building(5)
    far = mesh.translated([shift, -shift, shift / 1000])
    here, there = voxelize(mesh, 32, 0.71), voxelize(far, 32, 0.71)
    np.testing.assert_array_equal(here.values, there.values)
    np.testing.assert_allclose(there.origin - here.origin, [shift, -shift, shift / 1000], atol=1e-6)


def test_what_is_outside_the_grid_is_cut_off():
    mesh = building(4)
    lay = place(mesh, (32, 28, 24), 0.7, align=False)
    whole = voxelize(mesh, (32, 28, 24), 0.7, lay)
    inner = Placement(lay.origin + 0.7 * np.array([10, 8, 3]), 0.0, 0.7, (9, 12, 8), lay.extents)
    assert lay.fits
    assert not inner.fits
    np.testing.assert_array_equal(
        voxelize(mesh, (9, 12, 8), 0.7, inner).values, whole.values[10:19, 8:20, 3:11]
    )


def test_a_grid_knows_where_it_lies():
    mesh = gable(10, 8, 3, 7).rotated(0.5).translated([1e5, 4e5, 7])
    grid = voxelize(mesh, 32, 0.5)
    assert (grid.pitch, grid.resolution) == (0.5, (32, 32, 32))
    world = grid.to_world(centres(grid.resolution)[grid.occupancy.ravel()])
    np.testing.assert_allclose(world.mean(axis=0)[:2], mesh.vertices.mean(axis=0)[:2], atol=0.05)
    assert world[:, 2].min() == pytest.approx(7.25)


# Refusals.

TRIANGLE = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("vertices", "faces", "said"),
    [
        (TRIANGLE, np.zeros((0, 3)), "no faces"),
        ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], "not finite"),
        (TRIANGLE, [[0, 1, 7]], "vertex 7, but the mesh has 3"),
        (TRIANGLE, [[-2, 1, 2]], "vertex -2"),
    ],
    ids=["empty", "NaN", "index too high", "negative index"],
)
@pytest.mark.parametrize("use", [voxelize, occupy])
def test_a_damaged_mesh_is_refused_with_what_it_holds(use, vertices, faces, said):
    mesh = Mesh.of(vertices, faces)
    with pytest.raises(DataError, match=said):
        use(mesh, 8, 1.0)
    with pytest.raises(DataError, match=said):
        use(mesh, 8, 1.0, at_origin((8, 8, 8)))


def test_an_engine_that_is_not_there_is_refused_with_the_nearest_name():
    # Past the run-time type checks, as callers without them come.
    for use in (voxelize, occupy):
        with pytest.raises(UsageError, match="did you mean 'numba'"):
            getattr(use, "__wrapped__", use)(box(), 8, 1.0, engine="nmba")


@pytest.mark.parametrize("s", [0, 3, 8])
def test_a_supersampling_that_is_not_possible_is_refused(s):
    with pytest.raises(UsageError, match=f"supersample = {s}; 1, 2 or 4"):
        voxelize(box(), 8, 1.0, supersample=s)


def test_a_flat_mesh_gives_an_empty_grid():
    flat = Mesh.of([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]], [[0, 1, 2], [0, 2, 3]])
    assert not voxelize(flat, 8, 1.0).values.any()
    collapsed = Mesh.of([[0, 0, 0], [4, 0, 0]], [[0, 1, 1]])
    assert not voxelize(collapsed, 8, 1.0).values.any()


# Scanned points.


def scan_of(heights, spacing=0.25):
    """Points over a 10 by 8 m plan, at the height that `heights(x, y)` gives."""
    x, y = (a.ravel() for a in np.meshgrid(np.arange(0.1, 10, spacing), np.arange(0.1, 8, spacing)))
    return np.column_stack([x, y, heights(x, y)])


def test_a_scanned_roof_is_solid_to_the_ground():
    points = scan_of(lambda x, _: np.where(x < 5, 6.0, 3.0))
    grid = voxelize_points(points, (12, 10, 8), 1.0, at_origin((12, 10, 8)))
    expected = np.zeros((12, 10, 8), bool)
    expected[:5, :8, :6] = True
    expected[5:10, :8, :3] = True
    np.testing.assert_array_equal(grid.values, expected)


def test_gaps_of_two_voxels_in_a_scan_are_closed():
    points = scan_of(lambda x, _: 4.0 + 0 * x)
    hole = (points[:, 0] > 4) & (points[:, 0] < 6) & (points[:, 1] > 3) & (points[:, 1] < 5)
    whole = voxelize_points(points, 12, 1.0, at_origin((12, 12, 12)))
    holed = voxelize_points(points[~hole], 12, 1.0, at_origin((12, 12, 12)))
    np.testing.assert_array_equal(whole.values, holed.values)


def test_a_courtyard_in_a_scan_stays_open():
    points = scan_of(lambda x, _: 4.0 + 0 * x)
    yard = (points[:, 0] > 3) & (points[:, 0] < 7) & (points[:, 1] > 2) & (points[:, 1] < 6)
    grid = voxelize_points(points[~yard], 12, 1.0, at_origin((12, 12, 12)))
    assert not grid.values[4:6, 3:5].any()


def test_a_scan_finds_its_own_place():
    points = scan_of(lambda x, _: 5.0 + 0 * x)
    walls = points * [1, 1, 0]
    turned_points = Mesh.of(np.concatenate([points, walls]), np.zeros((0, 3))).rotated(0.6).vertices
    grid = voxelize_points(turned_points + np.array([1e5, 4e5, 9]), (12, 10, 8), 1.0)
    assert grid.origin[2] == pytest.approx(9)
    assert grid.volume == pytest.approx(10 * 8 * 5, rel=0.05)


@pytest.mark.parametrize(
    "points",
    [np.zeros((0, 3)), np.zeros((2, 3)), np.array([[0, 0, 0], [1, 1, 1], [np.nan, 0, 0], [1.0, 2, 3]])],
)
def test_a_scan_has_three_finite_points_or_more(points):
    with pytest.raises(DataError, match=f"{len(points)} points"):
        voxelize_points(points, 8, 1.0)
