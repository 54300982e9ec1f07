"""Keys: one integer for each thing that is random, so that chance needs no state.

A key is a hash of *what* is drawn (seed, step, position in the batch) and never of *when*. Whatever grows
from a key is therefore the same after a resume, in another process, and beside other samples. The hash is
the finaliser of SplitMix64 (Steele, Lea and Flood 2014), folded over the parts.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Int64, UInt64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def keys(seed: int, *parts: int, positions: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Give a key in 0 .. 2^63 - 1 for each position, all different in practice."""
    state = np.zeros(len(positions), np.uint64)
    for part in (seed, *parts):
        state = _mix(state + np.uint64(part % 2**64))
    return (_mix(state + positions.astype(np.uint64)) >> np.uint64(1)).astype(np.int64)


def uniform(key: Int64[np.ndarray, " n"], count: int, stream: int = 0) -> Float[np.ndarray, "n count"]:
    """Draw `count` numbers in [0, 1) for each key; `stream` separates draws from the same key."""
    offset = np.uint64((stream + 1) * int(_GOLDEN) % 2**64)
    start = _mix(key.astype(np.uint64) + offset)
    state = _mix(start[:, None] + np.arange(count, dtype=np.uint64))
    return (state >> np.uint64(11)).astype(np.float64) / 2.0**53


def _mix(state: UInt64[np.ndarray, ...]) -> UInt64[np.ndarray, ...]:
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
