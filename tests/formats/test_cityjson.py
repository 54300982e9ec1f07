"""CityJSON by hand-made models, each with one thing that the standard allows or forbids."""

from __future__ import annotations

import copy
import gzip
import json

import numpy as np
import pytest

from voxgen.geometry.mesh import SurfaceClass


def solid(lod="2.2", offset=0, **more):
    """A box of 10 x 6 x 4 m as a Solid over eight vertices from `offset` on."""
    quads = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    shell = [[[i + offset for i in quad]] for quad in quads]
    return {"type": "Solid", "lod": lod, "boundaries": [shell], **more}


def model(objects, **more):
    """A CityJSON 2.0 document in millimetres, with the vertices of two boxes side by side."""
    corners = [(x, y, z) for z in (0, 4) for x, y in ((0, 0), (10, 0), (10, 6), (0, 6))]
    vertices = [[1000 * (x + 10 * k), 1000 * y, 1000 * z] for k in (0, 1) for x, y, z in corners]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [1e5, 4e5, 5.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "CityObjects": objects,
        "vertices": vertices,
        **more,
    }


@pytest.fixture
def given(tmp_path, read):
    """Read a document as a file."""

    def reader(document, name="a.city.json", **options):
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return read(path, **options)

    return reader


def test_a_building_with_two_parts_is_one_building_of_two_parts(given, closed, volume):
    (house,) = given(
        model(
            {
                "h": {"type": "Building", "children": ["a", "b"], "attributes": {"year": 1930}},
                "a": {"type": "BuildingPart", "parents": ["h"], "geometry": [solid()]},
                "b": {"type": "BuildingPart", "parents": ["h"], "geometry": [solid(offset=8)]},
            }
        )
    )
    assert house.id == "h"
    assert house.attributes == {"year": 1930}
    assert house.crs == "EPSG:7415"
    assert np.unique(house.mesh.parts).tolist() == [0, 1]
    # The party wall stands twice: vertices are not shared between parts.
    assert len(house.mesh.vertices) == 16
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(480)
    np.testing.assert_allclose(house.mesh.bounds[0], [1e5, 4e5, 5.0])


def test_parts_of_unlike_levels_are_all_there_and_said(given, volume):
    (house,) = given(
        model(
            {
                "h": {"type": "Building", "children": ["a", "b"], "geometry": [solid("1.2")]},
                "a": {"type": "BuildingPart", "geometry": [solid("1.2"), solid("2.2")]},
                "b": {"type": "BuildingPart", "geometry": [solid("1.2", offset=8)]},
            }
        )
    )
    assert house.lod == 2.2
    assert volume(house.mesh) == pytest.approx(480), "the coarse body of the whole is left out"
    assert any("differ in LoD" in said for said in house.warnings)


def test_semantics_label_the_faces(given):
    semantics = {
        "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
        "values": [[0, 1, 2, 2, None, 2]],
    }
    (house,) = given(model({"h": {"type": "Building", "geometry": [solid(semantics=semantics)]}}))
    counts = np.bincount(house.mesh.labels, minlength=4)
    assert counts[
        [SurfaceClass.GROUND, SurfaceClass.ROOF, SurfaceClass.WALL, SurfaceClass.UNKNOWN]
    ].tolist() == [
        2,
        2,
        6,
        2,
    ]


@pytest.mark.parametrize(
    "kind", ["MultiSurface", "CompositeSurface", "Solid", "MultiSolid", "CompositeSolid"]
)
def test_all_kinds_of_bodies_give_the_same_box(given, closed, volume, kind):
    shell = solid()["boundaries"][0]
    nested = {"S": shell, "o": [shell], "M": [[shell]]}
    depth = nested["S"] if kind.endswith("Surface") else nested["o"] if kind == "Solid" else nested["M"]
    (house,) = given(
        model({"h": {"type": "Building", "geometry": [{"type": kind, "lod": 2, "boundaries": depth}]}})
    )
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(240)


def test_a_court_as_inner_rings_and_inner_shell_is_subtracted(given, closed, volume):
    corners = [(x, y, z) for z in (0, 4) for x, y in ((2, 2), (8, 2), (8, 4), (2, 4))]
    document = model({})
    document["vertices"][8:] = [[1000 * c for c in corner] for corner in corners]
    shell = solid()["boundaries"][0]
    court = copy.deepcopy(shell)
    court[0].append([8, 9, 10, 11])
    court[1].append([15, 14, 13, 12])
    court += [[[8 + i for i in reversed(quad[0])]] for quad in shell[2:]]
    hollow = [shell, [[[8 + i for i in reversed(quad[0])]] for quad in shell]]
    document["CityObjects"] = {
        "court": {"type": "Building", "geometry": [{"type": "Solid", "lod": 2, "boundaries": [court]}]},
        "hollow": {"type": "Building", "geometry": [{"type": "Solid", "lod": 2, "boundaries": hollow}]},
    }
    for house in given(document):
        assert closed(house.mesh)
        assert volume(house.mesh) == pytest.approx(240 - 48)
        assert len(np.unique(house.mesh.parts)) == 1


