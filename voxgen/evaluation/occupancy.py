"""Where voxels are filled at all: the Jensen-Shannon divergence of two sets' occupancy.

    JSD = H((P + Q) / 2) - (H(P) + H(Q)) / 2        (Achlioptas et al. 2018), in bits, in [0, 1]

with P and Q the share of all filled voxels of a set that lie at each place of the grid.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def jensen_shannon(generated: Bool[np.ndarray, "n x y z"], reference: Bool[np.ndarray, "m x y z"]) -> float:
    """JSD of two sets, each building as it stands; 1 where one of them is all air and the other is not."""
    p, q = (np.count_nonzero(grids, axis=0).ravel().astype(float) for grids in (generated, reference))
    return divergence(p, q)


def divergence(p: Float[np.ndarray, " v"], q: Float[np.ndarray, " v"]) -> float:
    """JSD of two histograms, in bits; they need not sum to one."""
    if not p.any() or not q.any():
        return 1.0 if p.any() or q.any() else 0.0
    p, q = p / p.sum(), q / q.sum()
    return max(_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2, 0.0)


def _entropy(p: Float[np.ndarray, " v"]) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())
