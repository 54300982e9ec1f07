"""Does the model repeat itself? Which buildings have no twin in their own set."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from .nearest import alike


def without_twin(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, " n"]:
    """Tell which buildings have no twin: no other has an IoU over 0.95 under any of the 8 symmetries."""
    return np.logical_not(np.any(alike(occupancy), axis=1))
