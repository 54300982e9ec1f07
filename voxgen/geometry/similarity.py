"""How alike two buildings are: intersection over union of occupancy, by popcount on packed bits; exact.

Grids are packed by `grid.pack`, so a comparison at 32^3 is 512 ANDs of 64-bit words.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, UInt8, UInt64
from numba import njit

from ..errors import UsageError

_TILE = 8
"""Grids compared with four others at a time, few enough that their words stay in the cache."""


def popcount_iou(
    a_bits: UInt8[np.ndarray, "n bytes"], b_bits: UInt8[np.ndarray, "m bytes"]
) -> Float[np.ndarray, "n m"]:
    """Give the IoU of each grid of `a_bits` with each of `b_bits`, float32; two empty grids are alike (1).

    Raises:
        UsageError: grids of different size.
    """
    if a_bits.shape[1] != b_bits.shape[1]:
        raise UsageError(
            f"grids of {a_bits.shape[1]} and {b_bits.shape[1]} bytes cannot be compared; "
            "build both at one resolution"
        )
    a = as_words(a_bits)
    same = b_bits is a_bits
    return _iou(a, a if same else as_words(b_bits), same)


def plan_symmetries(occupancy: Bool[np.ndarray, "n n z"]) -> Bool[np.ndarray, "8 n n z"]:
    """Give a grid under the 8 symmetries of the square plan; up stays up.

    The first four keep the long side on x: identity, mirrored in x, mirrored in y, half turn. The others are
    those transposed.
    """
    kept = [occupancy, occupancy[::-1], occupancy[:, ::-1], occupancy[::-1, ::-1]]
    return np.stack([*kept, *(grid.swapaxes(0, 1) for grid in kept)])


def as_words(bits: UInt8[np.ndarray, "n bytes"]) -> UInt64[np.ndarray, "n words"]:
    """Give packed grids as 64-bit words, filled up with zeros."""
    short = -bits.shape[1] % 8
    padded = np.pad(bits, ((0, 0), (0, short))) if short else bits
    return np.ascontiguousarray(padded).view(np.uint64)


@njit(cache=True)
@no_type_check
def popcount(word):
    """Bits set in a word, as uint64 (Hacker's Delight, 5-1); LLVM makes it the processor's instruction."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True)
@no_type_check
def _sizes(words):
    sizes = np.zeros(words.shape[0], np.int64)
    for i in range(words.shape[0]):
        total = np.uint64(0)
        for w in range(words.shape[1]):
            total += popcount(words[i, w])
        sizes[i] = total
    return sizes


@njit(cache=True, nogil=True)
@no_type_check
def _iou(a, b, same):
    n, m = a.shape[0], b.shape[0]
    size_a, size_b = _sizes(a), _sizes(b)
    iou = np.empty((n, m), np.float32)
    both = np.empty(4, np.int64)
    for i0 in range(0, n, _TILE):
        for j0 in range(i0 if same else 0, m, 4):
            # Four at a time, so that a word of `a` is loaded once for all; the last four may repeat a grid.
            js = np.minimum(np.arange(j0, j0 + 4), m - 1)
            b0, b1, b2, b3 = b[js[0]], b[js[1]], b[js[2]], b[js[3]]
            for i in range(i0, min(i0 + _TILE, n)):
                row = a[i]
                c0 = c1 = c2 = c3 = np.uint64(0)
                for w in range(row.shape[0]):
                    word = row[w]
                    c0 += popcount(word & b0[w])
                    c1 += popcount(word & b1[w])
                    c2 += popcount(word & b2[w])
                    c3 += popcount(word & b3[w])
                both[0], both[1], both[2], both[3] = c0, c1, c2, c3
                for at in range(4):
                    j = js[at]
                    either = size_a[i] + size_b[j] - both[at]
                    iou[i, j] = both[at] / either if either > 0 else 1.0
                    if same:
                        iou[j, i] = iou[i, j]
    return iou
