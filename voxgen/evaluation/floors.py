"""Trivial models, which a figure is read beside: what they reach is no merit.

*Real against real* takes training buildings for samples: the best that a figure can be. *Bernoulli* fills
each voxel by itself, with the share of training buildings that fill it. The *height-map model* knows that
buildings seldom overhang: the tops of columns are drawn from a Gaussian over the first 64 principal
components of training height maps, rounded to voxels, and columns are solid below.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float, Int64

from ..errors import DataError

COMPONENTS = 64
"""Principal components of height maps that are kept."""

MOST = 2000
"""Most training buildings whose height maps are decomposed."""


def real(count: int, n: int, seed: int = 0) -> Int64[np.ndarray, " k"]:
    """Positions of `n` training buildings out of `count`, by chance; all where there are fewer."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:n])


class Bernoulli:
    """Each voxel by itself.

    Args:
        chunks: occupancies of training buildings, some at a time.

    Attributes:
        share: (x, y, z) of training buildings that fill a voxel.
    """

    def __init__(self, chunks: Iterable[Bool[np.ndarray, "_ x y z"]]) -> None:
        filled, count = None, 0
        for chunk in chunks:
            here = np.count_nonzero(chunk, axis=0)
            filled, count = here if filled is None else filled + here, count + len(chunk)
        if filled is None or count == 0:
            raise DataError("there are no training buildings to fit a floor to")
        self.share: Float[np.ndarray, "x y z"] = filled / count

    def sample(self, n: int, seed: int = 0) -> Bool[np.ndarray, "n x y z"]:
        """Draw buildings."""
        rng = np.random.default_rng(seed)
        return np.stack([rng.random(self.share.shape) < self.share for _ in range(n)])


class HeightMaps:
    """Columns whose tops are jointly Gaussian in a few directions; heights in voxels.

    Args:
        chunks: occupancies of training buildings, some at a time; the first 2,000 count.
    """

    def __init__(self, chunks: Iterable[Bool[np.ndarray, "_ x y z"]]) -> None:
        maps: list[np.ndarray] = []
        layers, count = 0, 0
        for chunk in chunks:
            if count >= MOST:
                break
            layers = chunk.shape[3]
            maps.append(tops(chunk[: MOST - count]))
            count += len(maps[-1])
        if count < 2:
            raise DataError(f"a height-map floor needs at least 2 training buildings, not {count}")
        heights = np.concatenate(maps).astype(np.float64)
        flat = heights.reshape(count, -1)
        self._layers = layers
        self._plan = heights.shape[1:]
        self._mean = flat.mean(axis=0)
        # By the smaller of the two Gram matrices' eigenvectors: plans have more columns than sets buildings.
        values, vectors = np.linalg.eigh((flat - self._mean) @ (flat - self._mean).T)
        kept = np.argsort(values)[::-1][: min(COMPONENTS, count - 1)]
        self._axes = vectors[:, kept].T @ (flat - self._mean) / np.sqrt(count - 1)

    def sample(self, n: int, seed: int = 0) -> Bool[np.ndarray, "n x y z"]:
        """Draw buildings: each axis as long as the training heights are spread along it."""
        z = np.random.default_rng(seed).standard_normal((n, len(self._axes)))
        heights = np.rint(self._mean + z @ self._axes).reshape(n, *self._plan)
        return np.arange(self._layers) < heights[..., None]


def tops(occupancy: Bool[np.ndarray, "n x y z"]) -> Int64[np.ndarray, "n x y"]:
    """Height of each column in voxels: one over its highest filled voxel, 0 where there is none."""
    highest = occupancy.shape[3] - occupancy[..., ::-1].argmax(axis=3)
    return np.where(occupancy.any(axis=3), highest, 0).astype(np.int64)
