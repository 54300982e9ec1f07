"""What the pictures show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from voxgen.errors import UsageError
from voxgen.geometry.grid import FULL, VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.pictures import building_sheet, contact_sheet, paint, paint_mesh, save_gif, save_png
from voxgen.pictures import sheet as sheet_module
from voxgen.pictures.camera import framing, looking
from voxgen.pictures.faces import grid_faces
from voxgen.pictures.palette import PAPER
from voxgen.pictures.raster import rasterize


def box(n: int = 16) -> VoxelGrid:
    values = np.zeros((n, n, n), bool)
    values[4:12, 5:11, :6] = True
    return VoxelGrid(values, pitch=0.5)


def gabled(n: int = 32) -> VoxelGrid:
    """Coverage of a house with its ridge along x and a roof of 45 degrees."""
    centre = np.arange(n) + 0.5
    height = 18 - np.abs(centre - n / 2)
    column = np.clip(height[:, None] - np.arange(n), 0, 1)
    values = np.zeros((n, n, n))
    values[6:26, 8:24] = column[8:24]
    return VoxelGrid(np.rint(values * FULL).astype(np.uint8), pitch=0.5)


def colours(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def reddish(image: Image.Image) -> float:
    """Share of the picture in the colour of pitched roofs."""
    c = colours(image)
    return float((c[..., 0] - c[..., 2] > 40).mean())


def test_a_building_stands_whole_in_the_picture_on_paper() -> None:
    c = colours(paint(box(), 128))
    border = np.concatenate([c[0], c[-1], c[:, 0], c[:, -1]])
    assert np.abs(border - PAPER).max() <= 2
    assert (np.abs(c - PAPER).max(axis=-1) > 8).mean() > 0.2


def test_one_side_is_in_the_light_and_one_in_the_shade() -> None:
    """The camera sees the walls at y = 0 and x = end: the first is lit."""
    c = colours(paint(box(), 128)).sum(axis=-1)
    assert c[70, 45] > c[70, 95] + 60


def test_pitched_roofs_have_a_colour_and_flat_ones_have_none() -> None:
    assert reddish(paint(gabled(), 128)) > 0.1
    assert reddish(paint(box(), 128)) == 0.0


def test_occupancy_alone_shows_the_pitched_roof_too() -> None:
    assert reddish(paint(VoxelGrid(gabled().occupancy, pitch=0.5), 128)) > 0.1


def test_a_slope_is_lit_by_its_normal_and_a_wall_by_its_face() -> None:
    corners, normals = grid_faces(gabled())
    middle = corners.mean(axis=1)
    south = (middle[:, 1] < 7.5) & (middle[:, 2] > 5.6) & (middle[:, 0] > 5) & (middle[:, 0] < 11)
    assert south.sum() > 50
    assert normals[south] == pytest.approx(np.tile([0, -(0.5**0.5), 0.5**0.5], (south.sum(), 1)), abs=0.05)
    wall = middle[:, 2] < 3
    assert set(map(tuple, normals[wall].round(6).tolist())) == {(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0)}


def test_faces_enclose_the_filled_voxels() -> None:
    """Gauss: the flux of (x, 0, 0) through the drawn faces is the volume; the left-out floor adds nothing."""
    values = np.random.default_rng(0).random((9, 8, 7)) < 0.4
    grid = VoxelGrid(values, pitch=0.5)
    corners, _ = grid_faces(grid)
    a, b, c = np.moveaxis(corners, 1, 0)
    area = np.abs(np.cross(b - a, c - a)[:, 0]) / 2
    # Each run of filled voxels along x has one face where it begins and one where it ends.
    at, sign = corners[:, 0, 0], np.zeros(len(corners))
    filled = np.pad(values, ((1, 1), (0, 0), (0, 0)))
    for i in np.flatnonzero(area > 0):
        x, y, z = corners[i].mean(axis=0) / 0.5
        sign[i] = 1 if filled[round(x), int(y), int(z)] else -1
    assert (area * at * sign).sum() == pytest.approx(grid.volume)


@pytest.mark.parametrize(
    "grid", [np.zeros((8, 8, 8), bool), np.ones((8, 8, 8), bool), np.ones((1, 1, 1), bool)]
)
def test_empty_full_and_tiny_grids_are_painted(grid: np.ndarray) -> None:
    image = paint(VoxelGrid(grid), 64)
    assert image.size == (64, 64)
    empty = np.abs(colours(image) - PAPER).max() <= 1
    assert empty == (not grid.any())


def test_any_resolution_is_painted() -> None:
    values = np.zeros((160, 160, 80), np.uint8)
    values[20:140, 30:130, :70] = FULL
    assert paint(VoxelGrid(values, 0.2), 96).size == (96, 96)


def test_pictures_at_one_scale_show_the_larger_building_larger() -> None:
    def shown(grid: VoxelGrid) -> float:
        return float((np.abs(colours(paint(grid, 96, span=30.0)) - PAPER).max(axis=-1) > 20).mean())

    small = box()
    large = VoxelGrid(small.values, pitch=1.0)
    assert shown(large) == pytest.approx(4 * shown(small), rel=0.25)


def test_a_mesh_looks_like_its_grid() -> None:
    """A cuboid as mesh and as voxels, far from the origin and turned over by nothing: the same picture."""
    import trimesh

    cuboid = trimesh.creation.box((4.0, 3.0, 3.0))
    mesh = Mesh.of(cuboid.vertices + np.array([233_000.0, 480_000.0, 50.0]), cuboid.faces)
    difference = np.abs(colours(paint_mesh(mesh, 128)) - colours(paint(box(), 128)))
    assert (difference.max(axis=-1) > 12).mean() < 0.02


def test_broken_meshes_are_painted_as_far_as_they_go() -> None:
    vertices = np.array([[0, 0, 0], [4, 0, 0], [4, 0, 3], [np.nan, 0, 0], [1, 1, 1]])
    mesh = Mesh.of(vertices, [[0, 1, 2], [0, 1, 3], [4, 4, 4]])
    assert paint_mesh(mesh, 64).size == (64, 64)
    nothing = paint_mesh(Mesh.of(np.zeros((0, 3)), np.zeros((0, 3))), 64)
    assert np.abs(colours(nothing) - PAPER).max() == 0


def test_the_same_grid_gives_the_same_picture() -> None:
    assert paint(gabled(), 96).tobytes() == paint(gabled(), 96).tobytes()


@pytest.mark.parametrize("size", [0, -5, 15, 100_000])
def test_pictures_without_sense_are_refused(size: int) -> None:
    with pytest.raises(UsageError, match="allowed are 16"):
        paint(box(), size)


def test_the_nearest_triangle_hides_those_behind() -> None:
    square = np.array([[0, 0], [20, 0], [20, 20], [0, 20]], float)

    def quad(scale: float, depth: float) -> np.ndarray:
        q = np.column_stack([square * scale, np.full(4, depth)])
        return q[[[0, 1, 2], [0, 2, 3]]]

    depth, index = rasterize(np.concatenate([quad(1.0, 5.0), quad(0.5, 2.0)]), 20)
    assert (index >= 0).all()
    assert set(index[:10, :10].ravel()) == {2, 3}
    assert np.allclose(depth[:10, :10], 2.0)
    assert np.allclose(depth[10:], 5.0)


def test_the_camera_has_true_axes() -> None:
    axes = looking(-56.0, 31.0)
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert axes[1, 2] > 0  # what is higher in the world is higher in the picture
    points = np.random.default_rng(1).normal(size=(50, 3)) * 7
    seen = framing(points, axes, 200).project(points)
    assert seen[:, :2].min() > 0
    assert seen[:, :2].max() < 200


def test_a_sheet_has_rows_captions_and_a_title() -> None:
    images = [Image.new("RGB", (80, 80), (200, 10, 10))] * 5
    plain = contact_sheet(images)
    full = contact_sheet(images, captions=["a"] * 5, columns=2, title="Houses")
    assert plain.width > 3 * 80
    assert full.width < plain.width
    assert full.height > 3 * 80
    red = (colours(full)[..., 0] - colours(full)[..., 1]) > 150
    assert red.sum() == 5 * 80 * 80


def test_an_id_is_shown_whole_on_several_lines() -> None:
    font = ImageFont.load_default(14)
    name = "DENHAAG_NL.IMBAG.Pand.1735100000002590-0"
    lines = sheet_module._lines(name, font, 192)
    assert "".join(lines) == name
    assert 1 < len(lines) <= 3
    assert all(font.getlength(text) <= 192 for text in lines)
    endless = sheet_module._lines("w" * 500 + "_17", font, 192)
    assert endless[-1].endswith("_17")
    assert all(font.getlength(text) <= 192 for text in endless)


def test_long_captions_are_cut_and_odd_ones_survive() -> None:
    images = [paint(box(), 64)] * 3
    sheet = contact_sheet(images, captions=["w" * 500, "", "two\nlines — ü"], columns=3)
    assert sheet.width == contact_sheet(images, columns=3).width


def test_sheets_without_sense_are_refused() -> None:
    images = [Image.new("RGB", (32, 32))]
    with pytest.raises(UsageError, match="at least one"):
        contact_sheet([])
    with pytest.raises(UsageError, match="captions"):
        contact_sheet(images, captions=["a", "b"])
    with pytest.raises(UsageError, match="columns"):
        contact_sheet(images, columns=0)


def test_a_sheet_of_grids_takes_empty_ones() -> None:
    sheet = building_sheet([box(), VoxelGrid(np.zeros((8, 8, 8), bool))], size=64)
    assert sheet.height < sheet.width


def test_a_png_is_written_whole_into_a_new_folder(tmp_path: Path) -> None:
    save_png(paint(box(), 64), tmp_path / "new" / "box.png")
    with Image.open(tmp_path / "new" / "box.png") as image:
        assert image.size == (64, 64)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["box.png"]


def test_a_sheet_shows_what_was_written_grids_and_meshes_at_one_scale():
    from voxgen.geometry.blocks import block_polygons

    grid = box()
    beside = building_sheet([grid, block_polygons(grid).to_mesh()], size=96)
    left, right = (np.asarray(beside.crop(area), float) for area in _cells(beside, 96))
    drawn = np.abs(left - left[0, 0]).sum(axis=2) > 60
    assert drawn.any()
    # The same solid, so the same picture but for the roof's colour, which voxels and polygons shade alike.
    assert np.abs(left - right)[drawn].mean() < 25


def _cells(sheet, size):
    border = (sheet.width - 2 * size) // 2
    top = (sheet.height - size) // 2
    return [(border + i * size, top, border + (i + 1) * size, top + size) for i in range(2)]


def test_a_long_title_is_broken_and_not_cut():
    def drawn(title):
        sheet = contact_sheet([Image.new("RGB", (128, 128), "white")], title=title)
        return sheet.size, np.asarray(sheet.convert("L")) < 128

    (width, short), _ = drawn("one")
    (same, taller), ink = drawn("a title of many words that a sheet of one narrow picture has no room for")
    assert same == width
    assert taller > short
    assert not ink[:, -4:].any()


def test_an_animated_picture_has_its_frames_and_rests_on_the_last(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 24), color) for color in ("red", "lime", "blue")]
    save_gif(frames, tmp_path / "a.gif", seconds=0.3)
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 3
        lasting = []
        for n in range(3):
            picture.seek(n)
            lasting.append(picture.info["duration"])
        assert picture.convert("RGB").getpixel((5, 5)) == (0, 0, 255)
    assert lasting == [100, 100, 1500]
