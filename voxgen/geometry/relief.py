"""Reliefs: surfaces that lie over each place once, such as a terrain or a roof without its walls.

The vectors of area tell, without a search for edges. Over a closed body they cancel; where all of a
surface looks to one side of an axis, they add up to what they cover.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

ONE_SIDED = 0.95
"""Share of the area seen along an axis that must look one way; the rest are folds."""

WALLS = 0.05
"""Share of the area that may stand upright in a relief; buildings that only lack their floor have more."""

_UPRIGHT = 0.17
"""Cosine to the axis below which a face stands upright, 80 degrees."""


def looks_one_way(areas: Float[np.ndarray, "f 3"], axis: int) -> bool:
    """Tell whether faces with these vectors of area look to one side of an axis.

    A body without its floor does so along its height; a closed one along no axis.
    """
    seen = np.abs(areas[:, axis]).sum()
    total = np.linalg.norm(areas, axis=1).sum()
    return bool(seen > 0.1 * total and abs(areas[:, axis].sum()) > ONE_SIDED * seen)


def is_relief(areas: Float[np.ndarray, "f 3"], axis: int = 2) -> bool:
    """Tell whether faces with these vectors of area lie over each place once and hardly any stands upright.

    Whichever way along the axis they look.
    """
    size = np.linalg.norm(areas, axis=1)
    upright = size[np.abs(areas[:, axis]) < _UPRIGHT * size].sum()
    return looks_one_way(areas, axis) and bool(upright <= WALLS * size.sum())
