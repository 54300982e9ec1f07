"""The column scan: no cracks, no double counts, whatever meets whatever."""

from __future__ import annotations

import numpy as np
from geometry_oracles import soup
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from voxgen.geometry.engines import crossings_numpy
from voxgen.geometry.grid import unpack
from voxgen.geometry.kernels import crossings, linked, scan_bits, scan_counts

seeds = st.integers(0, 2**32 - 1)


def per_column(column, sign, nx, ny):
    """Sum of signs and number of crossings of each column."""
    total = np.bincount(column, sign, nx * ny).astype(int)
    return total.reshape(nx, ny), np.bincount(column, minlength=nx * ny).reshape(nx, ny)


@given(seed=seeds, nx=st.integers(1, 9), ny=st.integers(1, 9), steps=st.sampled_from([2, 6, 1000]))
def test_a_sheet_of_triangles_meets_every_column_once(seed, nx, ny, steps):
    # With two steps a voxel, corners and edges of triangles run through the columns themselves.
    rng = np.random.default_rng(seed)
    inner = np.round(rng.uniform(0, 1, (30, 2)) * [nx, ny] * steps) / steps
    plan = np.unique(
        np.concatenate([inner, [[-1, -1], [nx + 1, -1], [nx + 1, ny + 1], [-1, ny + 1]]]), axis=0
    )
    faces = Delaunay(plan).simplices
    points = np.column_stack([plan, rng.uniform(0, 5, len(plan))])
    column, height, sign, face = crossings(points, faces, nx, ny)
    total, count = per_column(column, sign, nx, ny)
    assert (count == 1).all()
    assert (total == 1).all()
    corners = points[faces[face], 2]
    assert ((corners.min(axis=1) <= height) & (height <= corners.max(axis=1))).all()


@given(seed=seeds, nx=st.integers(1, 9), ny=st.integers(1, 9))
def test_a_height_is_where_the_column_meets_the_plane(seed, nx, ny):
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(-2, 2, 3)
    plan = np.concatenate([[[-9, -9], [20, -9], [20, 20], [-9, 20]], rng.uniform(0, 9, (9, 2))])
    points = np.column_stack([plan, plan @ [a, b] + c])
    column, height, _, _ = crossings(points, Delaunay(plan).simplices, nx, ny)
    np.testing.assert_allclose(height, a * (column // ny + 0.5) + b * (column % ny + 0.5) + c, atol=1e-9)


@given(seed=seeds)
def test_a_closed_surface_is_entered_as_often_as_it_is_left(seed):
    rng = np.random.default_rng(seed)
    points = np.round(rng.uniform(-1, 7, (4, 3)) * 2) / 2
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    column, _, sign, _ = crossings(points, tetrahedron, 6, 6)
    assert (per_column(column, sign, 6, 6)[0] == 0).all()


@given(seed=seeds, nx=st.integers(1, 9), ny=st.integers(1, 9))
def test_a_triangle_turned_around_changes_its_signs_alone(seed, nx, ny):
    mesh = soup(seed, (nx, ny, 5))
    column, height, sign, _ = crossings(mesh.vertices, mesh.faces, nx, ny)
    other = crossings(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]), nx, ny)
    np.testing.assert_array_equal(other[0], column)
    np.testing.assert_allclose(other[1], height, atol=1e-9)
    np.testing.assert_array_equal(other[2], -sign)


@given(seed=seeds, nx=st.integers(1, 20), ny=st.integers(1, 20))
def test_numpy_finds_the_same_crossings_to_the_last_bit(seed, nx, ny):
    mesh = soup(seed, (nx, ny, 5))
    expected = crossings(mesh.vertices, mesh.faces, nx, ny)
    for found, wanted in zip(crossings_numpy(mesh.vertices, mesh.faces, nx, ny), expected[:3], strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_more_crossings_than_foreseen_are_all_kept():
    square = np.array([[-1.0, -1, 1], [300, -1, 1], [300, 300, 1], [-1, 300, 1]])
    column, _, _, _ = crossings(square, np.array([[0, 1, 2], [0, 2, 3]]), 90, 70)
    assert sorted(column.tolist()) == list(range(90 * 70))


@given(columns=st.lists(st.integers(0, 5)))
def test_each_column_has_its_crossings_in_its_chain(columns):
    head, after = linked(np.array(columns, np.int32), 6)
    for c in range(6):
        chain, at = [], head[c]
        while at >= 0:
            chain.append(at)
            at = after[at]
        assert sorted(chain) == [n for n, column in enumerate(columns) if column == c]


@given(seed=seeds, shape=st.tuples(*[st.integers(1, 12)] * 3), floor=st.integers(0, 4))
def test_bits_and_counts_say_the_same(seed, shape, floor):
    mesh = soup(seed, shape)
    floor = float(min(floor, shape[2]))
    words = scan_bits(mesh.vertices, mesh.faces, *shape, floor)
    counts = scan_counts(mesh.vertices, mesh.faces, *shape, floor, np.full((1, 3), 0.5), 1)
    bits = words.view(np.uint8)[: (np.prod(shape) + 7) // 8]
    np.testing.assert_array_equal(unpack(bits, shape), counts.astype(bool))
    assert not counts[:, :, : int(floor)].any()
