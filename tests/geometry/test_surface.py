"""The iso-surface: closed and manifold for any coverage, true to shape and volume for buildings."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_oracles import (
    area,
    box,
    building,
    coverages,
    gable,
    iou,
    is_two_manifold,
    occupancies,
    places,
    signed_volume,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.placement import Placement, place
from voxgen.geometry.repair import resolve_contacts
from voxgen.geometry.surface import isosurface
from voxgen.geometry.voxelize import occupy, voxelize


@settings(max_examples=200)
@given(values=st.one_of(coverages, occupancies), place=places)
def test_the_surface_of_any_grid_is_closed_and_two_manifold(values, place):
    grid = VoxelGrid(values, **place)
    mesh = isosurface(grid)
    if not grid.occupancy.any():
        assert len(mesh.faces) == 0
        return
    assert is_two_manifold(mesh)
    assert signed_volume(mesh) > 0
    other = mesh.to_trimesh()
    assert other.is_watertight
    assert other.is_winding_consistent


@given(values=coverages)
def test_every_voxel_centre_is_on_its_side_of_the_surface(values):
    grid = VoxelGrid(values)
    lay = Placement(grid.origin, 0.0, 1.0, grid.resolution, np.zeros(3))
    if grid.occupancy.any():
        again = occupy(isosurface(grid), grid.resolution, 1.0, lay)
        np.testing.assert_array_equal(again.values, resolve_contacts(grid.occupancy))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_volume_is_near_the_coverages(seed):
    field = ndimage.zoom(np.random.default_rng(seed).normal(size=(6, 5, 4)), 16, order=1)
    filled = np.pad(field > 0.3, 8).reshape(28, 4, 24, 4, 20, 4)
    grid = VoxelGrid(filled.sum(axis=(1, 3, 5), dtype=np.uint8), 0.5)
    assert signed_volume(isosurface(grid)) == pytest.approx(grid.volume, rel=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_a_building_keeps_volume_and_shape(seed):
    mesh = building(seed).rotated(0.2 * seed)
    pitch = float(mesh.extents.max()) / 40
    grid = voxelize(mesh, 48, pitch)
    surface = isosurface(grid)
    assert is_two_manifold(surface)
    assert signed_volume(surface) == pytest.approx(grid.volume, rel=0.01)
    lay = place(mesh, 96, pitch / 2)
    fine, again = (occupy(m, 96, pitch / 2, lay).values for m in (mesh, surface))
    assert iou(fine, again) > 0.97


@given(
    size=st.tuples(st.floats(4, 9), st.floats(4, 9), st.floats(2, 6)),
    at=st.tuples(st.floats(2, 3), st.floats(2, 3)),
)
def test_a_box_comes_back_to_a_fifth_of_a_voxel(size, at):
    mesh = box(*size, at=(*at, 0))
    lay = place(box(16, 16, 10), (16, 16, 10), 1.0, align=False)
    surface = isosurface(voxelize(mesh, (16, 16, 10), 1.0, lay))
    np.testing.assert_allclose(surface.bounds, mesh.bounds, atol=0.2)
    assert signed_volume(surface) == pytest.approx(np.prod(size), rel=0.05)
    assert area(surface) == pytest.approx(area(mesh), rel=0.05)


def test_edges_stay_sharp_and_roofs_plane():
    mesh = gable(20, 16, 6, 13)
    surface = isosurface(voxelize(mesh, 32, 0.75))
    roof = surface.triangles[:, :, 2].min(axis=1) > 6.8
    a, b, c = np.moveaxis(surface.triangles[roof], 1, 0)
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    slope = np.array([0, 7, 8]) / np.hypot(7, 8)
    weight = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    along = np.abs(normal) @ slope
    steep = np.abs(normal[:, 0]) < 0.5
    assert np.average(along[steep] > 0.995, weights=weight[steep]) > 0.8
    assert surface.bounds[1, 2] == pytest.approx(13, abs=0.2)


def test_the_ground_is_flat_on_the_floor_of_the_grid():
    grid = voxelize(building(4).translated([0, 0, 55]), 32, 0.7)
    surface = isosurface(grid)
    low = surface.vertices[:, 2].min()
    assert low == pytest.approx(55, abs=1e-9)
    assert np.count_nonzero(np.abs(surface.vertices[:, 2] - low) < 1e-9) > 100


@given(values=coverages, place=places)
def test_it_stands_where_the_grid_stands(values, place):
    here, grid = isosurface(VoxelGrid(values)), VoxelGrid(values, **place)
    mesh = isosurface(grid)
    np.testing.assert_array_equal(mesh.faces, here.faces)
    np.testing.assert_allclose(mesh.vertices, grid.to_world(here.vertices))
