"""Draws that read like a brief: lengths in metres on a building module, choices by weight.

Every building has a generator of its own, seeded by (seed, index), so that building 7 is the same whether
ten or ten thousand are made, in whatever order and process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MODULE = 0.1
"""Metres between the lengths that can be drawn; people build on a module, not on real numbers."""


class Dice:
    """The draws of one building.

    Args:
        seed: of the data set, not negative.
        index: of the building in it, not negative.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index])))

    def metres(self, low: float, high: float) -> float:
        """Give a length between `low` and `high`, on the module, uniformly."""
        return self.count(round(low / MODULE), max(round(low / MODULE), round(high / MODULE))) / 10

    def degrees(self, low: int, high: int) -> float:
        """Give a roof pitch in whole degrees, both ends included."""
        return float(self.count(low, high))

    def count(self, low: int, high: int) -> int:
        """Give a whole number, both ends included."""
        return int(self._rng.integers(low, high, endpoint=True))

    def chance(self, probability: float) -> bool:
        """Say yes as often as `probability`."""
        return bool(self._rng.random() < probability)

    def pick(self, weights: Mapping[str, float]) -> str:
        """Give a key as often as its weight says, in the order of the mapping."""
        edges = np.cumsum(list(weights.values()))
        place = int(np.searchsorted(edges, self._rng.random() * edges[-1], side="right"))
        return list(weights)[min(place, len(edges) - 1)]

    def one_of(self, choices: Sequence[T]) -> T:
        """Give any of the choices, equally often."""
        return choices[self.count(0, len(choices) - 1)]
