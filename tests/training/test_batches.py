"""Batches are functions of (seed, step, rank, world), and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_toys import SIDE, ToyData

from voxgen.errors import DataError, UsageError
from voxgen.keys import keys, uniform
from voxgen.models.condition import ConditionConfig
from voxgen.training.batches import Batches
from voxgen.training.data import TrainingData, condition_config, fingerprint
from voxgen.training.masks import envelope_mask, footprint_mask

DATA = ToyData()
EVERYTHING = condition_config(DATA, ("height", "footprint_length"), ("footprint", "envelope"))


def test_the_toy_data_are_what_training_asks_for():
    assert isinstance(DATA, TrainingData)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), step=st.integers(0, 10**9))
def test_a_step_gives_the_same_batch_whatever_came_before(seed, step):
    fresh = Batches(DATA, EVERYTHING, 8, seed)
    used = Batches(DATA, EVERYTHING, 8, seed)
    used.at(step // 2 + 1, 0.1)
    _assert_same(fresh.at(step, 0.5), used.at(step, 0.5))


@settings(max_examples=25, deadline=None)
@given(step=st.integers(0, 1000), world=st.sampled_from([1, 2, 4, 8]))
def test_processes_see_the_parts_of_the_one_global_batch(step, world):
    whole = Batches(DATA, EVERYTHING, 8, seed=3).at(step, 0.0)
    parts = [Batches(DATA, EVERYTHING, 8, 3, rank, world).at(step, 0.0) for rank in range(world)]
    assert torch.equal(whole.x, torch.cat([p.x for p in parts]))
    assert torch.equal(whole.keys, torch.cat([p.keys for p in parts]))
    assert torch.equal(whole.condition.masks, torch.cat([p.condition.masks for p in parts]))
    assert torch.equal(whole.condition.given, torch.cat([p.condition.given for p in parts]))


def test_an_epoch_shows_every_building_once():
    n = len(DATA.indices("train"))
    batches = Batches(DATA, ConditionConfig(), 1, seed=5)
    for epoch in range(2):
        rows = [batches._row(epoch * n + k) for k in range(n)]
        assert sorted(rows) == sorted(DATA.indices("train").tolist())


def test_epochs_differ_in_order():
    n = len(DATA.indices("train"))
    batches = Batches(DATA, ConditionConfig(), 1, seed=5)
    assert [batches._row(k) for k in range(n)] != [batches._row(n + k) for k in range(n)]


def test_coverage_becomes_shares():
    x = Batches(DATA, ConditionConfig(), 32, seed=0).at(0, 0.0).x
    assert x.shape == (32, 1, SIDE, SIDE, SIDE)
    assert x.min() == 0
    assert x.max() == 1
    assert torch.equal((x * 64).round() / 64, x)


def test_conditions_describe_their_own_building_under_its_symmetry():
    told = EVERYTHING.model_copy(update={"dropout": 0.0})
    batch = Batches(DATA, told, 48, seed=0).at(0, 0.0)
    assert batch.condition.given.all()
    layers = (batch.x[:, 0] > 0).any(dim=1).any(dim=1).sum(dim=1)
    height = batch.condition.attributes[:, 0] / DATA.pitch
    assert ((layers == height) | (layers == height + 1)).all()
    plan = (batch.x[:, 0] > 0.5).any(dim=3)
    assert torch.equal(batch.condition.masks[:, 0] > 0.5, plan[..., None].expand(-1, -1, -1, SIDE))
    assert ((batch.condition.masks[:, 1] > 0.5) | (batch.x[:, 0] == 0)).all()


@pytest.mark.parametrize("dropout", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_each_condition_is_left_out_as_often_as_asked(dropout):
    config = EVERYTHING.model_copy(update={"dropout": dropout})
    batches = Batches(DATA, config, 8, seed=1)
    asked = batches._asked(keys(1, 0, positions=np.arange(40_000)))
    np.testing.assert_allclose(1 - asked.mean(axis=0), dropout, atol=0.015)
    assert (~asked.any(axis=1)).mean() >= dropout**2 - 0.015


def test_held_out_batches_never_change_and_cover_the_split():
    batches = Batches(DATA, EVERYTHING, 4, seed=1)
    first, again = list(batches.held_out("validation", 100)), list(batches.held_out("validation", 100))
    assert sum(len(b.x) for b in first) == len(DATA.indices("validation"))
    for a, b in zip(first, again, strict=True):
        _assert_same(a, b)
    x = torch.cat([b.x for b in first])
    assert torch.equal(x[:, 0] * 64, torch.from_numpy(DATA.coverage(DATA.indices("validation"))).float())


@pytest.mark.parametrize("limit", [1, 7, 48, 100, 10_000])
def test_what_a_prior_is_fitted_to_is_spread_over_the_training_set(limit):
    batches = list(Batches(DATA, EVERYTHING, 8, seed=1).known(limit))
    assert sum(len(b.x) for b in batches) == min(limit, 48)
    told = torch.cat([b.condition.attributes for b in batches])
    assert told.isfinite().all()
    assert not torch.cat([b.condition.given for b in batches]).any()
    if limit == 48:
        assert len(told.unique(dim=0)) > 15


def test_known_buildings_are_those_of_the_training_split_as_they_stand():
    batches = Batches(DATA, EVERYTHING, 8, seed=1)
    standing = torch.from_numpy(DATA.coverage(DATA.indices("train"))).float()
    assert torch.equal(torch.cat([b.x for b in batches.known(1000)])[:, 0] * 64, standing)


def test_a_batch_tells_which_are_copies(monkeypatch):
    rows = DATA.indices("train")
    monkeypatch.setattr(ToyData, "copies", lambda self: rows[-5:])
    told = torch.cat([b.copy for b in Batches(DATA, EVERYTHING, 8, seed=1).known(1000)])
    assert told[-5:].all()
    assert told.sum() == 10  # the toy's copies are rows of its own, and lie among these too
    told = Batches(DATA, EVERYTHING, 8, seed=1).at(0, 0.0)
    assert told[:2].copy.shape == (2,)


def test_a_batch_that_processes_cannot_share_is_refused():
    with pytest.raises(UsageError, match="a batch of 8 cannot be shared by 3"):
        Batches(DATA, EVERYTHING, 8, 0, 0, 3)


def test_an_empty_training_split_is_refused():
    data = ToyData()
    data._sides["train"] = np.zeros(0, np.int64)
    with pytest.raises(DataError, match="training split is empty"):
        Batches(data, ConditionConfig(), 8, 0)


def test_statistics_come_from_the_training_split_alone():
    config = condition_config(DATA, ("height", "storeys"), ())
    heights = DATA.attributes(("height",))[DATA.indices("train"), 0]
    assert config.center[0] == pytest.approx(heights.mean())
    assert config.scale[0] == pytest.approx(heights.std())
    assert config.scale[1] == 1.0


@pytest.mark.parametrize(
    ("attributes", "masks", "error", "words"),
    [
        (("hight",), (), UsageError, "did you mean 'height'"),
        ((), ("site",), UsageError, "no mask 'site'"),
        (("pitched_share",), (), DataError, "no training building has a value for pitched_share"),
    ],
)
def test_conditions_that_cannot_be_taught_are_refused(attributes, masks, error, words):
    with pytest.raises(error, match=words):
        condition_config(DATA, attributes, masks)


def test_other_data_have_another_fingerprint():
    assert fingerprint(ToyData()) == fingerprint(ToyData())
    assert fingerprint(ToyData()) != fingerprint(ToyData(seed=1))


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
    seed=st.integers(0, 2**32),
    share=st.floats(0, 1),
)
def test_an_envelope_holds_the_whole_building_and_stands_on_the_ground(shape, seed, share):
    chance = np.random.default_rng(seed)
    coverage = (chance.integers(1, 65, shape) * (chance.random(shape) < share)).astype(np.uint8)
    envelope = envelope_mask(coverage, np.random.default_rng(seed))
    assert envelope[coverage > 0].all()
    assert set(np.unique(envelope)) <= {0.0, 1.0}
    # What is inside has only inside below it: one can build up to it.
    assert (np.diff(envelope, axis=2) <= 0).all()


def test_an_envelope_says_little_of_the_building():
    coverage = np.zeros((32, 32, 32), np.uint8)
    coverage[8:24, 11:21, :8] = 64
    coverage[8:24, 13:19, 8:11] = 64
    made = [envelope_mask(coverage, np.random.default_rng(seed)) for seed in range(50)]
    volumes = np.array([m.sum() for m in made]) / (coverage > 0).sum()
    assert len(np.unique(volumes)) > 40
    assert np.median(volumes) > 1.5


def test_a_footprint_is_the_same_in_every_layer():
    mask = footprint_mask(DATA.grids[0])
    assert (mask == mask[:, :, :1]).all()
    assert mask[:, :, 0].sum() == DATA.sizes[0, 0] * DATA.sizes[0, 1]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), step=st.integers(0, 2**40))
def test_keys_are_distinct_and_do_not_depend_on_their_neighbours(seed, step):
    many = keys(seed, step, positions=np.arange(500))
    assert len(np.unique(many)) == 500
    assert (many >= 0).all()
    assert keys(seed, step, positions=np.array([77]))[0] == many[77]


def test_keyed_numbers_are_uniform_and_streams_independent():
    key = keys(0, 0, positions=np.arange(50_000))
    a, b = uniform(key, 1, 0)[:, 0], uniform(key, 1, 1)[:, 0]
    counts, _ = np.histogram(a, bins=20, range=(0, 1))
    assert abs(counts / 2500 - 1).max() < 0.1
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02


def _assert_same(a, b):
    assert torch.equal(a.x, b.x)
    assert torch.equal(a.keys, b.keys)
    assert torch.equal(a.condition.attributes.nan_to_num(-1), b.condition.attributes.nan_to_num(-1))
    assert torch.equal(a.condition.masks, b.condition.masks)
    assert torch.equal(a.condition.given, b.condition.given)
