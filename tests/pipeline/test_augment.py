import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voxgen.pipeline.augment import VARIANTS, augment, augment_each

grids = arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 4), elements=st.integers(0, 64))


@given(grids, st.integers(0, VARIANTS - 1))
def test_each_symmetry_undoes_itself(grid, variant):
    assert np.array_equal(augment(augment(grid, variant), variant), grid)


@given(grids, st.integers(0, VARIANTS - 1))
def test_layers_stay_at_their_height_and_keep_their_volume(grid, variant):
    turned = augment(grid, variant)
    assert turned.dtype == grid.dtype
    assert np.array_equal(turned.sum(axis=(1, 2)), grid.sum(axis=(1, 2)))


@given(grids)
def test_the_long_side_stays_on_x(grid):
    for variant in range(VARIANTS):
        along_x = augment(grid, variant).sum(axis=(2, 3))
        expected = grid.sum(axis=(2, 3))
        assert np.array_equal(along_x, expected) or np.array_equal(along_x, expected[:, ::-1])


def test_the_four_symmetries_of_a_chiral_plan_differ():
    plan = np.zeros((3, 3, 1), np.uint8)
    plan[0, :, 0] = 1
    plan[1, 2, 0] = 1
    plan[2, 0, 0] = 2
    assert len({augment(plan, variant).tobytes() for variant in range(VARIANTS)}) == VARIANTS


@given(grids, st.data())
def test_a_batch_is_turned_grid_by_grid(batch, data):
    variants = data.draw(arrays(np.int64, len(batch), elements=st.integers(0, 3)))
    expected = [augment(grid, int(variant)) for grid, variant in zip(batch, variants, strict=True)]
    assert np.array_equal(augment_each(batch, variants), np.stack(expected))


@pytest.mark.parametrize("variant", [-1, 4])
def test_a_quarter_turn_is_refused(variant):
    with pytest.raises(ValueError, match="half turn"):
        augment(np.zeros((2, 2, 2), np.uint8), variant)
