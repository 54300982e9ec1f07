"""Nearest-neighbour figures on sets small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen.errors import DataError
from voxgen.evaluation.distances import centred
from voxgen.evaluation.two_sample import from_distances, two_sample


def towers(heights: list[int], at: int = 3) -> np.ndarray:
    grids = np.zeros((len(heights), 8, 8, 8), bool)
    for grid, height in zip(grids, heights, strict=True):
        grid[at : at + 2, at : at + 2, :height] = True
    return grids


def test_sets_far_apart_are_told_apart() -> None:
    result = two_sample(towers([1, 1, 1]), towers([7, 8, 7]))
    assert result.nna == 1
    assert result.coverage == pytest.approx(1 / 3)


def test_a_tie_between_the_own_set_and_the_other_counts_as_half() -> None:
    assert two_sample(towers([2, 2]), towers([2, 2])).nna == 0.5


def test_copies_of_the_reference_lie_below_a_half() -> None:
    # Each g equals one r and nothing in its own set: the nearest neighbour always lies in the other set.
    result = two_sample(towers([1, 3, 8]), towers([1, 3, 8]))
    assert result.nna == 0
    assert result.coverage == 1
    assert result.mmd == 0


def test_figures_by_hand() -> None:
    gg = np.array([[0, 0.2, 0.9], [0.2, 0, 0.9], [0.9, 0.9, 0]])
    rr = np.array([[0, 0.5, 0.5], [0.5, 0, 0.4], [0.5, 0.4, 0]])
    gr = np.array([[0.3, 0.9, 0.9], [0.6, 0.8, 0.9], [0.9, 0.4, 0.7]])
    result = from_distances(gg, rr, gr)
    assert result.nna_generated == pytest.approx(2 / 3)  # g0 and g1 find each other, g2 finds r1
    # r0 finds g0; r1 has 0.4 on both sides, a tie; r2 finds r1
    assert result.nna_reference == pytest.approx(0.5)
    assert result.coverage == pytest.approx(2 / 3)  # r0 (twice) and r1 are some g's nearest
    assert result.mmd == pytest.approx((0.3 + 0.4 + 0.7) / 3)


def test_coverage_counts_references_that_some_sample_finds_and_mmd_averages_over_references() -> None:
    apart = np.full((3, 3), 0.9)
    # All samples find r0; each reference has another nearest sample. The transpose would give COV 1.
    gr = np.array([[0.1, 0.4, 0.8], [0.2, 0.3, 0.7], [0.15, 0.5, 0.6]])
    result = from_distances(apart, apart, gr)
    assert result.coverage == pytest.approx(1 / 3)
    assert result.mmd == pytest.approx((0.1 + 0.3 + 0.6) / 3)
    assert from_distances(apart, apart, gr.T).coverage == 1


def test_where_a_building_stands_does_not_matter() -> None:
    a, b = towers([2, 5], at=1), towers([2, 5], at=5)
    assert np.array_equal(centred(a), centred(b))
    lifted = np.roll(towers([2, 3]), 3, axis=3)
    assert np.array_equal(centred(lifted), centred(towers([2, 3])))


def test_random_halves_of_one_set_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(0)
    grids = np.zeros((120, 12, 12, 12), bool)
    for grid in grids:
        x, y, z = rng.integers(2, 12, 3)
        grid[:x, :y, :z] = True
    figures = [two_sample(grids[i : i + 30], grids[i + 60 : i + 90]).nna for i in (0, 15, 30)]
    assert 0.35 < np.mean(figures) < 0.65


def test_unequal_or_tiny_sets_are_refused() -> None:
    with pytest.raises(DataError, match="equal size"):
        two_sample(towers([1, 2, 3]), towers([1, 2]))
