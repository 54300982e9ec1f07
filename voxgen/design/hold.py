"""What must hold, held on the grid: inside the room, with what stays, carried, in one piece.

The result is the building less what breaks a rule; what was changed is counted. A voxel overhangs by nothing
on the ground and where it stays, by as much as the voxel below it where there is one, else by its way along
the layer, through filled voxels, to one of these and what that overhangs itself; so a stair turned upside
down adds up, and a bridge has two ends to reach from. None may overhang by more than the cantilever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numba import njit
from scipy import ndimage

from ..geometry.components import connected
from ..geometry.grid import FULL, HALF


@dataclass(frozen=True)
class Held:
    """What was changed so that the rules hold, in voxels of coverage.

    Attributes:
        cut: lay outside of where may be built.
        added: what stays and had not been there.
        dropped: hung in the air, or in another piece.
    """

    cut: float = 0.0
    added: float = 0.0
    dropped: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.cut + self.added + self.dropped


def hold(
    x: Float[np.ndarray, "x y z"],
    allowed: Float[np.ndarray, "x y z"],
    keep: Float[np.ndarray, "x y z"],
    reach: float,
) -> tuple[Float[np.ndarray, "x y z"], Held]:
    """Give a building that keeps the rules; empty where nothing of it can, or what stays is not one with it.

    Args:
        x: its coverage in [0, 1].
        allowed: share of each voxel that may be built.
        keep: share that must be.
        reach: of a cantilever, in voxels.
    """
    inside = np.minimum(x, allowed)
    with_kept = np.maximum(inside, keep)
    # However thin what stays is, it holds.
    stays = keep > 0
    filled = (with_kept > 0.5) | stays
    while True:
        kept = one_piece(carried(filled, stays, reach), stays)
        if (kept == filled).all():
            break
        filled = kept
    whole = bool(filled.any()) and bool(filled[stays].all())
    # What is partly filled around the building is its skin, and goes where its voxels go.
    near = np.asarray(ndimage.binary_dilation(filled, np.ones((3, 3, 3))), np.bool_)
    skin = near & (with_kept <= 0.5)
    result = np.where(filled | skin, with_kept, 0.0) if whole else np.zeros_like(x)
    report = Held(
        float((x - inside).sum()), float((with_kept - inside).sum()), float((with_kept - result).sum())
    )
    return result, report


def carried(
    filled: Bool[np.ndarray, "x y z"], stays: Bool[np.ndarray, "x y z"], reach: float
) -> Bool[np.ndarray, "x y z"]:
    """Give the voxels that overhang by no more than a reach, in voxels, from the ground up."""
    return overhangs(filled, filled & stays, float(reach)) <= reach


@njit(cache=True)
@no_type_check
def overhangs(filled, stays, reach):
    """By how much each voxel overhangs, in voxels; infinite for empty ones and beyond the reach."""
    nx, ny, nz = filled.shape
    over = np.full((nx, ny, nz), np.inf)
    for z in range(nz):
        for x in range(nx):
            for y in range(ny):
                if filled[x, y, z]:
                    if z == 0 or stays[x, y, z]:
                        over[x, y, z] = 0.0
                    else:
                        over[x, y, z] = over[x, y, z - 1]
        changed = True
        while changed:
            changed = False
            for sweep in range(2):
                for m in range(nx * ny):
                    at = m if sweep == 0 else nx * ny - 1 - m
                    x, y = at // ny, at % ny
                    if not filled[x, y, z]:
                        continue
                    for i in range(-1, 2):
                        for j in range(-1, 2):
                            u, v = x + i, y + j
                            if u < 0 or v < 0 or u >= nx or v >= ny or not filled[u, v, z]:
                                continue
                            # Round a corner only where voxels are on both sides of the way.
                            if i != 0 and j != 0 and not (filled[x, v, z] and filled[u, y, z]):
                                continue
                            way = over[u, v, z] + np.sqrt(i * i + j * j)
                            if way < over[x, y, z] - 1e-9 and way <= reach:
                                over[x, y, z] = way
                                changed = True
    return over


def one_piece(
    filled: Bool[np.ndarray, "x y z"], stays: Bool[np.ndarray, "x y z"]
) -> Bool[np.ndarray, "x y z"]:
    """Give the piece, joined by faces, that holds most of what stays, or else the largest."""
    labels, pieces = connected(filled, corners=False)
    if pieces < 2:
        return filled
    sizes = np.bincount(labels.ravel(), minlength=pieces + 1)
    held = np.bincount(labels[stays], minlength=pieces + 1)
    sizes[0] = held[0] = 0
    return labels == (held if held.any() else sizes).argmax()


def as_coverage(x: Float[np.ndarray, "x y z"]) -> UInt8[np.ndarray, "x y z"]:
    """Coverage in 64ths; more than half stays more than half."""
    return np.where(
        x > 0.5, np.maximum(np.round(x * FULL), HALF + 1), np.minimum(np.round(x * FULL), HALF)
    ).astype(np.uint8)
