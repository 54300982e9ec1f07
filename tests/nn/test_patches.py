"""Patches and positions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from voxgen.nn.patches import Position, depth_to_space, space_to_depth


@given(
    cells=st.tuples(*[st.integers(1, 3)] * 3),
    batch=st.integers(1, 3),
    channels=st.integers(1, 3),
    patch=st.integers(1, 4),
)
def test_folding_and_unfolding_are_inverse(cells, batch, channels, patch):
    x = torch.randn(batch, channels, *(n * patch for n in cells))
    folded = space_to_depth(x, patch)
    assert folded.shape == (batch, channels * patch**3, *cells)
    assert torch.equal(depth_to_space(folded, patch), x)
    assert torch.equal(space_to_depth(depth_to_space(folded, patch), patch), folded)


def test_a_cell_holds_its_own_voxels_and_no_others():
    x = torch.arange(4 * 6 * 8).reshape(1, 1, 4, 6, 8).float()
    folded = space_to_depth(x, 2)
    for i, j, k in ((0, 0, 0), (1, 2, 3), (0, 1, 2)):
        cube = x[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, 2 * k : 2 * k + 2]
        assert torch.equal(folded[0, :, i, j, k], cube.flatten())


def test_cells_know_where_they_are():
    out = Position((4, 2, 5))(torch.zeros(3, 6, 4, 2, 5))
    assert out.shape == (3, 9, 4, 2, 5)
    assert not out[:, :6].any()
    x, y, z = out[1, 6:]
    assert x[:, 0, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert y[0, :, 0].tolist() == [-0.5, 0.5]
    assert z[0, 0].tolist() == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert torch.equal(out[0], out[2])


def test_positions_take_the_precision_of_what_they_join_and_no_place_in_a_checkpoint():
    position = Position((2, 2, 2))
    assert position(torch.zeros(1, 1, 2, 2, 2, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert not position.state_dict()
