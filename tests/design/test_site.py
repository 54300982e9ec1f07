"""Sites are the solids that a brief says; what contradicts itself is refused with its numbers."""

from __future__ import annotations

import json
import math

import pytest
import shapely

from voxgen.design.agree import in_full, refuse_contradictions
from voxgen.design.brief import Brief, Targets, read_brief
from voxgen.design.site import sections, setback
from voxgen.errors import DataError, UsageError


def test_a_limit_makes_a_prism(site) -> None:
    made = site()
    assert made.envelope.volume() == pytest.approx(9 * (20 * 8 + 12 * 10))
    assert made.top == 9.0


def test_a_setback_keeps_its_distance_from_each_edge(site) -> None:
    plot = site().plot
    left = setback(plot, 1.5)
    assert left.distance(plot.polygon.exterior) >= 1.5 - 1e-6
    assert left.area == pytest.approx(plot.polygon.buffer(-1.5).area, rel=2e-3)
    assert len(left.exterior.coords) <= 1 + 6 + 5
    one = setback(plot, [3.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert one.bounds == pytest.approx((0, 3, 20, 18))
    # Past the end of an edge its distance holds too, where the next edge asks for none.
    outline = plot.polygon.exterior.coords
    for number in range(6):
        alone = setback(plot, [3.0 * (k == number) for k in range(6)])
        edge = shapely.LineString(outline[number : number + 2])
        assert alone.distance(edge) >= 3 - 1e-6
        exact = plot.polygon.difference(edge.buffer(3, quad_segs=64))
        assert exact.area * (1 - 2e-3) <= alone.area <= exact.area + 1e-3
    with pytest.raises(UsageError, match="6 edges"):
        setback(plot, [1.0, 2.0])


def test_a_plane_rises_from_its_edge_inwards(site) -> None:
    # Over the foot y = 0 of 20 m: 3 m there, a slope of 45 degrees, so 9 m from y = 6 on.
    made = site(plane=[{"edge": 0, "height": 3, "slope": 45}])
    cut = 20 * 6 * 6 / 2
    assert made.envelope.volume() == pytest.approx(9 * 280 - cut)
    with pytest.raises(UsageError, match="edges 0 to 5"):
        site(plane=[{"edge": 6, "height": 3, "slope": 45}])


def test_a_plane_leaves_what_its_edge_does_not_see(site) -> None:
    # Edge 2 runs along y = 8 with its inside below; the arm of the L above it is behind.
    made = site(plane=[{"edge": 2, "height": 3, "slope": 45}])
    assert made.envelope.volume() == pytest.approx(9 * 280 - 20 * 6 * 6 / 2)


def test_a_setback_reaches_past_a_short_edge() -> None:
    from voxgen.design.plot import read_plot

    stepped = read_plot("POLYGON ((-10 0, 0 0, 0 0.5, 10 0.5, 10 10, -10 10, -10 0))")
    left = setback(stepped, [3.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert left.distance(shapely.LineString([(-10, 0), (0, 0)])) >= 3 - 1e-6


def test_a_setback_follows_the_numbers_of_a_clockwise_drawing(site) -> None:
    made = site(plot="POLYGON ((0 0, 0 8, 12 8, 12 0, 0 0))", setback=[3.0, 0.0, 0.0, 0.0])
    assert made.envelope.bounding_box()[:2] == pytest.approx((3, 0))


def test_voids_and_neighbours_are_taken_out(site, box) -> None:
    made = site(void=[box("void", (2, 2, 0), (4, 8, 3))], context=[box("next", (-5, 0, 0), (1, 18, 20))])
    assert made.envelope.volume() == pytest.approx(9 * 280 - 2 * 6 * 3 - 1 * 18 * 9)
    assert len(made.context) == 1


def test_neighbours_that_stand_on_the_plot_make_room_where_that_is_said(site, box) -> None:
    old, beside = box("old", (2, 2, 0), (8, 9, 6)), box("beside", (-6, 0, 0), (1, 18, 8))
    stays = site(context=(old, beside))
    goes = site(context=(old, beside), clear=True)
    assert len(stays.context) == 2
    assert [mesh.bounds[0][0] for mesh in goes.context] == [-6.0]
    assert goes.envelope.volume() - stays.envelope.volume() == pytest.approx(6 * 7 * 9, rel=0.4)
    assert goes.taken.volume() == pytest.approx(7 * 18 * 8)
    assert "context: 1 building on the plot taken down" in goes.notes


def test_what_stays_must_lie_inside(site, box) -> None:
    assert site(keep=[box("in", (1, 1, 0), (3, 3, 3))]).keep.volume() == pytest.approx(12)
    with pytest.raises(UsageError, match=r"18\.00 of 36\.00 m3 lie outside"):
        site(keep=[box("out", (-3, 0, 0), (3, 3, 2))])


def test_far_coordinates_are_made_small_by_whole_metres(site) -> None:
    made = site(
        plot="POLYGON ((85000.5 446000, 85020.5 446000, 85020.5 446010, 85000.5 446000))", ground=-1.5
    )
    assert made.offset == (85014.0, 446003.0, -1.5)
    assert abs(made.plot.polygon.centroid.x) < 1


def test_open_meshes_are_refused_and_open_neighbours_taken_as_blocks(site, box, tmp_path) -> None:
    path = box("open", (30, 0, 0), (36, 6, 5))
    lines = (tmp_path / "open.obj").read_text().splitlines()[:-1]
    (tmp_path / "open.obj").write_text("\n".join(lines) + "\n")
    made = site(context=[path])
    assert any("taken as blocks" in note for note in made.notes)
    with pytest.raises(DataError, match="open edges"):
        site(envelope=path)


def test_degrees_beside_a_reference_system_are_refused(site, tmp_path) -> None:
    ring = [[4.36, 52.0], [4.3605, 52.0], [4.3605, 52.0005], [4.36, 52.0]]
    path = tmp_path / "plot.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    with pytest.raises(UsageError, match="reproject"):
        site(plot=str(path), crs="EPSG:28992")


def test_an_envelope_above_the_ground_is_told(site, box) -> None:
    path = box("envelope", (0, 0, 3), (12, 12, 9))
    with pytest.raises(DataError, match="begins 3 m above the ground"):
        site(envelope=path)
    assert site(envelope=path, ground=3).envelope.volume() == pytest.approx(12 * 12 * 6)


def test_what_stays_below_the_ground_is_left_out(site, box) -> None:
    made = site(keep=[box("keep", (1, 1, -0.5), (3, 3, 3))])
    assert made.keep.volume() == pytest.approx(12)
    assert any("below the ground" in note for note in made.notes)


def test_files_are_in_the_unit_that_they_say(site, box, tmp_path) -> None:
    path = box("keep", (1000, 1000, 0), (3000, 3000, 3000))
    (tmp_path / "keep.obj").write_text((tmp_path / "keep.obj").read_text().replace("unit m,", "unit mm,"))
    assert site(keep=[path]).keep.volume() == pytest.approx(12)


@pytest.mark.parametrize("entry", ["envelope", "keep", "void", "context"])
def test_a_file_that_is_not_there_is_told(site, entry: str) -> None:
    with pytest.raises(DataError, match=f"{entry}: no file at none.obj"):
        site(**{entry: "none.obj" if entry == "envelope" else ("none.obj",)})


def test_nothing_left_is_told(site) -> None:
    with pytest.raises(DataError, match="leave nothing"):
        site(setback=9)


def test_sections_are_the_plans_of_storeys(site) -> None:
    assert sections(site().envelope, 3.0) == pytest.approx([280, 280, 280])


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ({"volume": 3000}, "the envelope's volume is 2520"),
        ({"height": 10}, "the envelope's height is 9"),
        ({"footprint_area": 300}, "the envelope's plan is 280"),
        ({"plot_coverage": 1.1}, "the envelope's plan is 280"),
        ({"gross_floor_area": 900}, "hold is 840"),
        ({"floor_area_ratio": 3.5}, "hold is 840"),
        ({"storeys": 4}, "under 9 m is 3"),
        ({"gross_floor_area": 600, "footprint_area": 100, "storeys": 2}, "2 storeys of 100 m2 have 200"),
        ({"storeys": 3, "height": 5}, "need 7.5 m, but height = 5"),
        ({"volume": 900, "footprint_area": 100, "height": 6}, "footprint_area times height is 600"),
        ({"surface_to_volume": 0.1}, "a ball of that volume has"),
        ({"gross_floor_area": 800, "height": 3}, "up to 3.15 m hold is 280"),
        ({"volume": 2000, "height": 3}, "volume up to 3.15 m is 882"),
    ],
)
def test_contradictions_are_refused_with_both_numbers(site, targets, told) -> None:
    with pytest.raises(UsageError, match=told):
        refuse_contradictions(Targets.parse(targets), site())


def test_what_can_be_is_let_through(site) -> None:
    asked = Targets.parse({"gross_floor_area": 400, "height": 8, "storeys": 2, "plot_coverage": 0.7})
    made = site()
    refuse_contradictions(asked, made)
    assert in_full(asked, made)["footprint_area"] == pytest.approx(0.7 * 280)


def test_a_brief_is_read_with_the_files_beside_it(tmp_path) -> None:
    (tmp_path / "brief.toml").write_text(
        '[site]\nplot = "plot.geojson"\ncontext = ["a.obj"]\n[targets]\nheight = { value = 8, weight = 2 }\n'
    )
    brief = read_brief(tmp_path / "brief.toml")
    assert brief.site.plot == str(tmp_path / "plot.geojson")
    assert brief.site.context == (str(tmp_path / "a.obj"),)
    assert brief.targets.height is not None
    assert (brief.targets.height.value, brief.targets.height.tolerance) == (8, 0.05)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"targets": {"hight": 8}}, "did you mean 'height'"),
        ({"targets": {"height": -1}}, "greater than 0"),
        ({"targets": {"height": "lots"}}, "give a number"),
        ({"targets": {"height": math.nan}}, "finite"),
        ({"targets": {"gross_floor_area": 100, "floor_area_ratio": 1}}, "follow from each other"),
        ({"targets": {"roof": "green"}}, "flat"),
        ({"rules": {"cantilever": -1}}, "greater than or equal to 0"),
    ],
)
def test_wrong_briefs_say_what_is_allowed(values, told) -> None:
    with pytest.raises(UsageError, match=told):
        Brief.parse({"site": {"plot": "POLYGON ((0 0, 9 0, 9 9, 0 0))"}, **values})


def test_equal_briefs_have_one_hash() -> None:
    plot = {"plot": "POLYGON ((0 0, 9 0, 9 9, 0 0))"}
    one, same = (Brief.parse({"site": plot, "targets": {"height": h}}) for h in (8, 8.0))
    other = Brief.parse({"site": plot, "targets": {"height": 9}})
    assert one.hash == same.hash != other.hash


def test_the_hash_is_of_what_files_say_not_of_where_they_lie(tmp_path) -> None:
    hashes = []
    for name, side in (("a", 9), ("b", 9), ("c", 8)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "plot.wkt").write_text(f"POLYGON ((0 0, {side} 0, 9 9, 0 0))")
        (folder / "brief.toml").write_text('[site]\nplot = "plot.wkt"\n')
        hashes.append(read_brief(folder / "brief.toml").hash)
    assert hashes[0] == hashes[1] != hashes[2]
