"""CityGML by hand-made models: versions, links, levels, orientation, one broken building among good ones."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen.geometry.mesh import SurfaceClass

NAMESPACES = {
    "1.0": ("http://www.opengis.net/citygml/1.0", "http://www.opengis.net/citygml/building/1.0"),
    "2.0": ("http://www.opengis.net/citygml/2.0", "http://www.opengis.net/citygml/building/2.0"),
}
QUADS = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
CORNERS = [(x, y, z) for z in (0, 4) for x, y in ((0, 0), (10, 0), (10, 6), (0, 6))]
CLASSES = ["GroundSurface", "RoofSurface"] + ["WallSurface"] * 4


def polygon(quad, name="", shift=0.0):
    ring = [CORNERS[i] for i in [*quad, quad[0]]]
    text = " ".join(f"{x + shift} {y} {z}" for x, y, z in ring)
    attribute = f' gml:id="{name}"' if name else ""
    return (
        f"<gml:Polygon{attribute}><gml:exterior><gml:LinearRing>"
        f"<gml:posList>{text}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
    )


def bounded(prefix="p", lod=2, shift=0.0):
    return "".join(
        f"<bldg:boundedBy><bldg:{kind}><bldg:lod{lod}MultiSurface><gml:MultiSurface><gml:surfaceMember>"
        f"{polygon(quad, f'{prefix}{i}', shift)}"
        f"</gml:surfaceMember></gml:MultiSurface></bldg:lod{lod}MultiSurface></bldg:{kind}></bldg:boundedBy>"
        for i, (quad, kind) in enumerate(zip(QUADS, CLASSES, strict=True))
    )


def linked(prefix="p", lod=2, count=6):
    members = "".join(f'<gml:surfaceMember xlink:href="#{prefix}{i}"/>' for i in range(count))
    return (
        f"<bldg:lod{lod}Solid><gml:Solid><gml:exterior><gml:CompositeSurface>{members}"
        f"</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod{lod}Solid>"
    )


def inline(lod=1):
    members = "".join(f"<gml:surfaceMember>{polygon(quad)}</gml:surfaceMember>" for quad in QUADS)
    return (
        f"<bldg:lod{lod}Solid><gml:Solid><gml:exterior><gml:CompositeSurface>{members}"
        f"</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod{lod}Solid>"
    )


def building(body, name="h"):
    member = f'<bldg:Building gml:id="{name}">{body}</bldg:Building>'
    return f"<core:cityObjectMember>{member}</core:cityObjectMember>"


def part(body):
    member = f"<bldg:BuildingPart>{body}</bldg:BuildingPart>"
    return f"<bldg:consistsOfBuildingPart>{member}</bldg:consistsOfBuildingPart>"


@pytest.fixture
def given(tmp_path, read):
    def reader(*buildings, version="2.0", system="urn:ogc:def:crs:EPSG::25832", **options):
        core, bldg = NAMESPACES[version]
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><core:CityModel xmlns:core="{core}" xmlns:bldg="{bldg}" '
            'xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" '
            'xmlns:gen="http://www.opengis.net/citygml/generics/2.0">'
            f'<gml:boundedBy><gml:Envelope srsName="{system}"/></gml:boundedBy>'
            f"{''.join(buildings)}</core:CityModel>"
        )
        path = tmp_path / "a.gml"
        path.write_text(text, encoding="utf-8")
        return read(path, **options)

    return reader


@pytest.mark.parametrize("version", NAMESPACES)
def test_a_solid_of_links_is_closed_and_labelled(given, closed, volume, version):
    (house,) = given(building(linked() + bounded()), version=version)
    assert house.error is None
    assert (house.id, house.lod, house.crs) == ("h", 2.0, "EPSG:25832")
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(240)
    counts = np.bincount(house.mesh.labels, minlength=4)
    assert counts[[SurfaceClass.GROUND, SurfaceClass.ROOF, SurfaceClass.WALL]].tolist() == [2, 2, 8]


def test_surfaces_without_a_solid_make_the_same_box(given, closed, volume):
    (house,) = given(building(bounded()))
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(240)


def test_parts_are_parts(given, volume):
    (house,) = given(
        building(part(linked("a") + bounded("a")) + part(linked("b") + bounded("b", shift=10.0)))
    )
    assert np.unique(house.mesh.parts).tolist() == [0, 1]
    assert len(house.mesh.vertices) == 16
    assert volume(house.mesh) == pytest.approx(480)


def test_the_finer_of_two_levels_is_taken_unless_asked(given):
    body = inline(1) + linked() + bounded()
    assert given(building(body))[0].lod == 2
    assert given(building(body), lod=1)[0].lod == 1


def test_a_link_into_nothing_is_said(given):
    (house,) = given(building(linked(count=7) + bounded()))
    assert house.error is None
    assert "1 links to surfaces that are not in the file" in house.warnings


def test_an_orientable_surface_turns_its_face(given, volume):
    turned = (
        '<gml:surfaceMember><gml:OrientableSurface orientation="-"><gml:baseSurface>{}</gml:baseSurface>'
        "</gml:OrientableSurface></gml:surfaceMember>"
    )
    members = "".join(turned.format(polygon(quad[::-1])) for quad in QUADS)
    body = f"<bldg:lod2MultiSurface><gml:MultiSurface>{members}</gml:MultiSurface></bldg:lod2MultiSurface>"
    (house,) = given(building(body))
    assert volume(house.mesh) == pytest.approx(240)


def test_attributes_come_as_plain_values(given):
    said = (
        "<bldg:function>1000</bldg:function><bldg:yearOfConstruction>1950</bldg:yearOfConstruction>"
        "<bldg:roofType>3100</bldg:roofType><bldg:measuredHeight uom='m'>4.5</bldg:measuredHeight>"
        "<gen:stringAttribute name='Street'><gen:value>Main</gen:value></gen:stringAttribute>"
    )
    (house,) = given(building(said + linked() + bounded()))
    expected = {
        "function": "1000",
        "year": "1950",
        "roof_type": "3100",
        "measured_height": 4.5,
        "Street": "Main",
    }
    assert expected.items() <= house.attributes.items()


def test_one_bad_building_costs_only_itself(given):
    ring = "<gml:LinearRing><gml:posList>1 2</gml:posList></gml:LinearRing>"
    member = f"<gml:Polygon><gml:exterior>{ring}</gml:exterior></gml:Polygon>"
    cut = f"<bldg:lod2MultiSurface><gml:MultiSurface>{member}</gml:MultiSurface></bldg:lod2MultiSurface>"
    rows = given(building(cut, "cut"), building("", "none"), building(bounded(), "good"))
    assert [row.id for row in rows] == ["cut", "none", "good"]
    assert "2 numbers" in str(rows[0].error)
    assert rows[1].error == "no geometry"
    assert rows[2].error is None


def test_degrees_are_refused_with_advice(given):
    (row,) = given(building(bounded()), system="http://www.opengis.net/def/crs/EPSG/0/6697")
    assert "degrees" in str(row.error)


def test_a_city_of_trees_says_so(given):
    (row,) = given("<core:cityObjectMember><core:Tree/></core:cityObjectMember>")
    assert row.error == "no Building among its objects (Tree)"
