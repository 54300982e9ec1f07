"""What was missed is asked for again: a loop closed around any family.

A network hears an ask through what it has learnt, and gives a little less or more. The building is measured,
and from the same noise another is made for an ask that is moved by as much as was missed:

    a_1 = a,     a_(k+1) = a_k + a - g(x_k)

x_k is the building made for a_k, and g measures it. Where a building follows its ask, if not exactly, the
error shrinks from round to round (an integral controller of gain one); of all rounds the closest counts, so
none is ever worse than the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from .geometry.grid import VoxelGrid
from .geometry.measure import measure_grids

HEARD = ("height", "footprint_length", "footprint_width", "footprint_area", "gross_floor_area")
"""What is asked for again. A count or a share moves by jumps, and a loop would chase it."""

Make = Callable[[Float[np.ndarray, "n a"]], list[VoxelGrid]]


def closest(
    make: Make,
    asked: Float[np.ndarray, "n a"],
    names: Sequence[str],
    scale: Sequence[float],
    storey_height: float,
    rounds: int,
) -> tuple[list[VoxelGrid], Float[np.ndarray, "n a"]]:
    """Make buildings, and make again what is not as it was asked.

    Args:
        make: gives a building for each row of asks, from the same noise each time.
        asked: NaN where nothing is.
        names: of the attributes.
        scale: deviation of each attribute, by which errors are weighed.
        storey_height: metres, for floor areas.
        rounds: how often it is asked again.

    Returns:
        The buildings, and the asks that they answer.
    """
    at = [i for i, name in enumerate(names) if name in HEARD]
    heard, weight = [names[i] for i in at], np.array(scale, dtype=np.float64)[at]
    best, told, answered = make(asked), asked.copy(), asked.copy()
    if not rounds or np.isnan(asked[:, at]).all():
        return best, answered
    gap = asked[:, at] - measure_grids(best, heard, storey_height)
    least = _size(gap, weight)
    for _ in range(rounds):
        told[:, at] += gap
        made = make(told)
        gap = asked[:, at] - measure_grids(made, heard, storey_height)
        size = _size(gap, weight)
        for row in np.flatnonzero(size < least):
            best[row], answered[row], least[row] = made[row], told[row], size[row]
    return best, answered


def _size(gap: Float[np.ndarray, "n a"], weight: Float[np.ndarray, " a"]) -> Float[np.ndarray, " n"]:
    """How far off each building is, over what was asked of it; 0 where nothing was."""
    return np.nansum((gap / weight) ** 2, axis=1)
