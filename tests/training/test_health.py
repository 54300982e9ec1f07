"""Early warnings come when something is wrong, name it, and stay away when nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from training_toys import ToyData

from voxgen.geometry.grid import HALF
from voxgen.training.health import Reference, examine, nearest_iou

DATA = ToyData(n=200)
REFERENCE = Reference.of(DATA)
REAL = ToyData(n=16, seed=5).grids > HALF


def test_the_reference_is_measured_on_training_buildings():
    train = DATA.coverage(DATA.indices("train")) > HALF
    assert REFERENCE.fill == pytest.approx(train.mean())
    assert len(REFERENCE.bits) == len(train)
    assert 0.05 < REFERENCE.overlap < 0.5


def test_new_buildings_like_the_real_ones_give_no_warning():
    held_out = DATA.coverage(DATA.indices("test")) > HALF
    assert examine(held_out[:16], REFERENCE).warnings() == ()


def test_air_is_told():
    health = examine(np.zeros_like(REAL), REFERENCE)
    assert health.empty == 16
    (said,) = health.warnings()
    assert said.startswith("16 of 16 samples are empty")


def test_a_few_empty_samples_are_no_alarm():
    some = REAL.copy()
    some[:4] = False
    health = examine(some, REFERENCE)
    assert health.empty == 4
    assert not any("empty" in said for said in health.warnings())


def test_solid_blocks_are_told():
    said = examine(np.ones_like(REAL), REFERENCE).warnings()
    assert "solid blocks: they fill 100% of the grid" in said[0]


def test_collapse_is_told():
    one = np.repeat(REAL[3:4], 16, axis=0)
    assert any("all nearly the same building" in said for said in examine(one, REFERENCE).warnings())


def test_copies_are_told_also_when_they_are_mirrored():
    train = DATA.coverage(DATA.indices("train")[:16]) > HALF
    for copies in (train, train[:, ::-1], train[:, ::-1, ::-1]):
        health = examine(copies, REFERENCE)
        assert health.copies == 16
        assert any("16 of 16 samples are copies" in said for said in health.warnings())


def test_copying_is_no_fault_where_held_out_buildings_are_copies_too():
    data = ToyData(n=40)
    data.grids[:] = data.grids[data.indices("train")[np.arange(40) % 4]]
    health = examine(data.coverage(data.indices("test")) > HALF, Reference.of(data))
    assert not any("copies" in said for said in health.warnings())


def test_the_nearest_building_is_found():
    train = DATA.coverage(DATA.indices("train")) > HALF
    near = nearest_iou(REAL[:3], REFERENCE.bits)
    for grid, found in zip(REAL[:3], near, strict=True):
        views = [grid, grid[::-1], grid[:, ::-1], grid[::-1, ::-1]]
        brute = max(((v & t).sum() / max((v | t).sum(), 1)) for v in views for t in train)
        assert found == pytest.approx(brute, abs=1e-6)


def test_a_single_sample_can_be_looked_at():
    health = examine(REAL[:1], REFERENCE)
    assert np.isnan(health.overlap)
    assert isinstance(health.warnings(), tuple)


def test_a_data_set_of_one_building_can_be_a_reference():
    data = ToyData(n=1)
    assert isinstance(examine(REAL, Reference.of(data)).warnings(), tuple)
