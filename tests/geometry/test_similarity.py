"""Popcount IoU against numpy; the symmetries of the plan as a group."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from geometry_oracles import iou
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgen.errors import UsageError
from voxgen.geometry.grid import pack
from voxgen.geometry.similarity import plan_symmetries, popcount_iou

sizes = st.tuples(*[st.integers(1, 9)] * 3)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 20),
    m=st.integers(0, 20),
    shape=sizes,
    share=st.sampled_from([0.02, 0.5, 1]),
)
def test_it_is_numpys_intersection_over_union(seed, n, m, shape, share):
    rng = np.random.default_rng(seed)
    a, b = rng.random((n, *shape)) < share, rng.random((m, *shape)) < share
    found = popcount_iou(pack(a), pack(b))
    expected = np.array([[iou(x, y) for y in b] for x in a], np.float32).reshape(n, m)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@given(grids=hnp.arrays(np.bool_, st.tuples(st.integers(1, 20), st.just(3), st.just(2), st.just(5))))
def test_a_set_with_itself_is_symmetric_with_ones_on_the_diagonal(grids):
    bits = pack(grids)
    found = popcount_iou(bits, bits)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), np.ones(len(grids)))
    np.testing.assert_array_equal(found, popcount_iou(bits, bits.copy()))


def test_empty_grids_are_alike_and_unlike_all_others():
    bits = pack(np.stack([np.zeros((2, 2, 2), bool), np.ones((2, 2, 2), bool)]))
    assert popcount_iou(bits, bits).tolist() == [[1, 0], [0, 1]]


def test_grids_of_different_size_are_refused_with_both_sizes():
    with pytest.raises(UsageError, match="8 and 64 bytes"):
        # Past the run-time shape checks, as callers without them come.
        inspect.unwrap(popcount_iou)(np.zeros((1, 8), np.uint8), np.zeros((1, 64), np.uint8))


@pytest.fixture
def grid():
    return np.random.default_rng(3).random((5, 5, 4)) < 0.5


def test_the_first_four_keep_the_long_side_and_the_others_are_those_transposed(grid):
    found = plan_symmetries(grid)
    for variant, expected in zip(
        found[:4], [grid, grid[::-1], grid[:, ::-1], np.rot90(grid, 2)], strict=True
    ):
        np.testing.assert_array_equal(variant, expected)
    np.testing.assert_array_equal(found[4:], found[:4].swapaxes(1, 2))


def test_the_symmetries_are_a_group_of_eight(grid):
    found = {variant.tobytes(): i for i, variant in enumerate(plan_symmetries(grid))}
    assert len(found) == 8
    table = np.array([[found[v.tobytes()] for v in plan_symmetries(w)] for w in plan_symmetries(grid)])
    # Closed, with an identity, and each element has an inverse: rows and columns are permutations.
    for line in [*table, *table.T]:
        assert sorted(line) == list(range(8))
    np.testing.assert_array_equal(table[0], range(8))
    np.testing.assert_array_equal(table[:, 0], range(8))


def test_the_symmetries_are_the_turns_and_mirrors_of_the_plan(grid):
    turns = [np.rot90(g, k) for g in (grid, grid[::-1]) for k in range(4)]
    assert {g.tobytes() for g in turns} == {g.tobytes() for g in plan_symmetries(grid)}
