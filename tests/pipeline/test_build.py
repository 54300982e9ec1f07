import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from voxgen.errors import DataError, UsageError
from voxgen.formats import Building
from voxgen.geometry.mesh import Mesh
from voxgen.pipeline import build as build_module
from voxgen.pipeline import stages
from voxgen.pipeline.build import build
from voxgen.pipeline.config import BuildConfig
from voxgen.pipeline.report import Reason, Report
from voxgen.pipeline.sources import Collection
from voxgen.pipeline.store import REPORT, Dataset

from .conftest import house_obj, write_houses

SMALL = BuildConfig(resolution=24, pitch=0.75)


def reasons(report):
    return {Path(row.source).name: row.reason for row in report.rows}


def contents(folder):
    """What a data set holds, but for the time of its making."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "card.json"}
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return files, {name: value for name, value in card.items() if name not in ("created", "command", "name")}


def test_every_file_is_accounted_for(houses, tmp_path):
    (houses / "empty.obj").write_text("", encoding="utf-8")
    (houses / "flat.obj").write_text("# up: z\nv 0 0 0\nv 50 0 0\nv 0 50 0\nf 1 2 3\n", encoding="utf-8")
    (houses / "shed.obj").write_text(house_obj(3, 2, 3, 4), encoding="utf-8")
    (houses / "hall.obj").write_text(house_obj(120, 40, 8, 12), encoding="utf-8")
    (houses / "town.obj").write_text(house_obj(900, 400, 8, 12), encoding="utf-8")
    (houses / "nan.obj").write_text(house_obj(9, 7, 3, 6).replace("v -4.5", "v nan", 1), encoding="utf-8")
    (houses / "cut.stl").write_bytes(b"\0" * 84 + b"\1\2\3")
    (houses / "model.fbx").write_bytes(b"Kaydara FBX Binary")
    (houses / "wall.mtl").write_text("newmtl wall\n", encoding="utf-8")
    (houses / "twin.obj").write_text((houses / "house003.obj").read_text(encoding="utf-8"), encoding="utf-8")
    report = build([houses], tmp_path / "DS", SMALL, workers=1)
    told = reasons(report)
    assert told["empty.obj"] in (Reason.NO_FACES, Reason.UNREADABLE)
    assert told["flat.obj"] is Reason.TERRAIN
    assert told["shed.obj"] is Reason.SMALL
    assert told["hall.obj"] is Reason.GRID
    assert told["town.obj"] is Reason.TOO_LARGE
    assert told["nan.obj"] is Reason.UNREADABLE
    assert told["cut.stl"] in (Reason.NO_FACES, Reason.UNREADABLE)
    assert told["model.fbx"] is Reason.FORMAT
    assert told["twin.obj"] is Reason.DUPLICATE
    assert "wall.mtl" not in told
    assert any(".mtl" in note for note in report.notes)
    assert any("only 12 buildings" in note for note in report.notes)
    assert len(report.accepted) == 12
    with (tmp_path / "DS" / REPORT).open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(report.rows)


def test_an_open_building_is_taken_with_a_warning_or_refused_when_closed_ones_are_asked_for(houses, tmp_path):
    text = house_obj(13, 8, 4, 9).replace("f 4 3 2 1\n", "")
    (houses / "open.obj").write_text(text, encoding="utf-8")
    taken = build([houses], tmp_path / "DS", SMALL, workers=1)
    (row,) = (row for row in taken.rows if row.id == "open")
    assert row.reason is None
    assert row.warnings[-1] == "open: 4 of 23 edges"
    strict = SMALL.with_overrides(["filters.closed=true"])
    assert reasons(build([houses], tmp_path / "strict", strict, workers=1))["open.obj"] is Reason.OPEN


def test_the_number_of_workers_changes_nothing(houses, tmp_path):
    build([houses], tmp_path / "one", SMALL, workers=1)
    build([houses], tmp_path / "two", SMALL, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_building_that_stood_far_away_and_turned_gives_the_same_grid(tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for name, moved in (("a", False), ("b", True)):
        lines = []
        for line in house_obj(13.0, 8.0, 4.0, 9.0).splitlines():
            word, *rest = line.split()
            if word == "v" and moved:
                x, y = turn @ [float(rest[0]), float(rest[1])] + [233_000.0, 480_000.0]
                line = f"v {x:.6f} {y:.6f} {float(rest[2]) + 12:.6f}"
            lines.append(line)
        (far / f"{name}.obj").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = BuildConfig.parse({"pitch": 0.5, "duplicates": {"keep": "all"}})
    build([far], tmp_path / "DS", config, workers=1)
    dataset = Dataset.open(tmp_path / "DS")
    a, b = dataset.coverage([0, 1]).astype(int)
    assert np.abs(a - b).sum() <= 0.01 * a.sum()
    assert dataset.table["shape"][:2].tolist() == [0, 0]
    centre = np.array([[16.0, 16.0, 0.0]])
    assert dataset.grid(1).to_world(centre)[0] == pytest.approx([233_000.0, 480_000.0, 12.0], abs=1e-3)


def test_with_fit_buildings_of_any_size_fill_the_grid_and_keep_their_metres(tmp_path):
    folder = tmp_path / "toys"
    folder.mkdir()
    for name, scale in (("toy", 0.1), ("house", 1.0), ("palace", 10.0)):
        text = house_obj(12 * scale, 5 * scale + 0.1 * scale, 4 * scale, 8 * scale)
        (folder / f"{name}.obj").write_text(text, encoding="utf-8")
    config = BuildConfig.parse({"fit": True, "resolution": 24, "duplicates": {"keep": "all"}})
    config = config.with_overrides(["read.unit=m"])
    build([folder], tmp_path / "DS", config, workers=1)
    dataset = Dataset.open(tmp_path / "DS")
    assert dataset.table["pitch"][:3] == pytest.approx([0.5, 5.0, 0.05])
    grids = dataset.coverage(slice(None))
    assert np.array_equal(grids[0], grids[1])
    assert np.array_equal(grids[0], grids[2])
    assert dataset.grid(1).volume == pytest.approx(1000 * dataset.grid(0).volume)
    assert len(set(dataset.table["split"][:3].tolist())) == 1


def test_a_scan_is_a_building_too(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    rng = np.random.default_rng(0)
    points = rng.random((6000, 3)) * [12.0, 7.0, 0.0] + [0, 0, 6.0]
    np.savetxt(folder / "scan.xyz", np.concatenate([points, points[:500] * [1, 1, 0]]), fmt="%.3f")
    report = build([folder], tmp_path / "DS", BuildConfig(resolution=32, pitch=0.5), workers=1)
    assert [row.status for row in report.rows] == ["accepted"]
    volume = Dataset.open(tmp_path / "DS").table["volume"]
    assert volume == pytest.approx([12 * 7 * 6], rel=0.1)
    strict = BuildConfig.preset("standard")
    with pytest.raises(DataError, match="a point cloud has no surface"):
        build([folder], tmp_path / "strict", strict, workers=1)


def nameless(number: int) -> Building:
    """A collection with ids that are no text, as JSON escapes can make them."""
    return replace(cuboid(number, 1.0), id=f"\ud800{number},\n=1+1")


def test_names_that_are_no_text_do_no_harm(tmp_path):
    report = build([Collection("boxes\udcff", nameless, 5)], tmp_path / "DS", SMALL, workers=1)
    assert {row.reason for row in report.rows} <= {None, Reason.DUPLICATE}
    Dataset.open(tmp_path / "DS").verify()
    with (tmp_path / "DS" / REPORT).open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 5


def test_nothing_accepted_is_an_error_that_says_why(tmp_path):
    folder = write_houses(tmp_path / "houses", 3)
    config = BuildConfig.parse({"filters": {"min_height": 300.0}})
    with pytest.raises(DataError, match=r"none of 3 buildings .* too low") as failure:
        build([folder], tmp_path / "DS", config, workers=1)
    assert "--unit" in str(failure.value)
    assert not (tmp_path / "DS").exists()
    rows = Report.read_csv(tmp_path / "DS-report.csv").rows
    assert [row.reason for row in rows] == [Reason.LOW] * 3
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(DataError, match=r"no building: 1 file passed over.*1 \.txt; voxgen reads .*\.obj"):
        build([tmp_path / "notes"], tmp_path / "DS", workers=1)
    with pytest.raises(DataError, match="check the path"):
        build([tmp_path / "missing"], tmp_path / "DS", workers=1)
    with pytest.raises(DataError, match="larger than the grid"):
        build([folder], tmp_path / "DS", BuildConfig(resolution=4, pitch=0.1), workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DS-report.csv", "houses", "notes"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_data_set_is_never_replaced(houses, tmp_path, overwrite):
    before = sorted(houses.iterdir())
    with pytest.raises(UsageError, match="is no data set"):
        build([houses], houses, SMALL, workers=1, overwrite=overwrite)
    assert sorted(houses.iterdir()) == before
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is no data set"):
        build([houses], tmp_path / "file", SMALL, workers=1, overwrite=overwrite)
    (tmp_path / "DS").mkdir()
    build([houses], tmp_path / "DS", SMALL, workers=1, overwrite=overwrite)
    assert len(Dataset.open(tmp_path / "DS")) == 12
    (tmp_path / "DS" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"also holds notes\.txt"):
        build([houses], tmp_path / "DS", SMALL, workers=1, overwrite=overwrite)
    assert (tmp_path / "DS" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_folder_that_is_worked_in_is_not_built_over(houses, tmp_path, monkeypatch):
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for out in (".", tmp_path / "here" / "below", "..", tmp_path / "here"):
        with pytest.raises(UsageError, match="name a folder of its own"):
            build([houses], out, SMALL, workers=1)


def test_another_data_set_is_replaced_only_on_request(houses, tmp_path):
    out = tmp_path / "DS"
    build([houses], out, SMALL, workers=1)
    before = contents(out)
    finer = SMALL.with_overrides(["pitch=0.6"])
    other = write_houses(tmp_path / "other", 3, first=20)
    (houses / "house000.obj").write_text(house_obj(9, 7, 4, 8), encoding="utf-8")
    for sources, config, says in (
        ([houses], SMALL, r"sources: 12 in it, 12 asked for; of other content: house000\.obj"),
        ([houses, other], SMALL, r"12 in it, 15 asked for; only asked for: .*; of other content: house000"),
        ([other], SMALL, "12 in it, 3 asked for; not asked for: house000"),
        ([houses], finer, r"pitch=0\.75 in it, pitch=0\.6 asked for"),
    ):
        with pytest.raises(UsageError, match=says) as refused:
            build(sources, out, config, workers=1)
        assert "--overwrite" in str(refused.value)
        assert f"-o {out}" in str(refused.value)
        assert contents(out) == before
    build([other], out, finer, workers=1, overwrite=True)
    assert {Path(name).parent.name for name in Dataset.open(out).table["source"]} == {"other"}
    assert Dataset.open(out).pitch == 0.6


def test_the_same_again_does_nothing_and_tells_the_same(houses, tmp_path, monkeypatch):
    (houses / "shed.obj").write_text(house_obj(3, 2, 3, 4), encoding="utf-8")
    (houses / "open.obj").write_text(house_obj(13, 8, 4, 9).replace("f 4 3 2 1\n", ""), encoding="utf-8")
    first = build([houses], tmp_path / "DS", SMALL, workers=1)
    card = (tmp_path / "DS" / "card.json").read_bytes()

    def stop(*arguments):
        raise AssertionError("done again")

    monkeypatch.setattr(stages, "examine", stop)
    shutil.copytree(houses, tmp_path / "moved" / "houses")
    for place in (houses, tmp_path / "moved" / "houses"):
        again = build([place], tmp_path / "DS", SMALL, workers=1)
        assert again.summary().startswith(first.summary())
        assert again.counts() == first.counts()
        assert "nothing was done" in again.notes[-1]
    assert (tmp_path / "DS" / "card.json").read_bytes() == card
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_same_again_mends_a_damaged_data_set(houses, tmp_path):
    build([houses], tmp_path / "DS", SMALL, workers=1)
    whole = contents(tmp_path / "DS")
    (tmp_path / "DS" / "coverage.npy").write_bytes(b"cut short")
    build([houses], tmp_path / "DS", SMALL, workers=1)
    assert contents(tmp_path / "DS") == whole


def test_licences_that_came_later_are_not_lost_in_silence(houses, tmp_path):
    build([houses], tmp_path / "DS", SMALL, workers=1)
    (houses / "ATTRIBUTION.txt").write_text("City of Somewhere", encoding="utf-8")
    with pytest.raises(UsageError, match="attribution"):
        build([houses], tmp_path / "DS", SMALL, workers=1)


def test_a_coarse_grid_neither_merges_unlike_houses_nor_moves_them_across_the_split(houses, tmp_path):
    report = build([houses], tmp_path / "fine", BuildConfig(pitch=0.75), workers=1)
    coarse = build([houses], tmp_path / "coarse", BuildConfig(resolution=16, pitch=4), workers=1)
    assert {row.id for row in coarse.accepted} == {row.id for row in report.accepted}
    fine, rough = (Dataset.open(tmp_path / name).table for name in ("fine", "coarse"))
    assert np.array_equal(fine["split"][:12], rough["split"][:12])
    assert np.array_equal(fine["shape"][:12], rough["shape"][:12])


def test_licences_are_collected_from_beside_the_files(tmp_path):
    owed = {"licence": "CC BY 4.0", "attribution": "City of Somewhere"}
    (write_houses(tmp_path / "a" / "original", 4).parent / "SOURCE.json").write_text(
        json.dumps(owed), encoding="utf-8"
    )
    write_houses(tmp_path / "b", 4, first=7)
    write_houses(tmp_path / "c", 3, first=14)
    (tmp_path / "c" / "ATTRIBUTION.txt").write_text("Province of Nowhere\n", encoding="utf-8")
    build([tmp_path / "a", tmp_path / "b", tmp_path / "c"], tmp_path / "DS", SMALL, workers=1)
    dataset = Dataset.open(tmp_path / "DS")
    assert dataset.card["licence"] == ["CC BY 4.0"]
    assert dataset.card["attribution"] == ["City of Somewhere", "Province of Nowhere"]
    assert set(dataset.table["licence"].tolist()) == {"CC BY 4.0", ""}
    assert all(len(source["sha256"]) == 64 for source in dataset.card["sources"])


def cuboid(number: int, taller: float) -> Building:
    """Building `number` of a procedural collection."""
    x, y, z = 6.0 + number % 10, 5.0 + number // 10, 4.0 + taller
    import trimesh

    box = trimesh.creation.box((x, y, z))
    return Building(f"box{number}", "boxes", Mesh.of(box.vertices, box.faces), attributes={})


def test_a_collection_is_built_like_files(tmp_path):
    boxes = Collection("boxes", partial(cuboid, taller=1.0), 40, "taller=1", "Apache-2.0", "nobody")
    report = build([boxes], tmp_path / "DS", SMALL, workers=1)
    dataset = Dataset.open(tmp_path / "DS")
    assert {row.source for row in report.rows} == {"boxes"}
    assert dataset.card["licence"] == ["Apache-2.0"]
    assert dataset.attributes(["height"]).ravel() == pytest.approx(5.0)
    assert dataset.card["sources"][0]["buildings"] == 40


def uneven(number: int) -> Building:
    """A collection with one flaw."""
    return cuboid(12 // (number - 2), 1.0)


def test_a_building_that_a_collection_fails_to_make_is_one_row(tmp_path):
    report = build([Collection("boxes", uneven, 5)], tmp_path / "DS", SMALL, workers=1)
    assert len(report.rows) == 5
    (row,) = (row for row in report.rows if row.reason is Reason.UNREADABLE)
    assert "ZeroDivisionError" in row.detail


def test_a_building_that_breaks_the_code_is_one_row(houses, tmp_path, monkeypatch):
    def measure(mesh, storey_height):
        if mesh.extents[0] > 15:
            raise RuntimeError("no such thing")
        return real(mesh, storey_height)

    real = stages.measure
    monkeypatch.setattr(stages, "measure", measure)
    report = build([houses], tmp_path / "DS", SMALL, workers=1)
    broken = [row for row in report.rows if row.reason is Reason.UNREADABLE]
    assert broken
    assert all("RuntimeError: no such thing" in row.detail for row in broken)
    assert report.accepted


def test_a_building_that_takes_its_process_down_is_one_row(tmp_path, monkeypatch):
    (tmp_path / "deadly_collection.py").write_text(
        "import os\n"
        "import trimesh\n"
        "from voxgen.formats import Building\n"
        "from voxgen.geometry.mesh import Mesh\n"
        "def building(number):\n"
        "    if number == 1:\n"
        "        os._exit(11)\n"
        "    box = trimesh.creation.box((6.0 + number, 5.0 + number, 8.0))\n"
        "    return Building(f'box{number}', 'boxes', Mesh.of(box.vertices, box.faces))\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    building = import_module("deadly_collection").building
    report = build([Collection("boxes", building, 3)], tmp_path / "DS", SMALL, workers=2)
    assert [row.reason for row in report.rows].count(Reason.UNREADABLE) == 1
    assert len(report.accepted) == 2


def test_a_building_thinner_than_a_voxel_is_said_to_be_empty(houses, tmp_path):
    (houses / "mast.obj").write_text(house_obj(0.3, 0.2, 12, 13), encoding="utf-8")
    config = SMALL.with_overrides(["filters.min_footprint=0"])
    report = build([houses], tmp_path / "DS", config, workers=1)
    assert reasons(report)["mast.obj"] is Reason.EMPTY
    assert len(Dataset.open(tmp_path / "DS")) == 12
    Dataset.open(tmp_path / "DS").verify()


# A build that stops at a given report of its progress and waits to be killed.
HALTED = """
import sys, time
from pathlib import Path
from voxgen.pipeline.build import build
from voxgen.pipeline.config import BuildConfig

