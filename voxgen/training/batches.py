"""Batches as a pure function of (seed, step, rank, world).

The samples of a run are numbered: step `s` of batches of `b` holds the numbers `s b .. (s + 1) b - 1`. Number
`k` is entry `k mod n` of a permutation of what is learnt from, the training split and the stretched copies of
its buildings, drawn anew for each epoch `k div n`. All else that is random about it (symmetry, which
conditions are asked, the noise in the loss) grows from its key. So nothing has to be stored for a resume, and
`world` processes see the parts of the same global batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Int, Int64, UInt8

from ..errors import DataError, UsageError
from ..geometry.grid import FULL
from ..keys import keys, uniform
from ..models.base import Batch
from ..models.condition import Condition, ConditionConfig
from ..pipeline.augment import VARIANTS, augment_each
from .data import TrainingData, known_attributes, spread
from .masks import mask_of

_SYMMETRY, _ALL_OR_NONE, _ATTRIBUTES, _MASKS = range(4)
_HELD_OUT = 1 << 40
"""In the place of the step: keys of batches outside the run's numbering."""


class Batches:
    """The batches of one run, as one of its processes sees them.

    Args:
        data: the data set.
        condition: what the model is taught to be asked for.
        batch_size: samples in the global batch.
        seed: decides order, symmetries, dropout and noise.
        rank: which of the processes this is.
        world: how many processes share the global batch.

    Raises:
        UsageError: when the processes cannot share the batch equally.
        DataError: when there is nothing to train on.
    """

    def __init__(
        self,
        data: TrainingData,
        condition: ConditionConfig,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size % world:
            raise UsageError(
                f"a batch of {batch_size} cannot be shared by {world} processes; choose a multiple of {world}"
            )
        self.data = data
        self.condition = condition
        self.batch_size = batch_size
        self.seed = seed
        self._share = slice(rank * batch_size // world, (rank + 1) * batch_size // world)
        self._own = data.indices("train")
        if not len(self._own):
            raise DataError("the training split is empty; build a data set with more buildings")
        self._copies = data.copies()
        self._train = np.concatenate([self._own, self._copies])
        names = condition.attributes
        self._table = known_attributes(data, names).astype(np.float32) if names else None
        self._order: tuple[int, Int[np.ndarray, " n"]] | None = None

    def alone(self) -> Batches:
        """Give the same batches as a single process sees them."""
        return Batches(self.data, self.condition, self.batch_size, self.seed)

    def at(self, step: int, progress: float) -> Batch:
        """Give this process's share of the batch of a step."""
        position = np.arange(self.batch_size)[self._share]
        number = step * self.batch_size + position
        rows = np.array([self._row(int(k)) for k in number])
        key = keys(self.seed, step, positions=position)
        variant = (uniform(key, 1, _SYMMETRY)[:, 0] * VARIANTS).astype(np.int64)
        first = keys(self.seed, step, positions=np.zeros(1, np.int64))
        batch = self._batch(rows, key, variant, self._asked(key), progress)
        return replace(batch, chance=int(first[0]))

    def held_out(self, split: str, limit: int) -> Iterator[Batch]:
        """Give some buildings of a split, evenly spread, as they stand, with keys that never change."""
        rows = spread(self.data.indices(split), limit)
        for start in range(0, len(rows), self.batch_size):
            some = rows[start : start + self.batch_size]
            key = keys(self.seed, _HELD_OUT, positions=some)
            yield self._batch(some, key, np.zeros(len(some), np.int64), self._asked(key), progress=1.0)

    def known(self, limit: int) -> Iterator[Batch]:
        """Give training buildings as they stand, then copies, for what is fitted to all that is known.

        All attributes are told, as far as they are known, and no mask is.

        Args:
            limit: how many at most: of more, evenly spread ones, and copies only beside all buildings.
        """
        own = spread(self._own, limit)
        rows = np.concatenate([own, spread(self._copies, limit - len(own))])
        for start in range(0, len(rows), self.batch_size):
            some = rows[start : start + self.batch_size]
            key = keys(self.seed, _HELD_OUT + 1, positions=some)
            asked = np.zeros((len(some), self._entries), np.bool_)
            asked[:, : len(self.condition.attributes)] = True
            yield self._batch(some, key, np.zeros(len(some), np.int64), asked, progress=1.0)

    @property
    def _entries(self) -> int:
        return len(self.condition.attributes) + len(self.condition.masks)

    def _row(self, number: int) -> int:
        epoch, at = divmod(number, len(self._train))
        if self._order is None or self._order[0] != epoch:
            shuffled = np.random.default_rng([self.seed, epoch]).permutation(self._train)
            self._order = (epoch, shuffled)
        return int(self._order[1][at])

    def _asked(self, key: Int64[np.ndarray, " b"]) -> Bool[np.ndarray, "b entries"]:
        """Which attributes and masks each sample is told.

        Each is left out with probability d. Independent draws would almost never leave out all of many, and
        the model would hardly learn to build freely: with probability d^2 nothing is told at all, else each
        is left out with d / (1 + d), which makes d in sum.
        """
        d = self.condition.dropout
        free = uniform(key, 1, _ALL_OR_NONE) < d * d
        told = uniform(key, self._entries, _ATTRIBUTES) >= d / (1 + d)
        return told & ~free

    def _batch(
        self,
        rows: Int[np.ndarray, " b"],
        key: Int64[np.ndarray, " b"],
        variant: Int64[np.ndarray, " b"],
        asked: Bool[np.ndarray, "b entries"],
        progress: float,
    ) -> Batch:
        coverage = augment_each(self.data.coverage(rows), variant)
        x = torch.from_numpy(coverage).float().div_(FULL)[:, None]
        condition = self._condition(rows, coverage, key, asked)
        known = np.zeros((len(rows), 0), np.float32) if self._table is None else self._table[rows]
        return Batch(
            x,
            condition,
            torch.from_numpy(key),
            progress,
            symmetry=torch.from_numpy(variant),
            known=torch.from_numpy(known),
            copy=torch.from_numpy(np.isin(rows, self._copies)),
        )

    def _condition(
        self,
        rows: Int[np.ndarray, " b"],
        coverage: UInt8[np.ndarray, "b x y z"],
        key: Int64[np.ndarray, " b"],
        asked: Bool[np.ndarray, "b entries"],
    ) -> Condition:
        count = len(self.condition.attributes)
        attributes = np.zeros((len(rows), 0), np.float32) if self._table is None else self._table[rows]
        attributes = np.where(asked[:, :count], attributes, np.float32(np.nan))
        given = asked[:, count:]
        masks = np.zeros((len(rows), given.shape[1], *coverage.shape[1:]), np.float32)
        for sample, mask in np.argwhere(given):
            chance = np.random.default_rng([int(key[sample]), _MASKS])
            masks[sample, mask] = mask_of(self.condition.masks[mask], coverage[sample], chance)
        return Condition(torch.from_numpy(attributes), torch.from_numpy(masks), torch.from_numpy(given))
