"""Could it stand: one piece, on the ground, and no voxel over air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ..geometry.components import connected
from ..geometry.grid import VoxelGrid
from ..geometry.repair import repair

_CARRIED = 0.95
"""Share of a sound building's voxels that lie on the floor or on another one."""


@dataclass(frozen=True)
class Validity:
    """What holds of each building; nothing of an empty one.

    Attributes:
        single: it is one piece of voxels that touch by a face, an edge or a corner.
        grounded: it touches the floor of its grid.
        supported: share of its voxels that lie on the floor or on another one.
    """

    single: Bool[np.ndarray, " n"]
    grounded: Bool[np.ndarray, " n"]
    supported: Float[np.ndarray, " n"]


def validity(occupancy: Bool[np.ndarray, "n x y z"]) -> Validity:
    """Look at buildings as they stand in their grids."""
    carried = occupancy.copy()
    carried[..., 1:] &= occupancy[..., :-1]
    filled = np.count_nonzero(occupancy, axis=(1, 2, 3))
    return Validity(
        single=np.array([connected(grid, corners=True)[1] == 1 for grid in occupancy], np.bool_),
        grounded=np.asarray(occupancy[..., 0].any(axis=(1, 2))),
        supported=np.count_nonzero(carried, axis=(1, 2, 3)) / np.maximum(filled, 1),
    )


def sound(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, " n"]:
    """Tell which buildings could stand as they are: one piece, on the ground, all but a twentieth carried.

    Passages and eaves are not carried from below.
    """
    found = validity(occupancy)
    return found.single & found.grounded & (found.supported >= _CARRIED)


def repaired(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, "n x y z"]:
    """Give buildings after `geometry.repair`, as `voxgen sample` writes them."""
    return np.stack([repair(VoxelGrid(grid))[0].occupancy for grid in occupancy])
