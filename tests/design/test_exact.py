"""Solids keep a site exactly, and the proof finds what does not."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen.design.exact import exact, proof
from voxgen.design.frame import room_of, window_of
from voxgen.design.hold import as_coverage, hold
from voxgen.design.site import within
from voxgen.elements.booleans import prism, triangles_of
from voxgen.errors import DataError, UsageError
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh

SIZE, PITCH = (48, 48, 24), 0.5


def _filling(site) -> VoxelGrid:
    """A building that fills the room."""
    room = room_of(site, SIZE, PITCH)
    kept, _ = hold(np.ones(room.lay.resolution), room.allowed, room.keep, 4.0)
    return VoxelGrid(as_coverage(kept), PITCH, room.lay.origin, room.lay.yaw)


def test_a_room_holds_as_much_as_its_site(site, box) -> None:
    made = site(plane=[{"edge": 0, "height": 3, "slope": 45}], void=[box("void", (2, 2, 0), (4, 8, 3))])
    room = room_of(made, SIZE, PITCH)
    assert room.allowed.sum() * PITCH**3 == pytest.approx(made.envelope.volume(), rel=5e-3)


def test_a_room_turns_along_the_site_or_as_it_is_told(site) -> None:
    turned = site(plot="POLYGON ((0 0, 12 9, 7.5 15, -4.5 6, 0 0))")
    assert np.tan(room_of(turned, SIZE, PITCH).lay.yaw) == pytest.approx(9 / 12)
    assert room_of(turned, SIZE, PITCH, 30.0).lay.yaw == pytest.approx(np.pi / 6)


@pytest.mark.parametrize("yaw", [0.0, 10.0])
def test_what_fills_the_room_is_trimmed_to_the_envelope(site, box, yaw) -> None:
    keep, void = box("keep", (1, 9, 0), (4, 12, 4)), box("void", (5, 0, 0), (8, 8, 3))
    made = site(plane=[{"edge": 0, "height": 3, "slope": 40}], keep=[keep], void=[void])
    room = room_of(made, SIZE, PITCH, yaw)
    kept, _ = hold(np.ones(room.lay.resolution), room.allowed, room.keep, 8.0)
    surface, trimmed = exact(VoxelGrid(as_coverage(kept), PITCH, room.lay.origin, room.lay.yaw), made)
    found = proof(surface.to_mesh(), made)
    assert found.holds
    assert found.volume == pytest.approx(made.envelope.volume(), rel=0.02)
    assert trimmed < 0.03 * found.volume


def test_a_hair_is_left_so_that_single_precision_stays_inside(site) -> None:
    made = site()
    surface, _ = exact(_filling(made), made)
    mesh = surface.to_mesh()
    rounded = Mesh.of(mesh.vertices.astype(np.float32).astype(np.float64), mesh.faces)
    assert proof(rounded, made).holds


def test_a_party_wall_costs_no_voxel(site, box) -> None:
    # A neighbour that stands on the edge, across voxels: what is left is as large as the plot.
    plot = "POLYGON ((0.2 0.3, 12.2 0.3, 12.2 10.3, 0.2 10.3, 0.2 0.3))"
    beside = box("beside", (-8, 0.3, 0), (0.2, 10.3, 9))
    for context in ([], [beside]):
        room = room_of(site(plot=plot, context=context), SIZE, PITCH)
        assert room.allowed.sum() * PITCH**3 == pytest.approx(12 * 10 * 9, rel=1e-3)


def test_a_void_inside_stays_a_void(site, box) -> None:
    made = site(void=[box("void", (5, 3, 3), (8, 6, 6))])
    surface, _ = exact(_filling(made), made)
    found = proof(surface.to_mesh(), made)
    assert found.holds
    assert found.volume == pytest.approx(9 * 280 - 27, rel=5e-3)


def test_what_is_not_joined_with_what_stays_is_refused(site, box) -> None:
    made = site(keep=[box("keep", (1, 14, 0), (4, 17, 4))])
    values = np.zeros((20, 20, 12), np.uint8)
    values[2:16, 2:10, :8] = 64
    with pytest.raises(DataError, match="not joined with what stays"):
        exact(VoxelGrid(values, PITCH), made)


def test_a_site_larger_than_the_grid_is_built_on_in_part(site) -> None:
    made = site(plot="POLYGON ((0 0, 60 0, 60 50, 0 50, 0 0))")
    room = room_of(made, SIZE, PITCH)
    part = within(made, window_of(room.lay))
    assert part.envelope.volume() == pytest.approx(24 * 24 * 9)
    assert room.lay.resolution == (48, 48, 18)  # nine of twelve metres
    assert (room.allowed == 1).all()


def test_what_stays_beyond_the_grid_is_refused(site, box) -> None:
    two = [box("one", (1, 1, 0), (3, 3, 3)), box("two", (55, 40, 0), (58, 43, 3))]
    made = site(plot="POLYGON ((0 0, 60 0, 60 50, 0 50, 0 0))", keep=two)
    with pytest.raises(UsageError, match="beyond the model's grid"):
        within(made, window_of(room_of(made, SIZE, PITCH).lay))


def test_the_proof_finds_what_breaks_the_site(site, box) -> None:
    made = site(keep=[box("keep", (1, 9, 0), (4, 12, 4))])
    polygon = made.plot.polygon
    whole = triangles_of(prism(polygon, 0.0, 9.0))
    assert proof(whole, made).holds
    assert proof(triangles_of(prism(polygon, 0.0, 9.1)), made).outside == pytest.approx(0.1 * 280)
    assert not proof(triangles_of(prism(polygon, 0.0, 9.1)), made).holds
    assert proof(triangles_of(prism(polygon, -0.5, 9.0)), made).below == pytest.approx(0.5)
    low = proof(triangles_of(prism(polygon, 0.0, 3.0)), made)
    assert low.missing == pytest.approx(3 * 3 * 1)
    two = prism(polygon, 0.0, 2.0) + prism(polygon, 3.0, 2.0)
    assert proof(triangles_of(two), made).pieces == 2
    hovers = proof(triangles_of(prism(polygon, 0.5, 6.0)), site())
    assert hovers.contact == 0
    assert not hovers.holds
    with pytest.raises(DataError, match="no closed solid"):
        proof(Mesh.of(whole.vertices, whole.faces[1:]), made)


def test_nothing_within_the_envelope_is_told(site) -> None:
    made = site()
    values = np.zeros((8, 8, 8), np.uint8)
    values[2:6, 2:6, :4] = 64
    with pytest.raises(DataError, match="nothing of the building"):
        exact(VoxelGrid(values, PITCH, np.array([100.0, 0.0, 0.0])), made)
