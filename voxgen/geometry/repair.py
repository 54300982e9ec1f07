"""Small faults of a generated grid: diagonal contacts, loose pieces, floating.

Each repair is optional, counted, and changes nothing the second time.

*Diagonal contacts* are voxels that touch along an edge or a corner only: their common surface is no
2-manifold, and solid modellers refuse it. A vertex of the lattice is sound where the filled ones of its eight
voxels hang together by faces, and the empty ones too; an unsound vertex gets the fewest voxels that make it
sound. Filling only adds, so it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Shaped, UInt8
from numba import njit
from scipy import ndimage

from .components import connected
from .grid import HALF, VoxelGrid


@dataclass(frozen=True)
class RepairReport:
    """What a repair changed.

    Attributes:
        filled: voxels filled to resolve diagonal contacts.
        removed_pieces: loose pieces that were taken away.
        removed: voxels of those pieces.
        lowered: metres by which the building was moved down to the grid's floor.
    """

    filled: int = 0
    removed_pieces: int = 0
    removed: int = 0
    lowered: float = 0.0

    @property
    def changed(self) -> bool:
        """True where anything was repaired."""
        return self != RepairReport()


def repair(
    grid: VoxelGrid, *, diagonals: bool = True, largest: bool = True, ground: bool = True
) -> tuple[VoxelGrid, RepairReport]:
    """Repair a grid and report what changed.

    Args:
        grid: coverage or occupancy; the result holds the same.
        diagonals: fill voxels where others touch along an edge or a corner only.
        largest: keep the largest piece (of voxels that touch at all) and drop the others.
        ground: move the building down until it stands on the grid's floor.
    """
    report = RepairReport()
    if diagonals:
        occupancy = resolve_contacts(grid.occupancy)
        new = occupancy & ~grid.occupancy
        report = replace(report, filled=int(np.count_nonzero(new)))
        if new.any():
            values = np.where(new, True if grid.values.dtype == np.bool_ else HALF + 1, grid.values)
            grid = replace(grid, values=values.astype(grid.values.dtype))
    if largest:
        labels, pieces = connected(grid.occupancy, corners=True)
        if pieces > 1:
            sizes = np.bincount(labels.ravel())
            sizes[0] = 0
            kept = labels == sizes.argmax()
            # Partly filled voxels around a piece are its skin and go or stay with it.
            near = ndimage.binary_dilation(kept, np.ones((3, 3, 3)))
            values = np.where(kept | (near & ~grid.occupancy), grid.values, 0).astype(grid.values.dtype)
            removed = int(sizes.sum() - sizes.max())
            report = replace(report, removed_pieces=pieces - 1, removed=removed)
            grid = replace(grid, values=values)
    if ground:
        layers = np.flatnonzero(grid.occupancy.any(axis=(0, 1)))
        lowest = int(layers[0]) if len(layers) else 0
        if lowest > 0:
            report = replace(report, lowered=lowest * grid.pitch)
            grid = replace(grid, values=_lowered(grid.values, lowest))
    return grid, report


def _lowered(values: Shaped[np.ndarray, "x y z"], layers: int) -> Shaped[np.ndarray, "x y z"]:
    moved = np.zeros_like(values)
    moved[:, :, :-layers] = values[:, :, layers:]
    return moved


def resolve_contacts(occupancy: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    """Give occupancy with voxels filled where others touch along an edge or a corner only."""
    padded = np.pad(occupancy, 1)
    while _fill_contacts(padded, _fills()):
        pass
    return padded[1:-1, 1:-1, 1:-1]


@cache
def _fills() -> UInt8[np.ndarray, " 256"]:
    """The voxels, as bits, to fill for each pattern of the eight around a vertex: fewest, then lowest."""
    table = np.zeros(256, np.uint8)
    for pattern in range(256):
        empty = [c for c in range(8) if not pattern >> c & 1]
        options = (sum(1 << c for c in chosen) for count in range(9) for chosen in combinations(empty, count))
        table[pattern] = next(fill for fill in options if _sound(pattern | fill))
    return table


def _sound(pattern: int) -> bool:
    inside = {c for c in range(8) if pattern >> c & 1}
    return _hangs_together(inside) and _hangs_together(set(range(8)) - inside)


def _hangs_together(corners: set[int]) -> bool:
    if not corners:
        return True
    reached = {min(corners)}
    while True:
        more = {c ^ bit for c in reached for bit in (1, 2, 4)} & corners - reached
        if not more:
            return reached == corners
        reached |= more


@njit(cache=True)
@no_type_check
def _fill_contacts(padded, fills):
    """Make each vertex sound in turn, in place; tell whether anything changed."""
    nx, ny, nz = padded.shape
    changed = False
    for x in range(nx - 1):
        for y in range(ny - 1):
            for z in range(nz - 1):
                pattern = 0
                for c in range(8):
                    if padded[x + (c & 1), y + (c >> 1 & 1), z + (c >> 2)]:
                        pattern |= 1 << c
                fill = fills[pattern]
                if fill == 0:
                    continue
                for c in range(8):
                    if fill >> c & 1:
                        padded[x + (c & 1), y + (c >> 1 & 1), z + (c >> 2)] = True
                        changed = True
    return changed
