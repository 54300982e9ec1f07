"""Stretched copies of training buildings: laws of stretching, and that only training sees them."""

import numpy as np
import pytest

from voxgen.evaluation.judge import Judge, learnt, occupied
from voxgen.geometry.mesh import Mesh
from voxgen.pipeline.build import build
from voxgen.pipeline.chunk import Candidate, Stand
from voxgen.pipeline.config import BuildConfig
from voxgen.pipeline.copies import Bounds
from voxgen.pipeline.store import Dataset
from voxgen.training.batches import Batches
from voxgen.training.data import condition_config

from .conftest import house_obj, write_houses

CONFIG = BuildConfig(resolution=24, pitch=0.75)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    build([write_houses(folder / "houses", 24)], folder / "DS", CONFIG, workers=1)
    return Dataset.open(folder / "DS")


def of(dataset, copy):
    """The building that a row is a copy of."""
    name = str(dataset.table["id"][copy]).split(", stretched")[0]
    return int(np.flatnonzero(dataset.table["id"] == name)[0])


def test_each_training_building_has_its_copies_after_all_buildings(dataset):
    train, copies = dataset.indices("train"), dataset.copies()
    assert len(copies) == 3 * len(train) == dataset.card["stretched"]
    assert len(dataset) == dataset.card["count"] == copies[0]
    assert sorted({of(dataset, copy) for copy in copies}) == train.tolist()
    assert sum(dataset.card["splits"].values()) == len(dataset)


def test_a_copy_is_its_building_stretched(dataset):
    table = dataset.table
    for copy in dataset.copies():
        original = of(dataset, copy)
        assert table["shape"][copy] == table["shape"][original]
        length, width, height, footprint, volume = (
            float(table[name][copy] / table[name][original])
            for name in ("footprint_length", "footprint_width", "height", "footprint_area", "volume")
        )
        assert footprint == pytest.approx(length * width, rel=1e-6)
        assert volume == pytest.approx(length * width * height, rel=1e-6)
        assert 1 / 1.28 - 1e-9 <= height <= 1.28 + 1e-9
        filled = (dataset.coverage([int(copy), original]) / 64).sum(axis=(1, 2, 3)) * 0.75**3
        assert filled[0] / filled[1] == pytest.approx(volume, rel=0.02)


def test_copies_of_a_building_differ(dataset):
    heights = dataset.table["height"][dataset.copies()]
    assert len(np.unique(heights.round(6))) == len(heights)


def test_a_copy_stands_where_its_building_stands(dataset):
    corner = np.array([[12.0, 12.0, 0.0]])
    for copy in dataset.copies()[:5].tolist():
        np.testing.assert_allclose(
            dataset.grid(copy).to_world(corner), dataset.grid(of(dataset, copy)).to_world(corner), atol=1e-6
        )


def test_training_sees_copies_and_nobody_else(dataset):
    batches = Batches(dataset, condition_config(dataset, ("height",)), 8, seed=0)
    train, copies = dataset.indices("train"), dataset.copies()
    epoch = -(-(len(train) + len(copies)) // 8)
    seen = np.concatenate([batches.at(step, 0.0).known[:, 0].numpy() for step in range(epoch)])
    heights = dataset.table["height"].astype(np.float32)
    assert set(heights[copies]) <= set(seen)
    assert not set(heights[dataset.indices("test")]) & set(heights[copies])
    known = np.concatenate([batch.known[:, 0].numpy() for batch in batches.known(1000)])
    assert len(known) == len(train) + len(copies)


def test_a_copy_of_a_large_building_still_fits(tmp_path):
    folder = tmp_path / "halls"
    folder.mkdir()
    for n in range(6):
        (folder / f"hall{n}.obj").write_text(house_obj(17.9, 16 - n, 3 + n, 6 + n), encoding="utf-8")
    config = CONFIG.with_overrides(["split.train=1", "split.validation=0", "split.test=0"])
    build([folder], tmp_path / "DS", config, workers=1)
    found = Dataset.open(tmp_path / "DS")
    copies = found.copies()
    assert len(copies) == 18
    assert float(found.table["footprint_length"][copies].max()) <= 18 + 1e-6


def test_of_enough_buildings_there_are_fewer_copies(tmp_path):
    houses = write_houses(tmp_path / "houses", 12)
    for enough in (0, 1, 40):
        config = CONFIG.with_overrides([f"stretch.enough={enough}"])
        build([houses], tmp_path / str(enough), config, workers=1)
        found = Dataset.open(tmp_path / str(enough))
        train = len(found.indices("train"))
        each = max(0, enough - train) // train
        assert len(found.copies()) == min(3, each) * train


def candidate(length, width, height):
    stand = Stand(np.zeros(3), 0.0, np.array([length, width, height]))
    return Candidate(Mesh.of(np.zeros((0, 3)), np.zeros((0, 3))), stand, {"footprint_area": length * width})


def drawn(bounds, *size):
    return np.array([bounds.factors(str(n), candidate(*size)) for n in range(300)])


def test_factors_stay_within_bounds():
    bounds = Bounds(1.5, np.full(3, 24.0), 3.0, 20.0)
    found = drawn(bounds, 12.0, 6.0, 8.0)
    assert found.min() >= 1 / 1.5
    assert found.max() <= 1.5
    assert abs(np.log(found).mean()) < 0.05
    np.testing.assert_array_equal(found, drawn(bounds, 12.0, 6.0, 8.0))


def test_a_side_without_room_does_not_shrink_the_others():
    found = drawn(Bounds(1.5, np.full(3, 24.0), 3.0, 20.0), 24.0, 8.0, 6.0)
    assert found[:, 0].max() <= 1.0
    assert found[:, 2].max() > 1.4
    assert abs(np.log(found[:, 2]).mean()) < 0.05


def test_the_long_side_stays_the_long_side():
    found = drawn(Bounds(1.5, np.full(3, 24.0), 3.0, 20.0), 10.0, 9.0, 6.0)
    assert (found[:, 1] * 9 <= found[:, 0] * 10 + 1e-9).all()
    assert found.min() >= 1 / 1.5 - 1e-9


def test_a_copy_passes_the_filters_too():
    found = drawn(Bounds(1.5, np.full(3, 24.0), 3.0, 20.0), 5.0, 4.5, 3.2)
    assert (found[:, 2] * 3.2 >= 3.0 - 1e-9).all()
    assert (found[:, 0] * found[:, 1] * 5 * 4.5 >= 20 - 1e-9).all()


def test_originality_is_held_against_copies_too(dataset):
    judge = Judge.of(dataset, 2, "train", rounds=2)
    copies = np.concatenate(list(occupied(dataset, dataset.copies())))
    judged = judge.judge(copies)
    assert judged.scores.figures["copies"].mean == 1.0
    assert dataset.copies()[0] == learnt(dataset)[len(dataset.indices("train"))]
