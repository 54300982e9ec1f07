"""Bits per voxel: how well a model that knows probabilities predicts buildings it has not seen.

    bits = -log2 p(x) / voxels

of coverage grids of 65 levels, lower is better. Set beside it are two trivial codes, which any model must
beat: a categorical distribution for each voxel by itself, and one that tells the height of each column first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from ..errors import DataError, UsageError
from ..generator import from_coverage
from ..geometry.grid import FULL, HALF
from ..models.base import GenerativeModel
from ..models.condition import Condition
from .floors import tops

LEVELS = FULL + 1
_NEAR = 3
"""Voxels below and above a column's top that have levels of their own in the height code."""


@runtime_checkable
class Likelihood(Protocol):
    """A family that knows how likely a building is: one with this method has its bits per voxel reported."""

    def log_prob(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, " b"]:
        """Natural logarithm of the probability of each coverage grid, out of grids of 65 levels.

        A lower bound on it where it is not exact (as under dequantization), so that bits are an upper bound.
        """
        ...


@torch.no_grad()
def bits_per_voxel(
    model: GenerativeModel[Any], coverage: UInt8[np.ndarray, "n x y z"], batch_size: int = 8
) -> Float[np.ndarray, " n"]:
    """Bits per voxel of each building when nothing is asked, by a model that is a `Likelihood`.

    Raises:
        UsageError: for a model that knows no likelihood.
    """
    if not isinstance(model, Likelihood):
        raise UsageError(
            f"a {type(model).__name__} knows no likelihood of buildings; train one that does: "
            "voxgen train --model flow --space voxel"
        )
    device = next(model.parameters()).device
    found = []
    for start in range(0, len(coverage), batch_size):
        x = from_coverage(coverage[start : start + batch_size]).to(device)
        found.append(model.log_prob(x, model.unconditional(len(x))).double().cpu().numpy())
    return -np.concatenate([np.zeros(0), *found]) / (math.log(2) * math.prod(coverage.shape[1:]))


class VoxelCode:
    """Each voxel by itself: its 65 levels are as likely as in training, with one building's weight of chance.

    Args:
        chunks: coverage of training buildings, some at a time.
    """

    def __init__(self, chunks: Iterable[UInt8[np.ndarray, "_ x y z"]]) -> None:
        counts: np.ndarray | None = None
        for chunk in chunks:
            flat = chunk.reshape(len(chunk), -1)
            if counts is None:
                counts = np.zeros((flat.shape[1], LEVELS), np.float32)
            for row in flat:
                counts[np.arange(len(row)), row] += 1
        if counts is None:
            raise DataError("there are no training buildings to fit a code to")
        self._bits = _bits(counts)

    def bits(self, coverage: UInt8[np.ndarray, "n x y z"]) -> Float[np.ndarray, " n"]:
        """Bits per voxel of each building."""
        flat = coverage.reshape(len(coverage), -1)
        voxels = np.arange(flat.shape[1])
        return np.array([float(self._bits[voxels, row].mean(dtype=np.float64)) for row in flat])


class HeightCode:
    """The height of each column by itself, then its voxels by how far they lie from the top.

    Args:
        chunks: coverage of training buildings, some at a time.
    """

    def __init__(self, chunks: Iterable[UInt8[np.ndarray, "_ x y z"]]) -> None:
        heights: np.ndarray | None = None
        levels = np.zeros((2 * _NEAR + 3, LEVELS))
        for chunk in chunks:
            top, place = _columns(chunk)
            if heights is None:
                heights = np.zeros((top.shape[1], chunk.shape[3] + 1))
            for row in top:
                heights[np.arange(len(row)), row] += 1
            np.add.at(levels, (place.ravel(), chunk.ravel()), 1)
        if heights is None:
            raise DataError("there are no training buildings to fit a code to")
        self._height_bits, self._level_bits = _bits(heights), _bits(levels)

    def bits(self, coverage: UInt8[np.ndarray, "n x y z"]) -> Float[np.ndarray, " n"]:
        """Bits per voxel of each building."""
        top, place = _columns(coverage)
        columns = self._height_bits[np.arange(top.shape[1]), top].sum(axis=1)
        voxels = self._level_bits[place, coverage].sum(axis=(1, 2, 3))
        return (columns + voxels) / math.prod(coverage.shape[1:])


def _columns(
    coverage: UInt8[np.ndarray, "n x y z"],
) -> tuple[Int64[np.ndarray, "n columns"], Int64[np.ndarray, "n x y z"]]:
    """Height of each column, and which distribution each voxel's level is drawn from."""
    top = tops(coverage > HALF)
    place = np.clip(np.arange(coverage.shape[3]) - top[..., None], -_NEAR - 1, _NEAR) + _NEAR + 1
    return top.reshape(len(coverage), -1), np.where(top[..., None] == 0, 2 * _NEAR + 2, place)


def _bits(counts: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Code lengths of smoothed frequencies; each row is a distribution."""
    smoothed = counts + 1 / counts.shape[1]
    return -np.log2(smoothed / smoothed.sum(axis=1, keepdims=True))
