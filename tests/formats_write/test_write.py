"""What other programs find in the files that voxgen writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgen.errors import DataError, UnsupportedFormatError, UsageError
from voxgen.formats import read_buildings
from voxgen.formats.write import write_mesh
from voxgen.formats.write_table import WRITABLE
from voxgen.geometry.mesh import Mesh


def house(offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    """A closed gabled house, 10 m along x, 6 m along y, eaves at 4 m, ridge along x at 7 m."""
    outline = np.array([(-3, 0), (3, 0), (3, 4), (0, 7), (-3, 4)], float)
    front = np.column_stack([np.full(5, 5.0), outline])
    back = front * [-1, 1, 1]
    sides = [f for i in range(5) for f in ((i, i + 5, (i + 1) % 5), ((i + 1) % 5, i + 5, (i + 1) % 5 + 5))]
    ends = [(0, 1, 2), (0, 2, 4), (2, 3, 4), (5, 7, 6), (5, 9, 7), (7, 9, 8)]
    return Mesh.of(np.concatenate([front, back]), ends + sides).translated(np.array(offset))


def reread(path: Path) -> trimesh.Trimesh:
    """The file as trimesh shows it, corners merged by position."""
    mesh = trimesh.load(path, force="mesh")
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    return mesh


SUFFIXES = [".obj", ".stl", ".ply", ".glb"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_closed_house_comes_back_closed_at_its_size(tmp_path: Path, suffix: str) -> None:
    write_mesh(tmp_path / f"house{suffix}", house(), name="house")
    mesh = reread(tmp_path / f"house{suffix}")
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(10 * (6 * 4 + 6 * 3 / 2), rel=1e-6)
    size = (10, 7, 6) if suffix == ".glb" else (10, 6, 7)
    assert mesh.extents == pytest.approx(size, abs=1e-6)


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".ply"])
def test_y_up_turns_the_house_without_mirroring_it(tmp_path: Path, suffix: str) -> None:
    write_mesh(tmp_path / f"house{suffix}", house(), name="house", up="y")
    mesh = reread(tmp_path / f"house{suffix}")
    assert mesh.extents == pytest.approx((10, 7, 6), abs=1e-6)
    assert mesh.bounds[0, 1] == pytest.approx(0, abs=1e-6)
    assert mesh.volume > 0


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1000), ("cm", 100), ("ft", 1 / 0.3048)])
def test_units_scale_the_numbers(tmp_path: Path, unit: str, factor: float) -> None:
    write_mesh(tmp_path / "house.obj", house(), name="house", unit=unit)
    assert reread(tmp_path / "house.obj").extents == pytest.approx(np.array([10, 6, 7]) * factor, rel=1e-6)


def test_an_obj_says_its_name_unit_axis_and_metadata(tmp_path: Path) -> None:
    write_mesh(
        tmp_path / "a.obj",
        house(),
        name="old mill\nf 1 2 3",
        up="y",
        unit="mm",
        metadata={"seed": 7, "run": "x\ny"},
    )
    lines = (tmp_path / "a.obj").read_text(encoding="utf-8").splitlines()
    assert "o old_mill_f_1_2_3" in lines
    assert {"# unit: mm", "# up: y", "# seed: 7", "# run: x y"} <= set(lines)
    assert sum(line.startswith("f ") for line in lines) == len(house().faces)


def test_a_glb_follows_the_standard(tmp_path: Path) -> None:
    write_mesh(tmp_path / "a.glb", house(), name="mill", metadata={"licence": "CC BY 4.0"})
    data = (tmp_path / "a.glb").read_bytes()
    _, version, length, text_length = np.frombuffer(data[:16], "<u4")
    assert (data[:4], version, length, length % 4) == (b"glTF", 2, len(data), 0)
    assert data[16:20] == b"JSON"
    assert text_length % 4 == 0
    tree = json.loads(data[20 : 20 + text_length])
    body = data[28 + text_length :]
    node = tree["nodes"][0]
    assert (node["name"], node["extras"]) == ("mill", {"licence": "CC BY 4.0"})
    assert tree["materials"]
    read = {}
    kinds = {5126: "<f4", 5125: "<u4"}
    (primitive,) = tree["meshes"][0]["primitives"]
    for role, at in {**primitive["attributes"], "index": primitive["indices"]}.items():
        accessor = tree["accessors"][at]
        view = tree["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        count = accessor["count"] * {"VEC3": 3, "SCALAR": 1}[accessor["type"]]
        read[role] = np.frombuffer(body, kinds[accessor["componentType"]], count, view["byteOffset"])
    position, normal = read["POSITION"].reshape(-1, 3), read["NORMAL"].reshape(-1, 3)
    box = tree["accessors"][primitive["attributes"]["POSITION"]]
    assert position.min(axis=0).tolist() == box["min"]
    assert position.max(axis=0).tolist() == box["max"]
    assert np.linalg.norm(normal, axis=1) == pytest.approx(1, abs=1e-6)
    corners = position[read["index"].reshape(-1, 3)]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    assert normal[read["index"].reshape(-1, 3)] == pytest.approx(
        np.repeat(across[:, None], 3, axis=1), abs=1e-5
    )


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
def test_a_house_in_a_national_grid_keeps_shape_and_place(tmp_path: Path, suffix: str) -> None:
    far = (233_412.37, 480_951.81, 12.5)
    write_mesh(tmp_path / f"far{suffix}", house(far), name="far")
    (building,) = read_buildings(tmp_path / f"far{suffix}")
    assert building.mesh.bounds == pytest.approx(house(far).bounds, abs=1e-3)
    assert building.mesh.to_trimesh().volume == pytest.approx(330, rel=1e-3)


def test_an_stl_that_cannot_hold_its_coordinates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="origin"):
        write_mesh(tmp_path / "far.stl", house((500_000.37, 5_700_000.81, 0.0)), name="far")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_voxgen_reads_what_it_writes(tmp_path: Path, suffix: str) -> None:
    for up in ("z", "y"):
        path = tmp_path / f"house-{up}{suffix}"
        write_mesh(path, house(), name="house", up=up)
        if suffix in (".stl", ".ply") and up == "y":
            continue  # these say the axis in a comment alone
        (building,) = read_buildings(path)
        assert building.error is None
        assert building.mesh.extents == pytest.approx((10, 6, 7), abs=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_mesh_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_mesh(tmp_path / f"{name}{suffix}", house(), name="house", metadata={"seed": 1})
    a, b = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
    assert a.replace(b"mtllib a", b"mtllib b") == b


@pytest.mark.parametrize("suffix", [writer.suffix for writer in WRITABLE.values()])
@pytest.mark.parametrize("fault", ["empty", "nan", "infinite", "index"])
def test_a_broken_mesh_is_refused_and_the_old_file_stays(tmp_path: Path, suffix: str, fault: str) -> None:
    path = tmp_path / f"house{suffix}"
    write_mesh(path, house(), name="house")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    vertices, faces = house().vertices.copy(), house().faces.copy()
    if fault == "empty":
        faces = faces[:0]
    elif fault == "index":
        faces[0, 0] = 99
    else:
        vertices[3, 1] = np.nan if fault == "nan" else np.inf
    with pytest.raises(DataError, match="house"):
        write_mesh(path, Mesh.of(vertices, faces), name="house")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_unknown_formats_units_and_axes_are_named_with_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match="'\\.obi', did you mean 'obj'"):
        write_mesh(tmp_path / "a.obi", house(), name="a")
    with pytest.raises(UsageError, match="choose z or y"):
        write_mesh(tmp_path / "a.obj", house(), name="a", up="x")
    with pytest.raises(UsageError, match="choose one of m"):
        write_mesh(tmp_path / "a.obj", house(), name="a", unit="furlong")


def test_a_face_without_area_does_not_spoil_the_file(tmp_path: Path) -> None:
    whole = house()
    mesh = Mesh.of(whole.vertices, np.concatenate([whole.faces, [[0, 0, 1]]]))
    for suffix in SUFFIXES:
        write_mesh(tmp_path / f"a{suffix}", mesh, name="a")
        assert np.isfinite(trimesh.load(tmp_path / f"a{suffix}", force="mesh").vertices).all()
    assert "nan" not in (tmp_path / "a.obj").read_text(encoding="utf-8")


@settings(max_examples=25, deadline=None)
@given(st.floats(-200, 200), st.floats(-200, 200), st.floats(0.2, 20), st.floats(0, 6.28))
def test_any_place_size_and_turn_come_back(x: float, y: float, scale: float, yaw: float) -> None:
    import tempfile

    mesh = house().scaled(scale).rotated(yaw).translated(np.array([x, y, 0.0]))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            path = Path(folder) / f"a{suffix}"
            write_mesh(path, mesh, name="a")
            back = reread(path)
            assert back.is_watertight
            assert back.volume == pytest.approx(330 * scale**3, rel=1e-3)


@pytest.mark.shared
def test_real_buildings_come_back_closed_and_in_size(shared: Path, tmp_path: Path) -> None:
    source = np.load(shared / "data" / "nl_denhaag" / "buildings.npz", allow_pickle=False)
    closed = np.flatnonzero(source["watertight"])[::60]
    count = 0
    for i in closed:
        v = slice(*source["v_offset"][i : i + 2])
        f = slice(*source["f_offset"][i : i + 2])
        mesh = Mesh.of(source["vertices"][v], source["faces"][f])
        whole = mesh.to_trimesh()
        whole.merge_vertices()  # shells that touch become one, as in any file without parts
        for suffix in SUFFIXES:
            path = tmp_path / f"{i}{suffix}"
            write_mesh(path, mesh, name=str(source["id"][i]))
            back = reread(path)
            assert back.is_watertight == whole.is_watertight
            assert back.volume == pytest.approx(whole.volume, rel=1e-4)
            count += back.is_watertight
    assert count > 0.8 * len(closed) * len(SUFFIXES)


@pytest.mark.parametrize("byte", [0x0A, 0x0D])
def test_the_data_of_a_ply_never_begin_like_an_end_of_line(byte: int, tmp_path: Path) -> None:
    first = np.frombuffer(bytes([byte, 0xFA, 0x37, 0xD3, 0x23, 0x30, 0x17, 0xC0]), "<f8")[0]
    corners = np.array([[first, 0, 0], [3, 0, 0], [3, 2, 0], [first, 2, 0]])
    vertices = np.concatenate([corners, corners + np.array([0, 0, 4])])
    quads = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    path = tmp_path / "box.ply"
    write_mesh(path, Mesh.of(vertices, faces), name="box")
    data = path.read_bytes()
    start = data.index(b"end_header\n") + len(b"end_header\n")
    assert data[start] not in (0x0A, 0x0D)
    assert np.frombuffer(data[start : start + 8], "<f8")[0] == pytest.approx(first, rel=1e-15)
