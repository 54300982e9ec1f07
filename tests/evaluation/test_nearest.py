"""The nearest building modulo symmetries, against comparing everything with everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.errors import DataError
from voxgen.evaluation.distances import centred
from voxgen.evaluation.nearest import Neighbours, alike

from .conftest import boxes, noise


def naive_iou(a: np.ndarray, b: np.ndarray) -> float:
    """The largest IoU over four quarter turns of a building and of its mirror image, by crops."""
    best = 0.0
    for mirrored in (a, a[::-1]):
        for turns in range(4):
            p, q = crop(np.rot90(mirrored, turns)), crop(b)
            if not p.size or not q.size:
                return float(p.size == q.size)
            size = [max(m, n) for m, n in zip(p.shape, q.shape, strict=True)]
            # In a square as wide as the grid: which way the middle rounds depends on its width.
            side = max(a.shape[0], a.shape[1])
            laid = []
            for grid in (p, q):
                canvas = np.zeros((side, side, size[2]), bool)
                x, y = ((side - n) // 2 for n in grid.shape[:2])
                canvas[x : x + grid.shape[0], y : y + grid.shape[1], : grid.shape[2]] = grid
                laid.append(canvas)
            best = max(best, (laid[0] & laid[1]).sum() / (laid[0] | laid[1]).sum())
    return best


def crop(grid: np.ndarray) -> np.ndarray:
    filled = np.argwhere(grid)
    if not len(filled):
        return np.zeros((0, 0, 0), bool)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    return grid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]


@pytest.mark.parametrize("shape", [(8, 8, 6), (9, 9, 5), (10, 6, 5), (6, 9, 4)])
@pytest.mark.parametrize("make", [boxes, noise])
def test_the_nearest_is_the_nearest_of_all(shape: tuple[int, int, int], make: object) -> None:
    ours, others = make(12, 3, shape), make(25, 4, shape)  # type: ignore[operator]
    iou, index = Neighbours([others[:10], others[10:]]).nearest(ours)
    table = np.array([[naive_iou(a, b) for b in others] for a in ours])
    assert iou == pytest.approx(table.max(axis=1))
    assert table[np.arange(12), index] == pytest.approx(table.max(axis=1))


def test_a_building_is_found_again_however_it_is_turned_and_wherever_it_stands() -> None:
    others = np.pad(boxes(30, 5), ((0, 0), (1, 1), (1, 1), (0, 0)))
    neighbours = Neighbours([others])
    for turns in range(4):
        for mirrored in (False, True):
            seen = np.rot90(others[:, ::-1] if mirrored else others, turns, axes=(1, 2))
            iou, _ = neighbours.nearest(np.ascontiguousarray(np.roll(seen, 1, axis=1)))
            assert iou == pytest.approx(1)


def test_an_upside_down_building_is_another() -> None:
    step = np.zeros((1, 8, 8, 4), bool)
    step[0, 2:6, 2:6, 0] = step[0, 2:4, 2:6, 1] = True
    iou, _ = Neighbours([step]).nearest(step[..., ::-1].copy())
    assert iou[0] < 0.7


def test_a_building_among_the_others_can_be_left_out() -> None:
    others = boxes(20, 6)
    neighbours = Neighbours([others])
    iou, index = neighbours.nearest(others, np.arange(20))
    assert not (index == np.arange(20)).any()
    for i in range(20):
        rest = np.delete(others, i, axis=0)
        assert iou[i] == pytest.approx(max(naive_iou(others[i], b) for b in rest))


def test_a_building_is_left_out_with_all_of_its_kind() -> None:
    others = boxes(20, 6)
    kinds = np.arange(20) // 2
    iou, index = Neighbours([others], kinds).nearest(others, kinds)
    assert not (kinds[index] == kinds).any()
    for i in range(20):
        assert iou[i] == pytest.approx(max(naive_iou(others[i], b) for b in others[kinds != kinds[i]]))
    with pytest.raises(DataError, match="none is left"):
        Neighbours([others], np.zeros(20, int)).nearest(others, np.zeros(20, int))


def test_pairs_that_are_alike_are_the_same_ones_by_brute_force() -> None:
    grids = boxes(30, 7)
    grids[7] = np.rot90(grids[3], axes=(0, 1))
    grids[9, :, :, 7] = False
    for threshold in (0.5, 0.8, 0.95):
        table = np.array([[naive_iou(a, b) > threshold for b in grids] for a in grids])
        np.fill_diagonal(table, False)
        assert np.array_equal(alike(grids, threshold), table | table.T)
    assert alike(grids)[3, 7]


@given(st.integers(0, 2**32 - 1))
def test_centring_moves_and_changes_nothing_else(seed: int) -> None:
    grids = noise(3, seed, share=0.05)
    moved = centred(grids)
    assert np.array_equal(centred(moved), moved)
    for a, b in zip(grids, moved, strict=True):
        assert np.array_equal(crop(a), crop(b))
        assert not a.any() or b[..., 0].any()


def test_air_is_like_air_and_nothing_else() -> None:
    air = np.zeros((1, 6, 6, 4), bool)
    block = np.ones((1, 6, 6, 4), bool)
    assert Neighbours([air]).nearest(air)[0][0] == 1
    assert Neighbours([block]).nearest(air)[0][0] == 0
    assert alike(np.concatenate([air, air, block])).sum() == 2


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="no buildings"):
        Neighbours([])
    with pytest.raises(DataError, match="resolution"):
        Neighbours([boxes(2)]).nearest(boxes(2, shape=(20, 20, 20)))
    with pytest.raises(DataError, match="only one"):
        Neighbours([boxes(1)]).nearest(boxes(1), np.array([0]))
