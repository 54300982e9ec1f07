"""OBJ, STL, PLY and OFF: what is written in them comes back, and their corners are known."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.formats import ReadOptions, read_buildings
from voxgen.geometry.mesh import SurfaceClass

metre = st.integers(0, 9).map(float)
places = st.lists(st.tuples(metre, metre, metre), min_size=4, max_size=12, unique=True)
grids = st.sampled_from([0.0, 5e5])


@st.composite
def soups(draw):
    """Vertices on a metre grid, at home or in a national grid, and triangles over distinct ones."""
    points = np.array(draw(places)) + draw(grids)
    corner = st.integers(0, len(points) - 1)
    triangle = st.lists(corner, min_size=3, max_size=3, unique=True)
    return points, np.array(draw(st.lists(triangle, min_size=1, max_size=8)))


def as_obj(points, faces):
    return "\n".join([*(f"v {x!r} {y!r} {z!r}" for x, y, z in points.tolist()), *faces_of(faces)]).encode()


def faces_of(faces):
    return [f"f {a + 1}/7/1 {b + 1}//2 {c + 1}" for a, b, c in faces.tolist()]


def as_off(points, faces):
    lines = ["OFF # a comment", "", f"{len(points)} {len(faces)} 0"]
    lines += [f"{x!r} {y!r} {z!r} 255 0 0 # red" for x, y, z in points.tolist()]
    return "\n".join([*lines, *(f"3 {a} {b} {c} 9 9 9" for a, b, c in faces.tolist())]).encode()


def as_ascii_stl(points, faces):
    lines = ["solid house"]
    for face in faces:
        corners = "\n".join(f"vertex {x!r} {y!r} {z!r}" for x, y, z in points[face].tolist())
        lines += ["facet normal 0 0 0", "outer loop", corners, "endloop", "endfacet"]
    return "\n".join([*lines, "endsolid house"]).encode()


def as_binary_stl(points, faces):
    facets = [struct.pack("<12fH", 0, 0, 0, *points[face].ravel(), 0) for face in faces]
    return b"solid, but binary".ljust(80) + struct.pack("<I", len(faces)) + b"".join(facets)


def as_ascii_ply(points, faces):
    head = f"ply\nformat ascii 1.0\nelement vertex {len(points)}\nproperty double x\nproperty double y\n"
    head += (
        f"property double z\nelement face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = [f"{x!r} {y!r} {z!r}" for x, y, z in points.tolist()] + [
        f"3 {a} {b} {c}" for a, b, c in faces.tolist()
    ]
    return (head + "\n".join(rows)).encode()


def as_big_endian_ply(points, faces):
    head = f"ply\nformat binary_big_endian 1.0\ncomment x\nelement vertex {len(points)}\nproperty double x\n"
    head += f"property double y\nproperty double z\nelement face {len(faces)}\nproperty uchar red\n"
    head += "property list uchar int vertex_index\nend_header\n"
    rows = b"".join(struct.pack(">BB3i", 9, 3, *face) for face in faces.tolist())
    return head.encode() + points.astype(">f8").tobytes() + rows


ENCODERS = {
    "a.obj": as_obj,
    "a.off": as_off,
    "ascii.stl": as_ascii_stl,
    "binary.stl": as_binary_stl,
    "ascii.ply": as_ascii_ply,
    "big.ply": as_big_endian_ply,
}


@pytest.mark.parametrize("name", ENCODERS)
@given(soup=soups())
def test_triangles_come_back_where_they_were(tmp_path_factory, name, soup):
    points, faces = soup
    path = tmp_path_factory.mktemp("soup") / name
    path.write_bytes(ENCODERS[name](points, faces))
    (building,) = read_buildings(path, ReadOptions(up="z", unit="m"))
    assert building.error is None
    atol = 0.05 if name == "binary.stl" else 1e-9
    np.testing.assert_allclose(building.mesh.triangles, points[faces], atol=atol, rtol=0)
    assert len(building.mesh.vertices) == len(np.unique(faces))


@given(count=st.integers(1, 30))
def test_ply_faces_of_mixed_sizes_are_read(tmp_path_factory, count):
    angles = 2 * np.pi * np.arange(count + 2) / (count + 2)
    points = np.stack([np.cos(angles), np.sin(angles), np.zeros(count + 2)], axis=1)
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count + 2}\nproperty float x\n"
    head += "property float y\nproperty float z\nelement face 2\n"
    head += "property list uchar uint vertex_indices\nend_header\n"
    body = struct.pack("<B3I", 3, 0, 1, 2) + struct.pack(f"<B{count + 2}I", count + 2, *range(count + 2))
    path = tmp_path_factory.mktemp("ply") / "a.ply"
    path.write_bytes(head.encode() + points.astype("<f4").tobytes() + body)
    (building,) = read_buildings(path, ReadOptions(unit="m"))
    assert len(building.mesh.faces) == 1 + count


@pytest.fixture
def given_obj(tmp_path, read):
    def reader(text, **options):
        path = tmp_path / "a.obj"
        path.write_text(text, encoding="utf-8")
        return read(path, **options)

    return reader


def obj_box(box, shift=0.0, first=1):
    corners, quads = box
    lines = [f"v {x + shift} {y} {z}" for x, y, z in corners.tolist()]
    return "\n".join(lines + ["f " + " ".join(str(i + first) for i in quad) for quad in quads]) + "\n"


def test_negative_numbers_count_back_from_the_face(given_obj, box, closed, volume):
    relative = obj_box(box, first=-8)
    (house,) = given_obj(relative + relative.replace("v 0.0", "v -20.0").replace("v 10.0", "v -10.0"))
    assert closed(house.mesh)
    assert volume(house.mesh) == pytest.approx(480)


def test_a_concave_polygon_is_triangulated_inside_itself(given_obj):
    (house,) = given_obj(
        "v 0 0 3\nv 6 0 3\nv 6 4 3\nv 4 4 3\nv 4 2 3\nv 2 2 3\nv 2 4 3\nv 0 4 3\nf 1 2 3 4 5 6 7 8\n"
    )
    corners = house.mesh.triangles
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(20)


def test_objects_become_buildings_only_on_request(given_obj, box):
    text = "o left\n" + obj_box(box) + "o right\n" + obj_box(box, 30.0, 9)
    (whole,) = given_obj(text)
    assert (whole.id, np.unique(whole.mesh.parts).tolist()) == ("a", [1, 2])
    left, right = given_obj(text, split=True)
    assert (left.id, right.id) == ("left", "right")
    assert right.mesh.bounds[0, 0] - left.mesh.bounds[0, 0] == pytest.approx(30)


def test_groups_become_buildings_where_there_are_no_objects(given_obj, box):
    text = "g left\n" + obj_box(box) + "g right\n" + obj_box(box, 30.0, 9)
    assert [house.id for house in given_obj(text, split=True)] == ["left", "right"]
    assert len(given_obj(text)) == 1


def test_groups_of_surface_types_label_faces_and_stay_one_house(given_obj, box, closed):
    corners, quads = box
    lines = [f"v {x} {y} {z}" for x, y, z in corners.tolist()]
    for name, quad in zip(["GroundSurface", "RoofSurface"] + ["Walls"] * 4, quads, strict=True):
        lines += [f"g {name}", "f " + " ".join(str(i + 1) for i in quad)]
    (house,) = given_obj("\n".join(lines), split=True)
    assert closed(house.mesh)
    counts = np.bincount(house.mesh.labels, minlength=4)
    assert counts[[SurfaceClass.GROUND, SurfaceClass.ROOF, SurfaceClass.WALL]].tolist() == [2, 2, 8]


def test_one_bad_object_costs_only_itself(given_obj, box):
    text = "o bad\n" + obj_box(box).replace("v 0.0 0.0 0.0", "v nan 0 0") + "o good\n" + obj_box(box, 30.0, 9)
    bad, good = given_obj(text, split=True)
    assert "NaN" in str(bad.error)
    assert good.error is None


def test_a_vertex_that_no_face_uses_does_no_harm(given_obj, box):
    (house,) = given_obj("v nan nan nan\nv 1e300 0 0\n" + obj_box(box, first=3))
    assert house.error is None
    assert house.mesh.extents.tolist() == [10, 6, 4]


def test_colours_continued_lines_and_comments_are_passed_over(given_obj):
    (face,) = given_obj(
        "# hello\n v 0 0 0 0.1 0.2 0.3\nv 9 0 0 1 1 1\nv 0 9 0 1 1 1 # c\nf 1 \\\n 2 3 # d\nl 1 2\n"
    )
    assert len(face.mesh.faces) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v 0 0 0\nv 1 0 0\nf 1 2 3\n", "vertex 3 of 2"),
        ("v 0 0\nf 1 1 1\n", "2 coordinates of 3"),
        ("v 0 0 x\n", "no number"),
        ("v 0 0 0\nf 1 b 1\n", "no vertex number"),
        ("v 0 0 0\nf 0 1 1\n", "refers to vertex 0"),
        ("", "no faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
    ],
)
def test_a_damaged_obj_says_what_is_wrong(given_obj, text, reason):
    (row,) = given_obj(text)
    assert reason in str(row.error)


@pytest.mark.parametrize("name", [name for name in ENCODERS if name != "a.obj"])
def test_a_file_that_is_cut_off_says_so(tmp_path, read, box, name):
    points, faces = box[0], np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    content = ENCODERS[name](points, faces)
    path = tmp_path / name
    path.write_bytes(content[: -len(content) // 6])
    (row,) = read(path)
    assert row.error is not None or any("cut off" in said for said in row.warnings)


def test_ascii_solids_split_by_name(tmp_path, read, box):
    points, faces = box[0], np.array([[0, 1, 2], [0, 2, 6]])
    one = as_ascii_stl(points, faces)
    path = tmp_path / "a.stl"
    path.write_bytes(one + b"\n" + one.replace(b"house", b"shed"))
    assert [building.id for building in read(path, split=True)] == ["house", "shed"]
    assert len(read(path)) == 1
