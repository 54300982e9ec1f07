"""Edge counts by hand and by trimesh; meshes that cannot be computed with are refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import box, building, gable, soup, together, without
from hypothesis import given
from hypothesis import strategies as st
from solids import defects, turned

from voxgen.errors import DataError
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.topology import check, topology


def test_a_box_has_eighteen_edges_and_none_of_them_open():
    found = topology(box())
    assert (found.edges, found.open, found.nonmanifold, found.flipped, found.faces) == (18, 0, 0, 0, 12)
    assert found.is_closed
    assert found.is_oriented
    assert found.open_fraction == found.nonmanifold_fraction == 0


def test_a_missing_triangle_opens_its_three_edges():
    found = topology(without(box(), [5]))
    assert (found.edges, found.open) == (18, 3)
    assert not found.is_closed
    assert found.open_fraction == pytest.approx(3 / 18)


def test_a_triangle_turned_around_flips_its_three_edges_and_opens_none():
    mesh = box()
    faces = mesh.faces.copy()
    faces[5] = faces[5][::-1]
    found = topology(Mesh.of(mesh.vertices, faces))
    assert (found.open, found.flipped) == (0, 3)
    assert found.is_closed
    assert not found.is_oriented


def test_all_turned_around_is_as_consistent_as_before():
    assert topology(turned(gable())) == topology(gable())


def test_boxes_on_a_common_edge_are_nonmanifold_as_one_part_and_sound_as_two():
    pair = box(4, 3, 2), box(4, 3, 2, at=(4, 3, 0))
    found = topology(together(*pair))
    assert (found.edges, found.open, found.nonmanifold) == (35, 0, 1)
    assert not found.is_closed
    assert found.nonmanifold_fraction == pytest.approx(1 / 35)
    apart = topology(together(*pair, labelled=True))
    assert (apart.edges, apart.nonmanifold) == (36, 0)
    assert apart.is_closed


@pytest.mark.parametrize("seed", range(5))
def test_a_soup_of_loose_triangles_counts_like_the_mesh_it_came_from(seed):
    mesh = building(seed)
    corners = mesh.triangles.reshape(-1, 3)
    jitter = np.random.default_rng(seed).uniform(-2e-4, 2e-4, corners.shape)
    loose = Mesh.of(corners + jitter, np.arange(len(corners)).reshape(-1, 3))
    assert topology(loose) == topology(mesh)


def test_triangles_that_collapse_have_no_edges():
    mesh = box()
    sliver = Mesh.of(
        np.concatenate([mesh.vertices, mesh.vertices[:1] + 1e-4]),
        np.concatenate([mesh.faces, [[0, len(mesh.vertices), 1]]]),
    )
    assert topology(sliver) == topology(mesh)


@pytest.mark.parametrize("seed", range(10))
def test_closed_and_oriented_mean_what_trimesh_means(seed):
    for mesh in defects(seed).values():
        other, found = mesh.to_trimesh(), topology(mesh, 0.0)
        other.merge_vertices()
        assert (found.is_closed and found.is_oriented) == (
            other.is_watertight and other.is_winding_consistent
        )


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 30))
def test_the_edges_of_any_soup_are_counted_as_by_hand(seed, count):
    mesh = soup(seed, (9, 9, 9), count)
    faces = [tuple(f) for f in mesh.faces.tolist() if len(set(f)) == 3]
    sides = [tuple(sorted((f[i], f[i - 2]))) for f in faces for i in range(3)]
    times = [sides.count(side) for side in set(sides)]
    found = topology(mesh)
    assert (found.edges, found.open, found.nonmanifold) == (
        len(times),
        times.count(1),
        sum(n > 2 for n in times),
    )
    assert found.faces == len(faces)


def test_a_mesh_of_collapsed_triangles_is_not_closed():
    assert not topology(Mesh.of([[0, 0, 0], [1, 0, 0]], [[0, 1, 1]])).is_closed


TRIANGLE = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("vertices", "faces", "said"),
    [
        (TRIANGLE, np.zeros((0, 3)), "no faces"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "no faces"),
        (TRIANGLE, [[0, 1, 3]], r"vertex 3, but the mesh has 3"),
        (TRIANGLE, [[0, -1, 2]], r"vertex -1, but the mesh has 3"),
        ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], "not finite"),
        ([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]], [[0, 1, 2]], "not finite"),
    ],
    ids=["no faces", "nothing", "index too high", "index below 0", "NaN", "infinity"],
)
def test_what_cannot_be_computed_with_is_refused_with_the_reason(vertices, faces, said):
    mesh = Mesh.of(vertices, faces)
    for use in (check, topology):
        with pytest.raises(DataError, match=said):
            use(mesh)


def test_a_nan_that_no_face_uses_does_no_harm():
    mesh = box()
    check(Mesh.of(np.concatenate([mesh.vertices, [[np.nan] * 3]]), mesh.faces))
    assert topology(Mesh.of(np.concatenate([[[np.nan] * 3], mesh.vertices]), mesh.faces + 1)).is_closed
