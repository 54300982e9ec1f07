"""Early warnings, in plain words: a model that makes air, blocks, one building, or copies.

A handful of samples is held against real buildings: how much they fill, how much they overlap each other, and
how near each is to its nearest training building (IoU under the four symmetries that training knows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ..geometry.grid import HALF, pack
from ..geometry.similarity import popcount_iou
from ..pipeline.augment import VARIANTS, augment
from .data import TrainingData, spread

COPY = 0.95
"""A sample with a larger IoU to a training building is a copy of it."""

_REAL = 64
_TRAINING = 2000


@dataclass(frozen=True)
class Reference:
    """What real buildings are like.

    Attributes:
        bits: (n, bytes) packed occupancy of training buildings.
        fill: mean share of the grid that a building fills.
        overlap: mean IoU of two different buildings.
        copies: share of validation buildings that are copies of training ones.
    """

    bits: UInt8[np.ndarray, "n bytes"]
    fill: float
    overlap: float
    copies: float

    @classmethod
    def of(cls, data: TrainingData) -> Reference:
        """Measure a data set: at most 2,000 training buildings, evenly spread, and 64 of validation.

        A glance on the way; `voxgen evaluate` also looks at the copies of training buildings.
        """
        train = spread(data.indices("train"), _TRAINING)
        chunks = [data.coverage(train[i : i + 256]) > HALF for i in range(0, len(train), 256)]
        fill = float(np.mean(np.concatenate([chunk.mean(axis=(1, 2, 3)) for chunk in chunks])))
        bits = np.concatenate([pack(chunk) for chunk in chunks])
        some = spread(np.arange(len(bits)), _REAL)
        held_out = spread(data.indices("validation"), _REAL)
        real = data.coverage(held_out) > HALF if len(held_out) else None
        copies = 0.0 if real is None else float((nearest_iou(real, bits) > COPY).mean())
        return cls(bits, fill, mean_overlap(bits[some]), copies)


@dataclass(frozen=True)
class Health:
    """What samples are like, beside real buildings.

    Attributes:
        count: how many samples were looked at.
        empty: how many hold less than a twentieth of what a real building does.
        fill: mean share of the grid that they fill.
        overlap: mean IoU of two different samples; NaN where fewer than two are not empty.
        nearest: mean IoU of a sample with its nearest training building; NaN where all are empty.
        copies: how many are copies of training buildings.
        reference: the real buildings.
    """

    count: int
    empty: int
    fill: float
    overlap: float
    nearest: float
    copies: int
    reference: Reference

    def values(self) -> dict[str, float]:
        """The figures for metrics.csv, as shares."""
        return {
            "health/empty": self.empty / self.count,
            "health/fill": self.fill,
            "health/fill_real": self.reference.fill,
            "health/overlap": self.overlap,
            "health/overlap_real": self.reference.overlap,
            "health/nearest": self.nearest,
            "health/copies": self.copies / self.count,
        }

    def warnings(self) -> tuple[str, ...]:
        """What is wrong, in words for those who design buildings, most serious first."""
        real, n = self.reference, self.count
        found = []
        if self.empty > n / 2:
            found.append(
                f"{self.empty} of {n} samples are empty: the model makes air instead of buildings. "
                "Give it more time; if that does not help, train again with a lower learning rate."
            )
        elif self.fill > max(2 * real.fill, 0.5 * (1 + real.fill)):
            found.append(
                f"the samples are nearly solid blocks: they fill {self.fill:.0%} of the grid, real buildings "
                f"{real.fill:.0%}. Give it more time; if that does not help, train again with a lower "
                "learning rate."
            )
        if self.overlap > 0.9 and self.overlap > 0.5 * (1 + real.overlap):
            found.append(
                f"the samples are all nearly the same building: two of them overlap by {self.overlap:.0%}, "
                f"two real ones by {real.overlap:.0%}. The model has collapsed; this seldom mends itself, so "
                "stop and train again with another seed or a lower learning rate."
            )
        if self.copies > n * (real.copies + 0.25):
            found.append(
                f"{self.copies} of {n} samples are copies of buildings that it was trained on: it has learnt "
                "them by heart. Train for a shorter time, or with more buildings."
            )
        return tuple(found)


def examine(samples: Bool[np.ndarray, "n x y z"], reference: Reference) -> Health:
    """Hold samples against real buildings."""
    fill = samples.mean(axis=(1, 2, 3))
    there = samples[fill >= reference.fill / 20]
    nearest = nearest_iou(there, reference.bits) if len(there) else np.zeros(0)
    return Health(
        count=len(samples),
        empty=len(samples) - len(there),
        fill=float(fill.mean()),
        overlap=mean_overlap(pack(there)) if len(there) else float("nan"),
        nearest=float(nearest.mean()) if len(there) else float("nan"),
        copies=int((nearest > COPY).sum()),
        reference=reference,
    )


def mean_overlap(bits: UInt8[np.ndarray, "n bytes"]) -> float:
    """Mean IoU of two different buildings; NaN for fewer than two."""
    n = len(bits)
    if n < 2:
        return float("nan")
    iou = popcount_iou(bits, bits)
    return float((iou.sum() - np.trace(iou)) / (n * (n - 1)))


def nearest_iou(
    occupancy: Bool[np.ndarray, "n x y z"], bits: UInt8[np.ndarray, "m bytes"]
) -> Float[np.ndarray, " n"]:
    """IoU of each building with the nearest of others, under the symmetries that keep the long side on x."""
    each = [popcount_iou(pack(augment(occupancy, variant)), bits).max(axis=1) for variant in range(VARIANTS)]
    return np.max(each, axis=0)
