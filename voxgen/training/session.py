"""One sitting at a run: the model, its average and its players, brought to where the run is.

A session knows how to take a step and how to save; when to do what is the loop's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric

from ..models.base import Batch, GenerativeModel
from .batches import Batches
from .config import TrainConfig, learning_rate_factor
from .data import TrainingData
from .ema import Ema
from .players import DivergedError, Player
from .report import loss_name
from .run import Run
from .state import Position, load_state, save_state

_FIT = 8192
"""Samples that a model is fitted to on the way; not a setting, because training then rests on the fit."""


@dataclass(frozen=True)
class Moved:
    """What was measured in a step, by column of metrics.csv."""

    losses: Mapping[str, float] = field(default_factory=dict)
    gradient_norms: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 0.0

    def values(self) -> dict[str, float]:
        """All of it."""
        return {"learning_rate": self.learning_rate, **self.losses, **self.gradient_norms}


class Session:
    """A run in memory.

    Args:
        run: the folder.
        data: the data set.
        model: with its first weights; brought to the run's own where there are any.
        config: the settings.
        fabric: launched.
    """

    def __init__(
        self, run: Run, data: TrainingData, model: GenerativeModel[Any], config: TrainConfig, fabric: Fabric
    ) -> None:
        self.run = run
        self.config = config
        self.fabric = fabric
        self.model = model.to(fabric.device).train()
        self.ema = Ema(self.model, config.ema)
        self.players = [Player(name, self.model, config.learning_rate) for name in self.model.players()]
        rank, world = fabric.global_rank, fabric.world_size
        self.batches = Batches(data, model.config.condition, config.batch_size, config.seed, rank, world)
        self.position = Position()
        """How far the run is, as of the last step."""
        if run.state.exists():
            self.position = load_state(run.state, self.model, self.ema, self.players)
        self._zero: float | None = None
        self.whole = True
        """Whether the weights are those of a whole step, so that they may be saved."""
        self.saved = self.step

    @property
    def step(self) -> int:
        """Steps done."""
        return self.position.step

    def progress(self) -> float:
        """Share of the budget used; the first process's clock counts for all."""
        mine = self.config.progress(self.step, self.position.seconds)
        if self.fabric.world_size == 1:
            return mine
        told = torch.tensor([mine if self.fabric.is_global_zero else 0.0], dtype=torch.float64)
        agreed = self.fabric.all_reduce(told.to(self.fabric.device), reduce_op="sum")
        return float(agreed)  # pyright: ignore[reportArgumentType]

    def advance(self, progress: float) -> Moved:
        """Let every player move once.

        Raises:
            DivergedError: when a loss or gradient is NaN or infinite.
        """
        if self._zero is None:
            # When training would have begun had it been one sitting.
            self._zero = time.perf_counter() - self.position.seconds
        self.model.prepare(progress, self._known)
        batch = self.batches.at(self.step, progress).to(self.fabric.device)
        names = [player.name for player in self.players]
        losses: dict[str, float] = {}
        norms: dict[str, float] = {}
        self.whole = False
        learning_rate = 0.0
        for player in self.players:
            start, end = self.model.span(player.name)
            if not start <= progress < end:
                continue
            if not self.model.fixed_learning_rate:
                own = (progress - start) / (end - start)
                player.set_learning_rate(learning_rate_factor(own, self.config.warm_up))
            learning_rate = player.learning_rate
            move = player.move(batch, self.fabric, self.config.clip if self.model.clipped else 0.0)
            losses |= {loss_name("loss", names, player.name, k): v for k, v in move.losses.items()}
            if move.losses:
                norms[loss_name("gradient", names, player.name, "norm")] = move.gradient_norm
        self.ema.follow(self.model, self.step)
        self.position = Position(self.step + 1, time.perf_counter() - self._zero)
        self.whole = True
        return Moved(losses, norms, learning_rate)

    def _known(self) -> Iterator[Batch]:
        """Give training buildings of the whole, the same to every process."""
        for batch in self.batches.alone().known(_FIT):
            yield batch.to(self.fabric.device)

    def check(self) -> None:
        """Make sure that the weights are worth keeping.

        Raises:
            DivergedError: when a weight is NaN or infinite.
        """
        if not is_finite(self.model):
            self.whole = False
            raise DivergedError("a weight became NaN or infinite")

    def save(self) -> None:
        """Write the resumable state, never over a good one with weights that are not.

        Raises:
            DivergedError: when a weight is NaN or infinite.
        """
        self.check()
        save_state(self.run.state, self.position, self.model, self.ema, self.players)
        self.saved = self.step


def is_finite(model: GenerativeModel[Any]) -> bool:
    """Tell whether no weight is NaN or infinite."""
    return all(bool(p.isfinite().all()) for p in model.parameters())
