"""Prisms, and the shells and outlines of polyhedra."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen.geometry.blocks import block_polygons
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import SurfaceClass
from voxgen.geometry.polyhedron import nothing
from voxgen.geometry.shells import open_edges, pieces
from voxgen.geometry.solid import Extrusion


def square(half: float) -> np.ndarray:
    return np.array([(-half, -half), (half, -half), (half, half), (-half, half)])


def test_a_prism_with_a_hole_is_closed_and_has_its_volume_and_classes() -> None:
    prism = Extrusion((square(2.0), square(1.0)[::-1]), 1.0, 3.0).polyhedron()
    assert open_edges(prism) == 0
    assert prism.to_mesh().volume == pytest.approx((16 - 4) * 3)
    assert prism.to_mesh().bounds.tolist() == [[-2, -2, 1], [2, 2, 4]]
    assert [int((prism.labels == c).sum()) for c in SurfaceClass][1:4] == [1, 8, 1]
    assert len(prism) == 10


def test_detached_bodies_and_cavities_are_told_apart() -> None:
    filled = np.zeros((14, 12, 12), bool)
    filled[1:8, 1:8, 1:8] = True
    filled[3:6, 3:6, 3:6] = False  # a cavity
    filled[4, 4, 4] = True  # with a body inside it
    filled[9:12, 9:11, :3] = True  # and one beside
    surface = block_polygons(VoxelGrid(filled, 0.5))
    found = pieces(surface)
    assert sorted(len(piece.cavities) for piece in found) == [0, 0, 1]
    assert sorted(np.concatenate([n for p in found for n in (p.outer, *p.cavities)])) == list(
        range(len(surface))
    )
    hollow = next(piece for piece in found if piece.cavities)
    heights = [np.ptp(np.concatenate([surface.polygon(int(p))[0] for p in s])[:, 2]) for s in
               (hollow.outer, hollow.cavities[0])]  # fmt: skip
    assert heights == pytest.approx([3.5, 1.5])


def test_a_surface_with_a_face_missing_has_its_open_edges_counted() -> None:
    whole = Extrusion((square(1.0),), 0.0, 1.0).polyhedron()
    part = type(whole)(
        whole.vertices, whole.loops[:-4], whole.rings[:-1], whole.polygons[:-1], whole.labels[:-1],
        whole.storeys[:-1],
    )  # fmt: skip
    assert open_edges(part) == 4
    assert pieces(nothing()) == []


def test_a_face_that_touches_itself_at_a_corner_is_an_outer_ring_and_a_hole() -> None:
    heights = np.full((4, 4), 2)
    heights[1, 1], heights[2, 2], heights[2:, 3], heights[3, 2] = 3, 1, 0, 0
    surface = block_polygons(VoxelGrid(np.arange(4)[None, None] < heights[..., None], 1.0))
    touching = [
        p for p in range(len(surface)) if len(set(surface.corners(p)[0])) < len(surface.corners(p)[0])
    ]
    (roof,) = touching
    assert [len(ring) for ring in surface.outlines(roof)] == [6, 4]
    for p in range(len(surface)):
        rings = surface.outlines(p)
        assert all(len(set(ring.tolist())) == len(ring) for ring in rings)
        assert sorted(np.concatenate(rings)) == sorted(np.concatenate(surface.corners(p)))
