"""Cracks and blades without thickness are taken out of solids, and outlines come to no corner twice."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold

from voxgen.elements.booleans import bounded, swept, triangles_of
from voxgen.elements.folds import is_folded
from voxgen.elements.surfaces import polyhedra_of
from voxgen.geometry.mesh import Mesh

from .elements_oracles import box


def flattened(solid: Manifold, low: float, high: float, to: float) -> Manifold:
    """A solid whose corners between two x are moved to one: what lay between is without thickness."""
    mesh = triangles_of(solid)
    points = mesh.vertices.copy()
    points[(points[:, 0] > low) & (points[:, 0] < high), 0] = to
    return bounded(points, mesh.faces)


def cracked() -> Manifold:
    return flattened(box((2, 1, 1)) - box((0.01, 2, 1), (0.995, -0.5, 0.5)), 0.9, 1.1, 1.0)


def bladed() -> Manifold:
    return flattened(box((2, 1, 0.5)) + box((0.01, 0.8, 1), (0.995, 0.1, 0)), 0.9, 1.1, 1.0)


def test_a_crack_is_told() -> None:
    assert is_folded(triangles_of(cracked()))


@pytest.mark.parametrize(("make", "volume"), [(cracked, 2.0), (bladed, 1.0)])
def test_what_has_no_thickness_is_taken_out(make, volume: float) -> None:
    solid = make()
    (found,), lost = polyhedra_of(solid)
    mesh = found.to_mesh()
    assert not is_folded(mesh)
    assert lost == 0
    assert mesh.volume == pytest.approx(volume, rel=1e-3)
    assert len(found) == 6


def test_a_box_is_not_folded_and_stays() -> None:
    assert not is_folded(triangles_of(box((2, 1, 1))))
    (found,), _ = polyhedra_of(box((2, 1, 1)))
    assert len(found) == 6


def test_a_stepped_sheet_has_no_crack_where_its_parts_touch() -> None:
    """Two roofs side by side, of one line at the front, one rising and one level."""
    points = np.array([(0, 0, 0), (2, 0, 0), (2, 4, 2), (0, 4, 2), (4, 0, 0), (4, 4, 0), (2, 4, 0)], float)
    faces = np.array([(0, 1, 2), (0, 2, 3), (1, 4, 5), (1, 5, 6)])
    solid = swept(points, faces, np.array([0.0, 0.0, -1.0]))
    assert not is_folded(triangles_of(solid))
    assert solid.volume() == pytest.approx(16, rel=1e-6)


def test_outlines_come_to_no_corner_twice() -> None:
    """Two boxes on a slab, seen from above an area that touches itself at a corner."""
    slab = box((4, 4, 1))
    solid = slab + box((2, 2, 1), (0, 0, 1)) + box((1.999, 1.999, 1), (2.001, 2.001, 1))
    mesh = triangles_of(solid)
    points = np.where(np.abs(mesh.vertices - 2.0) < 0.01, 2.0, mesh.vertices)
    touching = Mesh.of(points[:, :], mesh.faces)
    surfaces, _ = polyhedra_of(bounded(touching.vertices, touching.faces))
    assert surfaces
    for found in surfaces:
        rings = np.split(found.loops, found.rings[1:-1])
        assert all(len(np.unique(ring)) == len(ring) for ring in rings)
