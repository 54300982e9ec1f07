import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgen.geometry.grid import VoxelGrid
from voxgen.pipeline.duplicates import FINEST, Columns, comparison_grid, components


def symmetric(grid):
    """All 8 plan symmetries of an occupancy, by numpy."""
    turned = [np.rot90(grid, k) for k in range(4)]
    return turned + [image[::-1] for image in turned]


def centred(grid, size):
    nx, ny, nz = grid.shape
    out = np.zeros((size, size, size), bool)
    x, y = (size - nx) // 2, (size - ny) // 2
    out[x : x + nx, y : y + ny, :nz] = grid
    return out


def best_iou(a, b):
    size = max(*a.shape, *b.shape)
    a = centred(a, size)
    images = (centred(image, size) for image in symmetric(b))
    return max((a & image).sum() / max((a | image).sum(), 1) for image in images)


def oracle(grids, threshold):
    label = list(range(len(grids)))
    for i in range(len(grids)):
        for j in range(i):
            if best_iou(grids[i], grids[j]) > threshold:
                old, new = max(label[i], label[j]), min(label[i], label[j])
                label = [new if k == old else k for k in label]
    return label


def columns(grids):
    return Columns.join(Columns.of(VoxelGrid(grid)) for grid in grids)


@st.composite
def families(draw):
    """Blocks with a corner cut off, some of them turned, mirrored or changed a little."""
    grids = []
    for _ in range(draw(st.integers(1, 5))):
        nx, ny = draw(st.sampled_from([2, 4, 6, 8])), draw(st.sampled_from([2, 4, 6]))
        grid = np.ones((nx, ny, draw(st.integers(1, 70))), bool)
        grid[: draw(st.integers(0, nx - 1)), : draw(st.integers(0, ny - 1)), draw(st.integers(0, 5)) :] = (
            False
        )
        grids.append(grid)
    for _ in range(draw(st.integers(0, 5))):
        image = symmetric(grids[draw(st.integers(0, len(grids) - 1))])[draw(st.integers(0, 7))].copy()
        image[draw(st.integers(0, image.shape[0] - 1)), 0, 0] ^= True
        grids.append(image)
    return grids


@given(families(), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
@settings(max_examples=80, deadline=None)
def test_shapes_are_the_connected_components_of_all_pairs_compared(grids, threshold):
    assert components([columns(grids)], threshold).tolist() == oracle(grids, threshold)


def test_the_eight_symmetries_are_one_shape():
    rng = np.random.default_rng(0)
    grid = rng.random((6, 10, 5)) < 0.6
    assert set(components([columns(symmetric(grid))], 0.95).tolist()) == {0}


def test_a_building_upside_down_is_another_shape():
    grid = np.zeros((4, 4, 6), bool)
    grid[:, :, :3] = True
    grid[1:3, 1:3] = True
    assert len(set(components([columns([grid, grid[:, :, ::-1]])], 0.95).tolist())) == 2


def test_exactly_the_threshold_is_not_over_it():
    whole = np.ones((2, 2, 5), bool)
    nineteen = whole.copy()
    nineteen[0, 0, 4] = False
    assert components([columns([whole, nineteen])], 0.95).tolist() == [0, 1]
    assert components([columns([whole, nineteen])], 0.94).tolist() == [0, 0]


def test_being_one_shape_at_any_pitch_is_enough():
    a, b = np.ones((2, 2, 5), bool), np.ones((2, 2, 9), bool)
    apart, together = columns([a, b]), columns([a, a])
    assert components([apart], 0.95).tolist() == [0, 1]
    assert components([apart, together], 0.95).tolist() == [0, 0]


def test_empty_grids_are_no_shape_and_no_error():
    empty = np.zeros((2, 2, 2), bool)
    assert len(components([columns([empty, empty, ~empty])], 0.95)) == 3


def test_no_buildings_have_no_shapes():
    assert len(components([Columns.join([])], 0.95)) == 0


@given(st.tuples(*[st.floats(0.01, 5000)] * 3), st.floats(0.05, 5))
def test_a_comparison_grid_holds_its_building_and_stays_small(extents, pitch):
    resolution, cell, level = comparison_grid(extents, pitch)
    assert resolution[0] % 2 == resolution[1] % 2 == 0
    assert all(n * cell >= e * (1 - 1e-5) for n, e in zip(resolution, extents, strict=True))
    assert max(resolution) <= FINEST + 1
    assert cell == pytest.approx(pitch * 2**level)
