"""Has the model learnt its buildings by heart? Copies, and the test of Meehan et al. (2020) for copying.

d(x) is the distance of a building to the nearest training building, modulo the 8 symmetries of the plan. Z_U
is the z-score of the Mann-Whitney U of d(samples) against d(held-out buildings): about 0 where samples are as
far from training as buildings that no model has seen, well below 0 where they are nearer: copied.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from .nearest import ALIKE


def copies(iou: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Tell which buildings are copies, by their IoU with the nearest training building."""
    return iou > ALIKE


def z_u(samples: Float[np.ndarray, " n"], held_out: Float[np.ndarray, " m"]) -> float:
    """Z-score of the Mann-Whitney U of two sets of distances, ties corrected; 0 where all are equal."""
    n, m = len(samples), len(held_out)
    both = np.concatenate([samples, held_out])
    u = rankdata(both)[:n].sum() - n * (n + 1) / 2
    _, ties = np.unique(both, return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - (ties**3.0 - ties).sum() / (total * (total - 1)))
    return float((u - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0
