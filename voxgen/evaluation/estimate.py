"""A figure and its error: the mean and standard deviation over random subsets of equal size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from ..config import Config
from ..errors import DataError

ROUNDS = 10
"""Subsets that a figure is taken over."""

SHARE = 0.8
"""Size of a subset beside the smaller of the two sets."""

Draw = tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]


class Estimate(Config):
    """A figure.

    Attributes:
        mean: over the subsets.
        std: standard deviation over the subsets, which overlap: where they hold a share f of a set, the
            standard error of a figure of that set is sqrt(f / (1 - f)) times as large, twice at f = 0.8.
    """

    mean: float
    std: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """Mean and standard deviation of the values of at least two subsets."""
        return cls(mean=float(np.mean(values)), std=float(np.std(values, ddof=1)))


def subset_size(*counts: int) -> int:
    """Size of the subsets of sets of so many buildings.

    Raises:
        DataError: when it would be less than two.
    """
    size = int(min(counts) * SHARE)
    if size < 2:
        raise DataError(
            f"sets of {', '.join(map(str, counts))} buildings are too small to compare; "
            "at least 3 of each are needed"
        )
    return size


def median(errors: Float[np.ndarray, " n"], rounds: int = ROUNDS, seed: int = 0) -> Estimate:
    """The median of at least three errors."""
    n = len(errors)
    chosen = draws(n, n, subset_size(n), rounds, seed)
    return Estimate.of([float(np.median(errors[some])) for some, _ in chosen])


def draws(n: int, m: int, size: int, rounds: int = ROUNDS, seed: int = 0) -> list[Draw]:
    """Draw subsets of `size` out of two sets of `n` and `m`, without putting back.

    Raises:
        DataError: when a set is smaller than that.
    """
    if size > min(n, m):
        raise DataError(f"subsets of {size} cannot be drawn from {n} and {m} buildings; make more samples")
    rng = np.random.default_rng(seed)
    return [(rng.choice(n, size, replace=False), rng.choice(m, size, replace=False)) for _ in range(rounds)]
