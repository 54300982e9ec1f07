"""The grid: its place in the world, what occupied means, bits."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import building, coverages, occupancies, places
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgen.geometry.grid import FULL, HALF, VoxelGrid, coarsened, pack, unpack
from voxgen.geometry.placement import place

indices = hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-10, 100))


@given(indices=indices, place=places)
def test_an_index_goes_to_the_world_and_comes_back(indices, place):
    grid = VoxelGrid(np.zeros((4, 5, 6), np.bool_), **place)
    back = grid.to_index(grid.to_world(indices))
    np.testing.assert_allclose(back, indices, atol=1e-8 / place["pitch"])


@given(indices=indices, place=places)
def test_a_step_in_the_grid_is_a_pitch_in_the_world(indices, place):
    grid = VoxelGrid(np.zeros((4, 5, 6), np.bool_), **place)
    step = grid.to_world(indices + np.array([1.0, 0, 0])) - grid.to_world(indices)
    expected = place["pitch"] * np.array([np.cos(place["yaw"]), np.sin(place["yaw"]), 0])
    np.testing.assert_allclose(step, np.broadcast_to(expected, step.shape), atol=1e-8)
    np.testing.assert_allclose(grid.to_world(np.zeros((1, 3)))[0], place["origin"])


def test_a_placement_and_its_grid_agree_about_indices():
    mesh = building(4).rotated(0.7).translated([1e5, 4e5, 12])
    lay = place(mesh, (20, 12, 7), 1.0)
    grid = VoxelGrid(np.zeros(lay.resolution, np.bool_), lay.pitch, lay.origin, lay.yaw)
    np.testing.assert_array_equal(grid.to_index(mesh.vertices), lay.to_index(mesh.vertices))


@given(values=coverages)
def test_occupied_means_over_half(values):
    grid = VoxelGrid(values)
    np.testing.assert_array_equal(grid.occupancy, values > 32)
    np.testing.assert_array_equal(grid.coverage, values)


@given(values=occupancies)
def test_occupancy_covers_all_or_nothing(values):
    grid = VoxelGrid(values)
    assert set(np.unique(grid.coverage).tolist()) <= {0, FULL}
    np.testing.assert_array_equal(VoxelGrid(grid.coverage).occupancy, values)


def test_half_a_voxel_is_not_occupied():
    assert not VoxelGrid(np.full((1, 1, 1), HALF, np.uint8)).occupancy.any()


@given(values=coverages, pitch=st.floats(0.1, 4))
def test_the_volume_is_the_sum_of_coverages(values, pitch):
    expected = values.astype(float).sum() / 64 * pitch**3
    assert VoxelGrid(values, pitch).volume == pytest.approx(expected)


@given(values=hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 7)] * 4)))
def test_what_is_packed_comes_back(values):
    bits = pack(values)
    assert bits.shape == (len(values), -(-values[0].size // 8))
    np.testing.assert_array_equal(unpack(bits, values.shape[1:]), values)
    np.testing.assert_array_equal(unpack(bits[0], values.shape[1:]), values[0])
    np.testing.assert_array_equal(pack(values[0]), bits[0])


def test_no_grids_pack_to_no_bits():
    bits = pack(np.zeros((0, 3, 4, 5), np.bool_))
    assert bits.shape == (0, 8)
    assert unpack(bits, (3, 4, 5)).shape == (0, 3, 4, 5)


def test_bits_run_along_z_least_significant_first():
    values = np.zeros((2, 2, 4), np.bool_)
    values[0, 0, 1] = values[1, 0, 3] = True
    assert pack(values).tolist() == [0b00000010, 0b00001000]


def test_coarsened_is_filled_over_a_half():
    fine = np.random.default_rng(0).random((2, 8, 6, 4)) < 0.5
    seen = coarsened(fine, 2)
    for n, i, j, k in np.ndindex(2, 4, 3, 2):
        block = fine[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, 2 * k : 2 * k + 2]
        assert seen[n, i, j, k] == (block.sum() > 4)
