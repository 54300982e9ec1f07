"""The mesh and its moves."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import box
from hypothesis import given
from hypothesis import strategies as st

from voxgen.geometry.mesh import Mesh, SurfaceClass, rotation_z

angles = st.floats(-10, 10)


def test_faces_that_say_nothing_are_unknown_and_in_one_part():
    mesh = Mesh.of([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2], [2, 1, 0]])
    assert mesh.labels.tolist() == [SurfaceClass.UNKNOWN] * 2
    assert mesh.parts.tolist() == [0, 0]
    assert (mesh.vertices.dtype, mesh.faces.dtype) == (np.float64, np.int32)


def test_vertices_that_no_face_uses_have_no_say_in_the_bounds():
    mesh = Mesh.of([[0, 0, 0], [1, 0, 0], [0, 2, 3], [99, 99, 99]], [[0, 1, 2]])
    np.testing.assert_array_equal(mesh.bounds, [[0, 0, 0], [1, 2, 3]])
    np.testing.assert_array_equal(mesh.extents, [1, 2, 3])


def test_a_quarter_turn_takes_x_to_y():
    turned = Mesh.of([[1, 0, 5]], np.zeros((0, 3))).rotated(np.pi / 2)
    np.testing.assert_allclose(turned.vertices, [[0, 1, 5]], atol=1e-15)


@given(a=angles, b=angles)
def test_turns_add_up(a, b):
    np.testing.assert_allclose(rotation_z(a) @ rotation_z(b), rotation_z(a + b), atol=1e-12)
    np.testing.assert_allclose(
        box().rotated(a).rotated(b).vertices, box().rotated(a + b).vertices, atol=1e-12
    )


@given(yaw=angles, x=st.floats(-1e6, 1e6))
def test_moves_change_positions_and_nothing_else(yaw, x):
    mesh = box()
    for moved in (mesh.rotated(yaw), mesh.translated([x, 0, 1]), mesh.scaled(2.0)):
        assert moved.faces is mesh.faces
        assert moved.labels is mesh.labels
        assert moved.parts is mesh.parts
    np.testing.assert_allclose(mesh.translated([x, 0, 1]).extents, mesh.extents, atol=1e-9)
    assert mesh.scaled(2.0).extents == pytest.approx(2 * mesh.extents)


def test_trimesh_gets_the_same_vertices_and_faces():
    mesh = box(4, 3, 2)
    other = mesh.to_trimesh()
    np.testing.assert_array_equal(other.vertices, mesh.vertices)
    np.testing.assert_array_equal(other.faces, mesh.faces)
    assert other.is_watertight
    assert other.volume == pytest.approx(24)
