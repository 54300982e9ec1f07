"""Faces for readers that cut them into fans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgen.geometry.blocks import block_polygons
from voxgen.geometry.fans import fans
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.solid import Extrusion
from voxgen.geometry.topology import topology


def cut(faces: list[list[int]]) -> list[tuple[int, int, int]]:
    """Each face as a naive reader cuts it."""
    return [(face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)]


def ring(text: str) -> np.ndarray:
    return np.array([tuple(map(float, pair.split(","))) for pair in text.split()])


@pytest.mark.parametrize(
    ("outline", "faces"),
    [
        ("0,0 4,0 4,4 0,4", 1),
        ("0,0 2,0 4,0 4,4 2,4 0,4", 1),
        ("0,0 4,0 4,2 2,2 2,4 0,4", 1),
        ("0,0 6,0 6,4 4,4 4,2 2,2 2,4 0,4", 2),
    ],
    ids=["square", "middles", "L", "U"],
)
def test_known_outlines_need_few_faces(outline: str, faces: int) -> None:
    prism = Extrusion((ring(outline),), 0.0, 3.0).polyhedron()
    assert [len(fans(prism, p)) for p in range(2)] == [faces, faces]


@given(hnp.arrays(bool, (5, 5, 3), elements=st.booleans()))
def test_a_naive_reader_gets_a_closed_solid_of_the_same_volume_and_no_face_over(filled: np.ndarray) -> None:
    if not filled.any():
        return
    surface = block_polygons(VoxelGrid(filled, 0.5))
    triangles = np.array([t for p in range(len(surface)) for t in cut(fans(surface, p))])
    mesh = Mesh.of(surface.vertices, triangles)
    assert mesh.volume == pytest.approx(surface.to_mesh().volume)
    assert len(triangles) == len(surface.triangles[0])
    corners = mesh.triangles
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.linalg.norm(across, axis=1).sum() / 2 == pytest.approx(surface.areas.sum())
    assert topology(mesh, 0.0).is_oriented
