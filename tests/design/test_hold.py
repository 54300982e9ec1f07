"""Rules on the grid, on drawn shapes and as laws over random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from voxgen.design.hold import as_coverage, carried, hold, one_piece
from voxgen.geometry.components import connected

EMPTY = np.zeros((12, 8, 8))


def _filled(*parts) -> np.ndarray:
    x = EMPTY.copy()
    for part in parts:
        x[part] = 1.0
    return x


EVERYWHERE = np.ones_like(EMPTY)
BLOCK = np.s_[1:5, 1:6, :4]


def test_what_is_allowed_stays_as_it_is() -> None:
    x = _filled(BLOCK)
    kept, held = hold(x, EVERYWHERE, EMPTY, 2.0)
    assert (kept == x).all()
    assert held.total == 0


def test_a_cantilever_reaches_as_far_as_it_may() -> None:
    x = _filled(BLOCK, np.s_[5:10, 1:6, 3])
    kept, held = hold(x, EVERYWHERE, EMPTY, 2.0)
    assert np.flatnonzero(kept[:, 3, 3]).tolist() == [1, 2, 3, 4, 5, 6]
    assert held.dropped == 3 * 5


def test_what_overhangs_adds_up_from_layer_to_layer() -> None:
    stair = _filled(np.s_[0:3, :, 0], np.s_[0:5, :, 1], np.s_[0:7, :, 2], np.s_[0:9, :, 3])
    kept, _ = hold(stair, EVERYWHERE, EMPTY, 4.0)
    assert [int(kept[:, 3, z].sum()) for z in range(4)] == [3, 5, 7, 7]


def test_a_storey_over_what_overhangs_overhangs_as_much() -> None:
    x = _filled(BLOCK, np.s_[5:7, 1:6, 2:4], np.s_[7:9, 1:6, 3])
    kept, _ = hold(x, EVERYWHERE, EMPTY, 3.0)
    assert np.flatnonzero(kept[:, 3, 3]).tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_bridge_is_carried_from_both_ends() -> None:
    x = _filled(np.s_[0:3, :, :6], np.s_[7:10, :, :6], np.s_[3:7, :, 4:6])
    assert hold(x, EVERYWHERE, EMPTY, 2.0)[1].dropped == 0
    assert hold(x, EVERYWHERE, EMPTY, 1.0)[1].dropped > 0


def test_what_floats_or_stands_apart_is_dropped() -> None:
    x = _filled(BLOCK, np.s_[1:3, 1:3, 6:8], np.s_[8:10, 1:3, :2])
    kept, held = hold(x, EVERYWHERE, EMPTY, 2.0)
    assert (kept == _filled(BLOCK)).all()
    assert held.dropped == 8 + 8


def test_what_stays_is_built_in_and_decides_the_piece() -> None:
    keep = _filled(np.s_[8:10, 1:3, :2])
    kept, held = hold(_filled(BLOCK), EVERYWHERE, keep, 2.0)
    assert (kept == keep).all()
    two = np.maximum(keep, _filled(np.s_[1:3, 7:8, :2]))
    assert not hold(_filled(np.s_[7:10, 1:4, :2]), EVERYWHERE, two, 2.0)[0].any()
    thin = 0.4 * keep
    assert hold(_filled(BLOCK), EVERYWHERE, thin, 2.0)[0][8:10, 1:3, :2].min() == 0.4
    joined, held = hold(_filled(BLOCK, np.s_[5:8, 1:3, :2]), EVERYWHERE, keep, 2.0)
    assert (joined[8:10, 1:3, :2] == 1).all()
    assert held.added == 8


def test_nothing_is_built_where_it_may_not() -> None:
    allowed = EVERYWHERE.copy()
    allowed[3:, :, :] = 0.25
    kept, held = hold(_filled(BLOCK), allowed, EMPTY, 2.0)
    assert (kept <= allowed).all()
    assert held.cut == pytest.approx(2 * 5 * 4 * 0.75)


grids = arrays.arrays(np.float64, (7, 6, 5), elements=st.sampled_from([0.0, 0.2, 0.6, 1.0]))


@given(x=grids, allowed=grids, reach=st.sampled_from([0.0, 1.0, 2.5]))
def test_rules_hold_for_any_grid_and_holding_again_changes_nothing(x, allowed, reach) -> None:
    none = np.zeros_like(x)
    kept, _ = hold(x, allowed, none, reach)
    filled = kept > 0.5
    assert (kept <= np.minimum(x, allowed)).all()
    assert connected(filled, corners=False)[1] <= 1
    assert (carried(filled, none > 1, reach) == filled).all()
    again, held = hold(kept, allowed, none, reach)
    assert (again == kept).all()
    assert held.total == 0


def test_one_piece_is_the_largest() -> None:
    filled = _filled(BLOCK, np.s_[8, 1, 0]) > 0.5
    assert (one_piece(filled, EMPTY > 1) == (_filled(BLOCK) > 0.5)).all()


def test_coverage_keeps_what_is_more_than_half() -> None:
    x = np.array([[[0.0, 0.5, 0.501, 0.7, 1.0]]])
    assert as_coverage(x).tolist() == [[[0, 32, 33, 45, 64]]]
