"""A model against a data set: samples, figures, floors, conditions, likelihood."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from pydantic import Field

from ..config import Config
from ..errors import DataError
from ..generator import Generator
from ..geometry.grid import HALF, VoxelGrid
from ..pipeline.build import Progress
from ..pipeline.store import Dataset
from .conditions import ConditionError, condition_errors
from .estimate import ROUNDS, Estimate, draws, subset_size
from .floors import Bernoulli, HeightMaps, real
from .judge import Judge, Judged, Scores, learnt, occupied
from .likelihood import HeightCode, Likelihood, VoxelCode, bits_per_voxel
from .mask_errors import mask_errors

REAL, BERNOULLI, HEIGHTS = "real against real", "Bernoulli", "height maps"
_PART = 16
_CHUNK = 256


class EvaluationConfig(Config):
    """How a model is judged.

    Attributes:
        count: samples, and buildings of each floor.
        split: which side of the data set no model has seen.
        ask: attributes that all samples are asked for, by name.
        asked: held-out buildings whose attributes are asked for; 0 leaves it out.
        rounds: subsets that each figure is taken over.
        seed: decides samples, floors and subsets.
    """

    count: int = Field(default=500, ge=3)
    split: str = "test"
    ask: dict[str, float] = Field(default_factory=dict)
    asked: int = Field(default=100, ge=0)
    rounds: int = Field(default=ROUNDS, ge=2)
    seed: int = Field(default=0, ge=0, lt=2**63)

    def subset_size(self, data: Dataset) -> int:
        """Size of the subsets for a data set.

        Raises:
            UsageError: for an unknown split.
            DataError: when a side of the split holds too few buildings.
        """
        return subset_size(self.count, len(data.indices(self.split)), len(data.indices("train")))


@dataclass(frozen=True)
class Evaluation:
    """What was found out about a model.

    Attributes:
        judged: the figures, and each sample's nearest training building.
        conditions: error of each attribute that the model can be asked for.
        samples: coverage.
        sampling: wall-clock seconds that the samples took.
    """

    judged: Judged
    conditions: dict[str, ConditionError]
    samples: UInt8[np.ndarray, "n x y z"]
    sampling: float


class Evaluator:
    """A data set that models are held against, one after another.

    Args:
        data: the data set.
        config: how to judge.
        progress: told of stages.

    Raises:
        UsageError: for an unknown split.
        DataError: when a side of the split holds too few buildings.
    """

    def __init__(self, data: Dataset, config: EvaluationConfig, progress: Progress | None = None) -> None:
        self.data = data
        self.config = config
        self.progress = progress
        self._train, self._held_out = data.indices("train"), data.indices(config.split)
        self.size = config.subset_size(data)
        self._floors: dict[str, Scores] = {}
        self.judge = Judge.of(data, self.size, config.split, config.rounds, config.seed)

    def evaluate(self, generator: Generator) -> Evaluation:
        """Judge a model.

        Raises:
            DataError: when the model makes grids of another resolution or pitch.
        """
        data, config = self.data, self.config
        if generator.resolution != data.resolution or not np.isclose(generator.pitch, data.pitch, rtol=1e-3):
            raise DataError(
                f"the model makes {generator.resolution} voxels of {generator.pitch:g} m, the data have "
                f"{data.resolution} of {data.pitch:g} m; give the data set that the model was trained on"
            )
        started = time.perf_counter()
        samples = self._sampled(generator, config.ask, config.count)
        sampling = time.perf_counter() - started
        judged = self.judge.judge(samples > HALF)
        if isinstance(generator.model, Likelihood):
            bits = bits_per_voxel(generator.model, data.coverage(self._held_out))
            judged = Judged(self._with_bits(judged.scores, bits), judged.nearest, judged.iou)
        rows = np.random.default_rng(config.seed).permutation(self._held_out)[: config.asked]
        conditions = {}
        if len(rows) >= 3:
            free = samples if not config.ask else self._sampled(generator, {}, len(rows))
            how = {"rounds": config.rounds, "seed": config.seed, "progress": self.progress}
            conditions = condition_errors(generator, data, rows, free, also=config.ask, **how)
            conditions |= mask_errors(generator, data, rows, free, **how)
        return Evaluation(judged, conditions, samples, sampling)

    def floors(self, bits: bool = False) -> dict[str, Scores]:
        """Judge the held-out buildings themselves and the floors, by name.

        Args:
            bits: also fit the two trivial codes, to set beside a model with a likelihood.
        """
        if not self._floors:
            self._floors = self._judged_floors()
        if bits and "bits" not in self._floors[BERNOULLI].figures:
            held_out = self.data.coverage(self._held_out)
            for name, code in ((BERNOULLI, VoxelCode), (HEIGHTS, HeightCode)):
                fitted = code(self._coverage())
                self._floors[name] = self._with_bits(self._floors[name], fitted.bits(held_out))
        return dict(self._floors)

    def nearest(self, judged: Judged, count: int) -> list[VoxelGrid]:
        """Give of the first samples the nearest of what was learnt from."""
        rows = learnt(self.data)
        return [self.data.grid(int(rows[at])) for at in judged.nearest[:count]]

    def _judged_floors(self) -> dict[str, Scores]:
        data, config, train = self.data, self.config, self._train
        found = {config.split: self.judge.judge_reference().scores}
        rows = real(len(train), config.count, config.seed)
        buildings = np.concatenate(list(occupied(data, train[rows])))
        found[REAL] = self.judge.judge(buildings, rows).scores
        self._tell("floors", 1, 3)
        noise = Bernoulli(occupied(data, train)).sample(config.count, config.seed)
        found[BERNOULLI] = self.judge.judge(noise).scores
        self._tell("floors", 2, 3)
        heights = HeightMaps(occupied(data, train)).sample(config.count, config.seed)
        found[HEIGHTS] = self.judge.judge(heights).scores
        self._tell("floors", 3, 3)
        return found

    def _sampled(
        self, generator: Generator, ask: dict[str, float], count: int
    ) -> UInt8[np.ndarray, "n x y z"]:
        """The first samples of the seed, the same that `voxgen sample` writes."""
        parts = []
        for first in range(0, count, _PART):
            some = min(_PART, count - first)
            grids = generator.sample(some, self.config.seed, first=first, attributes=ask)
            parts += [grid.coverage for grid in grids]
            self._tell("samples", len(parts), count)
        return np.stack(parts)

    def _with_bits(self, scores: Scores, bits: Float[np.ndarray, " m"]) -> Scores:
        m = len(bits)
        chosen = draws(m, m, min(self.size, m), self.config.rounds, self.config.seed)
        figure = Estimate.of([float(bits[r].mean()) for _, r in chosen])
        return scores.model_copy(update={"figures": {**scores.figures, "bits": figure}})

    def _coverage(self) -> Iterator[UInt8[np.ndarray, "_ x y z"]]:
        for start in range(0, len(self._train), _CHUNK):
            yield self.data.coverage(self._train[start : start + _CHUNK])

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)
