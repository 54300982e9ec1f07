"""glTF, 3MF and COLLADA: scene graphs undone, and point clouds."""

from __future__ import annotations

import base64
import json
import struct
import zipfile

import numpy as np
import pytest

from voxgen.formats import ReadOptions, SourceFile, read_buildings

TRIANGLE_LIST, STRIP, FAN = 4, 5, 6


def triangles(quads):
    return np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def gltf(box, **more):
    """A glTF of the box, Y up, with its buffer as a data URI, and `nodes` to be given."""
    corners, quads = box
    points = corners[:, [0, 2, 1]] * [1, 1, -1]
    order = triangles(quads)
    content = points.astype("<f4").tobytes() + order.astype("<u2").tobytes()
    return {
        "asset": {"version": "2.0"},
        "buffers": [
            {
                "byteLength": len(content),
                "uri": "data:application/octet-stream;base64," + base64.b64encode(content).decode(),
            }
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": 96},
            {"buffer": 0, "byteOffset": 96, "byteLength": 72},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "meshes": [{"name": "box", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
        **more,
    }


@pytest.fixture
def given(tmp_path, read):
    def reader(document, name="a.gltf", **options):
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return read(path, **options)

    return reader


def test_a_gltf_box_stands_upright(given, box, closed, volume):
    (house,) = given(gltf(box))
    assert house.error is None
    np.testing.assert_allclose(house.mesh.bounds, [[0, 0, 0], [10, 6, 4]], atol=1e-6)
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(240)


def test_transforms_of_parents_act_in_order(given, box, volume):
    half = np.sqrt(0.5)
    nodes = [
        {"children": [1, 2], "scale": [2, 2, 2]},
        {"mesh": 0, "name": "turned", "rotation": [0, half, 0, half], "translation": [0, 1, 0]},
        {"mesh": 0, "name": "moved", "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 50, 0, 0, 1]},
    ]
    turned, moved = given(gltf(box, nodes=nodes), split=True)
    assert (turned.id, moved.id) == ("turned", "moved")
    # A quarter turn about Y takes x to -z, which is y in a world with Z up.
    np.testing.assert_allclose(turned.mesh.bounds, [[-12, 0, 2], [0, 20, 10]], atol=1e-5)
    np.testing.assert_allclose(moved.mesh.bounds, [[100, 0, 0], [120, 12, 8]], atol=1e-5)
    assert volume(turned.mesh) == pytest.approx(8 * 240)


def test_a_mirroring_node_does_not_turn_the_house_inside_out(given, box, volume):
    (house,) = given(gltf(box, nodes=[{"mesh": 0, "scale": [-1, 1, 1]}]))
    assert house.mesh.bounds[0, 0] == pytest.approx(-10)
    assert volume(house.mesh) == pytest.approx(240)


def test_only_the_default_scene_is_read(given, box):
    nodes = [{"mesh": 0}, {"mesh": 0, "translation": [100, 0, 0]}]
    (house,) = given(gltf(box, nodes=nodes, scenes=[{"nodes": [1]}, {"nodes": [0]}], scene=1))
    assert house.mesh.bounds[0, 0] == pytest.approx(0)


@pytest.mark.parametrize(("mode", "order"), [(STRIP, [0, 1, 3, 2]), (FAN, [0, 1, 2, 3])])
def test_strips_and_fans_face_as_their_triangles(given, box, mode, order):
    document = gltf(box)
    content = np.array([[0, 0, 0], [4, 0, 0], [4, 0, -4], [0, 0, -4]], "<f4").tobytes()
    content += np.array(order, "<u2").tobytes()
    uri = "data:;base64," + base64.b64encode(content).decode()
    document["buffers"] = [{"byteLength": len(content), "uri": uri}]
    document["bufferViews"] = [
        {"buffer": 0, "byteLength": 48},
        {"buffer": 0, "byteOffset": 48, "byteLength": 8},
    ]
    document["accessors"][0]["count"] = document["accessors"][1]["count"] = 4
    document["meshes"][0]["primitives"][0]["mode"] = mode
    (plate,) = given(document)
    corners = plate.mesh.triangles
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    np.testing.assert_allclose(areas, [8, 8])


def test_quantised_and_sparse_positions_are_undone(given, box):
    document = gltf(box)
    content = np.array([[0, 0, 0, 9], [127, 0, 0, 9], [0, 127, 0, 9]], "i1").tobytes()
    content += struct.pack("<HH3b", 2, 9, 127, 127, 0)
    uri = "data:;base64," + base64.b64encode(content).decode()
    document["buffers"] = [{"byteLength": len(content), "uri": uri}]
    document["bufferViews"] = [
        {"buffer": 0, "byteLength": 12, "byteStride": 4},
        {"buffer": 0, "byteOffset": 12, "byteLength": 2},
        {"buffer": 0, "byteOffset": 16, "byteLength": 3},
    ]
    sparse = {
        "count": 1,
        "indices": {"bufferView": 1, "componentType": 5123},
        "values": {"bufferView": 2},
    }
    document["accessors"] = [
        {
            "bufferView": 0,
            "componentType": 5120,
            "normalized": True,
            "count": 3,
            "type": "VEC3",
            "sparse": sparse,
        }
    ]
    document["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}}]
    document["nodes"] = [{"mesh": 0, "scale": [5, 5, 5]}]
    (plate,) = given(document)
    np.testing.assert_allclose(plate.mesh.extents, [5, 0, 5], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"asset": {"version": "1.0"}}, "glTF version"),
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "gltf-transform"),
        ({"nodes": [{"mesh": 3}]}, "meshes[3]"),
        ({"scenes": [{"nodes": [7]}]}, "nodes[7]"),
        ({"accessors": []}, "accessors[1]"),
        ({"buffers": [{"byteLength": 168}]}, "no binary chunk"),
        ({"buffers": [{"byteLength": 3, "uri": "data:;base64,AAAA"}]}, "cut off"),
        ({"buffers": [{"byteLength": 168, "uri": "missing.bin"}]}, "missing"),
        ({"nodes": []}, "nodes[0]"),
        ({"nodes": [{}]}, "no faces"),
    ],
)
def test_a_damaged_gltf_says_what_is_wrong(given, box, change, reason):
    (row,) = given(gltf(box, **change))
    assert reason in str(row.error)


def test_a_glb_that_is_cut_off_says_so(tmp_path, read, box):
    text = json.dumps(gltf(box)).encode()
    text += b" " * (-len(text) % 4)
    whole = b"glTF" + struct.pack("<III", 2, 20 + len(text), len(text)) + b"JSON" + text
    (tmp_path / "whole.glb").write_bytes(whole)
    assert read(tmp_path / "whole.glb")[0].error is None
    for end in (5, 15, 40, len(whole) - 1):
        (tmp_path / "cut.glb").write_bytes(whole[:end])
        assert "cut off" in str(read(tmp_path / "cut.glb")[0].error)


def threemf(box, build, unit="meter", extra=""):
    corners, quads = box
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in corners.tolist())
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in triangles(quads).tolist())
    return (
        f'<model unit="{unit}" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>'
        f'<object id="1" name="box"><mesh><vertices>{vertices}</vertices>'
        f"<triangles>{faces}</triangles></mesh></object>{extra}</resources><build>{build}</build></model>"
    )


