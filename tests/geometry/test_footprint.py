"""The footprint against areas by hand and shapely's polygons."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from geometry_oracles import box, building, gable, together
from hypothesis import given
from hypothesis import strategies as st
from solids import solid_parts

from voxgen.errors import DataError
from voxgen.geometry.footprint import footprint, n_footprint_polygons
from voxgen.geometry.mesh import Mesh


@pytest.mark.parametrize("seed", range(10))
def test_the_footprint_is_the_union_of_the_outlines(seed):
    expected = shapely.union_all([shapely.Polygon(part.outline) for part in solid_parts(seed)])
    found = footprint(building(seed))
    assert found.area == pytest.approx(expected.area, rel=1e-6)
    assert found.symmetric_difference(expected).area < 1e-4 * expected.area


@given(yaw=st.floats(-4, 4), x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_its_area_stays_when_the_building_is_moved_and_turned(yaw, x, y):
    assert footprint(gable(10, 8).rotated(yaw).translated([x, y, 0])).area == pytest.approx(80, rel=1e-5)


@pytest.mark.parametrize(("gap", "expected"), [(0.005, 1), (0.015, 1), (0.03, 2), (5, 2)])
def test_parts_within_two_centimetres_are_one_polygon(gap, expected):
    assert n_footprint_polygons(together(box(4, 3, 2), box(4, 3, 2, at=(4 + gap, 0, 0)))) == expected


def test_a_courtyard_stays_open():
    ring = [box(10, 2), box(10, 2, at=(0, 8, 0)), box(2, 6, at=(0, 2, 0)), box(2, 6, at=(8, 2, 0))]
    found = footprint(together(*ring))
    assert found.area == pytest.approx(100 - 36, rel=1e-6)
    assert len(found.interiors) == 1


def test_walls_alone_cover_nothing():
    wall = Mesh.of([[0, 0, 0], [4, 0, 0], [4, 0, 3]], [[0, 1, 2]])
    assert footprint(wall).area == 0
    assert n_footprint_polygons(wall) == 0


def test_a_mesh_without_faces_has_no_footprint():
    with pytest.raises(DataError, match="no faces"):
        footprint(Mesh.of(np.zeros((3, 3)), np.zeros((0, 3))))
