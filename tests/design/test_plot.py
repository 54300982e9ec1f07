"""Plots from files of all kinds are the polygon that was drawn, or refused with the reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

from voxgen.design.plot import read_plot
from voxgen.errors import DataError, UsageError

RING = [(0.0, 0.0), (12.0, 0.0), (12.0, 8.0), (0.0, 8.0)]


def _polygon(ring=RING):
    return {"type": "Polygon", "coordinates": [[*map(list, ring), list(ring[0])]]}


def _write(tmp_path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("wrapped", ["bare", "feature", "collection"])
def test_geojson_in_metres_is_taken_as_it_is(tmp_path, wrapped) -> None:
    values = _polygon([(x + 85000, y + 446000) for x, y in RING])
    if wrapped != "bare":
        values = {"type": "Feature", "geometry": values, "properties": {}}
    if wrapped == "collection":
        values = {"type": "FeatureCollection", "features": [values]}
    plot = read_plot(_write(tmp_path, "plot.geojson", json.dumps(values)))
    assert plot.polygon.area == pytest.approx(96.0)
    assert plot.notes == ()
    assert plot.edges[0].tolist() == [[85000.0, 446000.0], [85012.0, 446000.0]]


def test_degrees_become_metres_and_it_is_said(tmp_path) -> None:
    # A minute of arc along a meridian is a nautical mile, within a third of a per cent at any latitude.
    side = 0.01 / 60
    ring = [(4.36, 52.01), (4.36 + side, 52.01), (4.36 + side, 52.01 + side), (4.36, 52.01 + side)]
    plot = read_plot(_write(tmp_path, "plot.geojson", json.dumps(_polygon(ring))))
    x0, y0, x1, y1 = plot.polygon.bounds
    assert y1 - y0 == pytest.approx(18.52, rel=3.5e-3)
    assert x1 - x0 == pytest.approx(18.55 * np.cos(np.radians(52.01)), rel=3.5e-3)
    assert "degrees" in plot.notes[0]


def test_wkt_obj_and_dxf_say_the_same(tmp_path) -> None:
    ezdxf = pytest.importorskip("ezdxf")
    wkt = shapely.Polygon(RING).wkt
    corners = "".join(f"v {x} {y} 0\n" for x, y in RING)
    document = ezdxf.new()
    document.modelspace().add_lwpolyline(RING, close=True)
    document.saveas(tmp_path / "plot.dxf")
    given = [
        wkt,
        _write(tmp_path, "plot.wkt", wkt),
        _write(tmp_path, "line.obj", corners + "l 1 2 3 4 1\n"),
        _write(tmp_path, "face.obj", corners + "f 1 2 3 4\n"),
        str(tmp_path / "plot.dxf"),
    ]
    for one in given:
        assert read_plot(one).polygon.equals(shapely.Polygon(RING))


def test_edges_have_the_numbers_of_the_drawing() -> None:
    clockwise = read_plot("POLYGON ((0 0, 0 8, 12 8, 12 0, 0 0))")
    assert clockwise.edges[0].tolist() == [[0.0, 0.0], [12.0, 0.0]]
    assert clockwise.edges[3].tolist() == [[0.0, 8.0], [0.0, 0.0]]
    # The numbers are those of the drawing: its first edge runs from (0, 0) to (0, 8).
    drawn = [sorted(clockwise.edges[clockwise.edge(k)].tolist()) for k in range(4)]
    corners = [[0.0, 0.0], [0.0, 8.0], [12.0, 8.0], [12.0, 0.0]]
    assert drawn == [sorted([corners[k], corners[(k + 1) % 4]]) for k in range(4)]
    plain = read_plot("POLYGON ((0 0, 12 0, 12 8, 0 8, 0 0))")
    assert [plain.edge(k) for k in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"])
def test_degrees_that_are_named_are_degrees(tmp_path, name) -> None:
    side = 0.001
    values = _polygon([(4.36, 52.0), (4.36 + side, 52.0), (4.36 + side, 52.0 + side), (4.36, 52.0 + side)])
    values["crs"] = {"type": "name", "properties": {"name": name}}
    plot = read_plot(_write(tmp_path, "plot.geojson", json.dumps(values)))
    assert plot.geographic == pytest.approx((4.3605, 52.0005))
    assert 60 < plot.polygon.bounds[2] - plot.polygon.bounds[0] < 120


def test_a_ring_within_a_ring_is_a_hole(tmp_path) -> None:
    ezdxf = pytest.importorskip("ezdxf")
    document = ezdxf.new()
    document.modelspace().add_lwpolyline(RING, close=True)
    document.modelspace().add_lwpolyline([(3, 3), (6, 3), (6, 6), (3, 6)], close=True)
    document.saveas(tmp_path / "plot.dxf")
    plot = read_plot(str(tmp_path / "plot.dxf"))
    assert plot.polygon.area == pytest.approx(96 - 9)
    assert any("hole of 9.0 m2" in note for note in plot.notes)


def test_feet_are_turned_to_metres() -> None:
    plot = read_plot("POLYGON ((0 0, 100 0, 100 50, 0 50, 0 0))", "ft")
    assert plot.polygon.bounds == pytest.approx((0, 0, 30.48, 15.24))
    assert "ft" in plot.notes[0]


def test_holes_are_kept_free_and_told() -> None:
    plot = read_plot("POLYGON ((0 0, 20 0, 20 20, 0 20, 0 0), (5 5, 5 8, 8 8, 8 5, 5 5))")
    assert plot.polygon.area == pytest.approx(391.0)
    assert "9.0 m2" in plot.notes[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))", "crosses itself"),
        ("POLYGON ((0 0, 1 0, 1 1, 0 0))", "give the unit"),
        ("POLYGON ((0 0, 12000 0, 12000 8000, 0 0))", "give the unit"),
        ("POLYGON ((0 0, 1 0", "no well-known text"),
        ("POLYGON EMPTY ()", "well-known text"),
        ("MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0)), ((20 0, 29 0, 29 9, 20 0)))", "2 polygons"),
    ],
)
def test_what_cannot_be_built_on_is_refused(given, told) -> None:
    with pytest.raises(DataError, match=told):
        read_plot(given)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.geojson", "{", "no JSON"),
        ("a.geojson", "[]", "no GeoJSON"),
        ("a.geojson", '{"type": "Point", "coordinates": [0, 0]}', "no polygon"),
        ("a.geojson", '{"type": "Polygon", "coordinates": [[[0, 0], [1e999, 0], [9, 9]]]}', "not finite"),
        ("a.geojson", '{"type": "Polygon", "coordinates": [[[0, "x"]]]}', "no GeoJSON"),
        ("a.obj", "v 0 0\nf 1 2 3\n", "no OBJ"),
        ("a.obj", "", "no polygon"),
        ("a.wkt", "hello", "no well-known text"),
    ],
)
def test_broken_files_are_refused_with_their_name(tmp_path, name, text, told) -> None:
    with pytest.raises(DataError, match=told):
        read_plot(_write(tmp_path, name, text))


def test_a_missing_file_and_another_format_are_told(tmp_path) -> None:
    with pytest.raises(DataError, match="no plot at"):
        read_plot(str(tmp_path / "none.geojson"))
    with pytest.raises(UsageError, match=r"\.geojson"):
        read_plot("plot.pdf")