@pytest.fixture
def given_3mf(tmp_path, read):
    def reader(model, **options):
        path = tmp_path / "a.3mf"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("3D/3dmodel.model", model)
        return read(path, **options)

    return reader


@pytest.mark.parametrize(("unit", "metres"), [("meter", 1.0), ("millimeter", 0.001), ("foot", 0.3048)])
def test_3mf_units_are_undone(given_3mf, box, unit, metres):
    (house,) = given_3mf(threemf(box, '<item objectid="1"/>', unit))
    np.testing.assert_allclose(house.mesh.extents, np.array([10, 6, 4]) * metres)


def test_3mf_components_are_placed_inside_their_item(given_3mf, box, closed):
    pair = (
        '<object id="2" name="pair"><components><component objectid="1"/>'
        '<component objectid="1" transform="0 1 0 -1 0 0 0 0 1 40 0 0"/></components></object>'
    )
    build = '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 100 0 0"/><item objectid="1"/>'
    pair_of, single = given_3mf(threemf(box, build, extra=pair), split=True)
    assert (pair_of.id, single.id) == ("pair", "box")
    np.testing.assert_allclose(pair_of.mesh.bounds, [[100, 0, 0], [140, 10, 4]])
    assert closed(pair_of.mesh)


def collada(box, asset="<up_axis>Z_UP</up_axis>", node='<instance_geometry url="#g"/>', nodes=""):
    corners, quads = box
    numbers = " ".join(str(c) for c in corners.ravel().tolist())
    indices = " ".join(f"{i} 0" for quad in quads for i in quad)
    return (
        '<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">'
        f'<asset>{asset}</asset><library_geometries><geometry id="g"><mesh><source id="s">'
        f'<float_array id="f" count="24">{numbers}</float_array><technique_common>'
        '<accessor source="#f" count="8" stride="3"/></technique_common></source><vertices id="v">'
        '<input semantic="POSITION" source="#s"/></vertices><polylist count="6">'
        '<input semantic="VERTEX" source="#v" offset="0"/><input semantic="NORMAL" source="#s" offset="1"/>'
        f"<vcount>4 4 4 4 4 4</vcount><p>{indices}</p></polylist></mesh></geometry></library_geometries>"
        f'{nodes}<library_visual_scenes><visual_scene id="w"><node name="house">{node}</node></visual_scene>'
        '</library_visual_scenes><scene><instance_visual_scene url="#w"/></scene></COLLADA>'
    )


