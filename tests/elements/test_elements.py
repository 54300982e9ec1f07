"""Known buildings come apart as they were built; the elements of any mass are closed solids within it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from elements_oracles import SOLIDS, box, cantilever, check, courtyard, covered, gable, kinds, mass, setback
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgen.elements import ElementSettings, elements_of
from voxgen.errors import DataError, UsageError
from voxgen.geometry.blocks import block_polygons
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh, SurfaceClass
from voxgen.geometry.placement import place
from voxgen.geometry.planar import planar
from voxgen.geometry.polyhedron import nothing, of_triangles
from voxgen.geometry.voxelize import voxelize

T = 0.3


@pytest.mark.parametrize("name", SOLIDS)
def test_elements_are_closed_solids_within_the_mass_that_do_not_overlap(name):
    check(elements_of(mass(SOLIDS[name]())))


@pytest.mark.parametrize("name", SOLIDS)
def test_elements_close_the_mass_all_around(name):
    assert covered(elements_of(mass(SOLIDS[name]()))) == 1.0


def test_a_box_has_the_volumes_of_its_parts():
    elements = elements_of(mass(box((10, 8, 6))))
    assert kinds(elements) == {"ground": 1, "floor": 1, "outer": 8, "roof": 1}
    volumes = dict.fromkeys(("slab", "wall", "roof"), 0.0)
    for one in elements.solids:
        volumes[one.kind] += one.attributes["volume"]
    assert volumes["slab"] == pytest.approx(2 * 10 * 8 * T)
    assert volumes["roof"] == pytest.approx(10 * 8 * T)
    assert volumes["wall"] == pytest.approx((10 * 8 - 9.4 * 7.4) * (2.7 + 2.4))


def test_what_is_prismatic_has_its_extrusion_and_it_is_the_same_solid():
    for name in ("box", "l-shape-turned", "courtyard", "setback"):
        for one in elements_of(mass(SOLIDS[name]())).solids:
            if name == "setback" and one.kind == "wall":
                continue
            assert one.extrusion is not None, one.name
            prism = one.extrusion.polyhedron().to_mesh()
            assert prism.volume == pytest.approx(one.surface.to_mesh().volume, rel=1e-6)
            assert np.allclose(prism.bounds, one.surface.to_mesh().bounds, atol=1e-6)


def test_walls_meet_in_mitres():
    walls = [one for one in elements_of(mass(box((10, 8, 3)))).solids if one.kind == "wall"]
    assert len(walls) == 4
    for wall in walls:
        (ring,) = wall.extrusion.rings
        assert len(ring) == 4
        lengths = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1)
        assert np.sort(lengths)[:2] == pytest.approx(np.full(2, T * np.sqrt(2)))


def test_a_gable_wall_is_clipped_by_the_roof_and_an_eaves_wall_bevelled():
    elements = elements_of(mass(gable()))
    top = [one for one in elements.solids if one.kind == "wall" and one.storey == 2]
    assert len(top) == 2
    for wall in top:
        assert wall.extrusion is None
        # Roof of 0.3 m square to a slope of 45 degrees: 0.3 * sqrt(2) straight down at the ridge.
        assert wall.surface.vertices[:, 2].max() == pytest.approx(9 - T * np.sqrt(2), abs=2e-3)
    (roof,) = [one for one in elements.solids if one.kind == "roof"]
    assert roof.attributes["volume"] == pytest.approx(2 * 12 * 4 * np.sqrt(2) * T, rel=1e-3)
    assert roof.attributes["area"] == pytest.approx(2 * 12 * 4 * np.sqrt(2))


def test_an_attic_floor_ends_below_the_roof():
    elements = elements_of(mass(gable()))
    (attic,) = [one for one in elements.solids if one.attributes["role"] == "floor" and one.storey == 2]
    # Eaves at 5, floor from 6.0 to 6.3: the roof's underside is at 6.3 where y = 1.3 + 0.3 * sqrt(2).
    width = 8 - 2 * (1.3 + T * np.sqrt(2))
    assert attic.attributes["area"] == pytest.approx(12 * width, rel=2e-3)


def test_a_courtyard_has_walls_on_both_sides():
    elements = elements_of(mass(courtyard()))
    assert kinds(elements) == {"ground": 1, "floor": 1, "outer": 16, "roof": 1}
    azimuths = sorted(one.attributes["azimuth"] for one in elements.solids if one.kind == "wall")
    assert azimuths == [0.0] * 4 + [90.0] * 4 + [180.0] * 4 + [270.0] * 4


def test_a_cantilever_at_a_level_stands_on_that_levels_slab():
    elements = elements_of(mass(cantilever(3.0)))
    assert kinds(elements)["floor"] == 2
    assert "soffit" not in kinds(elements)
    floor = next(one for one in elements.solids if one.storey == 1 and one.kind == "slab")
    assert floor.attributes["area"] == pytest.approx(15 * 8)


def test_a_cantilever_between_levels_gets_a_slab_of_its_own():
    elements = elements_of(mass(cantilever(4.4)))
    (soffit,) = [one for one in elements.solids if one.attributes["role"] == "soffit"]
    assert soffit.extrusion.base == pytest.approx(4.4)
    assert soffit.extrusion.height == pytest.approx(T)
    assert soffit.attributes["area"] == pytest.approx((5 + T) * 8, rel=0.02)


def test_a_terrace_is_covered_by_roof_that_goes_on_below_the_towers_walls():
    elements = elements_of(mass(setback()))
    terrace, top = [one for one in elements.solids if one.kind == "roof"]
    assert terrace.storey == 1
    assert top.storey == 4
    assert terrace.attributes["area"] == pytest.approx(12 * 12 - 5.4 * 5.4)
    assert top.attributes["area"] == pytest.approx(36)
    assert [round(level.plan.area, 6) for level in elements.levels] == [144, 144, 36, 36, 36]


def test_a_low_wing_has_no_attic():
    elements = elements_of(mass(box((6, 6, 9)) + box((8, 6, 3.8), (6, 0, 0))))
    assert [round(level.plan.area, 6) for level in elements.levels] == [84, 36, 36]
    check(elements)


def test_storeys_follow_a_list_whose_last_height_repeats():
    elements = elements_of(mass(box((10, 8, 13))), ElementSettings((4.0, 3.0)))
    assert [level.storey.elevation for level in elements.levels] == [0, 4, 7, 10]
    assert [level.storey.height for level in elements.levels] == [4, 3, 3, 3]


def test_faces_on_the_surface_of_the_mass_bear_its_classes():
    elements = elements_of(mass(gable()))
    for kind, label in (("wall", SurfaceClass.WALL), ("roof", SurfaceClass.ROOF)):
        area = sum(
            one.surface.areas[one.surface.labels == label].sum()
            for one in elements.solids
            if one.kind == kind
        )
        assert area == pytest.approx(
            sum(one.attributes["area"] for one in elements.solids if one.kind == kind)
        )
    inner = [one.surface.labels == SurfaceClass.UNKNOWN for one in elements.solids if one.kind == "wall"]
    assert all(labels.any() for labels in inner)


def test_elements_lie_where_the_mass_lies():
    near, far = mass(gable()), np.array([155000.0, 463000.0, 2.5])
    here, there = elements_of(near), elements_of(near.moved(near.vertices + far))
    assert [one.name for one in here.solids] == [one.name for one in there.solids]
    for one, two in zip(here.solids, there.solids, strict=True):
        assert np.abs(one.surface.to_mesh().bounds + far - two.surface.to_mesh().bounds).max() < 1e-3
        assert one.attributes["volume"] == pytest.approx(two.attributes["volume"], abs=1e-3)


def test_the_same_mass_gives_the_same_elements():
    one, two = elements_of(mass(SOLIDS["setback-turned"]())), elements_of(mass(SOLIDS["setback-turned"]()))
    assert [s.name for s in one.solids] == [s.name for s in two.solids]
    for a, b in zip(one.solids, two.solids, strict=True):
        assert np.array_equal(a.surface.vertices, b.surface.vertices)


def test_what_is_no_mass_is_refused_with_a_reason():
    with pytest.raises(DataError, match="empty"):
        elements_of(nothing())
    sheet = of_triangles(Mesh.of([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2)]))
    with pytest.raises(DataError, match="not closed"):
        elements_of(sheet)


@pytest.mark.parametrize("wrong", [{"wall": 0.0}, {"slab": float("nan")}, {"roof": 5.0}])
def test_thicknesses_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        ElementSettings(**wrong)


@pytest.mark.parametrize("wrong", [(), (0.5,), (3.0, -1.0), (1e9,)])
def test_storey_heights_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError, match="storey height"):
        ElementSettings(wrong)


grids = hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3), elements=st.booleans()).filter(np.any)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(grids, st.sampled_from([0.25, 0.5, 1.0, 2.0]))
def test_any_grid_gives_closed_solids(occupancy, pitch):
    elements = elements_of(block_polygons(VoxelGrid(occupancy, pitch)))
    assert elements.solids
    check(elements, tolerance=0.05, weld=1e-6)


steps = hnp.arrays(np.int64, st.tuples(*[st.integers(1, 4)] * 2), elements=st.integers(0, 5)).filter(np.any)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_massing_of_boxes_is_closed_all_around(heights):
    occupancy = np.arange(5) < heights[:, :, None]
    elements = elements_of(block_polygons(VoxelGrid(occupancy, 2.0)))
    check(elements)
    assert elements.notes == ()
    assert covered(elements, count=100) > 0.98


@pytest.mark.parametrize(
    "source", ["nl_3dbag_rijssen", "nl_3dbag_limburg", "nl_3dbag_amsterdam", "nl_denhaag", "de_nrw"]
)
def test_real_buildings_come_apart_into_closed_solids(shared, source):
    data = np.load(shared / "data" / source / "buildings.npz")
    usable = np.flatnonzero(data["usable"])
    for i in np.random.default_rng(1).choice(usable, 3, replace=False):
        span = slice(*data["v_offset"][i : i + 2]), slice(*data["f_offset"][i : i + 2])
        mesh = Mesh.of(data["vertices"][span[0]], data["faces"][span[1]])
        lay = place(mesh, 64, 0.5)
        elements = elements_of(planar(voxelize(mesh, 64, 0.5, lay)))
        check(elements)
        assert elements.notes == ()
        assert covered(elements) > 0.99


def test_elements_and_drawings_know_nothing_of_torch():
    code = "import sys, voxgen.elements, voxgen.drawings, voxgen.draw; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
