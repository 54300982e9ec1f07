"""The models that come with voxgen: small, attributed, and ready to make what they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from voxgen import checkpoint, load, pretrained
from voxgen.geometry.measure import measure_grid

NAMES = pretrained.names()
LARGEST = 12 * 2**20


def test_there_are_models() -> None:
    assert {"vae", "gan", "flow", "diffusion"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_small_and_says_whom_it_owes(name: str) -> None:
    path = pretrained.shipped(name)
    assert path.stat().st_size <= LARGEST
    card = checkpoint.read_card(path)
    assert card["family"] == name
    assert card["training"]["finished"]
    assert any("3DBAG" in line for line in card["data"]["attribution"])
    assert card["data"]["licence"]
    assert "procedural" in card["config"]["condition"]["attributes"]


@pytest.mark.parametrize("name", ["vae", "flow"])
def test_buildings_become_higher_or_longer_and_keep_the_rest(name: str) -> None:
    generator = load(f"pretrained:{name}")
    grids = generator.sample(4, seed=4, attributes={"procedural": 0.0})
    for attribute, held in (("height", "footprint_length"), ("footprint_length", "height")):
        missed, moved = [], []
        for grid in grids:
            has = measure_grid(grid)
            wanted = [has[attribute] - 1.5, has[attribute] + 1.5]
            got = [measure_grid(one) for one in generator.changed(grid, attribute, wanted)]
            missed += [abs(one[attribute] - value) for one, value in zip(got, wanted, strict=True)]
            moved += [abs(one[held] - has[held]) for one in got]
        assert np.mean(missed) < 1.0
        assert np.mean(moved) < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_buildings_and_heights_are_as_asked(name: str) -> None:
    generator = load(f"pretrained:{name}")
    assert generator.resolution == (64, 64, 64)
    assert generator.pitch == 0.5
    made = generator.sample(8, seed=1, attributes={"height": 9.0, "procedural": 0.0})
    measures = [measure_grid(grid) for grid in made]
    assert all(0 < one["volume"] < 8000 for one in measures)
    assert np.median([abs(one["height"] - 9.0) for one in measures]) < 1.0
