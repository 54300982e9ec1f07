"""A small data set in memory and small models, importable by the processes that tests start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from voxgen.models.base import Batch, EncodingModel, GenerativeModel, ModelConfig
from voxgen.models.noise import keyed_noise
from voxgen.training.config import TrainConfig
from voxgen.training.create import create_model
from voxgen.training.data import condition_config
from voxgen.training.loop import train

SIDE = 8
ADDRESS = "training_toys:Toy"


class ToyData:
    """Boxes of random length, width and height on the ground."""

    resolution = (SIDE, SIDE, SIDE)
    pitch = 0.5

    def __init__(self, n: int = 60, seed: int = 0) -> None:
        chance = np.random.default_rng(seed)
        self.sizes = chance.integers(2, SIDE, size=(n, 3))
        self.grids = np.zeros((n, SIDE, SIDE, SIDE), np.uint8)
        for grid, (x, y, z) in zip(self.grids, self.sizes, strict=True):
            left, front = chance.integers(0, SIDE - x + 1), chance.integers(0, SIDE - y + 1)
            grid[left : left + x, front : front + y, :z] = 64
            grid[left : left + x, front : front + y, z] = chance.integers(0, 64)
        order = np.random.default_rng(seed + 1).permutation(n)
        held = n // 5
        test, validation, train = np.split(order, [held // 2, held])
        self._sides = {"test": test, "validation": validation, "train": train}
        self.card = {"name": "boxes", "licence": ["CC0"], "attribution": ["Boxes by Nobody"], "seed": seed}

    def indices(self, split: str):
        return self._sides[split]

    def copies(self):
        return np.zeros(0, np.int64)

    def coverage(self, indices):
        return self.grids[indices]

    def attributes(self, names):
        columns = {
            "height": self.sizes[:, 2] * self.pitch,
            "footprint_length": self.sizes[:, 0] * self.pitch,
            "storeys": np.full(len(self.sizes), 1.0),
            "pitched_share": np.full(len(self.sizes), np.nan),
        }
        return np.stack([columns[name] for name in names], axis=1).astype(np.float64)


class ToyConfig(ModelConfig):
    resolution: tuple[int, int, int] = ToyData.resolution
    latent: int = 6
    poison: int = -1


class Toy(EncodingModel[ToyConfig]):
    """A linear autoencoder of one player; `poison` makes the loss NaN from that step on."""

    config_class: ClassVar[type[ModelConfig]] = ToyConfig

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.latent_shape = (config.latent,)
        self.down = nn.Linear(SIDE**3, config.latent)
        self.up = nn.Linear(config.latent, SIDE**3)
        self.register_buffer("center", torch.zeros(config.latent))
        self.register_buffer("seen", torch.zeros(()))

    def encode(self, x, condition):
        return self.down(x.flatten(1) - 0.5)

    def decode(self, z, condition):
        return self.up(z).sigmoid().reshape(-1, 1, SIDE, SIDE, SIDE)

    def prior(self, condition, keys):
        return self.center.cpu() + keyed_noise(keys, self.latent_shape)

    def loss(self, batch: Batch, player: str = "model"):
        z = self.encode(batch.x, batch.condition)
        made = self.decode(z + 0.1 * batch.noise(self.latent_shape), batch.condition)
        error = (made - batch.x).square().mean()
        if self.training:
            self.seen += 1
            if 0 <= self.config.poison <= int(self.seen):
                error = error * float("nan")
        return {"error": error, "latent": 1e-3 * z.square().mean()}

    @torch.no_grad()
    def conclude(self, batches):
        latents = [self.encode(batch.x, batch.condition) for batch in batches]
        self.center.copy_(torch.cat(latents).mean(0))


class Game(GenerativeModel[ToyConfig]):
    """Two players; the critic rests in the first fifth of the budget."""

    config_class: ClassVar[type[ModelConfig]] = ToyConfig

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        self.latent_shape = (config.latent,)
        self.critic = nn.Linear(SIDE**3, 1)
        self.generator = nn.Linear(config.latent, SIDE**3)

    def players(self):
        return {"critic": self.critic, "generator": self.generator}

    def decode(self, z, condition):
        return self.generator(z).sigmoid().reshape(-1, 1, SIDE, SIDE, SIDE)

    def loss(self, batch: Batch, player: str = "model"):
        made = self.decode(batch.noise(self.latent_shape), batch.condition).flatten(1)
        if player == "generator":
            return {"verdict": -self.critic(made).mean()}
        if batch.progress < 0.2:
            return {}
        real = batch.x.flatten(1).requires_grad_()
        verdict = self.critic(real)
        (slope,) = torch.autograd.grad(verdict.sum(), real, create_graph=True)
        return {
            "hinge": (1 - verdict).relu().mean() + (1 + self.critic(made.detach())).relu().mean(),
            "penalty": slope.square().sum(1).mean(),
        }


def toy(data: ToyData | None = None, address: str = ADDRESS, seed: int = 0, **changes) -> GenerativeModel:
    """A toy model for a data set, with first weights of a seed."""
    known = condition_config(data or ToyData(), ("height",), ("envelope",))
    return create_model(ToyConfig(condition=known, **changes), address, seed=seed)


def settings(**changes) -> TrainConfig:
    """Settings for short runs: every step is saved and measured."""
    defaults = {
        "steps": 20,
        "batch_size": 8,
        "precision": "32",
        "accelerator": "cpu",
        "threads": 1,
        "reports": 2,
        "samples": 4,
        "log_every": 1,
        "save_seconds": 0.0,
    }
    return TrainConfig(**{**defaults, **changes})


def main() -> None:
    """Train as a process of its own: folder, address, steps."""
    folder, address, steps = sys.argv[1:]
    data = ToyData()
    for step in train(Path(folder), data, toy(data, address), settings(steps=int(steps))):
        print(step.step, flush=True)


if __name__ == "__main__":
    main()
