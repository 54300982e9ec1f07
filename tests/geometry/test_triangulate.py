"""Triangulation: areas by the shoelace formula, edges by counting."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgen.geometry.triangulate import newell_normal, triangulate

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]
HOLE = [(1, 1), (1, 2), (2, 2), (2, 1)]


def flat(*rings):
    """Rings of one polygon in the plane, tilted into space, as `triangulate` takes them."""
    points = np.array([point for ring in rings for point in ring], np.float64)
    tilt = np.array([[0.8, 0.0, 0.6], [-0.36, 0.8, 0.48]])
    sizes = [len(ring) for ring in rings]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return points @ tilt + 1e5, np.arange(len(points)), offsets, np.array([0, len(rings)])


def area(points, faces):
    corners = points[faces]
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


def rim(faces):
    """Directed edges that no other triangle takes back."""
    ways = Counter((int(a), int(b)) for f in faces for a, b in zip(f, np.roll(f, -1), strict=True))
    return {way for way, count in ways.items() if count > ways[way[::-1]]}


def ring_edges(rings, offsets):
    return {
        (int(a), int(b))
        for start, end in pairwise(offsets)
        for a, b in zip(rings[start:end], np.roll(rings[start:end], -1), strict=True)
    }


@pytest.mark.parametrize(
    ("rings", "expected"),
    [
        ([SQUARE], 16),
        ([SQUARE, HOLE], 15),
        ([SQUARE, HOLE[::-1]], 15),
        ([[(0, 0), (2, 0), (4, 0), (4, 4), (0, 4)]], 16),
        ([[(0, 0), (4, 0), (1, 1), (0, 4)]], 4),
        ([[(0, 0), (6, 0), (6, 4), (4, 4), (4, 2), (2, 2), (2, 4), (0, 4)]], 20),
        ([[(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)]], 8),
    ],
    ids=["square", "hole", "hole wound wrongly", "points in a row", "concave quad", "U", "touches itself"],
)
def test_the_area_is_the_polygons(rings, expected):
    points, loops, offsets, polygons = flat(*rings)
    faces, _ = triangulate(points, loops, offsets, polygons)
    assert area(points, faces).sum() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "rings", [[SQUARE, HOLE], [[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (2, 3)]], [HOLE]]
)
def test_every_ring_edge_comes_back_once_in_its_direction(rings):
    points, loops, offsets, polygons = flat(*rings)
    faces, _ = triangulate(points, loops, offsets, polygons)
    assert rim(faces) == ring_edges(loops, offsets)


def test_faces_look_where_the_polygon_looks():
    points, loops, offsets, polygons = flat(SQUARE, HOLE)
    faces, _ = triangulate(points, loops, offsets, polygons)
    normal = newell_normal(points[loops[:4]])
    assert (newell_normal(points[faces]) @ normal > 0).all()


def test_a_polygon_without_area_keeps_its_edges():
    points, loops, offsets, polygons = flat([(0, 0), (1, 0), (2, 0), (3, 0), (1.5, 0)])
    faces, _ = triangulate(points, loops, offsets, polygons)
    assert rim(faces) == ring_edges(loops, offsets)


def test_faces_name_their_polygon_in_order():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0.5, 0]], np.float64)
    loops = np.array([0, 1, 2, 3, 1, 4, 2, 0, 1, 4, 2, 3])
    faces, source = triangulate(points, loops, np.array([0, 4, 7, 12]), np.array([0, 1, 2, 3]))
    assert source.tolist() == [0, 0, 1, 2, 2, 2]
    assert len(faces) == 6


def test_nothing_gives_nothing():
    empty = np.zeros(0, np.int64)
    faces, source = triangulate(np.zeros((0, 3)), empty, np.array([0]), np.array([0]))
    assert faces.shape == (0, 3)
    assert source.shape == (0,)


@given(
    radii=hnp.arrays(np.float64, st.integers(5, 40), elements=st.floats(0.1, 10)),
    sag=st.floats(0, 0.02),
)
def test_star_shaped_polygons_keep_area_and_rim(radii, sag):
    angles = 2 * np.pi * np.arange(len(radii)) / len(radii)
    points = np.stack([radii * np.cos(angles), radii * np.sin(angles), sag * np.cos(5 * angles)], axis=1)
    loops, offsets = np.arange(len(radii)), np.array([0, len(radii)])
    faces, _ = triangulate(points, loops, offsets, np.array([0, 1]))
    assert len(faces) == len(radii) - 2
    assert rim(faces) == ring_edges(loops, offsets)
    x, y = points[:, 0], points[:, 1]
    shoelace = 0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1))
    assert newell_normal(points[faces])[:, 2].sum() == pytest.approx(shoelace, rel=1e-9)


def test_a_tangle_of_very_many_corners_keeps_its_rim():
    count = 20_000
    points = np.random.default_rng(6).uniform(0, 9, (count, 3)) * [1, 1, 0]
    faces, _ = triangulate(points, np.arange(count), np.array([0, count]), np.array([0, 1]))
    assert rim(faces) == ring_edges(np.arange(count), np.array([0, count]))
