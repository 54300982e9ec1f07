"""Does the model repeat itself? The share of buildings without a twin in their own set."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64

from .nearest import alike


def unique_share(same: Bool[np.ndarray, "n n"], chosen: Int64[np.ndarray, " k"] | None = None) -> float:
    """Share of the (chosen) buildings that are the same as no other of them.

    Args:
        same: which pairs are the same, as `voxgen.evaluation.nearest.alike` tells.
        chosen: a subset.
    """
    among = same if chosen is None else same[np.ix_(chosen, chosen)]
    return float(1 - among.any(axis=1).mean())


def unique(occupancy: Bool[np.ndarray, "n x y z"]) -> float:
    """Share of buildings without a twin: none other has an IoU over 0.95 under any of the 8 symmetries."""
    return unique_share(alike(occupancy))
