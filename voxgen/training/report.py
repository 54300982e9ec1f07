"""A report on a run under way: validation, samples looked at and drawn, and the model published.

All is done on the moving average of the weights, with keys that never change, and nothing of it flows back
into training: a run with other reports ends with the same weights.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from .. import checkpoint
from ..atomic import write_text
from ..generator import Generator
from ..geometry.grid import HALF, VoxelGrid
from ..models.base import EncodingModel, GenerativeModel
from ..models.losses import iou
from ..pictures import building_sheet, save_png
from ..words import counted
from .batches import Batches
from .card import describe, model_card
from .data import TrainingData
from .health import Health, Reference, examine
from .run import Run, RunConfig
from .state import Position

_FIRST_WARNING = 0.15
"""Share of the budget before which samples are expected to be poor, and nobody is warned."""

_FIRST_STEPS = 200
"""Steps before which samples are shapeless whatever the budget: they would be called collapsed."""


@dataclass(frozen=True)
class Report:
    """What a report found.

    Attributes:
        measured: by column of metrics.csv.
        warnings: in plain words.
        sheet: the picture of samples.
    """

    measured: Mapping[str, float]
    warnings: tuple[str, ...]
    sheet: Path


class Reporter:
    """Makes the reports of a run.

    Args:
        run: the folder.
        wanted: what the run was asked.
        data: the data set.
        batches: batches of the whole, not of one process's share.
        begun_from: card of the model whose weights the run began with.
    """

    def __init__(
        self,
        run: Run,
        wanted: RunConfig,
        data: TrainingData,
        batches: Batches,
        begun_from: Mapping[str, Any] | None = None,
    ) -> None:
        self.run = run
        self.wanted = wanted
        self.data = data
        self.batches = batches
        self.begun_from = begun_from
        self.reference = Reference.of(data)

    def report(
        self, model: GenerativeModel[Any], position: Position, progress: float, learning: Mapping[str, float]
    ) -> Report:
        """Fit the prior, validate, look at samples, draw them, and publish the model.

        Args:
            model: the moving average; its prior is fitted here.
            position: how far the run is.
            progress: share of the budget used.
            learning: what was measured in the last step, for the model card.
        """
        self._fit(model, final=progress >= 1)
        measured = self._validate(model)
        samples = Generator(model, self.data.pitch, {}).sample(
            self.wanted.train.samples, seed=self.batches.seed
        )
        health = examine(_occupancy(samples), self.reference)
        measured |= health.values()
        sheet = self._draw(samples, position)
        self.publish(model, position, progress, {**learning, **measured})
        return Report(measured, self._warnings(health, position.step, progress), sheet)

    def keep(self, model: GenerativeModel[Any], position: Position) -> None:
        """Fit the prior and publish the model as it is, where there is nothing to publish yet."""
        self._fit(model, final=False)
        self.publish(model, position, 0.0, {})

    def publish(
        self, model: GenerativeModel[Any], position: Position, progress: float, measured: Mapping[str, float]
    ) -> None:
        """Write the model file and the model card."""
        known = {name: value for name, value in measured.items() if math.isfinite(value)}
        card = describe(self.wanted, self.data, model, position, progress >= 1, known, self.begun_from)
        checkpoint.save(model, self.run.model, card)
        write_text(self.run.card, model_card(self.run.name, self.wanted, card))

    def _warnings(self, health: Health, step: int, progress: float) -> tuple[str, ...]:
        if step >= _FIRST_STEPS:
            due = progress >= max(_FIRST_WARNING, self.wanted.train.warm_up)
            return health.warnings() if due else ()
        if progress < 1:
            return ()
        return (
            f"{counted(step, 'step')} in all: expect shapeless samples, and give more steps or minutes; from "
            f"{_FIRST_STEPS} steps on it is said what looks wrong with them.",
        )

    def _fit(self, model: GenerativeModel[Any], final: bool) -> None:
        device = next(model.parameters()).device
        limit = self.wanted.train.fit * (4 if final else 1)
        model.conclude(batch.to(device) for batch in self.batches.known(limit))

    def _validate(self, model: GenerativeModel[Any]) -> dict[str, float]:
        """Mean over validation buildings of each term of the loss, and of the IoU of reconstructions."""
        device = next(model.parameters()).device
        total: dict[str, float] = defaultdict(float)
        count, ious = 0, []
        players = list(model.players())
        for cpu in self.batches.held_out("validation", self.wanted.train.validation):
            batch = cpu.to(device)
            count += len(batch.x)
            for player in players:
                # With gradients on: a penalty may need the one of its input. The weights take none.
                for name, term in model.loss(batch, player).items():
                    key = loss_name("validation", players, player, name)
                    total[key] += float(term.detach()) * len(batch.x)
            if isinstance(model, EncodingModel) and len(ious) < model.most_reconstructed:
                some = batch.x[: model.most_reconstructed - len(ious)]
                with torch.no_grad():
                    ious += iou(model.reconstruct(some), some).tolist()
        found = {name: value / count for name, value in total.items()}
        return {**found, "validation/iou": float(np.mean(ious))} if ious else found

    def _draw(self, samples: list[VoxelGrid], position: Position) -> Path:
        path = self.run.sheet(position.step)
        minutes = position.seconds / 60
        title = f"{self.run.name}: step {position.step:,}, {minutes:.1f} min"
        save_png(building_sheet(samples, title=title, size=192), path)
        return path


def loss_name(prefix: str, players: list[str], player: str, term: str) -> str:
    """Column of a term of a loss; a single player needs no name."""
    return f"{prefix}/{term}" if len(players) == 1 else f"{prefix}/{player}/{term}"


def _occupancy(samples: list[VoxelGrid]) -> Bool[np.ndarray, "n x y z"]:
    return np.stack([grid.coverage for grid in samples]) > HALF
