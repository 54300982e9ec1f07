"""Blocks: exactly the occupied voxels, closed, with as few faces as their planes need."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import area, is_closed, is_two_manifold, occupancies, places, signed_volume
from hypothesis import given
from hypothesis import strategies as st

from voxgen.geometry.blocks import blocks
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.placement import Placement
from voxgen.geometry.repair import resolve_contacts
from voxgen.geometry.voxelize import occupy


def exposed(occupancy):
    """Number of voxel faces between filled and empty."""
    padded = np.pad(occupancy, 1)
    return sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3))


@given(occupancy=occupancies, place=places)
def test_volume_and_area_are_exactly_the_voxels(occupancy, place):
    mesh = blocks(VoxelGrid(occupancy, **place))
    pitch = place["pitch"]
    if not occupancy.any():
        assert len(mesh.faces) == 0
        return
    assert signed_volume(mesh) == pytest.approx(occupancy.sum() * pitch**3, rel=1e-6)
    assert area(mesh) == pytest.approx(exposed(occupancy) * pitch**2, rel=1e-6)
    assert is_closed(mesh)


@given(occupancy=occupancies)
def test_after_repair_the_surface_is_two_manifold(occupancy):
    occupancy = resolve_contacts(occupancy)
    if occupancy.any():
        mesh = blocks(VoxelGrid(occupancy))
        assert is_two_manifold(mesh)
        assert mesh.to_trimesh().is_watertight


@given(occupancy=occupancies)
def test_voxelized_again_it_is_the_same_grid(occupancy):
    grid = VoxelGrid(occupancy)
    if occupancy.any():
        lay = Placement(grid.origin, 0.0, 1.0, grid.resolution, np.zeros(3))
        again = occupy(blocks(VoxelGrid(resolve_contacts(occupancy))), grid.resolution, 1.0, lay)
        np.testing.assert_array_equal(again.values, resolve_contacts(occupancy))


@given(occupancy=occupancies, place=places)
def test_it_stands_where_the_grid_stands(occupancy, place):
    here, there = blocks(VoxelGrid(occupancy)), VoxelGrid(occupancy, **place)
    mesh = blocks(there)
    np.testing.assert_array_equal(mesh.faces, here.faces)
    np.testing.assert_allclose(mesh.vertices, there.to_world(here.vertices))


@given(size=st.tuples(*[st.integers(1, 9)] * 3))
def test_a_box_of_any_size_has_twelve_triangles(size):
    mesh = blocks(VoxelGrid(np.ones(size, bool)))
    assert (len(mesh.vertices), len(mesh.faces)) == (8, 12)


def test_faces_in_one_plane_are_merged_around_holes():
    occupancy = np.ones((7, 7, 2), bool)
    occupancy[2:5, 3:5] = False
    mesh = blocks(VoxelGrid(occupancy))
    # Two plates with a hole (8 triangles each), four sides without and four within.
    assert (len(mesh.vertices), len(mesh.faces)) == (16, 32)
    assert is_two_manifold(mesh)


def test_coverage_counts_where_it_is_over_half():
    values = np.array([[[20, 64, 33, 32]]], np.uint8)
    assert signed_volume(blocks(VoxelGrid(values))) == pytest.approx(2)


def test_a_larger_grid_at_random_is_closed_too():
    rng = np.random.default_rng(0)
    occupancy = rng.random((32, 20, 24)) < 0.4
    assert signed_volume(blocks(VoxelGrid(occupancy))) == pytest.approx(occupancy.sum())
    assert is_two_manifold(blocks(VoxelGrid(resolve_contacts(occupancy))))
