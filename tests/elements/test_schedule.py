"""The schedule equals the geometry, measured another way."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import shapely
from elements_oracles import SOLIDS, box, cantilever, gable, manifold, mass, setback

from voxgen.elements import ElementSettings, elements_of, schedule
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.placement import place
from voxgen.geometry.planar import planar
from voxgen.geometry.voxelize import voxelize


def sliced(mesh: Mesh, level: float) -> float:
    """Area of a section, by manifold3d."""
    return manifold(mesh).slice(level).area()


def test_a_box_has_the_areas_on_paper():
    total = schedule(elements_of(mass(box((10, 8, 6))))).total
    assert total["storeys"] == 2
    assert total["gross_floor_area"] == pytest.approx(160)
    assert total["net_floor_area"] == pytest.approx(2 * 9.4 * 7.4)
    assert total["footprint_area"] == pytest.approx(80)
    assert total["facade_area"] == pytest.approx(36 * 6)
    assert total["net_wall_area"] == pytest.approx(36 * (2.7 + 2.4))
    assert total["envelope_area"] == pytest.approx(36 * 6 + 160)
    assert total["volume"] == pytest.approx(480)
    assert total["shape_factor"] == pytest.approx((36 * 6 + 160) / 480, abs=1e-4)


def test_a_gable_house_has_the_areas_on_paper():
    result = schedule(elements_of(mass(gable())))
    attic = result.storeys[2]
    # Floor at 6.3 m under a roof of 45 degrees from eaves at 5 m, 8 m wide; headroom at 7.8 m.
    assert attic["gross_floor_area"] == pytest.approx(12 * (8 - 2 * 1.3))
    assert attic["clear_floor_area"] == pytest.approx(12 * (8 - 2 * (2.8 + 0.3 * np.sqrt(2))), rel=1e-3)
    assert attic["facade_area"] == pytest.approx(2 * 3 * 3)
    assert result.total["roof_area"] == pytest.approx(2 * 12 * 4 * np.sqrt(2))


def test_what_hangs_over_counts_for_footprint_and_soffit():
    total = schedule(elements_of(mass(cantilever()))).total
    assert total["footprint_area"] == pytest.approx(15 * 8)
    assert total["ground_area"] == pytest.approx(10 * 8)
    assert total["soffit_area"] == pytest.approx(5 * 8)


def test_an_overhang_between_levels_is_floor_of_the_storey_that_it_begins_in():
    storeys = schedule(elements_of(mass(cantilever(4.4)))).storeys
    assert [row["gross_floor_area"] for row in storeys] == [80, 120, 120]
    # The wall below the overhang's inner edge, 0.3 m thick, stands up to it.
    assert storeys[1]["net_floor_area"] == pytest.approx((14.4 - 0.3) * 7.4, rel=5e-3)
    assert [row["gross_floor_area"] for row in schedule(elements_of(mass(cantilever(5.2)))).storeys] == [
        80,
        80,
        120,
    ]


@pytest.mark.parametrize("name", SOLIDS)
def test_storeys_add_up_to_the_building(name):
    given = mass(SOLIDS[name]())
    result = schedule(elements_of(given, ElementSettings((2.8, 3.1))))
    whole = manifold(given.to_mesh())
    assert sum(row["volume"] for row in result.storeys) == pytest.approx(whole.volume(), rel=5e-3)
    assert result.total["volume"] == pytest.approx(whole.volume(), rel=5e-3)
    assert result.total["envelope_area"] == pytest.approx(whole.surface_area(), rel=5e-3)
    footprint = shapely.union_all([shapely.Polygon(p) for p in whole.project().to_polygons()])
    holes = [p for p in whole.project().to_polygons() if shapely.LinearRing(p).is_ccw is False]
    area = footprint.area - sum(shapely.Polygon(h).area for h in holes)
    assert result.total["footprint_area"] == pytest.approx(area, rel=5e-3)


@pytest.mark.parametrize("name", ["box", "l-shape-turned", "courtyard", "setback", "cantilever"])
def test_floor_areas_are_sections_of_the_mass(name):
    given = mass(SOLIDS[name]())
    for row in schedule(elements_of(given)).storeys:
        area = sliced(given.to_mesh(), row["elevation"] + 0.3)
        assert row["gross_floor_area"] == pytest.approx(area, rel=5e-3)


def test_elements_have_the_volumes_of_their_solids():
    elements = elements_of(mass(setback()))
    for row, one in zip(schedule(elements).elements, elements.solids, strict=True):
        assert row["volume"] == pytest.approx(manifold(one.surface.to_mesh()).volume(), rel=5e-3)


def test_walls_say_where_they_look_and_how_wide_they_are():
    rows = {
        row["faces"]: row for row in schedule(elements_of(mass(box((10, 8, 3))))).elements if "faces" in row
    }
    assert {key: row["width"] for key, row in rows.items()} == {"N": 10, "S": 10, "E": 8, "W": 8}
    assert {key: row["azimuth"] for key, row in rows.items()} == {"N": 0, "S": 180, "E": 90, "W": 270}


def test_csv_and_json_say_the_same():
    result = schedule(elements_of(mass(gable())))
    storeys = list(csv.DictReader(io.StringIO(result.storeys_csv())))
    assert [row["storey"] for row in storeys] == ["Storey 0", "Storey 1", "Storey 2", "total"]
    said = json.loads(result.json())
    assert float(storeys[-1]["volume"]) == said["total"]["volume"]
    assert len(list(csv.DictReader(io.StringIO(result.elements_csv())))) == len(said["elements"])
    assert said["units"]["area"] == "m2"


def test_a_real_building_measures_what_its_geometry_does(shared):
    data = np.load(shared / "data" / "nl_3dbag_rijssen" / "buildings.npz")
    i = int(np.flatnonzero(data["usable"])[40])
    span = slice(*data["v_offset"][i : i + 2]), slice(*data["f_offset"][i : i + 2])
    mesh = Mesh.of(data["vertices"][span[0]], data["faces"][span[1]])
    given = planar(voxelize(mesh, 64, 0.5, place(mesh, 64, 0.5)))
    result = schedule(elements_of(given))
    whole = manifold(given.to_mesh())
    assert sum(row["volume"] for row in result.storeys) == pytest.approx(whole.volume(), rel=5e-3)
    assert result.total["envelope_area"] == pytest.approx(whole.surface_area(), rel=5e-3)
    assert result.storeys[0]["gross_floor_area"] == pytest.approx(sliced(given.to_mesh(), 0.3), rel=5e-3)
    assert result.total["facade_area"] == pytest.approx(
        sum(row["facade_area"] for row in result.storeys), rel=1e-4
    )
