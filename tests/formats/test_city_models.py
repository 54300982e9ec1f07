"""The original city models against the collection that was made from them by another hand."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import numpy as np
import pytest
from whole_files import buildings_of

from voxgen.formats import expand
from voxgen.pipeline.parallel import Workers

pytestmark = pytest.mark.shared

SETS = (
    "de_nrw",
    "nl_3dbag_amsterdam",
    "nl_3dbag_limburg",
    "nl_3dbag_rijssen",
    "nl_3dbag_rotterdam_6228",
    "nl_denhaag",
)


@pytest.fixture(scope="module")
def workers():
    """Processes that read, as in a build: with every call's types checked, thousands of buildings cost four
    times as much, and the tests of single files do that."""
    with Workers(2) as processes:
        yield processes


@pytest.fixture(scope="module", params=SETS)
def collection(request, shared, workers):
    """Kept buildings as arrays, and the same ones as read here."""
    folder = shared / "data" / request.param
    with np.load(folder / "buildings.npz", allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files}
    read = defaultdict(list)
    files = list(expand([folder / "original"]))
    for at, buildings in workers.run(buildings_of, files):
        for building in buildings:
            read[files[at].path.name.removesuffix(".gz"), building.id].append(building)
    names = zip(kept["src_file"].tolist(), kept["id"].tolist(), strict=True)
    sound = sum(building.error is None for found in read.values() for building in found)
    assert sound == json.loads(str(kept["meta"]))["n_input"]
    return kept, [read[name] for name in names]


def test_every_kept_building_is_read_once_and_sound(collection):
    _, buildings = collection
    assert {len(found) for found in buildings} == {1}
    assert [found[0].error for found in buildings if found[0].error] == []


def test_place_extent_parts_and_level_agree_for_all(collection):
    kept, buildings = collection
    for i, (building,) in enumerate(buildings):
        low, high = building.mesh.bounds
        np.testing.assert_allclose(high - low, kept["extent"][i], atol=2e-3)
        origin = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
        np.testing.assert_allclose(origin, kept["origin"][i], atol=5e-3)
        assert len(np.unique(building.mesh.parts)) == kept["n_parts"][i]
        assert building.lod == pytest.approx(kept["lod"][i])


def test_vertices_and_surface_classes_agree(collection):
    kept, buildings = collection
    counts = np.diff(kept["v_offset"])
    same = [len(b.mesh.vertices) == counts[i] for i, (b,) in enumerate(buildings)]
    # Pairs exactly 1 mm apart are welded in one reading and not in the other.
    assert np.mean(same) >= 0.998
    for i, (building,) in enumerate(buildings):
        theirs = kept["face_sem"][kept["f_offset"][i] : kept["f_offset"][i + 1]]
        if len(theirs) == len(building.mesh.labels):
            assert Counter(building.mesh.labels.tolist()) == Counter(theirs.tolist())


def test_whatever_was_watertight_is_closed(collection, closed):
    kept, buildings = collection
    opened = [b.id for i, (b,) in enumerate(buildings) if kept["watertight"][i] and not closed(b.mesh)]
    assert opened == []


def test_volumes_agree(collection, volume):
    kept, buildings = collection
    ratio = np.array(
        [volume(b.mesh) / kept["volume"][i] for i, (b,) in enumerate(buildings) if kept["watertight"][i]]
    )
    # Polygons that are not quite plane enclose a little more or less by the diagonals chosen.
    assert np.mean(np.abs(ratio - 1) < 1e-3) > 0.95
    assert np.abs(ratio - 1).max() < 0.02


def test_years_functions_and_roof_types_agree(collection):
    kept, buildings = collection
    for i, (building,) in enumerate(buildings):
        assert str(building.attributes.get("year", "")) == kept["year"][i]
        assert str(building.attributes.get("function", "")) == kept["function"][i]
    roofs = [
        str(b.attributes.get("roof_type", "")) == kept["roof_type"][i] for i, (b,) in enumerate(buildings)
    ]
    single = [agree for agree, parts in zip(roofs, kept["n_parts"], strict=True) if parts == 1]
    assert np.mean(single) == 1.0