def test_a_template_is_turned_and_put_at_its_point(given, closed, volume):
    turn = [0, -2, 0, 1, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    instance = {"type": "GeometryInstance", "template": 0, "boundaries": [1], "transformationMatrix": turn}
    corners = [[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    (house,) = given(
        model(
            {"h": {"type": "Building", "geometry": [instance]}},
            **{"geometry-templates": {"templates": [solid("2")], "vertices-templates": corners}},
        )
    )
    assert house.lod == 2
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(8)
    np.testing.assert_allclose(house.mesh.bounds - [1e5 + 10, 4e5, 5.0], [[-1, 0, 0], [1, 2, 2]], atol=1e-9)


def test_installations_belong_to_the_building_and_rooms_do_not(given):
    (house,) = given(
        model(
            {
                "h": {"type": "Building", "children": ["i", "r"], "geometry": [solid()]},
                "i": {"type": "BuildingInstallation", "geometry": [solid(offset=8)]},
                "r": {"type": "BuildingRoom", "geometry": [solid()]},
            }
        )
    )
    assert len(np.unique(house.mesh.parts)) == 2


def test_a_part_without_its_building_is_kept_and_said(given):
    (part,) = given(model({"p": {"type": "BuildingPart", "geometry": [solid()]}}))
    assert part.error is None
    assert "a part without its building" in part.warnings


def test_one_bad_building_costs_only_itself(given):
    broken = solid()
    broken["boundaries"][0][0][0][0] = 99
    mended = given(
        model(
            {
                "index": {"type": "Building", "geometry": [broken]},
                "shape": {"type": "Building", "geometry": [{"type": "Solid", "lod": 2, "boundaries": 7}]},
                "none": {"type": "Building"},
                "flat": {
                    "type": "Building",
                    "geometry": [{"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2]]]}],
                },
                "good": {"type": "Building", "geometry": [solid()]},
            }
        )
    )
    reasons = {building.id: building.error for building in mended}
    assert reasons["good"] is None
    assert "vertices that do not exist" in str(reasons["index"])
    assert "damaged geometry" in str(reasons["shape"])
    assert reasons["none"] == "no geometry"
    assert "footprint" in str(reasons["flat"])


def test_two_solids_of_two_levels_never_mix(given, volume):
    document = model({"h": {"type": "Building", "geometry": [solid("1"), solid("2", offset=8)]}})
    (fine,), (coarse,) = given(document), given(document, lod=1)
    assert fine.mesh.bounds[0, 0] == pytest.approx(1e5 + 10)
    assert coarse.mesh.bounds[0, 0] == pytest.approx(1e5)
    assert volume(fine.mesh) == volume(coarse.mesh) == pytest.approx(240)


def test_degrees_are_refused_with_advice(given):
    document = model({"h": {"type": "Building", "geometry": [solid()]}})
    document["metadata"]["referenceSystem"] = "https://www.opengis.net/def/crs/EPSG/0/6697"
    (row,) = given(document)
    assert "degrees" in str(row.error)
    assert "reproject" in str(row.error)


def test_an_old_version_names_its_upgrade(given):
    (row,) = given({**model({}), "version": "0.9"})
    assert "cjio" in str(row.error)


def test_a_sequence_reads_as_the_file_it_came_from(tmp_path, read):
    whole = model(
        {
            "a": {"type": "Building", "geometry": [solid()]},
            "b": {"type": "Building", "geometry": [solid(offset=8)]},
        }
    )
    head = {**whole, "CityObjects": {}, "vertices": []}
    lines = [head] + [
        {"type": "CityJSONFeature", "id": k, "CityObjects": {k: v}, "vertices": whole["vertices"]}
        for k, v in whole["CityObjects"].items()
    ]
    single, sequence = tmp_path / "a.json", tmp_path / "a.city.jsonl.gz"
    single.write_text(json.dumps(whole), encoding="utf-8")
    sequence.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    for one, other in zip(read(single), read(sequence), strict=True):
        assert one.id == other.id
        np.testing.assert_array_equal(one.mesh.vertices, other.mesh.vertices)


def test_a_damaged_line_of_a_sequence_costs_only_itself(tmp_path, read):
    document = model({"a": {"type": "Building", "geometry": [solid()]}})
    feature = {"type": "CityJSONFeature", "id": "b", "CityObjects": {"b": document["CityObjects"]["a"]}}
    feature["vertices"] = document["vertices"]
    lines = [json.dumps(document), '{"type": "CityJSONFeature", "CityOb', json.dumps(feature)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    rows = read(path)
    assert [row.id for row in rows] == ["a", "a-line-2", "b"]
    assert [row.error is None for row in rows] == [True, False, True]
