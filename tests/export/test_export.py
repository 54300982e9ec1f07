"""From grids to files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import trimesh

from voxgen.errors import DataError, UnsupportedFormatError, UsageError
from voxgen.export import ExportSettings, checked_formats, export_grids
from voxgen.formats.grid_file import read_grid, write_grid
from voxgen.geometry.grid import FULL, VoxelGrid


def block(origin: tuple[float, float, float] = (0.0, 0.0, 0.0), yaw: float = 0.0) -> VoxelGrid:
    """10 x 6 x 4 voxels of 0.5 m: 5 x 3 x 2 m."""
    values = np.zeros((16, 12, 8), np.uint8)
    values[3:13, 3:9, :4] = FULL
    return VoxelGrid(values, 0.5, np.array(origin), yaw)


@pytest.mark.parametrize("surface", ["smooth", "blocks"])
def test_files_are_closed_in_metres_on_the_ground_at_the_origin(tmp_path: Path, surface: str) -> None:
    settings = ExportSettings(formats=("obj", "stl", "ply", "glb"), surface=surface)  # pyright: ignore
    (one,) = export_grids([("house", block((233_000.4, 480_000.7, 12.0), 0.3))], tmp_path, settings)
    assert [p.name for p in one.files] == ["house.obj", "house.stl", "house.ply", "house.glb"]
    for path in one.files:
        mesh = trimesh.load(path, force="mesh")
        mesh.merge_vertices(merge_norm=True, merge_tex=True)
        up = 1 if path.suffix == ".glb" else 2
        assert mesh.is_watertight
        assert mesh.bounds[0, up] == pytest.approx(0, abs=1e-6)
        assert sorted(mesh.extents) == pytest.approx([2, 3, 5], abs=0.05)
        assert mesh.bounds.mean(axis=0)[0] == pytest.approx(0, abs=0.05)


def test_a_file_in_feet_says_that_its_other_figures_are_metric(tmp_path: Path) -> None:
    for unit, says in (("ft", True), ("m", False)):
        settings = ExportSettings(formats=("obj",), unit=unit)
        (one,) = export_grids([(unit, block((233_000.4, 480_000.7, 12.0)))], tmp_path, settings)
        lines = one.files[0].read_text(encoding="utf-8").splitlines()
        assert f"# unit: {unit}" in lines
        assert ("# figures_below: in m, m2 and m3, Z up" in lines) == says
        place = next(line for line in lines if line.startswith("# world_origin: "))
        assert not says or lines.index("# figures_below: in m, m2 and m3, Z up") < lines.index(place)


def test_the_place_in_the_world_is_said_or_kept(tmp_path: Path) -> None:
    far = block((233_000.4, 480_000.7, 12.0), 0.3)
    list(export_grids([("house", far)], tmp_path / "a", ExportSettings(formats=("obj",))))
    text = (tmp_path / "a" / "house.obj").read_text(encoding="utf-8")
    x, y, z = far.to_world(np.array([[8.0, 6.0, 0.0]]))[0]
    assert f"# world_origin: {x:.3f} {y:.3f} {z:.3f}" in text
    assert "# world_yaw_degrees: 17.1887" in text
    list(export_grids([("house", far)], tmp_path / "b", ExportSettings(formats=("obj",), place="world")))
    mesh = trimesh.load(tmp_path / "b" / "house.obj", force="mesh")
    assert mesh.bounds.mean(axis=0)[:2] == pytest.approx([x, y], abs=0.1)


def test_a_grid_file_gives_back_the_grid(tmp_path: Path) -> None:
    grid = block((1.0, 2.0, 3.0), 0.25)
    settings = ExportSettings(formats=("npz",), place="world", mend=False)
    (one,) = export_grids([("house", grid)], tmp_path, settings)
    name, back = read_grid(one.files[0])
    assert name == "house"
    assert np.array_equal(back.values, grid.values)
    assert (back.pitch, back.yaw, back.origin.tolist()) == (0.5, 0.25, [1.0, 2.0, 3.0])


def test_loose_pieces_and_diagonal_contacts_are_mended_and_told(tmp_path: Path) -> None:
    grid = block()
    grid.values[13:15, 9:11, :4] = FULL
    grid.values[0, 0, 7] = FULL
    (one,) = export_grids([("house", grid)], tmp_path, ExportSettings(formats=("stl",), surface="blocks"))
    assert "filled" in one.repairs
    assert "loose" in one.repairs
    mesh = trimesh.load(one.files[0])
    mesh.merge_vertices()
    assert mesh.is_watertight


@pytest.mark.parametrize("surface", ["smooth", "blocks"])
def test_a_building_stands_on_the_ground_whatever_its_lowest_layer_holds(
    tmp_path: Path, surface: str
) -> None:
    grid = block()
    grid.values[3:13, 3:9, 0] = 40
    settings = ExportSettings(formats=("stl",), surface=surface)  # pyright: ignore
    (one,) = export_grids([("house", grid)], tmp_path, settings)
    assert trimesh.load(one.files[0]).bounds[0, 2] == pytest.approx(0, abs=1e-6)


def test_an_empty_grid_writes_nothing_and_is_listed(tmp_path: Path) -> None:
    empty = VoxelGrid(np.zeros((8, 8, 8), np.uint8), 0.5)
    nothing, house = export_grids([("nothing", empty), ("house", block())], tmp_path)
    assert nothing.files == ()
    with (tmp_path / "buildings.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows["nothing"]["files"] == ""
    assert float(rows["house"]["height"]) == pytest.approx(2, abs=0.01)
    assert rows["house"]["files"] == "house.obj house.stl"
    assert len(house.files) == 2


def test_names_make_distinct_file_names_that_stay_in_the_folder(tmp_path: Path) -> None:
    names = ["../../etc/passwd", "A b", "a_B", "", "CON:1", "x" * 300, "ü"]
    done = list(
        export_grids([(n, block()) for n in names], tmp_path / "out", ExportSettings(formats=("stl",)))
    )
    paths = [p for one in done for p in one.files]
    assert {p.parent for p in paths} == {tmp_path / "out"}
    assert len({p.name.lower() for p in paths}) == len(names)
    assert all(p.is_file() and len(p.name) < 120 for p in paths)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_formats_are_checked_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match="dwg"):
        list(export_grids([("a", block())], tmp_path / "out", ExportSettings(formats=("dwg",))))
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="no format"):
        checked_formats([" ", ""])


@pytest.mark.parametrize("fault", ["missing", "text", "cut", "object", "huge", "values", "pitch", "flat"])
def test_a_broken_grid_file_is_an_error_that_names_it(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "grid.npz"
    write_grid(path, block(), "a")
    good = {"coverage": block().values, "pitch": 0.5, "origin": np.zeros(3), "yaw": 0.0, "name": "a"}
    if fault == "missing":
        path.unlink()
    elif fault == "text":
        path.write_text("not an archive", encoding="utf-8")
    elif fault == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        bad = {
            "object": {"name": np.array([{"a": 1}], dtype=object)},
            "huge": {"coverage": np.zeros((1024, 1024, 1025), np.uint8)},
            "values": {"coverage": np.full((4, 4, 4), 200, np.uint8)},
            "pitch": {"pitch": np.nan},
            "flat": {"coverage": np.zeros((4, 4), np.uint8)},
        }[fault]
        np.savez_compressed(path, **{**good, **bad})
    with pytest.raises(DataError, match=r"grid\.npz"):
        read_grid(path)


@pytest.mark.parametrize("surface", ["planar", "smooth", "blocks"])
def test_figures_are_those_of_the_surface_that_is_written(tmp_path, surface):
    """A soft sample: its coverage reaches beyond what the surface encloses."""
    values = np.zeros((24, 24, 24), np.uint8)
    values[6:18, 8:16, :9] = 64
    values[6:18, 8:16, 9] = 20
    values[5, 8:16, :9] = 14
    (one,) = export_grids(
        [("a", VoxelGrid(values, pitch=0.5))], tmp_path, ExportSettings(formats=("stl",), surface=surface)
    )
    written = trimesh.load(one.files[0])
    low, high = written.bounds
    assert one.measures["height"] == pytest.approx(high[2] - low[2], abs=1e-3)
    assert one.measures["footprint_length"] == pytest.approx(high[0] - low[0], abs=0.01)
    assert one.measures["volume"] == pytest.approx(written.volume, rel=1e-3)
    assert one.measures["fill_ratio"] <= 1
    assert one.mesh is not None
    assert one.mesh.volume == pytest.approx(written.volume, rel=1e-3)
