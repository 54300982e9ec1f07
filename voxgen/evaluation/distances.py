"""How far apart two buildings are: d = 1 - IoU of occupancies, each building centred and on the ground first.

Grids are packed to bits and compared by popcount, so that 500 x 500 distances at 32^3 take a fraction of a
second.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ..geometry.grid import pack
from ..geometry.similarity import popcount_iou


def centred(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, "n x y z"]:
    """Move each building to the middle of its grid's plan and down to the ground."""
    moved = np.zeros_like(occupancy)
    for source, target in zip(occupancy, moved, strict=True):
        plan = source.any(axis=2)
        filled = (plan.any(axis=1), plan.any(axis=0), source.any(axis=(0, 1)))
        if not filled[0].any():
            continue
        low = [int(line.argmax()) for line in filled]
        size = [len(line) - int(line[::-1].argmax()) - at for line, at in zip(filled, low, strict=True)]
        to = [(n - length) // 2 for n, length in zip(source.shape, size, strict=True)]
        to[2] = 0
        cut = tuple(slice(at, at + length) for at, length in zip(low, size, strict=True))
        target[tuple(slice(at, at + length) for at, length in zip(to, size, strict=True))] = source[cut]
    return moved


def distances(
    generated: Bool[np.ndarray, "n x y z"], reference: Bool[np.ndarray, "m x y z"]
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "m m"], Float[np.ndarray, "n m"]]:
    """Distances within and between two sets, each building centred and grounded first."""
    g, r = pack(centred(generated)), pack(centred(reference))
    return apart(g, g), apart(r, r), apart(g, r)


def apart(
    a_bits: UInt8[np.ndarray, "n bytes"], b_bits: UInt8[np.ndarray, "m bytes"]
) -> Float[np.ndarray, "n m"]:
    """Distances between centred buildings, packed."""
    return 1 - popcount_iou(a_bits, b_bits)
