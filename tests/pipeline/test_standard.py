"""The preset `standard` makes, from the original files, the set that the collection calls usable."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from voxgen.geometry.grid import HALF
from voxgen.pipeline.build import build
from voxgen.pipeline.config import BuildConfig
from voxgen.pipeline.report import Reason
from voxgen.pipeline.store import Dataset

SOURCES = ("nl_3dbag_limburg", "de_nrw")

PASSED = (None, Reason.GRID, Reason.DUPLICATE)
"""What becomes of buildings that pass the filters; the collection knows neither grids nor our merging."""


@pytest.fixture(scope="module")
def standard(shared, tmp_path_factory):
    """A build of two sources: the report and the data set."""
    out = tmp_path_factory.mktemp("standard") / "DS"
    folders = [shared / "data" / name / "original" for name in SOURCES]
    report = build(folders, out, BuildConfig.preset("standard"), workers=2)
    return report, Dataset.open(out)


@pytest.fixture(scope="module")
def larger(shared, tmp_path_factory):
    """The data set of the same sources at the standard task's other resolution."""
    out = tmp_path_factory.mktemp("standard64") / "DS"
    folders = [shared / "data" / name / "original" for name in SOURCES]
    build(folders, out, BuildConfig.preset("standard64"), workers=2)
    return Dataset.open(out)


def sides(dataset: Dataset) -> dict[tuple[str, str], int]:
    """The side of each building, by source and id."""
    table = dataset.table
    names = zip(table["source"].tolist(), table["id"].tolist(), strict=True)
    return dict(zip(names, table["split"].tolist(), strict=True))


def usable(shared: Path, name: str) -> tuple[Counter[str], Counter[str]]:
    """Ids that the collection calls usable, and all that it kept."""
    with np.load(shared / "data" / name / "buildings.npz", allow_pickle=False) as archive:
        ids, flags = archive["id"], archive["usable"]
    return Counter(ids[flags].tolist()), Counter(ids.tolist())


@pytest.mark.shared
@pytest.mark.parametrize("name", SOURCES)
def test_every_usable_building_passes(standard, shared, name):
    report, _ = standard
    passed = Counter(row.id for row in report.rows if name in row.source and row.reason in PASSED)
    expected, _ = usable(shared, name)
    assert expected - passed == Counter()


@pytest.mark.shared
@pytest.mark.parametrize("name", SOURCES)
def test_what_passes_beyond_that_was_a_repetition_in_the_collection(standard, shared, name):
    # The collection dropped repetitions of a building it had already, mostly of ids that two files hold.
    report, _ = standard
    passed = Counter(row.id for row in report.rows if name in row.source and row.reason in PASSED)
    expected, _ = usable(shared, name)
    extra = passed - expected
    assert set(extra) <= set(expected)
    files = {row.id: set() for row in report.rows}
    for row in report.rows:
        files[row.id].add(row.source)
    assert all(len(files[name]) > 1 for name in extra)


@pytest.mark.shared
def test_no_two_buildings_of_the_set_are_near_duplicates(standard):
    _, dataset = standard
    grids = dataset.coverage(slice(len(dataset))) > HALF
    flat = grids.reshape(len(grids), -1).astype(np.float32)
    volume = flat.sum(axis=1)
    worst = 0.0
    for turn in range(4):
        for mirror in (1, -1):
            image = np.rot90(grids, turn, axes=(1, 2))[:, ::mirror].reshape(len(grids), -1)
            shared_voxels = flat @ image.astype(np.float32).T
            iou = shared_voxels / (volume[:, None] + volume[None] - shared_voxels)
            np.fill_diagonal(iou, 0.0)
            worst = max(worst, float(iou.max()))
    assert worst <= 0.95


@pytest.mark.shared
def test_a_building_is_on_the_same_side_at_both_resolutions(standard, larger):
    small, large = sides(standard[1]), sides(larger)
    both = set(small) & set(large)
    assert len(both) > 300
    assert {name: small[name] for name in both} == {name: large[name] for name in both}


@pytest.mark.shared
def test_the_rejections_are_those_that_the_collection_counted(standard, shared):
    report, _ = standard
    low = [row for row in report.rows if row.reason is Reason.LOW and "limburg" in row.source]
    small = [row for row in report.rows if row.reason is Reason.SMALL and "limburg" in row.source]
    rows = [row for row in report.rows if "limburg" in row.source]
    # SOURCE.json of that source: 840 in, 156 lower than 3 m, 21 smaller than 20 m2.
    assert (len(rows), len(low), len(small)) == (840, 156, 21)
