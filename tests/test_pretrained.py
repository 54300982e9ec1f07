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


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_buildings_and_heights_are_as_asked(name: str) -> None:
    generator = load(f"pretrained:{name}")
    assert generator.resolution == (64, 64, 64)
    assert generator.pitch == 0.5
    made = generator.sample(8, seed=1, attributes={"height": 9.0, "procedural": 0.0})
    measures = [measure_grid(grid) for grid in made]
    assert all(0 < one["volume"] < 8000 for one in measures)
    assert np.median([abs(one["height"] - 9.0) for one in measures]) < 1.0
