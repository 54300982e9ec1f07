"""The nearest of many buildings, modulo the 8 symmetries of the plan: exact, and few pairs are compared.

    |a & b| <= sum over layers z of min(|a_z|, |b_z|)

holds for every symmetry, because none moves a voxel out of its layer. The bound on the IoU that follows from
it orders the candidates; those whose bound is no better than what is found already are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer, UInt64
from numba import njit

from ..errors import DataError
from ..geometry.grid import pack
from ..geometry.similarity import as_words, plan_symmetries, popcount
from .distances import centred

ALIKE = 0.95
"""Buildings with a larger IoU are the same: copies, or twins."""

_CHUNK = 64
"""Buildings that are unpacked under all symmetries at once."""


class Neighbours:
    """Buildings among which the nearest is looked for.

    Args:
        chunks: occupancies, some at a time, all of one resolution.
        kinds: a number for each; some may share one, as a building and its stretched copies do. Counted from
            0 where left out.

    Raises:
        DataError: for no building at all.
    """

    def __init__(
        self, chunks: Iterable[Bool[np.ndarray, "_ x y z"]], kinds: Integer[np.ndarray, " m"] | None = None
    ) -> None:
        parts = [_prepared(squared(centred(chunk))) for chunk in chunks]
        if not parts or not any(len(words) for words, _ in parts):
            raise DataError("there are no buildings to find the nearest of; choose a split that holds some")
        self._words = np.concatenate([words for words, _ in parts])
        self._profiles = np.concatenate([profiles for _, profiles in parts])
        self.kinds = np.arange(len(self)) if kinds is None else kinds.astype(np.int64)

    def __len__(self) -> int:
        return len(self._words)

    def nearest(
        self, occupancy: Bool[np.ndarray, "n x y z"], but: Integer[np.ndarray, " n"] | None = None
    ) -> tuple[Float[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Give the IoU of each building with the nearest under any symmetry, and which one that is.

        Args:
            occupancy: buildings of the same resolution.
            but: a kind for each to leave out, as its own where it is among them; -1 leaves none out.

        Raises:
            DataError: for another resolution, or where leaving one kind out leaves none.
        """
        n = len(occupancy)
        out = np.full(n, -1, np.int64) if but is None else but.astype(np.int64)
        if but is not None and len(np.unique(self.kinds)) < 2:
            raise DataError("only one building is there, so none is left to compare with")
        iou, index = np.zeros(n), np.zeros(n, np.int64)
        for start in range(0, n, _CHUNK):
            part = slice(start, start + _CHUNK)
            words, profiles = turned(occupancy[part])
            if words.shape[2] != self._words.shape[1]:
                raise DataError("buildings of different resolution cannot be compared; build both at one")
            iou[part], index[part] = _nearest(
                words, profiles, self._words, self._profiles, self.kinds, out[part]
            )
        return iou, index


def alike(occupancy: Bool[np.ndarray, "n x y z"], threshold: float = ALIKE) -> Bool[np.ndarray, "n n"]:
    """Tell which pairs of buildings are the same under some symmetry; none is paired with itself."""
    parts = [turned(occupancy[i : i + _CHUNK]) for i in range(0, len(occupancy), _CHUNK)]
    if not parts:
        return np.zeros((0, 0), np.bool_)
    words = np.concatenate([w for w, _ in parts], axis=1)
    return _alike(words, np.concatenate([p for _, p in parts]), threshold)


def turned(
    occupancy: Bool[np.ndarray, "n x y z"],
) -> tuple[UInt64[np.ndarray, "8 n words"], Int64[np.ndarray, "n z"]]:
    """Give buildings under the 8 symmetries, centred after each, as words; and their voxels in each layer."""
    square = squared(centred(occupancy))
    # A mirrored building of odd extent lies a voxel off the middle again.
    turns = np.stack([plan_symmetries(grid) for grid in square], axis=1)
    flat = centred(turns.reshape(-1, *square.shape[1:])).reshape(turns.shape)
    words = np.stack([_prepared(turn)[0] for turn in flat])
    return words, _prepared(square)[1]


def squared(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, "n s s z"]:
    """Widen the plan to a square, so that it can be turned; centred buildings stay centred."""
    x, y = occupancy.shape[1:3]
    if x == y:
        return occupancy
    side = max(x, y)
    return centred(np.pad(occupancy, ((0, 0), (0, side - x), (0, side - y), (0, 0))))


def _prepared(
    occupancy: Bool[np.ndarray, "n x y z"],
) -> tuple[UInt64[np.ndarray, "n words"], Int64[np.ndarray, "n z"]]:
    return as_words(pack(occupancy)), occupancy.sum(axis=(1, 2)).astype(np.int64)


@njit(cache=True)
@no_type_check
def _best(turns, i, other, sizes):
    """IoU of building i, under the symmetry where it is largest, with another; `sizes` is their sum."""
    most = np.uint64(0)
    for s in range(turns.shape[0]):
        row = turns[s, i]
        both = np.uint64(0)
        for w in range(row.shape[0]):
            both += popcount(row[w] & other[w])
        most = max(most, both)
    shared = np.int64(most)
    return shared / (sizes - shared) if sizes > shared else 1.0


@njit(cache=True)
@no_type_check
def _bound(a, b):
    """The IoU that two buildings with these layers cannot exceed."""
    both = 0
    for z in range(a.shape[0]):
        both += min(a[z], b[z])
    either = a.sum() + b.sum() - both
    return both / either if either > 0 else 1.0


@njit(cache=True, nogil=True)
@no_type_check
def _nearest(turns, layers, others, other_layers, kinds, out):
    n, m = layers.shape[0], other_layers.shape[0]
    best, where = np.full(n, -1.0), np.full(n, -1, np.int64)
    bounds = np.empty(m)
    for i in range(n):
        for j in range(m):
            bounds[j] = -1.0 if kinds[j] == out[i] else _bound(layers[i], other_layers[j])
        for j in np.argsort(-bounds):
            if bounds[j] <= best[i]:
                break
            iou = _best(turns, i, others[j], layers[i].sum() + other_layers[j].sum())
            if iou > best[i]:
                best[i], where[i] = iou, j
    return best, where


@njit(cache=True, nogil=True)
@no_type_check
def _alike(turns, layers, threshold):
    n = layers.shape[0]
    same = np.zeros((n, n), np.bool_)
    for i in range(n):
        for j in range(i):
            if _bound(layers[i], layers[j]) > threshold:
                # Which of two is turned matters by the half voxel that centring rounds away.
                sizes = layers[i].sum() + layers[j].sum()
                iou = max(_best(turns, i, turns[0, j], sizes), _best(turns, j, turns[0, i], sizes))
                same[i, j] = same[j, i] = iou > threshold
    return same
