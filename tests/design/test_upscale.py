"""Buildings that a block model stands for."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from voxgen.design.upscale import AGREEING, coarseness, upscale
from voxgen.errors import DataError, UsageError
from voxgen.generator import Generator, load
from voxgen.geometry.grid import VoxelGrid, coarsened
from voxgen.geometry.placement import place
from voxgen.geometry.voxelize import voxelize

massing = import_module("voxgen.datasets.massing")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load("pretrained:vae")


@pytest.fixture(scope="module")
def rough() -> VoxelGrid:
    """A gable house in voxels of one metre."""
    mesh = massing.building(5, seed=1).mesh
    lay = place(mesh, (32, 32, 32), 1.0)
    return voxelize(mesh, (32, 32, 32), 1.0, lay)


def test_buildings_agree_with_the_block_model_and_stand_where_it_does(generator, rough) -> None:
    moved = VoxelGrid(rough.values, rough.pitch, np.array([100.0, 50.0, 3.0]), 0.3)
    found = upscale(generator, moved, 2, seed=1)
    assert len(found) == 2
    for one in found:
        seen = coarsened(one.grid.occupancy, 2)
        agreement = (seen & rough.occupancy).sum() / (seen | rough.occupancy).sum()
        assert one.agreement == pytest.approx(agreement)
        assert agreement >= AGREEING
        assert one.grid.resolution == (64, 64, 64)
        assert one.grid.pitch == 0.5
        assert (one.grid.origin == moved.origin).all()
        assert one.grid.yaw == 0.3
    a, b = (one.grid.occupancy for one in found)
    assert (a != b).any()


def test_a_number_is_the_same_building_however_many_are_asked_for(generator, rough) -> None:
    few = {one.number: one for one in upscale(generator, rough, 1, seed=2)}
    many = {one.number: one for one in upscale(generator, rough, 4, seed=2)}
    (number,) = few
    assert (few[number].grid.values == many[number].grid.values).all()


@pytest.mark.parametrize("pitch", [0.5, 0.75, 1.3, 64.0])
def test_voxels_that_do_not_fit_are_refused(generator, pitch: float) -> None:
    with pytest.raises(UsageError, match="whole number"):
        coarseness(generator, pitch)


def test_what_cannot_be_a_block_model_is_refused(generator) -> None:
    with pytest.raises(DataError, match="empty"):
        upscale(generator, VoxelGrid(np.zeros((32, 32, 32), bool), 1.0), 1)
    with pytest.raises(DataError, match=r"\(32, 32, 32\)"):
        upscale(generator, VoxelGrid(np.ones((16, 32, 32), bool), 1.0), 1)
    with pytest.raises(UsageError, match="strength"):
        upscale(generator, VoxelGrid(np.ones((32, 32, 32), bool), 1.0), 1, strength=1.5)
    with pytest.raises(UsageError, match="one building"):
        upscale(generator, VoxelGrid(np.ones((32, 32, 32), bool), 1.0), 2, strength=0.0)


def test_what_is_not_accepted_is_not_given(generator, rough) -> None:
    seen = upscale(generator, rough, 2, seed=1)
    most = max(int(one.grid.occupancy.sum()) for one in seen)
    kept = upscale(generator, rough, 2, seed=1, accept=lambda grid: int(grid.occupancy.sum()) < most)
    assert all(int(one.grid.occupancy.sum()) < most for one in kept)
    with pytest.raises(DataError, match="none of 4 buildings made is accepted"):
        upscale(generator, rough, 2, seed=1, accept=lambda _: False)


def test_what_a_model_does_not_know_agrees_all_the_same(generator) -> None:
    """A ring on legs, in voxels of one metre."""
    odd = np.zeros((32, 32, 32), bool)
    odd[8:24, 8:24, 6:9] = True
    odd[12:20, 12:20] = False
    odd[8:10, 8:10, :6] = odd[22:24, 22:24, :6] = True
    found = upscale(generator, VoxelGrid(odd, 1.0), 1, seed=1)
    assert found[0].agreement >= AGREEING