def halt():
    print("here", flush=True)
    time.sleep(600)

def progress(stage, done, total):
    if f"{stage} {done}" == point:
        halt()

def rename(self, target):
    real(self, target)
    if point == "swap" and target.name.endswith(".old"):
        halt()

if __name__ == "__main__":
    houses, out, point = sys.argv[1:]
    real, Path.rename = Path.rename, rename
    small = BuildConfig(resolution=24, pitch=0.75)
    build([houses], out, small, workers=1, progress=progress, overwrite=True)
"""


@pytest.mark.parametrize("point", ["read 1", "compare 0", "voxelize 1", "publish 0", "swap"])
def test_killed_at_any_point_it_leaves_the_old_and_goes_on(tmp_path, point):
    houses, out = write_houses(tmp_path / "houses", 12), tmp_path / "DS"
    build([write_houses(tmp_path / "old", 3)], out, SMALL, workers=1)
    old = contents(out)
    child = subprocess.Popen(
        [sys.executable, "-c", HALTED, str(houses), str(out), point], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"
    child.kill()
    child.communicate()
    assert len(Dataset.open(out)) == 3
    Dataset.open(out).verify()
    assert contents(out) == old
    with pytest.raises(UsageError, match="another data set"):
        build([houses], out, SMALL, workers=1)

    build([houses], out, SMALL, workers=1, overwrite=True)
    build([houses], tmp_path / "anew", SMALL, workers=1)
    assert contents(out) == contents(tmp_path / "anew")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_work_that_is_done_is_not_done_again(houses, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_module, "decide", stop)
        with pytest.raises(KeyboardInterrupt):
            build([houses], tmp_path / "DS", SMALL, workers=1)
    with monkeypatch.context() as patch:
        patch.setattr(stages, "examine", stop)
        patch.setattr(stages, "_columns", stop)
        build([houses], tmp_path / "DS", SMALL, workers=1)
    assert len(Dataset.open(tmp_path / "DS")) == 12


def test_a_file_that_changed_in_the_meantime_is_read_again(houses, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_module, "decide", stop)
        with pytest.raises(KeyboardInterrupt):
            build([houses], tmp_path / "DS", SMALL, workers=1)
    (houses / "house000.obj").write_text(house_obj(15, 6, 8, 12), encoding="utf-8")
    build([houses], tmp_path / "DS", SMALL, workers=1)
    table = Dataset.open(tmp_path / "DS").table
    assert table["height"][table["id"].tolist().index("house000")] == pytest.approx(12.0)


def test_what_a_build_says_of_itself_does_not_depend_on_where_the_files_lie(houses, tmp_path):
    build([houses], tmp_path / "here", SMALL, workers=1)
    shutil.copytree(houses, tmp_path / "elsewhere")
    build([tmp_path / "elsewhere"], tmp_path / "there", SMALL, workers=1)
    here, there = Dataset.open(tmp_path / "here"), Dataset.open(tmp_path / "there")
    assert np.array_equal(here.table["split"], there.table["split"])
    assert np.array_equal(here.coverage(slice(None)), there.coverage(slice(None)))
