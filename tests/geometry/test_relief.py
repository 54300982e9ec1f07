"""Reliefs: what lies over each place once is told from what has walls."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen.geometry.mesh import Mesh
from voxgen.geometry.relief import is_relief, looks_one_way


def hills(n=24, step=2.0, seed=0):
    """A terrain of n x n points."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(n) * step, np.arange(n) * step, indexing="ij")
    z = 4 * np.sin(x / 9) + 3 * np.cos(y / 7) + 0.3 * rng.normal(size=x.shape)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (k.ravel() for k in (i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh.of(np.stack([x, y, z], -1).reshape(-1, 3), faces)


def without(mesh, axis_sign):
    """A box without its floor (-1) or its roof (1)."""
    return Mesh.of(mesh.vertices, mesh.faces[np.sign(mesh.area_vectors[:, 2]) != axis_sign])


def block(length, width, height):
    import trimesh

    made = trimesh.creation.box((length, width, height))
    return Mesh.of(made.vertices, made.faces)


@pytest.mark.parametrize("turned", [False, True])
def test_hills_are_a_relief_whichever_way_they_look(turned):
    mesh = hills()
    assert is_relief(-mesh.area_vectors if turned else mesh.area_vectors)


def test_bodies_are_none_with_or_without_a_floor():
    house, hall = block(9, 7, 6), block(60, 40, 6)
    for body in (house, hall):
        for mesh in (body, without(body, -1), without(body, 1)):
            assert not is_relief(mesh.area_vectors)


def test_a_floorless_body_looks_one_way_along_its_height_only():
    mesh = without(block(9, 7, 6), -1)
    areas = mesh.area_vectors
    assert [looks_one_way(areas, axis) for axis in range(3)] == [False, False, True]
