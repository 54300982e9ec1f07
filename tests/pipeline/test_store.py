import json

import numpy as np
import pytest

from voxgen.errors import DataError, UsageError
from voxgen.geometry.grid import HALF, pack, unpack
from voxgen.pipeline.build import build
from voxgen.pipeline.config import BuildConfig
from voxgen.pipeline.store import ATTRIBUTES, CARD, COVERAGE, OCCUPANCY, REPORT, Dataset

from .conftest import write_houses


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    config = BuildConfig(resolution=(24, 20, 16), pitch=0.75)
    build([write_houses(folder / "houses", 12)], folder / "DS", config, workers=1)
    return Dataset.open(folder / "DS")


@pytest.fixture
def copy(dataset, tmp_path):
    """A copy that a test may damage."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in dataset.path.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_what_was_built_can_be_read(dataset):
    assert len(dataset) == 12
    assert dataset.resolution == (24, 20, 16)
    assert dataset.pitch == 0.75
    assert dataset.coverage([3, 1]).shape == (2, 24, 20, 16)
    assert dataset.coverage(slice(None)).dtype == np.uint8
    assert "12 buildings" in repr(dataset)
    dataset.verify()


def test_bits_and_coverage_say_the_same(dataset):
    bits = unpack(np.array(dataset.occupancy_bits), dataset.resolution)
    assert np.array_equal(bits, dataset.coverage(slice(None)) > HALF)
    assert np.array_equal(pack(bits), dataset.occupancy_bits)


def test_each_building_is_on_one_side_of_the_split(dataset):
    sides = [dataset.indices(name) for name in ("train", "validation", "test")]
    assert np.array_equal(np.sort(np.concatenate(sides)), np.arange(len(dataset)))
    assert [len(side) for side in sides] == list(dataset.card["splits"].values())
    with pytest.raises(UsageError, match="did you mean 'validation'"):
        dataset.indices("validaton")


def test_attributes_are_in_their_own_units(dataset):
    height, area = dataset.attributes(["height", "footprint_area"]).T
    names = dataset.table["id"].tolist()
    assert height[names.index("house000")] == pytest.approx(6.5)
    assert area[names.index("house000")] == pytest.approx(8 * 5, rel=0.01)
    assert dataset.attributes([]).shape == (len(dataset.table["id"]), 0)
    with pytest.raises(UsageError, match="did you mean 'height'"):
        dataset.attributes(["hight"])
    with pytest.raises(UsageError, match="no attribute 'id'"):
        dataset.attributes(["id"])


def test_a_grid_lies_where_its_building_stood(dataset):
    at = dataset.table["id"].tolist().index("house000")
    grid = dataset.grid(at)
    filled = np.argwhere(grid.occupancy) + 0.5
    low, high = grid.to_world(filled).min(axis=0), grid.to_world(filled).max(axis=0)
    assert low == pytest.approx([-4, -2.5, 0], abs=0.75)
    # The ridge of a gable is thinner than half a voxel.
    assert high == pytest.approx([4, 2.5, 6.5], abs=1.0)
    assert grid.volume == pytest.approx(dataset.table["volume"][at], rel=0.02)


def test_a_batch_is_a_copy(dataset):
    batch = dataset.coverage([0])
    before = batch.copy()
    batch[:] = 7
    assert np.array_equal(dataset.coverage([0]), before)


@pytest.mark.parametrize("name", [COVERAGE, OCCUPANCY, ATTRIBUTES, REPORT])
def test_a_file_that_is_missing_or_cut_off_is_named(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-10])
    with pytest.raises(DataError, match=rf"{name} has .* bytes where the card says"):
        Dataset.open(copy)
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        Dataset.open(copy)


@pytest.mark.parametrize("name", [COVERAGE, OCCUPANCY])
def test_a_changed_byte_is_found_by_its_checksum(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"{name} is not what the card says"):
        Dataset.open(copy).verify()


def test_a_folder_that_is_no_data_set_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="voxgen data build"):
        Dataset.open(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"it has no card\.json"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda card: "{", "damaged"),
        (lambda card: "[]", "damaged"),
        (lambda card: json.dumps({"format": "something"}), "no card of a voxgen data set"),
        (lambda card: json.dumps(card | {"version": 99}), "version 99"),
        (lambda card: json.dumps(card | {"count": "many"}), "damaged"),
        (lambda card: json.dumps(card | {"count": 11}), "where the card says"),
        (lambda card: json.dumps(card | {"resolution": [24, 24, 16]}), "where the card says"),
    ],
)
def test_a_card_that_is_wrong_says_what_is_wrong(copy, change, told):
    card = json.loads((copy / CARD).read_text(encoding="utf-8"))
    (copy / CARD).write_text(change(card), encoding="utf-8")
    with pytest.raises(DataError, match=told):
        Dataset.open(copy)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


def test_nothing_is_unpickled(copy):
    with (copy / ATTRIBUTES).open("wb") as file:
        np.savez(file, id=np.array([Trap()] * 12, object))
    card = json.loads((copy / CARD).read_text(encoding="utf-8"))
    card["files"][ATTRIBUTES]["bytes"] = (copy / ATTRIBUTES).stat().st_size
    (copy / CARD).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        Dataset.open(copy)
