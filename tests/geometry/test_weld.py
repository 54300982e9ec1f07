"""Welding: who joins whom, and that both welders go by one rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from voxgen.geometry import topology
from voxgen.geometry.weld import weld


@given(points=hnp.arrays(np.float64, st.tuples(st.integers(0, 30), st.just(3)), elements=st.integers(0, 3)))
def test_welding_joins_exactly_the_equal(points):
    welded, index = weld(points)
    np.testing.assert_array_equal(welded[index], points)
    assert len(welded) == len({tuple(point) for point in points})


@given(shift=st.floats(-1e6, 1e6))
def test_welding_joins_below_a_millimetre_and_not_at_it(shift):
    points = np.array([[0, 0, 0], [0, 0, 0.0009], [5, 0, 0], [5, 0, 0.001], [5, 0, 0.0025]]) + shift
    welded, index = weld(points)
    assert index.tolist() == [0, 0, 1, 2, 3]
    assert (welded == points[[0, 2, 3, 4]]).all()


def test_welding_keeps_groups_apart():
    points = np.zeros((4, 3))
    welded, index = weld(points, np.array([0, 0, 1, 2]))
    assert len(welded) == 3
    assert index.tolist() == [0, 0, 1, 2]


def test_a_crowd_within_a_millimetre_is_welded_without_listing_its_pairs():
    points = np.random.default_rng(5).uniform(0, 0.0009, (50_000, 3))
    welded, index = weld(np.concatenate([points, [[1.0, 0, 0]]]))
    assert len(welded) == 2
    assert index[-1] == 1


def test_a_chain_of_close_vertices_becomes_the_first_of_them():
    points = np.array([[0, 0, 0], [0, 0, 0.0008], [0, 0, 0.0016], [0, 0, 0.0024]])[[2, 0, 3, 1]]
    welded, index = weld(points)
    assert index.tolist() == [0, 0, 0, 0]
    np.testing.assert_array_equal(welded, points[:1])


@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.sampled_from([0.0, 1e3, 1e6]),
    tolerance=st.sampled_from([1e-3, 1e-2, 1.0]),
)
def test_both_welders_join_the_same_pairs(seed, shift, tolerance):
    rng = np.random.default_rng(seed)
    first = rng.integers(-20, 20, (12, 3)) * 10.0
    first = first[np.unique(first, axis=0, return_index=True)[1]]
    apart = rng.choice([0, 0.5, 0.9, 0.999, 1, 1.001, 1.5], (len(first), 1)) * tolerance
    points = (
        np.concatenate([first, first + apart * Rotation.random(len(first), rng).as_matrix()[:, 0]]) + shift
    )
    _, index = weld(points, tolerance=tolerance)
    target = topology.weld(points, tolerance)
    np.testing.assert_array_equal(np.unique(target, return_inverse=True)[1], index)
    joined = (target[len(first) :] == target[: len(first)])[:, None]
    np.testing.assert_array_equal(joined, apart < tolerance)


@given(points=hnp.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(0, 2)))
def test_without_a_tolerance_equal_vertices_are_one(points):
    target = topology.weld(points, 0.0)
    np.testing.assert_array_equal(points[target], points)
    assert len(np.unique(target)) == len(np.unique(points, axis=0))
