"""Small random buildings."""

from __future__ import annotations

import numpy as np
import pytest


def boxes(n: int, seed: int = 0, shape: tuple[int, int, int] = (10, 10, 8)) -> np.ndarray:
    """Buildings of two boxes each, somewhere on the ground."""
    rng = np.random.default_rng(seed)
    grids = np.zeros((n, *shape), bool)
    for grid in grids:
        for _ in range(2):
            size = [int(rng.integers(2, length // 2 + 2)) for length in shape]
            at = [int(rng.integers(0, length - s + 1)) for length, s in zip(shape[:2], size[:2], strict=True)]
            grid[at[0] : at[0] + size[0], at[1] : at[1] + size[1], : size[2]] = True
    return grids


def noise(n: int, seed: int = 0, shape: tuple[int, int, int] = (7, 6, 5), share: float = 0.4) -> np.ndarray:
    """Voxels filled by chance."""
    return np.random.default_rng(seed).random((n, *shape)) < share


@pytest.fixture(scope="session")
def train() -> np.ndarray:
    return boxes(120, seed=1)


@pytest.fixture(scope="session")
def held_out() -> np.ndarray:
    return boxes(60, seed=2)
