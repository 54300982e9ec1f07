"""Input that means harm: each kind is stopped by the limit that is there for it, and says so."""

from __future__ import annotations

import base64
import gzip
import json
import os
import stat
import zipfile
from contextlib import suppress
from importlib import import_module

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxgen.errors import VoxgenError
from voxgen.formats import Limits, ReadOptions, SourceFile, expand, read_buildings
from voxgen.formats.table import READABLE

SMALL = ReadOptions(
    limits=Limits(file_bytes=1 << 20, ratio_from_bytes=1 << 16, vertices=100, faces=100, nodes=50)
)


@pytest.fixture
def refused(tmp_path):
    """Write a file, read it under small limits, and give the reason."""

    def reader(name, content, options=SMALL):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        entry = next(f for f in READABLE if SourceFile(path).suffix in f.suffixes)
        module = import_module(f"voxgen.formats.{entry.module}")
        try:
            rows = list(module.read(SourceFile(path), options))
        except VoxgenError as failure:
            return str(failure)
        (row,) = rows
        assert row.error is not None
        return row.error

    return reader


def test_a_file_over_the_size_is_refused(refused):
    assert "1.0 MiB" in refused("a.obj", b"v 0 0 0\n" * (1 << 18))


def test_a_gzip_bomb_is_refused_before_it_unfolds(refused):
    bomb = gzip.compress(bytes(900_000))
    assert "decompression bomb" in refused("a.obj.gz", bomb)
    assert "over 1.0 MiB" in refused("a.obj.gz", gzip.compress(np.random.default_rng(0).bytes(2 << 20)))


def test_a_cut_gzip_is_damaged(tmp_path, read):
    (tmp_path / "a.obj.gz").write_bytes(gzip.compress(b"v 0 0 0\n" * 99)[:-9])
    (row,) = read(tmp_path / "a.obj.gz")
    assert "cut off or damaged" in str(row.error)


