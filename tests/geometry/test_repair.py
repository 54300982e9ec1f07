"""Repairs: what they promise, step by step, and that the second time there is nothing to do."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import coverages, diagonal_contacts, occupancies
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.repair import RepairReport, repair, resolve_contacts

grids = st.one_of(occupancies, coverages)

switches = st.fixed_dictionaries({name: st.booleans() for name in ("diagonals", "largest", "ground")})


def pieces(occupancy):
    return ndimage.label(occupancy, np.ones((3, 3, 3)))[1]


@settings(max_examples=50)
@given(occupancy=occupancies)
def test_no_voxels_touch_along_an_edge_or_corner_only(occupancy):
    fixed = resolve_contacts(occupancy)
    assert diagonal_contacts(fixed) == 0
    assert not (occupancy & ~fixed).any()


@pytest.mark.parametrize(
    ("filled", "expected"),
    [
        ([(0, 0, 0)], 0),
        ([(0, 0, 0), (1, 0, 0)], 0),
        ([(0, 0, 0), (1, 1, 0)], 1),
        ([(0, 0, 0), (1, 1, 1)], 2),
        ([(0, 0, 0), (1, 1, 0), (0, 1, 0)], 0),
    ],
    ids=["alone", "side by side", "edge", "corner", "already joined"],
)
def test_the_fewest_voxels_are_filled(filled, expected):
    occupancy = np.zeros((4, 4, 4), bool)
    for x, y, z in filled:
        occupancy[x + 1, y + 1, z + 1] = True
    fixed, report = repair(VoxelGrid(occupancy), largest=False, ground=False)
    assert report.filled == fixed.occupancy.sum() - len(filled) == expected


@given(values=grids)
def test_the_result_is_one_piece_on_the_ground_without_contacts(values):
    fixed, _ = repair(VoxelGrid(values, 0.5))
    occupancy = fixed.occupancy
    assert occupancy.any() == VoxelGrid(values).occupancy.any()
    if occupancy.any():
        assert pieces(occupancy) == 1
        assert occupancy[:, :, 0].any()


@settings(max_examples=50)
@given(values=grids)
def test_the_result_has_no_contacts_left(values):
    assert diagonal_contacts(repair(VoxelGrid(values))[0].occupancy) == 0


@given(values=grids, steps=switches)
def test_the_second_time_there_is_nothing_to_repair(values, steps):
    once, _ = repair(VoxelGrid(values), **steps)
    twice, report = repair(once, **steps)
    assert report == RepairReport()
    assert not report.changed
    np.testing.assert_array_equal(twice.values, once.values)


@given(values=grids)
def test_without_steps_nothing_changes(values):
    same, report = repair(VoxelGrid(values), diagonals=False, largest=False, ground=False)
    assert not report.changed
    assert same.values is values


@given(values=grids, steps=switches)
def test_a_report_says_exactly_whether_occupancy_changed(values, steps):
    grid = VoxelGrid(values, 0.5)
    fixed, report = repair(grid, **steps)
    assert report.changed == (fixed.occupancy != grid.occupancy).any()
    assert fixed.values.dtype == values.dtype
    assert fixed.values.shape == values.shape
    assert fixed.occupancy.sum() == grid.occupancy.sum() + report.filled - report.removed
    for name, figures in {
        "diagonals": (report.filled,),
        "largest": (report.removed, report.removed_pieces),
        "ground": (report.lowered,),
    }.items():
        assert steps[name] or not any(figures)


def test_the_largest_piece_stays_and_the_others_are_counted():
    occupancy = np.zeros((9, 3, 3), bool)
    occupancy[0] = True
    occupancy[3:5] = True
    occupancy[7, 1, 1] = True
    fixed, report = repair(VoxelGrid(occupancy))
    assert (report.removed_pieces, report.removed) == (2, 10)
    assert fixed.occupancy.sum() == 18
    assert fixed.occupancy[3:5].all()


def test_partly_filled_voxels_go_with_their_piece():
    values = np.zeros((9, 3, 3), np.uint8)
    values[1:3, 1, 0], values[3, 1, 0] = 64, 20
    values[7, 1, 0], values[8, 1, 0] = 64, 20
    fixed, _ = repair(VoxelGrid(values))
    assert fixed.values[3, 1, 0] == 20
    assert not fixed.values[5:].any()


def test_a_floating_building_comes_down_by_so_many_metres():
    values = np.zeros((3, 3, 6), np.uint8)
    values[:, :, 2:4], values[:, :, 4] = 64, 20
    fixed, report = repair(VoxelGrid(values, 0.5, np.array([1.0, 2, 3]), 0.4))
    assert report == RepairReport(lowered=1.0)
    np.testing.assert_array_equal(fixed.values, np.roll(values, -2, axis=2))
    assert (fixed.pitch, fixed.origin.tolist(), fixed.yaw) == (0.5, [1, 2, 3], 0.4)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8])
def test_an_empty_grid_stays_empty(dtype):
    fixed, report = repair(VoxelGrid(np.zeros((3, 4, 5), dtype)))
    assert not report.changed
    assert not fixed.values.any()
