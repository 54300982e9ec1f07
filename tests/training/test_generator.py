"""A trained model as a tool: one seed, one building; metres in, metres out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_toys import ADDRESS, SIDE, ToyConfig, ToyData, toy
from training_toys import settings as train_settings

import voxgen
from voxgen import checkpoint
from voxgen.errors import DataError, UsageError
from voxgen.generator import Generator, load, slerp
from voxgen.geometry.grid import VoxelGrid
from voxgen.models.condition import Condition
from voxgen.models.vae import VAE, VAEConfig
from voxgen.training.create import create_model, model_config
from voxgen.training.data import condition_config
from voxgen.training.run import Run

DATA = ToyData()


def vae() -> Generator:
    """A small VAE with the first weights of a seed, which knows conditions."""
    torch.manual_seed(0)
    known = condition_config(DATA, ("height",), ("footprint",))
    config = VAEConfig(
        resolution=DATA.resolution,
        patch=2,
        condition=known,
        widths=(8, 16),
        depth=1,
        plan=8,
        fine=8,
        latent=4,
        embedding=8,
    )
    model = VAE(config).eval()
    # As of one that has learnt something: what is decoded depends on the latent, and encodings on what it is.
    for loud, std in (
        (model.autoencoder.head.norm, 0.5),
        (model.autoencoder.head.out[-1], 0.5),
        (model.autoencoder.to_moments, 2.0),
    ):
        torch.nn.init.normal_(loud.weight, std=std)
    return Generator(model, 0.5, {})


VAE_GENERATOR = vae()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), n=st.integers(1, 9), first=st.integers(0, 100))
def test_a_seed_decides_each_building_whatever_is_asked_beside_it(seed, n, first):
    many = VAE_GENERATOR.sample(n, seed, first=first)
    one = VAE_GENERATOR.sample(1, seed, first=first + n - 1)
    assert len(many) == n
    assert np.array_equal(many[-1].values, one[0].values)


def test_seeds_and_numbers_differ():
    a, b = VAE_GENERATOR.sample(2, seed=0)
    (c,) = VAE_GENERATOR.sample(1, seed=1)
    assert not np.array_equal(a.values, b.values)
    assert not np.array_equal(a.values, c.values)


def test_samples_far_apart_are_not_the_same():
    """Whose keys agree in their low 32 bits, all that torch's generators hear."""
    a, b = (VAE_GENERATOR.latents(1, 0, first=first) for first in (12694, 17585))
    assert not torch.equal(a, b)


def test_samples_are_coverage_in_metres_on_the_ground():
    (grid,) = VAE_GENERATOR.sample(1)
    assert grid.values.dtype == np.uint8
    assert grid.values.max() <= 64
    assert grid.resolution == DATA.resolution
    low, high = grid.to_world(np.array([[0.0, 0, 0], [SIDE, SIDE, SIDE]]))
    np.testing.assert_allclose(low, [-2, -2, 0])
    np.testing.assert_allclose(high, [2, 2, 4])


def test_no_samples_are_an_empty_list():
    assert VAE_GENERATOR.sample(0) == []
    with pytest.raises(UsageError, match="n = -1"):
        VAE_GENERATOR.sample(-1)


def test_conditions_are_asked_by_name():
    free = VAE_GENERATOR.sample(1)[0]
    plan = np.zeros(DATA.resolution, bool)
    plan[2:6, 2:6] = True
    asked = VAE_GENERATOR.sample(1, masks={"footprint": plan}, attributes={"height": 2.0})[0]
    assert asked.resolution == free.resolution
    with pytest.raises(UsageError, match="did you mean 'height'"):
        VAE_GENERATOR.sample(1, attributes={"hight": 2.0})
    with pytest.raises(UsageError, match="height = nan"):
        VAE_GENERATOR.sample(1, attributes={"height": float("nan")})
    with pytest.raises(UsageError, match="has shape"):
        VAE_GENERATOR.sample(1, masks={"footprint": plan[:4]})


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 6))
def test_each_is_answered_by_itself(seed, n):
    keys = torch.arange(n) + seed
    config = VAE_GENERATOR.model.config
    asked = Condition.nothing(n, config.condition, config.resolution)
    asked.attributes[:] = torch.linspace(1, 4, n)[:, None]
    made = VAE_GENERATOR.answer(asked, keys)
    (last,) = VAE_GENERATOR.answer(asked[n - 1 :], keys[n - 1 :])
    assert len(made) == n
    assert np.array_equal(made[-1].values, last.values)


def test_a_reconstruction_stands_where_the_original_stood():
    grid = VoxelGrid(DATA.grids[0], 0.5, np.array([85_000.0, 447_000.0, 3.0]), 0.7)
    made = VAE_GENERATOR.reconstruct(grid)
    assert made.yaw == 0.7
    assert np.array_equal(made.origin, grid.origin)
    assert made.pitch == 0.5