def archive_of(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_bomb_is_refused(tmp_path):
    path = archive_of(tmp_path / "a.zip", {"a.obj": bytes(900_000)})
    (file,) = expand([path], SMALL.limits)
    assert file.role == "refused"
    assert "decompression bomb" in file.reason


def test_an_archive_of_too_many_or_too_much_is_refused(tmp_path):
    path = archive_of(tmp_path / "a.zip", {f"{i}.obj": "v" for i in range(9)})
    assert "at most 8" in next(expand([path], Limits(archive_members=8))).reason
    assert "at most 7" in next(expand([path], Limits(archive_bytes=7))).reason


@pytest.mark.parametrize("name", ["../a.obj", "/a.obj", "x/../../a.obj", "..\\a.obj", "C:\\a.obj"])
def test_a_member_that_leaves_the_archive_is_refused_alone(tmp_path, name):
    path = archive_of(tmp_path / "a.zip", {name: "v 0 0 0", "good.obj": "v 0 0 0"})
    bad, good = sorted(expand([path]), key=lambda file: file.role, reverse=True)
    assert (bad.role, good.role) == ("refused", "building")
    assert "leads out of the archive" in bad.reason
    (row,) = read_buildings(bad)
    assert row.error == bad.reason


def test_a_link_inside_an_archive_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("a.obj")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    (file,) = expand([path])
    assert "leads out of the archive" in file.reason


def test_a_broken_archive_and_one_inside_another_are_rows(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    archive_of(tmp_path / "b.zip", {"inner.zip": b""})
    broken, nested = expand([tmp_path])
    assert "archive not read" in broken.reason
    assert "archive inside an archive" in nested.reason


ENTITIES = '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "root"),
    [("a.gml", '<CityModel x="&b;">&b;</CityModel>'), ("a.dae", "<COLLADA>&b;</COLLADA>")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(refused, name, root, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>{ENTITIES}{root}'
    assert "entities" in refused(name, text.encode(encoding))


def test_an_external_entity_reads_no_file(refused, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    doctype = f'<!DOCTYPE m [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    assert "entities" in refused("a.gml", f"{doctype}<CityModel>&x;</CityModel>")


def test_entities_inside_a_3mf_are_refused(tmp_path, refused):
    path = archive_of(tmp_path / "x.3mf", {"3D/3dmodel.model": f"{ENTITIES}<model>&b;</model>"})
    assert "entities" in refused("a.3mf", path.read_bytes())


@pytest.mark.parametrize(
    "uri",
    [
        "../secret.bin",
        "x/../../secret.bin",
        "..%2Fsecret.bin",
        "..\\secret.bin",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://example.org/a.bin",
        "//example.org/a.bin",
        "C:/secret.bin",
    ],
)
def test_a_gltf_reaches_no_further_than_its_folder(refused, tmp_path, uri):
    (tmp_path.parent / "secret.bin").write_bytes(bytes(99))
    document = gltf_of(buffers=[{"byteLength": 36, "uri": uri}])
    assert "leads out of the file's folder" in refused("a.gltf", json.dumps(document))


def test_a_link_beside_a_gltf_leads_nowhere(refused, tmp_path):
    (tmp_path.parent / "secret.bin").write_bytes(bytes(99))
    try:
        (tmp_path / "link.bin").symlink_to(tmp_path.parent / "secret.bin")
    except OSError:
        pytest.skip("this system makes no symbolic links")
    document = gltf_of(buffers=[{"byteLength": 36, "uri": "link.bin"}])
    assert "leads out of the file's folder" in refused("a.gltf", json.dumps(document))


def gltf_of(**change):
    uri = "data:;base64," + base64.b64encode(np.arange(9, dtype="<f4").tobytes()).decode()
    return {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36, "uri": uri}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        **change,
    }


@pytest.mark.parametrize(
    "nodes",
    [
        [{"children": [1]}, {"children": [0]}],
        [{"children": [0], "mesh": 0}],
        [{"children": [1, 2]}, {"children": [3]}, {"children": [3]}, {"mesh": 0}],
    ],
    ids=["circle", "itself", "two parents"],
)
def test_gltf_nodes_in_a_circle_are_refused(refused, nodes):
    assert "circle" in refused("a.gltf", json.dumps(gltf_of(nodes=nodes)))


def test_deep_wide_and_heavy_gltf_are_refused(refused):
    deep = [{"children": [i + 1]} for i in range(40)] + [{"mesh": 0}]
    assert "nested deeper than 32" in refused("a.gltf", json.dumps(gltf_of(nodes=deep)))
    wide = gltf_of(nodes=[{} for _ in range(60)], scenes=[{"nodes": list(range(60))}])
    assert "nodes; at most 50" in refused("a.gltf", json.dumps(wide))
    many = gltf_of(nodes=[{"mesh": 0} for _ in range(40)], scenes=[{"nodes": list(range(40))}])
    assert "at most 100" in refused("a.gltf", json.dumps(many))
    empty = {"componentType": 5126, "count": 1 << 40, "type": "VEC3"}
    assert "at most 100" in refused("a.gltf", json.dumps(gltf_of(accessors=[empty])))


def test_3mf_components_in_a_circle_or_doubling_are_refused(tmp_path, refused):
    def packed(objects):
        body = "".join(
            f'<object id="{k}"><components>'
            + "".join(f'<component objectid="{c}"/>' for c in v)
            + "</components></object>"
            for k, v in objects.items()
        )
        text = f'<model><resources>{body}</resources><build><item objectid="0"/></build></model>'
        return archive_of(tmp_path / "x.3mf", {"3D/3dmodel.model": text}).read_bytes()

    assert "circle" in refused("a.3mf", packed({0: [0]}), ReadOptions())
    doubling = {i: [i + 1, i + 1] for i in range(30)} | {30: []}
    assert "nodes; at most 50" in refused("a.3mf", packed(doubling))


def test_collada_nodes_in_a_circle_are_refused(refused):
    text = (
        '<COLLADA><library_visual_scenes><visual_scene id="w"><node id="n"><instance_node url="#n"/></node>'
        '</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#w"/></scene></COLLADA>'
    )
    assert "circle" in refused("a.dae", text, ReadOptions())


def test_citygml_links_in_a_circle_are_refused(refused):
    text = (
        '<CityModel xmlns:l="http://www.w3.org/1999/xlink"><Building id="h"><lod2MultiSurface>'
        '<MultiSurface id="m"><surfaceMember l:href="#m"/></MultiSurface></lod2MultiSurface></Building>'
        "</CityModel>"
    )
    assert "circle" in refused("a.gml", text, ReadOptions())


def cityjson(objects, **more):
    corners = [[0, 0, 0], [9, 0, 0], [0, 9, 0]]
    return json.dumps(
        {"type": "CityJSON", "version": "2.0", "CityObjects": objects, "vertices": corners, **more}
    )


def test_cityjson_parts_in_a_circle_are_refused(refused):
    ring = {"a": {"type": "Building", "children": ["b"]}, "b": {"type": "BuildingPart", "children": ["a"]}}
    assert "circle" in refused("a.json", cityjson(ring))


def test_cityjson_parts_too_deep_are_refused(refused):
    chain = {f"p{i}": {"type": "BuildingPart", "children": [f"p{i + 1}"]} for i in range(40)}
    text = cityjson({"h": {"type": "Building", "children": ["p0"]}, **chain})
    assert "nested deeper than 32" in refused("a.json", text)


def test_a_template_of_templates_is_refused(refused):
    instance = {"type": "GeometryInstance", "template": 0, "boundaries": [0]}
    more = {"geometry-templates": {"templates": [instance], "vertices-templates": []}}
    assert "templates may not hold templates" in refused(
        "a.json", cityjson({"h": {"type": "Building", "geometry": [instance]}}, **more)
    )


def test_templates_that_multiply_are_refused(refused):
    template = {"type": "MultiSurface", "lod": 2, "boundaries": [[[0, 1, 2]]] * 30}
    more = {
        "geometry-templates": {
            "templates": [template],
            "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
        }
    }
    instance = {"type": "GeometryInstance", "template": 0, "boundaries": [0]}
    assert "at most 100" in refused(
        "a.json", cityjson({"h": {"type": "Building", "geometry": [instance] * 9}}, **more)
    )


def test_json_nested_without_end_is_refused(refused):
    assert "nested deeper" in refused("a.json", b'{"type": ' + b"[" * 200_000)


def test_counts_that_lie_reserve_no_memory(refused):
    stl = bytes(80) + (4_000_000_000).to_bytes(4, "little")
    assert "announces 4,000,000,000" in refused("a.stl", stl)
    ply = b"ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n"
    assert "at most 100" in refused("a.ply", ply)
    assert "at most 100" in refused("a.off", "OFF\n99999999999 1 0\n")
    pcd = "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nPOINTS 99999999999\nDATA binary\n"
    assert "at most 100" in refused("a.pcd", pcd)


def test_too_many_vertices_and_faces_are_refused(refused):
    assert "vertices; at most 100" in refused("a.obj", "v 0 0 0\n" * 101)
    assert "faces; at most 100" in refused("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n" + "f 1 2 3\n" * 101)


STARTS = {
    ".json": b'{"type": "CityJSON", "version": "2.0", "CityObjects": {"a": {"type": "Building"}}, ',
    ".jsonl": b'{"type": "CityJSON", "version": "2.0", "CityObjects": {}, "vertices": []}\n',
    ".gml": b"<CityModel><Building>",
    ".obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
    ".stl": b"solid x\n",
    ".ply": b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nelement face 1\n",
    ".off": b"OFF\n3 1 0\n0 0 0\n",
    ".glb": b"glTF\x02\x00\x00\x00",
    ".gltf": b'{"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], ',
    ".3mf": b"PK\x03\x04",
    ".dae": b"<COLLADA><asset>",
    ".pcd": b"VERSION .7\nPOINTS 3\n",
    ".ifc": b"ISO-10303-21;HEADER;FILE_SCHEMA(('IFC4'));ENDSEC;DATA;#1=IFCWALL(",
    ".3dm": b"3D Geometry File Format       70",
}


def ends_well(path):
    """Read a file by its reader alone: a building, a reason, or a VoxgenError, and nothing else."""
    entry = next(f for f in READABLE if path.suffix in f.suffixes)
    reader = import_module(f"voxgen.formats.{entry.module}").read
    with suppress(VoxgenError):
        for building in reader(SourceFile(path), SMALL):
            assert building.error or len(building.mesh.faces) or building.points is not None


@pytest.mark.parametrize("suffix", STARTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(tail=st.binary(max_size=120), start=st.booleans())
def test_random_bytes_end_in_a_voxgen_error_or_a_building(tmp_path, suffix, tail, start):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(STARTS[suffix] * start + tail)
    ends_well(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def with_one_value_replaced(draw, whole):
    """A JSON document of which one value, anywhere, became anything."""
    document = json.loads(whole)
    holder, key = {"": document}, ""
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 5)):
        holder = holder[key]
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    holder[key] = draw(anything)
    return json.dumps(document)


SHELL = [[[0, 1, 2]], [[0, 2, 1], [1, 2, 0]]]
WHOLE = {
    ".json": cityjson(
        {
            "h": {"type": "Building", "children": ["p"], "attributes": {"roofType": "1000"}},
            "p": {
                "type": "BuildingPart",
                "geometry": [
                    {
                        "type": "Solid",
                        "lod": "2.2",
                        "boundaries": [SHELL],
                        "semantics": {"surfaces": [{"type": "WallSurface"}], "values": [[0, None]]},
                    },
                    {
                        "type": "GeometryInstance",
                        "template": 0,
                        "boundaries": [1],
                        "transformationMatrix": list(range(16)),
                    },
                ],
            },
        },
        **{
            "geometry-templates": {
                "templates": [{"type": "MultiSurface", "lod": "2.2", "boundaries": SHELL}],
                "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
            },
            "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
            "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        },
    ),
    ".gltf": json.dumps(
        gltf_of(nodes=[{"mesh": 0, "rotation": [0, 0, 0, 1], "scale": [1, 1, 1], "name": "n"}])
    ),
}


@pytest.mark.parametrize("suffix", WHOLE)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_any_value_of_a_model_may_be_anything(tmp_path, suffix, data):
    path = tmp_path / f"a{suffix}"
    path.write_text(data.draw(with_one_value_replaced(WHOLE[suffix])), encoding="utf-8")
    ends_well(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "house.obj")
    (file,) = expand([tmp_path])
    assert (file.role, "plain file" in file.reason) == ("refused", True)
    (row,) = read_buildings(tmp_path / "house.obj")
    assert "plain file" in str(row.error)


def test_what_is_named_a_city_model_is_told_where_it_is_none(tmp_path):
    (tmp_path / "town.city.json").write_text("", encoding="utf-8")
    (tmp_path / "notes.json").write_text("{}", encoding="utf-8")
    town, notes = sorted(expand([tmp_path]), key=lambda file: file.role)
    assert (town.stem, notes.role) == ("town", "side")
    (row,) = read_buildings(town)
    assert row.error
