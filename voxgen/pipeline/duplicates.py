"""Which buildings are one shape: IoU over a threshold under the 8 yaw and mirror symmetries.

Each building is compared on a grid of its own: cut to its bounding box, centred, on the ground, at a fixed
pitch whatever the data set's, so that builds at different resolutions agree. A grid is stored as *columns*:
one run of 64-bit words per (x, y), bit k of word w the voxel at height 64 w + k. Boxes have an even number of
voxels along x and y, so that mirrors and turns map voxels to voxels and two boxes share their centre.

Almost no pair reaches the popcount. With |A| <= |B|, IoU > t needs |A| > t |B|, so shapes sorted by volume
meet a short window of others; and |A and B| is at most the sum over slices of the lesser of the two slices'
counts, for the slices along z as for those along x and y. Shapes already linked are not compared again:
one shape is a connected component.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit

from ..geometry.grid import VoxelGrid
from ..geometry.similarity import popcount

WORD = 64
"""Voxels of a column that one word holds."""

FINEST = 512
"""Longest side of a comparison grid in voxels; larger ones are compared at twice the pitch, and so on."""


@dataclass(frozen=True)
class Columns:
    """Occupancy of several buildings as columns of 64-bit words.

    Attributes:
        words: all words, a building after the other, in the order x, y, word.
        shapes: (n, 3) columns along x and y, and words a column.
        levels: (n,) how often the pitch was doubled; only equal levels are compared.
    """

    words: UInt64[np.ndarray, " w"]
    shapes: Int64[np.ndarray, "n 3"]
    levels: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.shapes)

    def apart(self, kind: Bool[np.ndarray, " n"]) -> Columns:
        """Give the same buildings, of which those of one kind are never compared with the others."""
        return replace(self, levels=self.levels + _KINDS * kind.astype(np.int64))

    @classmethod
    def join(cls, several: Iterable[Columns]) -> Columns:
        """Give the buildings of several, one after the other."""
        parts = list(several)
        return cls(
            np.concatenate([np.zeros(0, np.uint64), *(part.words for part in parts)]),
            np.concatenate([np.zeros((0, 3), np.int64), *(part.shapes for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(part.levels for part in parts)]),
        )

    @classmethod
    def of(cls, grid: VoxelGrid, level: int = 0) -> Columns:
        """Pack one building; the grid is even along x and y and centred on the building."""
        nx, ny, nz = grid.resolution
        words = -(-nz // WORD)
        bits: Bool[np.ndarray, "x y z"] = np.zeros((nx, ny, words * WORD), np.bool_)
        bits[:, :, :nz] = grid.occupancy
        packed = np.packbits(bits, axis=-1, bitorder="little").view("<u8").astype(np.uint64, copy=False)
        return cls(packed.ravel(), np.array([[nx, ny, words]], np.int64), np.array([level], np.int64))


_KINDS = 1 << 16
"""Added to the levels of one kind of buildings, so that no other is compared with it."""


def comparison_grid(extents: Sequence[float], pitch: float) -> tuple[tuple[int, int, int], float, int]:
    """Give the resolution, the pitch in metres and the level at which a building of this size is compared."""
    level = 0
    while max(extents) > FINEST * pitch * 2**level:
        level += 1
    cell = pitch * 2**level
    # A hair less, so that rounding in the last digit does not add voxels to a building of whole voxels.
    counts = np.ceil(np.asarray(extents, np.float64) / cell - 1e-6).clip(min=1).astype(int)
    nx, ny = (int(n) + int(n) % 2 for n in counts[:2])
    return (nx, ny, int(counts[2])), cell, level


def components(comparisons: Sequence[Columns], threshold: float) -> Int64[np.ndarray, " n"]:
    """Number the shapes: buildings linked by near-equality at any of the comparisons share a number.

    Args:
        comparisons: the same n buildings, each time at another pitch.
        threshold: two buildings are one shape where their IoU is over this.

    Returns:
        For each building the position of the first one of its shape.
    """
    count = len(comparisons[0]) if comparisons else 0
    parent = np.arange(count)
    for columns in comparisons:
        sizes = columns.shapes.prod(axis=1)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        profiles, offsets, volumes = _profiles(columns.words, columns.shapes, starts)
        order = np.argsort(volumes, kind="stable")
        _link(
            columns.words,
            columns.shapes,
            columns.levels,
            starts,
            profiles,
            offsets,
            volumes,
            order,
            float(threshold),
            parent,
        )
    return _roots(parent)


@njit(cache=True)
@no_type_check
def _profiles(words, shapes, starts):
    """Voxel counts of the slices along x, y and z of each building, and their sum."""
    n = shapes.shape[0]
    offsets = np.zeros(n + 1, np.int64)
    for i in range(n):
        offsets[i + 1] = offsets[i] + shapes[i, 0] + shapes[i, 1] + shapes[i, 2] * 64
    profiles = np.zeros(offsets[n], np.int64)
    volumes = np.zeros(n, np.int64)
    for i in range(n):
        nx, ny, nw = shapes[i]
        along_x = offsets[i]
        along_y = along_x + nx
        along_z = along_y + ny
        for x in range(nx):
            for y in range(ny):
                for w in range(nw):
                    word = words[starts[i] + (x * ny + y) * nw + w]
                    count = np.int64(popcount(word))
                    profiles[along_x + x] += count
                    profiles[along_y + y] += count
                    volumes[i] += count
                    for k in range(64):
                        profiles[along_z + w * 64 + k] += np.int64((word >> np.uint64(k)) & np.uint64(1))
    return profiles, offsets, volumes


@njit(cache=True)
@no_type_check
def _shared_centred(a, b):
    """Most that two profiles can share when centred on each other, mirrored or not."""
    if a.shape[0] > b.shape[0]:
        a, b = b, a
    shift = (b.shape[0] - a.shape[0]) // 2
    straight = 0
    mirrored = 0
    for k in range(a.shape[0]):
        straight += min(a[k], b[k + shift])
        mirrored += min(a[k], b[b.shape[0] - 1 - k - shift])
    return max(straight, mirrored)


@njit(cache=True)
@no_type_check
def _shared_grounded(a, b):
    shared = 0
    for k in range(min(a.shape[0], b.shape[0])):
        shared += min(a[k], b[k])
    return shared


@njit(cache=True)
@no_type_check
def _intersection(words, shapes, starts, i, j, symmetry):
    """Voxels that i shares with j under a symmetry: bit 0 mirrors x, bit 1 mirrors y, bit 2 swaps them."""
    ax, ay, aw = shapes[i]
    bx, by, bw = shapes[j]
    swapped = symmetry & 4
    # Extent of j's image along i's axes.
    cx, cy = (by, bx) if swapped else (bx, by)
    dx, dy = (cx - ax) // 2, (cy - ay) // 2
    shared = 0
    for x in range(max(0, -dx), min(ax, cx - dx)):
        u = cx - 1 - (x + dx) if symmetry & 1 else x + dx
        for y in range(max(0, -dy), min(ay, cy - dy)):
            v = cy - 1 - (y + dy) if symmetry & 2 else y + dy
            at = starts[i] + (x * ay + y) * aw
            other = starts[j] + ((v * by + u) if swapped else (u * by + v)) * bw
            for w in range(min(aw, bw)):
                shared += np.int64(popcount(words[at + w] & words[other + w]))
    return shared


@njit(cache=True)
@no_type_check
def _find(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
@no_type_check
def _roots(parent):
    out = np.empty(parent.shape[0], np.int64)
    for i in range(parent.shape[0]):
        out[i] = _find(parent, i)
    return out


@njit(cache=True)
@no_type_check
def _link(words, shapes, levels, starts, profiles, offsets, volumes, order, threshold, parent):
    n = order.shape[0]
    for p in range(n):
        i = order[p]
        for q in range(p + 1, n):
            j = order[q]
            if volumes[i] <= threshold * volumes[j]:
                break
            if levels[i] != levels[j]:
                continue
            first, second = _find(parent, i), _find(parent, j)
            if first == second:
                continue
            # IoU > t as a number of shared voxels.
            needed = threshold * (volumes[i] + volumes[j]) / (1.0 + threshold)
            a, b = offsets[i], offsets[j]
            ax, ay = a + shapes[i, 0], a + shapes[i, 0] + shapes[i, 1]
            bx, by = b + shapes[j, 0], b + shapes[j, 0] + shapes[j, 1]
            if _shared_grounded(profiles[ay : offsets[i + 1]], profiles[by : offsets[j + 1]]) <= needed:
                continue
            straight = (
                _shared_centred(profiles[a:ax], profiles[b:bx]) > needed
                and _shared_centred(profiles[ax:ay], profiles[bx:by]) > needed
            )
            swapped = (
                _shared_centred(profiles[a:ax], profiles[bx:by]) > needed
                and _shared_centred(profiles[ax:ay], profiles[b:bx]) > needed
            )
            for symmetry in range(8):
                if not (swapped if symmetry & 4 else straight):
                    continue
                if _intersection(words, shapes, starts, i, j, symmetry) > needed:
                    # The lower number leads, so that the first building stands for its shape.
                    parent[max(first, second)] = min(first, second)
                    break
