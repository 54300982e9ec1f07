"""3DBAG against a miniature of its server: what comes is whole, checked and asked for once."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from typing import Any

import pytest
from voxgen.datasets import threedbag
from voxgen.datasets.download import Patience
from voxgen.datasets.threedbag_index import Tile

from voxgen import formats
from voxgen.errors import DataError, LimitError, UsageError

RELEASE = "v20250903"
TILE = "9/444/728"
BBOX = (120_100.0, 480_100.0, 121_900.0, 480_200.0)


def config(mirror, cache: Path, **more: Any) -> threedbag.ThreeDBagConfig:
    patience = {"retries": 2, "backoff": 0.01, "timeout": 0.3} | more.pop("patience", {})
    values = {"base_url": mirror.url, "cache": cache, "patience": Patience(**patience)} | more
    return threedbag.ThreeDBagConfig(**values)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_bounding_box_gives_the_tiles_that_meet_it_as_readable_buildings(mirror, tmp_path: Path):
    paths = threedbag.sources(bbox=BBOX, config=config(mirror, tmp_path))
    assert [path.name for path in paths] == ["9-444-728.city.json.gz", "9-448-728.city.json.gz"]
    buildings = [building for path in paths for building in formats.read_buildings(path)]
    assert [building.error for building in buildings] == [None, None]
    assert buildings[0].mesh.extents == pytest.approx([9.0, 6.0, 6.0])
    credit = paths[0].with_name(threedbag.ATTRIBUTION).read_text(encoding="utf-8")
    assert "3DBAG by tudelft3d and 3DGI" in credit


@pytest.mark.parametrize("spelt", ["9/444/728", "9-444-728", " 9/444/728 "])
def test_a_tile_is_found_by_its_id(mirror, tmp_path: Path, spelt: str):
    (path,) = threedbag.sources(tiles=[spelt, TILE], config=config(mirror, tmp_path))
    assert path == tmp_path / "3dbag" / RELEASE / "9-444-728.city.json.gz"
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]


def test_what_is_in_the_cache_is_not_fetched_again(mirror, tmp_path: Path):
    for _ in range(2):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert len(mirror.asked(mirror.path(TILE))) == 1


def test_a_damaged_file_in_the_cache_is_fetched_again(mirror, tmp_path: Path):
    (path,) = threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    path.write_bytes(path.read_bytes()[:-9])
    threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]


def test_with_a_release_given_the_index_is_not_needed(mirror, tmp_path: Path):
    mirror.faults["index"] = ["500"] * 9
    (path,) = threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path, version=RELEASE))
    assert path.exists()


def test_checksums_of_another_release_are_not_used(mirror, tmp_path: Path):
    found = threedbag.find(bbox=BBOX, config=config(mirror, tmp_path, version="v20230809"))
    assert {(tile.version, tile.sha256) for tile in found} == {("v20230809", None)}


def test_the_index_is_read_page_by_page(mirror, tmp_path: Path):
    for number in range(250):
        name = f"8/{number}/0"
        mirror.rows[name] = {
            "tile_id": name,
            "cj_download": f"https://x/{RELEASE}/tiles/y",
            "cj_sha256": "a" * 64,
        }
    found = threedbag.find(bbox=BBOX, config=config(mirror, tmp_path, max_tiles=300))
    assert len(found) == 252
    assert len(mirror.requests) == 3


@pytest.mark.parametrize(
    "faults",
    [
        ["500"],
        ["503", "429"],
        ["slow"],
        ["cut"],
        ["cut", "cut"],
        ["corrupt"],
        ["cut", "no ranges"],
        ["cut", "500"],
    ],
    ids=lambda faults: "-".join(faults),
)
def test_faults_that_pass_are_outlasted(mirror, tmp_path: Path, faults: list[str]):
    mirror.faults[mirror.path(TILE)] = list(faults)
    (path,) = threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]
    assert files(path.parent) == [path.name, threedbag.ATTRIBUTION]


def test_a_download_goes_on_where_it_was_cut_off(mirror, tmp_path: Path):
    mirror.faults[mirror.path(TILE)] = ["cut"]
    threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    half = len(mirror.files[mirror.path(TILE)]) // 2
    assert mirror.asked(mirror.path(TILE)) == [None, f"bytes={half}-"]


def test_the_next_run_goes_on_where_a_failed_one_ended(mirror, tmp_path: Path):
    impatient = config(mirror, tmp_path, patience={"retries": 0})
    mirror.faults[mirror.path(TILE)] = ["cut"]
    with pytest.raises(DataError, match="run the same command again"):
        threedbag.sources(tiles=[TILE], config=impatient)
    assert not list(tmp_path.rglob("9-444-728.city.json.gz"))
    (path,) = threedbag.sources(tiles=[TILE], config=impatient)
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]
    assert mirror.asked(mirror.path(TILE))[1] is not None


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "the server says 500"),
        ("slow", r"no answer within 0\.3 s"),
        ("cut", "cut off"),
        ("corrupt", "the checksum is"),
    ],
)
def test_faults_that_last_end_in_an_error_that_says_so(mirror, tmp_path: Path, fault: str, says: str):
    mirror.faults[mirror.path(TILE)] = [fault] * 9
    with pytest.raises(DataError, match=says):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert not list(tmp_path.rglob("*.gz"))


@pytest.mark.parametrize("status", ["404", "403", "location:http://127.0.0.1:1/elsewhere"])
def test_refusals_are_final_and_say_what_to_do(mirror, tmp_path: Path, status: str):
    mirror.faults[mirror.path(TILE)] = [status]
    with pytest.raises(DataError, match=r"check the|if you trust"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert len(mirror.asked(mirror.path(TILE))) == 1
    assert files(tmp_path) == []


def test_without_a_checksum_the_gzip_must_be_whole(mirror, tmp_path: Path):
    mirror.rows[TILE]["cj_sha256"] = None
    mirror.files[mirror.path(TILE)] = mirror.files[mirror.path(TILE)][:-5]
    with pytest.raises(DataError, match="it is cut off"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    mirror.files[mirror.path(TILE)] = b"<html>not a tile</html>"
    with pytest.raises(DataError, match="not sound gzip"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert files(tmp_path) == []


@pytest.mark.parametrize("fault", ["", "huge"])
def test_a_file_that_is_too_large_is_given_up_and_removed(mirror, tmp_path: Path, fault: str):
    mirror.faults[mirror.path(TILE)] = [fault]
    with pytest.raises(LimitError, match="more than 100 bytes"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path, patience={"largest": 100}))
    assert files(tmp_path) == []


def test_a_gzip_bomb_is_refused(mirror, tmp_path: Path):
    bomb = gzip.compress(bytes(4_000_000))
    mirror.files[mirror.path(TILE)], mirror.rows[TILE]["cj_sha256"] = bomb, None
    with pytest.raises(DataError, match="unpacks to far too much"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path, patience={"largest": len(bomb)}))


@pytest.mark.parametrize(
    "row",
    [
        {"tile_id": "../../etc/passwd"},
        {"tile_id": "9/444/728/../../x"},
        {"tile_id": "9/444/٧"},
        {"tile_id": None},
        {"cj_download": "https://data.3dbag.nl/v1/../../tiles/x"},
        {"cj_download": None},
    ],
)
def test_nothing_the_index_says_becomes_a_path_unchecked(mirror, tmp_path: Path, row: dict[str, Any]):
    mirror.rows = {TILE: mirror.rows[TILE] | row}
    with pytest.raises(DataError, match="3DBAG has no tiles in"):
        threedbag.find(bbox=BBOX, config=config(mirror, tmp_path))


def test_download_links_are_not_followed_but_rebuilt(mirror, tmp_path: Path):
    mirror.rows[TILE]["cj_download"] = f"http://evil.example/{RELEASE}/tiles/whatever"
    (path,) = threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]


@pytest.mark.parametrize(("fault", "says"), [("html", "did not answer with a list"), ("500", "says 500")])
def test_an_index_that_fails_says_so(mirror, tmp_path: Path, fault: str, says: str):
    mirror.faults["index"] = [fault] * 9
    with pytest.raises(DataError, match=says):
        threedbag.find(bbox=BBOX, config=config(mirror, tmp_path))


def test_an_unknown_tile_says_where_ids_are_found(mirror, tmp_path: Path):
    with pytest.raises(DataError, match=r"no tile 9/1/1.*bounding box"):
        threedbag.find(tiles=["9/1/1"], config=config(mirror, tmp_path))


def test_a_server_that_is_not_there_says_so(mirror, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(DataError, match="Check the connection"):
        threedbag.find(tiles=[TILE], config=config(mirror, tmp_path, base_url=nobody))


def test_a_server_that_drips_is_not_waited_for_for_ever(mirror, tmp_path: Path):
    mirror.faults[mirror.path(TILE)] = ["drip"]
    hasty = config(mirror, tmp_path, patience={"deadline": 0.1, "retries": 0})
    with pytest.raises(DataError, match=r"not done after 0\.1 s"):
        threedbag.sources(tiles=[TILE], config=hasty)
    (path,) = threedbag.sources(tiles=[TILE], config=hasty)
    assert path.read_bytes() == mirror.files[mirror.path(TILE)]


@pytest.mark.parametrize(
    "bbox",
    [
        (120_000.0, 480_000.0, 121_000.0),
        (121_000.0, 480_000.0, 120_000.0, 481_000.0),
        (4.88, 52.36, 4.92, 52.38),
        (float("nan"), 0.0, 1.0, 1.0),
        (600_000.0, 5_700_000.0, 601_000.0, 5_701_000.0),
    ],
)
def test_a_bounding_box_that_cannot_be_meant_is_refused_before_asking(bbox: tuple[float, ...]):
    with pytest.raises(UsageError, match="bounding box"):
        threedbag.find(bbox=bbox)


@pytest.mark.parametrize("name", ["9/444", "../9/444/728", "9/444/728/..", "a/b/c", "9\\444\\728", ""])
def test_a_tile_id_of_another_form_is_refused_before_asking(name: str, tmp_path: Path):
    with pytest.raises(UsageError, match="no 3DBAG tile"):
        threedbag.find(tiles=[name])
    with pytest.raises(UsageError, match="no 3DBAG tile"):
        list(threedbag.download([Tile(name, RELEASE)], threedbag.ThreeDBagConfig(cache=tmp_path)))


def test_either_a_box_or_tiles_must_be_given():
    for given in ({}, {"bbox": BBOX, "tiles": [TILE]}):
        with pytest.raises(UsageError, match="either a bounding box or tile ids"):
            threedbag.find(**given)


def test_too_many_tiles_are_refused_with_their_number(mirror, tmp_path: Path):
    with pytest.raises(UsageError, match="needs 2 tiles, more than 1"):
        threedbag.find(bbox=BBOX, config=config(mirror, tmp_path, max_tiles=1))


@pytest.mark.parametrize(
    "values",
    [{"base_url": "ftp://x"}, {"base_url": "data.3dbag.nl"}, {"version": "../v20250903"}, {"max_tiles": 0}],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any]):
    with pytest.raises(UsageError):
        threedbag.ThreeDBagConfig.parse(values)


def test_a_disk_that_refuses_is_named(mirror, tmp_path: Path):
    (tmp_path / "3dbag").mkdir()
    (tmp_path / "3dbag" / RELEASE).write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(DataError, match="could not be written"):
        threedbag.sources(tiles=[TILE], config=config(mirror, tmp_path))
