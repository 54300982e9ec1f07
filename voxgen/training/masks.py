"""Spatial masks for training: the building's plan, and envelopes that it fits in.

A user draws an envelope before there is a building, so it says little of the shape inside. In training it is
made from the building, and must not give it away: an envelope is a random superset, from a hull that follows
the walls to the whole plot, cut by a height cap and by sloped planes as building law cuts them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from ..geometry.grid import HALF


def mask_of(
    name: str, coverage: UInt8[np.ndarray, "x y z"], chance: np.random.Generator
) -> Float32[np.ndarray, "x y z"]:
    """The mask of a name, as a user could have given it for this building."""
    return footprint_mask(coverage) if name == "footprint" else envelope_mask(coverage, chance)


def footprint_mask(coverage: UInt8[np.ndarray, "x y z"]) -> Float32[np.ndarray, "x y z"]:
    """The plan (seen from above, more than half covered) in every layer."""
    plan = coverage.max(axis=2, keepdims=True) > HALF
    return np.broadcast_to(plan, coverage.shape).astype(np.float32)


def envelope_mask(
    coverage: UInt8[np.ndarray, "x y z"], chance: np.random.Generator
) -> Float32[np.ndarray, "x y z"]:
    """A random volume that the building lies in with all its coverage, solid down to the ground."""
    filled = coverage > 0
    if not filled.any():
        return np.ones(coverage.shape, np.float32)
    volume = _base(filled, chance)
    top = int(np.flatnonzero(filled.any(axis=(0, 1)))[-1]) + 1
    cap = int(chance.integers(top, coverage.shape[2] + 1))
    volume[:, :, cap:] = False
    for _ in range(int(chance.integers(0, 3))):
        volume &= _under_a_slope(filled, chance)
    return volume.astype(np.float32)


def _base(filled: Bool[np.ndarray, "x y z"], chance: np.random.Generator) -> Bool[np.ndarray, "x y z"]:
    """The building, its plan or its bounding rectangle, with a margin on each side."""
    nx, ny, nz = filled.shape
    kind = int(chance.integers(3))
    if kind == 0:
        grown = _grow(filled, 2, 0, int(chance.integers(0, nz // 8 + 1)))
        volume = np.flip(np.logical_or.accumulate(np.flip(grown, axis=2), axis=2), axis=2)
    else:
        plan = np.logical_or.reduce(filled, axis=2)
        volume = np.repeat((_rectangle(plan) if kind == 2 else plan)[:, :, None], nz, axis=2)
    for axis, n in ((0, nx), (1, ny)):
        before, after = (int(m) for m in chance.integers(0, n // 6 + 1, size=2))
        volume = _grow(volume, axis, before, after)
    return volume


def _grow(volume: Bool[np.ndarray, "x y z"], axis: int, before: int, after: int) -> Bool[np.ndarray, "x y z"]:
    """Dilate along one axis by `before` voxels downwards and `after` upwards."""
    n = volume.shape[axis]
    count = np.cumsum(volume, axis=axis, dtype=np.int32)
    count = np.concatenate([np.zeros_like(count.take([0], axis)), count], axis=axis)
    index = np.arange(n)
    upper = count.take(np.minimum(index + before + 1, n), axis)
    lower = count.take(np.maximum(index - after, 0), axis)
    return upper > lower


def _rectangle(plan: Bool[np.ndarray, "x y"]) -> Bool[np.ndarray, "x y"]:
    """The bounding rectangle of a plan."""
    x, y = np.nonzero(plan)
    filled = np.zeros_like(plan)
    filled[x.min() : x.max() + 1, y.min() : y.max() + 1] = True
    return filled


def _under_a_slope(
    filled: Bool[np.ndarray, "x y z"], chance: np.random.Generator
) -> Bool[np.ndarray, "x y z"]:
    """What lies under a random sloped plane that touches the building or clears it."""
    angle = chance.uniform(0, 2 * np.pi)
    steepness = chance.uniform(0.3, 3.0)
    slack = chance.exponential(max(filled.shape) / 16)
    x, y, z = np.ogrid[: filled.shape[0], : filled.shape[1], : filled.shape[2]]
    height = z + steepness * (np.cos(angle) * x + np.sin(angle) * y)
    return height <= height[filled].max() + slack
