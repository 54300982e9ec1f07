"""Bits per voxel: by hand, and codes that are distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from voxgen.errors import DataError, UsageError
from voxgen.evaluation.likelihood import LEVELS, HeightCode, Likelihood, VoxelCode, bits_per_voxel
from voxgen.models.base import Batch, GenerativeModel, ModelConfig
from voxgen.models.condition import Condition

from .conftest import boxes


class Still(GenerativeModel[ModelConfig]):
    """Makes one block, whatever it is told."""

    config_class = ModelConfig

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.latent_shape = (1,)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def loss(self, batch: Batch, player: str = "model") -> dict[str, torch.Tensor]:
        return {"nothing": self.weight.sum()}

    def decode(self, z: torch.Tensor, condition: Condition) -> torch.Tensor:
        x = torch.zeros(len(z), 1, *self.config.resolution)
        x[..., 2:6, 2:6, :4] = 1
        return x


class Uniform(Still):
    """Finds each of the 65 levels equally likely, and one building in a batch no likelier than alone."""

    def log_prob(self, x: torch.Tensor, condition: Condition) -> torch.Tensor:
        assert len(condition) == len(x)
        assert x.min() >= 0
        assert x.max() <= 1
        return torch.full((len(x),), -x[0].numel() * math.log(LEVELS))


def coverage(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grids = boxes(n, seed, (8, 8, 8)).astype(np.uint8) * 64
    return np.where(rng.random(grids.shape) < 0.1, rng.integers(0, LEVELS, grids.shape), grids).astype(
        np.uint8
    )


def test_a_uniform_model_needs_the_logarithm_of_65() -> None:
    model = Uniform(ModelConfig(resolution=(8, 8, 8)))
    assert isinstance(model, Likelihood)
    bits = bits_per_voxel(model, coverage(11), batch_size=4)
    assert bits == pytest.approx(np.full(11, math.log2(65)), rel=1e-6)


def test_a_model_without_a_likelihood_is_refused() -> None:
    with pytest.raises(UsageError, match="--space voxel"):
        bits_per_voxel(Still(ModelConfig(resolution=(8, 8, 8))), coverage(2))


def test_the_voxel_code_by_a_second_implementation() -> None:
    train, test = coverage(20), coverage(3, 1)
    bits = VoxelCode([train[:7], train[7:]]).bits(test)
    for grid, found in zip(test, bits, strict=True):
        total = 0.0
        for place in np.ndindex(8, 8, 8):
            count = (train[(slice(None), *place)] == grid[place]).sum()
            total -= math.log2((count + 1 / 65) / 21)
        assert found == pytest.approx(total / 512, rel=1e-5)


def test_the_height_code_by_a_second_implementation() -> None:
    train, test = coverage(12), coverage(2, 1)

    def top(column: np.ndarray) -> int:
        return max((z + 1 for z in range(8) if column[z] > 32), default=0)

    def place(z: int, height: int) -> str | int:
        return "bare" if height == 0 else max(-4, min(3, z - height))

    heights: dict[tuple[int, int, int], int] = {}
    levels: dict[tuple[str | int, int], int] = {}
    seen: dict[str | int, int] = {}
    for grid in train:
        for x, y in np.ndindex(8, 8):
            h = top(grid[x, y])
            heights[x, y, h] = heights.get((x, y, h), 0) + 1
            for z in range(8):
                at = place(z, h)
                seen[at] = seen.get(at, 0) + 1
                levels[at, int(grid[x, y, z])] = levels.get((at, int(grid[x, y, z])), 0) + 1
    for grid, found in zip(test, HeightCode([train]).bits(test), strict=True):
        total = 0.0
        for x, y in np.ndindex(8, 8):
            h = top(grid[x, y])
            total -= math.log2((heights.get((x, y, h), 0) + 1 / 9) / (12 + 1))
            for z in range(8):
                at = place(z, h)
                total -= math.log2((levels.get((at, int(grid[x, y, z])), 0) + 1 / 65) / (seen.get(at, 0) + 1))
        assert found == pytest.approx(total / 512, rel=1e-5)


def test_codes_predict_what_they_know_better_than_chance() -> None:
    train = coverage(60)
    shuffled = np.random.default_rng(0).permuted(train, axis=1)
    for code in (VoxelCode, HeightCode):
        fitted = code([train])
        assert fitted.bits(train).mean() < fitted.bits(shuffled).mean() < math.log2(65) + 2
        with pytest.raises(DataError):
            code([])
