"""The commands about data sets."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from voxgen.formats import write_mesh
from voxgen.geometry.mesh import Mesh
from voxgen.pipeline.store import Dataset

from .conftest import TINY, Command

Told = Callable[..., dict[str, Any]]


def cuboid(path: Path, size: tuple[float, float, float]) -> Path:
    """A closed box as an OBJ file."""
    import trimesh

    box = trimesh.creation.box(size)
    mesh = Mesh.of(box.vertices + np.array([0.0, 0.0, size[2] / 2]), box.faces)
    write_mesh(path, mesh, name=path.stem)
    return path


def test_a_folder_of_files_becomes_a_data_set_with_a_row_for_each(tmp_path: Path, told: Told) -> None:
    for i in range(4):
        cuboid(tmp_path / "models" / f"{i}.obj", (8.0 + i, 6.0, 4.0 + i))
    (tmp_path / "models" / "broken.stl").write_bytes(b"solid nothing")
    words = ["--resolution", "16", "--pitch", "1", "--workers", "1", "--set", "duplicates.keep='all'"]
    values = told("data", "build", tmp_path / "models", "-o", tmp_path / "DS", *words)
    assert values["counts"]["accepted"] == 4
    data = Dataset.open(tmp_path / "DS")
    assert (data.resolution, data.pitch, len(data)) == ((16, 16, 16), 1.0, 4)
    rows = Path(values["report"]).read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 5


def test_settings_come_from_preset_file_and_options(tmp_path: Path, told: Told, voxgen: Command) -> None:
    config = told("data", "build", "x", "-o", "y", "--preset", "standard", "--pitch", "0.6", "--dry-run")[
        "config"
    ]
    assert (config["pitch"], config["resolution"], config["filters"]["closed"]) == (0.6, [32, 32, 32], True)
    (tmp_path / "b.toml").write_text("pitch = 0.5\n[split]\nseed = 4\n", encoding="utf-8")
    words = [
        "-c",
        tmp_path / "b.toml",
        "--fit",
        "--unit",
        "mm",
        "--set",
        "filters.min_height=2.5",
        "--dry-run",
    ]
    config = told("data", "build", "x", "-o", "y", *words)["config"]
    assert (config["pitch"], config["fit"], config["split"]["seed"]) == (None, True, 4)
    assert (config["read"]["unit"], config["filters"]["min_height"]) == ("mm", 2.5)
    for bad in (
        ["--preset", "standart"],
        ["--preset", "default", "-c", tmp_path / "b.toml"],
        ["--pitch", "-1"],
    ):
        assert voxgen("data", "build", "x", "-o", "y", *bad, "--dry-run").exit_code == 2


def test_results_are_on_stdout_and_all_else_on_stderr(voxgen: Command, data: Path) -> None:
    result = voxgen("data", "info", data, "--verify", "--json")
    values = json.loads(result.stdout)
    assert values["verified"]
    assert values["count"] == len(Dataset.open(data))
    assert values["attributes"]["height"]["median"] > 2
    assert values["licence"] == ["CC0-1.0"]
    text = voxgen("data", "info", data).stdout
    assert "16 x 16 x 16 voxels" in text
    assert "CC0-1.0" in text


def test_no_bars_off_a_terminal_but_a_line_a_stage(voxgen: Command, folder: Path) -> None:
    result = voxgen("data", "build", "massing:6", "-o", "few", "--resolution", "8", "--workers", "1")
    assert result.exit_code == 0
    assert "\r" not in result.stderr + result.stdout
    assert [line.split(":")[0] for line in result.stderr.splitlines() if "done in" in line] == [
        "read", "compare", "voxelize", "publish",
    ]  # fmt: skip
    assert "next: voxgen train" in result.stderr


def test_a_sheet_shows_the_same_buildings_for_the_same_seed(data: Path, told: Told, tmp_path: Path) -> None:
    first = told("data", "sheet", data, "-n", "5", "-o", tmp_path / "a.png", "--size", "64")
    again = told("data", "sheet", data, "-n", "5", "-o", tmp_path / "b.png", "--size", "64")
    other = told("data", "sheet", data, "-n", "5", "-o", tmp_path / "c.png", "--size", "64", "--seed", "1")
    assert first["ids"] == again["ids"] != other["ids"]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.width > 3 * 64


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["data", "build", "nowhere", "-o", "x"], 3, "no file, folder or pattern"),
        (["data", "build", "massing:lots", "-o", "x"], 2, "massing:COUNT"),
        (["data", "build", "massing:0", "-o", "x"], 2, "massing:COUNT"),
        (["data", "build", "-o", "x"], 2, "SOURCES"),
        (["data", "info", "nowhere"], 3, "no data set at"),
        (["data", "sheet", "nowhere"], 3, "no data set at"),
        (["data", "fetch", "threedbag"], 2, "bounding box"),
        (["data", "fetch", "threedbag", "--bbox", "1,2,3"], 2, "xmin"),
    ],
)
def test_bad_input_is_told_with_its_exit_code(
    voxgen: Command, words: list[str], code: int, says: str
) -> None:
    result = voxgen(*words)
    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr


def test_a_folder_that_is_no_data_set_is_never_replaced(voxgen: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    result = voxgen("data", "build", "massing:5", "-o", tmp_path / "mine", "--workers", "1")
    assert result.exit_code == 2
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_another_data_set_is_replaced_only_with_overwrite(voxgen: Command, tmp_path: Path) -> None:
    words = ["data", "build", "massing:6:3", "-o", tmp_path / "DS", "--workers", "1", "--resolution", "8"]
    assert voxgen(*words).exit_code == 0
    card = json.loads((tmp_path / "DS" / "card.json").read_text(encoding="utf-8"))
    assert card["command"] == f"voxgen data build massing:6:3 -o {tmp_path / 'DS'} --resolution 8"
    again = voxgen(*words)
    assert (again.exit_code, "nothing was done" in again.stdout) == (0, True)
    other = voxgen(*words, "--pitch", "2")
    assert other.exit_code == 2
    for says in (card["command"], "pitch=none in it, pitch=2.0 asked for", "--overwrite"):
        assert says in other.stderr
    assert json.loads((tmp_path / "DS" / "card.json").read_text(encoding="utf-8")) == card
    assert voxgen(*words, "--pitch", "2", "--overwrite").exit_code == 0
    assert Dataset.open(tmp_path / "DS").pitch == 2


def test_a_build_that_is_stopped_says_that_it_goes_on(
    voxgen: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    words = ["data", "build", "massing:8", "-o", tmp_path / "DS", "--workers", "1", "--resolution", "8"]
    with monkeypatch.context() as patch:
        patch.setattr("voxgen.pipeline.build.decide", stop)
        result = voxgen(*words)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "stopped; the work done is kept, and the same command goes on"
    assert not (tmp_path / "DS").exists()
    assert voxgen(*words).exit_code == 0
    assert len(Dataset.open(tmp_path / "DS")) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["DS"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_tiles_are_fetched_once_and_their_files_named(folder: Path, told: Told, tmp_path: Path) -> None:
    served = tmp_path / "v20250903" / "tiles" / "9" / "444" / "728" / "9-444-728.city.json.gz"
    served.parent.mkdir(parents=True)
    served.write_bytes(gzip.compress(b'{"type": "CityJSON"}'))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    words = ["data", "fetch", "threedbag", "--tile", "9/444/728", "--release", "v20250903"]
    try:
        first = told(*words, "--mirror", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert Path(first["files"][0]).read_bytes() == served.read_bytes()
    assert "3DBAG" in first["attribution"]
    # The server has gone; the cache has not.
    assert told(*words, "--mirror", f"http://127.0.0.1:{server.server_port}")["files"] == first["files"]


@pytest.mark.parametrize(("share", "trains"), [(0.8, True), (0.0, False)])
def test_one_building_trains_and_a_split_that_does_not_says_why(
    voxgen: Command, tmp_path: Path, share: float, trains: bool
) -> None:
    cuboid(tmp_path / "house.obj", (9.0, 7.0, 6.0))
    shares = ("--set", f"split.train={share}", "--set", f"split.validation={0.9 - share}")
    built = voxgen("data", "build", tmp_path / "house.obj", "-o", tmp_path / "one", *shares)
    assert built.exit_code == 0, built.stderr
    assert ("voxgen train" in built.stderr) is trains
    begun = voxgen("train", "--data", tmp_path / "one", "--name", f"one{trains}", "--steps", "1", *TINY)
    assert begun.exit_code == (0 if trains else 3), begun.stderr
    assert ("no training building" in begun.stderr) is not trains
    assert "on 0 buildings" not in begun.stderr
