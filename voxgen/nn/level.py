"""Heights that are nearly the same along a line become the same: mean shift over rows and columns of a map.

A wall is straight and an eaves is level over many cells, but a network that gives a number a cell says the
same wall a little differently in each; where it lies near half a voxel, a tenth decides between air and
building, and the wall comes out ragged. Here each cell moves to the mean of the cells of its row, then of its
column, that lie about as high and where the map is flat along that line (Comaniciu and Meer 2002):

    h_i <- sum_j w_ij h_j / sum_j w_ij,   w_ij = f_i f_j k((h_i - h_j) / reach),   w_ii = 1

f is small where the map slopes, so that a pitched roof is levelled along its ridge and kept across it; k is
the profile of `mean_shift.py`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from .mean_shift import alike

_STRAIGHT = 0.01
"""Squared error, in voxels squared, at which three cells no longer count as lying on one line."""


def level(
    height: Float[Tensor, "b 1 x y"], reach: float, flat: float, rounds: int = 2
) -> Float[Tensor, "b 1 x y"]:
    """Level a map along its rows and columns.

    Args:
        height: a number a cell, in voxels.
        reach: cells that lie further apart in height do not draw each other, in voxels.
        flat: slope in voxels a cell from which on a cell is left as it is.
        rounds: how often rows and columns take turns.
    """
    # In the precision of the heights: bf16 would round them to a sixteenth of a voxel.
    with torch.autocast(height.device.type, enabled=False):
        for _ in range(2 * rounds):
            height = _level_rows(height, reach, flat).mT
    return height


def _level_rows(h: Float[Tensor, "b 1 x y"], reach: float, flat: float) -> Float[Tensor, "b 1 x y"]:
    f = torch.exp(-0.5 * (_slope(h) / flat).square())
    heights, weights = alike(h, f, reach)
    own = 1 - f.square()  # on top of the f^2 that a cell has from the sums, so that w_ii is one
    return (f * heights + own * h) / (f * weights + own)


def _slope(h: Float[Tensor, "b 1 x y"]) -> Float[Tensor, "b 1 x y"]:
    """Slope along the last axis: that of the straightest of the three cells in a line that hold each cell.

    So that the cells on both sides of a step know that they are flat (Harten and Osher 1987).
    """
    slopes = (h[..., 2:] - h[..., :-2]) / 2
    errors = (h[..., 2:] - 2 * h[..., 1:-1] + h[..., :-2]).square() / 6
    # No line reaches beyond the map.
    slopes, errors = F.pad(slopes, (2, 2)), F.pad(errors, (2, 2), value=float("inf"))
    share = torch.softmax(-errors.unfold(-1, 3, 1) / _STRAIGHT, dim=-1)
    return (share * slopes.unfold(-1, 3, 1)).sum(dim=-1)