def test_a_grid_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match=r"4 x 4 x 4 voxels of 0\.5 m, but the model knows 8 x 8 x 8"):
        VAE_GENERATOR.encode(VoxelGrid(np.zeros((4, 4, 4), bool), 0.5))
    with pytest.raises(UsageError, match=r"voxels of 1 m, but the model knows .* of 0.5 m"):
        VAE_GENERATOR.encode(VoxelGrid(DATA.grids[0], 1.0))


def test_a_family_that_cannot_encode_says_so():
    generator = Generator(create_model(ToyConfig(), "training_toys:Game").eval(), 0.5, {})
    with pytest.raises(UsageError, match="use a family that encodes"):
        generator.reconstruct(VoxelGrid(DATA.grids[0], 0.5))
    assert len(generator.interpolate(0, 5, 4)) == 4


def test_an_interpolation_begins_and_ends_where_it_is_told():
    grid = VoxelGrid(DATA.grids[0], 0.5)
    way = VAE_GENERATOR.interpolate(grid, 3, 5, seed=2)
    assert len(way) == 5
    assert np.array_equal(way[0].values, VAE_GENERATOR.generate(VAE_GENERATOR.encode(grid))[0].values)
    assert np.array_equal(way[-1].values, VAE_GENERATOR.sample(1, seed=2, first=3)[0].values)
    with pytest.raises(UsageError, match="at least 2"):
        VAE_GENERATOR.interpolate(0, 1, 1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), t=st.floats(0, 1), length=st.floats(0.1, 10))
def test_the_arc_keeps_lengths_between_those_of_its_ends(seed, t, length):
    chance = torch.Generator().manual_seed(seed)
    a = torch.randn(1, 64, generator=chance)
    b = torch.randn(1, 64, generator=chance) * length
    between = slerp(a, b, t)
    wanted = (1 - t) * a.norm() + t * b.norm()
    torch.testing.assert_close(between.norm(), wanted, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(slerp(a, a, t), a)
    assert slerp(a, -a, t).isfinite().all()


def test_training_and_sampling_take_two_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXGEN_RUNS", str(tmp_path))
    config = train_settings(steps=2, samples=2)
    small = ["widths=[8, 16]", "depth=1", "plan=8", "fine=8", "latent=4", "patch=2"]
    data = ToyData()
    steps = list(voxgen.train("boxes", data, "vae", config, settings=small, attributes=["height"]))
    assert steps[-1].finished
    generator = voxgen.load("boxes")
    assert isinstance(generator, voxgen.Generator)
    first = generator.sample(3, seed=4)
    again = voxgen.load(tmp_path / "boxes").sample(3, seed=4)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, again, strict=True))
    assert generator.pitch == 0.5
    assert generator.card["data"]["attribution"] == ["Boxes by Nobody"]


@pytest.mark.parametrize("copies", [0, 5])
def test_a_card_tells_of_stretched_copies(tmp_path, monkeypatch, copies):
    data = ToyData()
    monkeypatch.setattr(ToyData, "copies", lambda self: self.indices("test")[:copies])
    config = train_settings(steps=1, samples=1)
    steps = list(voxgen.train(tmp_path / "run", data, ADDRESS, config, attributes=["height"]))
    assert steps[-1].finished
    told = (tmp_path / "run" / "README.md").read_text()
    assert ("and 5 stretched copies" in told) == bool(copies)
    assert load(tmp_path / "run", allow=[ADDRESS]).card["data"]["copies"] == copies


def test_a_model_from_outside_is_loaded_only_when_allowed(tmp_path):
    checkpoint.save(toy(), Run(tmp_path).model, {"pitch": 0.5})
    with pytest.raises(UsageError, match="not part of voxgen"):
        load(tmp_path)
    assert len(load(tmp_path, allow=[ADDRESS]).sample(1)) == 1


@pytest.mark.parametrize("metres", [None, 0, "3", float("nan")])
def test_a_model_without_a_storey_height_is_refused(tmp_path, metres):
    checkpoint.save(VAE_GENERATOR.model, Run(tmp_path).model, {"pitch": 0.5, "storey_height": metres})
    with pytest.raises(DataError, match="storey_height"):
        load(tmp_path)


@pytest.mark.parametrize("pitch", [None, 0, -1, "1", float("inf")])
def test_a_model_without_a_pitch_is_refused(tmp_path, pitch):
    checkpoint.save(VAE_GENERATOR.model, Run(tmp_path).model, {"pitch": pitch})
    with pytest.raises(DataError, match="pitch"):
        load(tmp_path)


def test_a_device_that_is_not_there_is_refused(tmp_path):
    checkpoint.save(VAE_GENERATOR.model, Run(tmp_path).model, {"pitch": 0.5})
    with pytest.raises(UsageError, match="try cpu"):
        load(tmp_path, device="warp")


def test_a_recipe_without_conditions_is_taught_none():
    assert model_config(DATA, "gan", "thesis").condition.attributes == ()
    assert model_config(DATA, "vae", attributes=["height"]).condition.attributes == ("height",)


def test_importing_voxgen_is_light():
    code = (
        "import sys, voxgen; print([m for m in ('torch', 'numpy', 'trimesh', 'numba') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = voxgen.lode
    assert {"load", "train", "Dataset"} <= {*dir(voxgen)}
