"""Poses carry coverage over exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.design.pose import SYMMETRIES, Places, Pose, overlaps, turn
from voxgen.geometry.similarity import plan_symmetries

ROOM = (16, 14, 8)


def _building() -> np.ndarray:
    x = np.zeros(ROOM)
    x[5:11, 4:9, :4] = 1.0
    x[5:8, 4:6, 4] = 0.5
    return x


def test_no_pose_changes_nothing() -> None:
    assert (Pose().place(_building(), ROOM) == _building()).all()


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_turns_are_the_symmetries_of_the_plan(symmetry) -> None:
    square = np.random.default_rng(0).random((9, 9, 3)) > 0.5
    assert (turn(square, symmetry) == plan_symmetries(square)[symmetry]).all()


@given(
    stretch=st.tuples(*[st.floats(0.8, 1.2)] * 3),
    shift=st.tuples(*[st.floats(-1.5, 1.5)] * 2),
    symmetry=st.integers(0, SYMMETRIES - 1),
)
def test_volume_is_stretched_and_never_lost_inside(stretch, shift, symmetry) -> None:
    x = _building()
    y = Pose(symmetry, stretch, shift).place(x, ROOM)
    assert y.sum() == pytest.approx(x.sum() * np.prod(stretch))
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-12
    before = np.average(np.arange(ROOM[2]) + 0.5, weights=x.sum(axis=(0, 1)))
    after = np.average(np.arange(ROOM[2]) + 0.5, weights=y.sum(axis=(0, 1)))
    assert after == pytest.approx(before * stretch[2], abs=0.1)


def test_cells_share_what_lies_in_them() -> None:
    # Two cells of 1.5 from 0.5 on: [0.5, 2] and [2, 3.5].
    assert overlaps(2, 4, 1.5, 0.5).tolist() == [[0.5, 0], [1, 0], [0, 1], [0, 0.5]]


def test_the_best_shift_is_found_and_the_nearest_of_equals() -> None:
    x = np.zeros((10, 10, 4))
    x[3:6, 4:6, :2] = 1
    allowed = np.zeros_like(x)
    allowed[0:3, 7:10, :] = 1
    shift, wrong = Places.of(allowed, np.zeros_like(x)).best(x)
    assert wrong == pytest.approx(0, abs=1e-6)
    assert shift == (-3, 3)
    everywhere = np.ones_like(x)
    assert Places.of(everywhere, np.zeros_like(x)).best(x)[0] == (0, 0)


def test_what_is_kept_draws_the_building() -> None:
    x = np.zeros((10, 10, 4))
    x[3:6, 4:6, :2] = 1
    keep = np.zeros_like(x)
    keep[7:10, 4:6, :2] = 1
    assert Places.of(np.ones_like(x), keep).best(x)[0] == (4, 0)


def test_outside_of_the_room_nothing_is_allowed() -> None:
    x = np.zeros((6, 6, 2))
    x[0:6, 0:2] = 1
    allowed = np.ones_like(x)
    allowed[3:] = 0
    assert Places.of(allowed, np.zeros_like(x)).best(x)[1] == pytest.approx(3 * 2 * 2)