@pytest.fixture
def given_dae(tmp_path, read):
    def reader(text, **options):
        path = tmp_path / "a.dae"
        path.write_text(text, encoding="utf-8")
        return read(path, **options)

    return reader


@pytest.mark.parametrize(
    ("asset", "extents"),
    [
        ("<up_axis>Z_UP</up_axis>", [10, 6, 4]),
        ("<up_axis>Y_UP</up_axis>", [10, 4, 6]),
        ("", [10, 4, 6]),
        ("<up_axis>X_UP</up_axis>", [6, 4, 10]),
        ('<unit meter="0.0254"/><up_axis>Z_UP</up_axis>', [0.254, 0.1524, 0.1016]),
    ],
)
def test_collada_axes_and_units_are_undone(given_dae, box, closed, volume, asset, extents):
    (house,) = given_dae(collada(box, asset))
    np.testing.assert_allclose(house.mesh.extents, extents, atol=1e-9)
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(np.prod(extents))


def test_collada_transforms_act_in_order(given_dae, box):
    node = (
        "<translate>100 0 0</translate><rotate>0 0 1 90</rotate><scale>2 1 1</scale>"
        '<node><instance_geometry url="#g"/></node>'
    )
    (house,) = given_dae(collada(box, node=node))
    np.testing.assert_allclose(house.mesh.bounds, [[94, 0, 0], [100, 20, 4]], atol=1e-9)


@pytest.mark.parametrize("suffix", [".xyz", ".pcd", ".ply"])
def test_points_without_faces_are_a_point_cloud(tmp_path, read, suffix):
    points = np.random.default_rng(3).uniform(0, 9, (40, 3)).round(3)
    rows = "\n".join(f"{x} {y} {z}" for x, y, z in points.tolist())
    pcd = "VERSION .7\nFIELDS x y z\nSIZE 8 8 8\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 40\nHEIGHT 1\n"
    head = {
        ".xyz": "",
        ".pcd": f"# .PCD v.7\n{pcd}VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 40\nDATA ascii\n",
        ".ply": "ply\nformat ascii 1.0\nelement vertex 40\n"
        "property double x\nproperty double y\nproperty double z\nend_header\n",
    }
    path = tmp_path / f"a{suffix}"
    path.write_text(head[suffix] + rows + "\n", encoding="ascii")
    (cloud,) = read(path)
    assert cloud.error is None
    assert len(cloud.mesh.faces) == 0
    np.testing.assert_allclose(cloud.points, points, atol=1e-5)


def test_points_that_are_nan_are_left_out_and_counted(tmp_path, read):
    path = tmp_path / "a.xyz"
    path.write_text("nan nan nan\n" + "".join(f"{i} {i % 3} 4\n" for i in range(20)), encoding="ascii")
    (cloud,) = read(path)
    assert cloud.points is not None
    assert np.isfinite(cloud.points).all()


def test_a_cloud_inside_an_archive_is_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/scan.xyz", "".join(f"{i} {i % 3} 4\n" for i in range(20)))
    (cloud,) = read_buildings(SourceFile(path, "deep/scan.xyz"), ReadOptions())
    assert cloud.points is not None
    assert cloud.source.endswith("a.zip!deep/scan.xyz")
