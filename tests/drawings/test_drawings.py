"""Drawings show what is there, to scale: lengths and areas in the files are those of the building."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import shapely
from elements_oracles import SOLIDS, box, cantilever, courtyard, gable, mass, rotated, setback

from voxgen.drawings import drawing_dxf, drawing_svg, elevations, floor_plans
from voxgen.drawings.drawing import Drawing, Pen, Tone
from voxgen.drawings.frame import compass, turn_of
from voxgen.drawings.visible import View, visible_lines
from voxgen.elements import elements_of
from voxgen.errors import MissingExtraError

SVG = "{http://www.w3.org/2000/svg}"


def lengths(drawing: Drawing) -> dict[Pen, float]:
    """Length of the lines of each pen, in metres."""
    total: dict[Pen, float] = {}
    for line in drawing.lines:
        total[line.pen] = total.get(line.pen, 0.0) + shapely.LineString(line.points).length
    return total


def cut_area(drawing: Drawing) -> float:
    return sum(
        shapely.Polygon(fill.rings[0], fill.rings[1:]).area for fill in drawing.fills if fill.tone is Tone.CUT
    )


def named(drawings: list[Drawing]) -> dict[str, Drawing]:
    return {one.name: one for one in drawings}


def test_a_box_is_drawn_with_its_walls_cut():
    plans = named(floor_plans(elements_of(mass(box((10, 8, 6))))))
    assert list(plans) == ["plan-0", "plan-1", "plan-roof"]
    assert cut_area(plans["plan-0"]) == pytest.approx(10 * 8 - 9.4 * 7.4)
    assert lengths(plans["plan-0"])[Pen.CUT] == pytest.approx(36 + 2 * (9.4 + 7.4))
    assert lengths(plans["plan-roof"])[Pen.OUTLINE] == pytest.approx(36)
    words = [text.words for text in plans["plan-1"].texts]
    assert {"Storey 1", "80.0 m²", "+3.00", "10.00", "8.00"} <= set(words)


def test_elevations_of_a_box_are_its_sides():
    views = named(elevations(elements_of(mass(box((10, 8, 6))))))
    assert list(views) == ["elevation-south", "elevation-east", "elevation-north", "elevation-west"]
    for name, width in (("south", 10), ("east", 8), ("north", 10), ("west", 8)):
        drawn = lengths(views[f"elevation-{name}"])
        assert drawn[Pen.OUTLINE] == pytest.approx(2 * (width + 6))
        assert Pen.EDGE not in drawn
        assert Pen.STEP not in drawn


def test_a_gable_shows_its_eaves_on_the_long_side_and_its_slope_on_the_short():
    views = named(elevations(elements_of(mass(gable()))))
    assert lengths(views["elevation-south"])[Pen.EDGE] == pytest.approx(12)
    assert lengths(views["elevation-east"])[Pen.OUTLINE] == pytest.approx(8 + 2 * 5 + 2 * np.hypot(4, 4))


def test_what_stands_behind_is_hidden():
    tower = box((10, 4, 4)) + box((4, 4, 12), (3, 6, 0)) + box((4, 2, 2), (3, 4, 0))
    views = named(elevations(elements_of(mass(tower))))
    south = lengths(views["elevation-south"])
    # Above the hall's roof only is the tower seen, and there the hall's edge is a step.
    assert south[Pen.STEP] == pytest.approx(4)
    outline = 10 + 2 * 4 + (10 - 4) + 2 * 8 + 4
    assert south[Pen.OUTLINE] == pytest.approx(outline)


def test_an_overhang_is_dashed_in_the_plan_below_it():
    plans = named(floor_plans(elements_of(mass(cantilever()))))
    # Three sides of 5 x 8 m beyond the walls, less what lies on their outline.
    assert lengths(plans["plan-0"])[Pen.OVERHEAD] == pytest.approx(5 + 8 + 5, abs=0.1)
    assert Pen.OVERHEAD not in lengths(plans["plan-1"])


def test_a_lower_roof_is_seen_in_the_plan_above_it():
    plans = named(floor_plans(elements_of(mass(setback()))))
    assert lengths(plans["plan-2"])[Pen.EDGE] == pytest.approx(4 * 12, abs=0.1)
    assert cut_area(plans["plan-2"]) == pytest.approx(6 * 6 - 5.4 * 5.4)


def test_a_courtyard_is_open_in_plan():
    plans = named(floor_plans(elements_of(mass(courtyard()))))
    walls = 20**2 - 19.4**2 + 8.6**2 - 8**2
    assert cut_area(plans["plan-0"]) == pytest.approx(walls)


def test_a_turned_building_is_drawn_along_its_walls():
    straight, turned = elements_of(mass(gable())), elements_of(mass(rotated(gable())))
    assert turn_of(straight) == 0
    assert turn_of(turned) == pytest.approx(-27.3, abs=0.01)
    for one, two in zip(elevations(straight), elevations(turned), strict=True):
        for pen, length in lengths(one).items():
            if pen is not Pen.GROUND:
                assert lengths(two)[pen] == pytest.approx(length, rel=1e-3)
    assert [compass(a) for a in (0.0, 44.0, 91.0, 182.0, 271.0, 359.0)] == [
        "North", "North-east", "East", "South", "West", "North",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SOLIDS)
def test_outlines_enclose_the_silhouette(name):
    given = mass(SOLIDS[name]())
    for right, up in (((1, 0, 0), (0, 1, 0)), ((1, 0, 0), (0, 0, 1)), ((0, 1, 0), (0, 0, 1))):
        view = View(np.array(right, float), np.array(up, float))
        lines = [line.points for line in visible_lines(given, view) if line.pen is Pen.OUTLINE]
        drawn = shapely.build_area(shapely.union_all([shapely.LineString(points) for points in lines]))
        corners = view.flat(given.to_mesh().triangles.reshape(-1, 3)).reshape(-1, 3, 2)
        shadow = shapely.union_all([one for one in map(shapely.Polygon, corners) if one.area > 1e-9])
        assert drawn.symmetric_difference(shadow).area < 1e-2


def drawings_of(solid, scale: float = 100.0) -> list[Drawing]:
    elements = elements_of(mass(solid))
    return [*floor_plans(elements, scale), *elevations(elements, scale)]


@pytest.mark.parametrize("scale", [50.0, 100.0, 200.0])
def test_svg_is_true_to_scale_in_millimetres(scale):
    root = ET.fromstring(drawing_svg(drawings_of(box((10, 8, 6)), scale), "box"))
    width, height = (float(root.get(key).removesuffix("mm")) for key in ("width", "height"))
    assert root.get("viewBox") == f"0 0 {width:.3f} {height:.3f}"
    groups = {group.get("id"): group for group in root.iter(f"{SVG}g")}
    cut = groups["cut"].findall(f"{SVG}polyline")
    points = np.array([[float(v) for v in p.split(",")] for p in cut[0].get("points").split()])
    assert np.ptp(points, axis=0) == pytest.approx(np.array([10, 8]) * 1000 / scale, abs=1e-2)
    assert float(groups["cut"].get("stroke-width")) > float(
        groups["edge" if "edge" in groups else "dimension"].get("stroke-width")
    )
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"box", f"1:{scale:g}", "South elevation", "Roof", "N"} <= set(texts)
    inside = [
        float(v)
        for p in root.iter(f"{SVG}polyline")
        for pair in p.get("points").split()
        for v in pair.split(",")
    ]
    assert min(inside) >= 0
    assert max(inside) <= max(width, height)


def test_words_are_as_high_on_paper_at_any_scale():
    sizes = [
        sorted(
            set(re.findall(r'font-size="([\d.]+)"', drawing_svg(drawings_of(box((10, 8, 6)), scale), "x")))
        )
        for scale in (50.0, 200.0)
    ]
    assert sizes[0] == sizes[1]


def test_names_with_marks_are_safe_in_svg():
    svg = drawing_svg(drawings_of(box((10, 8, 3))), 'a <b> & "c"')
    assert ET.fromstring(svg).find(f"{SVG}title").text == 'a <b> & "c", 1:100'


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("mm", 1000.0)])
def test_dxf_is_r2018_without_faults_and_true_to_size(unit, factor):
    ezdxf = pytest.importorskip("ezdxf")
    text = drawing_dxf(drawings_of(setback()), "tower", unit=unit)
    document = ezdxf.read(io.StringIO(text))
    audit = document.audit()
    assert document.dxfversion == "AC1032"
    assert not audit.errors
    assert not audit.fixes
    assert document.header["$INSUNITS"] == {"m": 6, "mm": 4}[unit]
    space = document.modelspace()
    rings = [
        np.array(line.get_points("xy")) for line in space.query('LWPOLYLINE[layer=="cut"]') if line.closed
    ]
    sizes = sorted(float(np.ptp(ring[:, 0])) for ring in rings)
    assert sizes[-1] == pytest.approx(12 * factor)
    weights = {layer.dxf.name: layer.dxf.lineweight for layer in document.layers}
    assert (weights["cut"], weights["step"], weights["edge"]) == (50, 35, 18)
    assert len(space.query('HATCH[layer=="cut-fill"]')) > 0
    assert len(space.query("TEXT")) > 10


def test_the_same_building_gives_the_same_files():
    pytest.importorskip("ezdxf")
    one, two = drawings_of(gable()), drawings_of(gable())
    assert drawing_svg(one, "x") == drawing_svg(two, "x")
    assert drawing_dxf(one, "x") == drawing_dxf(two, "x")


def test_without_ezdxf_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ezdxf", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'voxgen\[cad\]'"):
        drawing_dxf(drawings_of(box((10, 8, 3))), "x")
