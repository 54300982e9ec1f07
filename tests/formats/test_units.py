"""Unit and up axis: the user before the file, the file before the guess, and every guess said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.formats import ReadOptions, write_mesh
from voxgen.formats.assemble import PolygonSoup
from voxgen.formats.units import Frame, frame_of, guess_up
from voxgen.geometry.mesh import Mesh, rotation_z


def tall(height):
    return np.array([[0.0, 0, 0], [height, height, height]])


@given(height=st.floats(3, 60), unit=st.sampled_from(["m", "mm"]))
def test_the_unit_is_guessed_from_the_height(height, unit):
    frame = frame_of(tall(height / (0.001 if unit == "mm" else 1.0)), ReadOptions())
    assert frame.place(tall(height / (0.001 if unit == "mm" else 1.0)))[1, 2] == pytest.approx(height)
    assert bool(frame.warnings) == (unit == "mm")


def test_centimetres_are_guessed_between(tmp_path):
    assert frame_of(tall(900.0), ReadOptions()).scale == 0.01


@given(unit=st.sampled_from(["m", "cm", "mm", "ft", "in"]), height=st.floats(0.001, 1e6))
def test_what_the_user_says_is_never_doubted(unit, height):
    frame = frame_of(tall(height), ReadOptions(unit=unit), unit=7.0)
    assert frame == frame_of(tall(height), ReadOptions(unit=unit))
    assert frame.warnings == ()


def test_y_up_turns_to_z_up_without_mirroring():
    placed = Frame(1.0, "y").place(np.eye(3))
    np.testing.assert_array_equal(placed, [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert np.linalg.det(placed) == 1


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".ply", ".glb"])
@pytest.mark.parametrize("up", ["z", "y"])
@pytest.mark.parametrize("unit", ["m", "mm", "ft"])
def test_what_voxgen_writes_it_reads_back_upright_and_to_size(tmp_path, read, box, suffix, up, unit):
    corners, quads = box
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    mesh = Mesh.of(corners, faces)
    write_mesh(tmp_path / f"a{suffix}", mesh, name="box", up=up, unit=unit)
    (back,) = read(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(back.mesh.bounds, mesh.bounds, atol=1e-3)
    assert back.warnings == ()


@pytest.mark.shared
def test_real_buildings_are_rarely_laid_on_their_side(shared):
    """Of real buildings as they stand and laid down, by shape alone."""
    with np.load(shared / "data" / "nl_3dbag_limburg" / "buildings.npz", allow_pickle=False) as kept:
        arrays = {k: kept[k] for k in ("vertices", "faces", "v_offset", "f_offset")}
        count = len(kept["id"])
    standing = lying = wrong = 0
    for i in range(0, count, 6):
        points = arrays["vertices"][arrays["v_offset"][i] : arrays["v_offset"][i + 1]].astype(np.float64)
        points = points @ rotation_z(0.3 + i)
        faces = arrays["faces"][arrays["f_offset"][i] : arrays["f_offset"][i + 1]]
        upright = guess_up(PolygonSoup.of_triangles(points, faces))[0]
        laid = guess_up(PolygonSoup.of_triangles(points[:, [0, 2, 1]] * [1, 1, -1], faces))[0]
        standing += upright == "z"
        wrong += upright == "y"
        lying += laid == "y"
    assert wrong == 0
    assert lying >= 0.9 * standing


@pytest.mark.parametrize("up", ["z", "y"])
def test_a_terrain_stands_as_its_faces_look(up):
    x, y = np.meshgrid(np.arange(20.0), np.arange(20.0), indexing="ij")
    points = np.stack([x, y, 2 * np.sin(x / 3) * np.cos(y / 4)], -1).reshape(-1, 3)
    i = np.arange(400).reshape(20, 20)
    a, b, c, d = (k.ravel() for k in (i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    if up == "y":
        points = points[:, [0, 2, 1]] * [1, 1, -1]
    assert guess_up(PolygonSoup.of_triangles(points, faces))[0] == up


def test_a_house_without_floor_stands_as_its_roof_looks(box):
    corners, quads = box
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    points = np.asarray(corners, np.float64)
    lowest = points[:, 2].min()
    walls_and_roof = [f for f in faces if points[list(f), 2].max() > lowest]
    assert guess_up(PolygonSoup.of_triangles(points, np.array(walls_and_roof))) == ("z", ())
