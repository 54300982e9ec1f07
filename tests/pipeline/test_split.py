import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgen.pipeline.config import SplitConfig
from voxgen.pipeline.split import SIDES, deal, keys, leaders

names = st.lists(st.text(min_size=1, max_size=8), min_size=0, max_size=60, unique=True)


@given(names, st.integers(0, 5))
def test_a_seed_decides_the_split_whatever_the_order(shapes, seed):
    config = SplitConfig(seed=seed)
    forward = dict(zip(shapes, deal(shapes, config).tolist(), strict=True))
    backward = dict(zip(shapes[::-1], deal(shapes[::-1], config).tolist(), strict=True))
    assert forward == backward


def test_another_seed_deals_otherwise():
    shapes = [f"building{n}" for n in range(200)]
    assert not np.array_equal(deal(shapes, SplitConfig(seed=0)), deal(shapes, SplitConfig(seed=1)))


def test_the_shares_are_kept():
    shapes = [f"building{n}" for n in range(20_000)]
    counts = np.bincount(deal(shapes, SplitConfig()), minlength=3) / len(shapes)
    assert counts == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_a_building_keeps_its_side_when_the_collection_grows():
    shapes = [f"building{n}" for n in range(400)]
    few, many = deal(shapes[:200], SplitConfig()), deal(shapes, SplitConfig())
    assert np.array_equal(few, many[:200])


@given(st.integers(3, 12), st.integers(0, 50))
def test_three_shapes_are_enough_for_three_sides(count, seed):
    sides = deal([f"b{n}" for n in range(count)], SplitConfig(seed=seed))
    assert set(sides.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("count", "dealt"), [(1, {0}), (2, {0, 1})])
def test_fewer_shapes_than_sides_go_to_training_first_then_to_validation(count, dealt, seed):
    assert set(deal([f"b{n}" for n in range(count)], SplitConfig(seed=seed)).tolist()) == dealt


def test_of_many_shapes_the_number_alone_decides():
    shapes = [f"building{n}" for n in range(300)]
    sides = deal(shapes, SplitConfig())
    for shape, side in zip(shapes, sides.tolist(), strict=True):
        digest = hashlib.sha256(f"0\n{shape}".encode()).digest()
        share = int.from_bytes(digest[:8], "big") / 2**64
        assert side == (share >= 0.8) + (share >= 0.9)


def test_a_side_without_a_share_stays_empty():
    sides = deal([f"b{n}" for n in range(50)], SplitConfig(train=0.9, validation=0.1, test=0.0))
    assert SIDES.index("test") not in sides


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.randoms())
def test_a_shape_has_one_leader_whatever_the_order(shape_of, random):
    ids = [f"id{n:02d}" for n in range(len(shape_of))]
    random.shuffle(ids)
    shape = np.array(shape_of, np.int64)
    leader = leaders(shape, ids)
    for number in set(shape_of):
        members = np.flatnonzero(shape == number)
        assert {ids[k] for k in leader[members]} == {min(ids[k] for k in members)}


def test_ids_that_repeat_in_every_file_are_told_apart_by_the_file():
    assert keys(["Cube", "Cube", "Cone"], ["a.obj", "b.obj", "b.obj"]) == [
        "a.obj/Cube",
        "b.obj/Cube",
        "b.obj/Cone",
    ]


def test_a_building_that_two_tiles_hold_is_one_building():
    ids = [f"pand{n}" for n in range(19)] + ["pand0"]
    named = keys(ids, ["west.json"] * 19 + ["east.json"])
    assert named[0] == named[-1]
