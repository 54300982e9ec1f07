"""Folders, files, globs and archives: the same files in the same order, all accounted for."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile

import pytest

from voxgen.errors import DataError
from voxgen.formats import Limits, SourceFile, expand, read_buildings

OBJ = "v 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.obj",
        "a.OBJ",
        "deep/c.obj",
        "house.fbx",
        "house.mtl",
        "notes.txt",
        ".hidden.obj",
        "odd.qqq",
    ):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OBJ, encoding="utf-8")
    (tmp_path / "set" / ".git").mkdir()
    (tmp_path / "set" / ".git" / "x.obj").write_text(OBJ, encoding="utf-8")
    (tmp_path / "set" / "SOURCE.json").write_text('{"licence": "CC0"}', encoding="utf-8")
    (tmp_path / "set" / "empty.city.json").write_text(
        '{"version": "2.0", "type" : "CityJSON"}', encoding="utf-8"
    )
    return tmp_path / "set"


def fates(files, root):
    return {file.name.removeprefix(f"{root.as_posix()}/"): file.role for file in files}


def test_a_folder_gives_every_visible_file_once_in_order(folder):
    files = list(expand([folder]))
    assert fates(files, folder) == {
        "SOURCE.json": "side",
        "a.OBJ": "building",
        "b.obj": "building",
        "empty.city.json": "building",
        "house.fbx": "unsupported",
        "house.mtl": "side",
        "notes.txt": "side",
        "odd.qqq": "unsupported",
        "deep/c.obj": "building",
    }
    assert [file.name for file in expand([folder])] == [file.name for file in files]
    assert list(fates(files, folder))[:3] == ["SOURCE.json", "a.OBJ", "b.obj"]


def test_unsupported_files_say_why(folder):
    reasons = {file.path.name: file.reason for file in expand([folder]) if file.role == "unsupported"}
    assert "Blender" in reasons["house.fbx"]
    assert ".qqq is not a format that voxgen reads" in reasons["odd.qqq"]


def test_a_glob_gives_what_it_matches(folder):
    assert [f.path.name for f in expand([str(folder / "**" / "*.obj")])] == ["b.obj", "c.obj"]


def test_a_file_named_twice_comes_once(folder):
    assert [f.path.name for f in expand([folder / "b.obj", folder / "b.obj"])] == ["b.obj"]


def test_a_source_that_names_nothing_is_an_error_at_once(folder):
    with pytest.raises(DataError, match="no file, folder or pattern"):
        expand([folder / "nowhere"])
    with pytest.raises(DataError, match="no file, folder or pattern"):
        expand([str(folder / "*.dae")])


def test_an_archive_reads_as_its_folder(folder, tmp_path):
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    inside = {file.name.partition("!")[2]: file.role for file in expand([archive])}
    assert inside == fates(expand([folder]), folder)
    (house,) = (b for f in expand([archive]) if f.member == "deep/c.obj" for b in read_buildings(f))
    assert house.error is None
    assert (house.id, house.source) == ("c", f"{archive.as_posix()}!deep/c.obj")


def test_siblings_are_found_inside_an_archive(tmp_path):
    archive = tmp_path / "a.zip"
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36, "uri": "part%20one.bin"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
    }
    corners = bytes(24) + b"\x00\x00\x80\x40" * 3
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("x/a.gltf", json.dumps(document))
        packed.writestr("x/part one.bin", corners)
        packed.writestr("part one.bin", b"")
    roles = {file.member: file.role for file in expand([archive])}
    assert roles == {"x/a.gltf": "building", "x/part one.bin": "side", "part one.bin": "side"}
    assert SourceFile(archive, "x/a.gltf").sibling("part%20one.bin", Limits()) == corners


def test_a_gzipped_file_reads_as_the_plain_one(tmp_path):
    (tmp_path / "a.obj").write_text(OBJ, encoding="utf-8")
    (tmp_path / "b.obj.gz").write_bytes(gzip.compress(OBJ.encode()))
    plain, packed = (next(read_buildings(file)) for file in expand([tmp_path]))
    assert (plain.id, packed.id) == ("a", "b")
    assert (plain.mesh.vertices == packed.mesh.vertices).all()


def test_a_file_travels_to_another_process(folder):
    for file in expand([folder]):
        assert pickle.loads(pickle.dumps(file)) == file


@pytest.mark.parametrize(
    ("name", "stem"), [("denhaag.city.json.gz", "denhaag"), ("a.b.OBJ", "a.b"), ("tile.jsonl", "tile")]
)
def test_the_stem_loses_only_the_suffixes_of_formats(tmp_path, name, stem):
    assert SourceFile(tmp_path / name).stem == stem


def test_a_file_that_vanished_is_a_row(tmp_path):
    (row,) = read_buildings(tmp_path / "gone.obj")
    assert "missing" in str(row.error)
