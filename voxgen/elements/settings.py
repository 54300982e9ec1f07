"""What a user says about the elements of a mass."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import UsageError

HEADROOM = 1.5
"""Clear height in metres from which floor area counts (NEN 2580), and over which a level is a storey."""

_LEAST = 0.5
"""Clear height in metres of the lowest storey that can be asked for."""

_MOST_STOREYS = 500


@dataclass(frozen=True)
class ElementSettings:
    """Heights and thicknesses in metres.

    Attributes:
        storey_heights: floor to floor from the ground; the last repeats up to the top.
        slab: thickness of slabs, ground slab and soffits.
        wall: thickness of walls, square to them.
        roof: thickness of roofs, square to their slope.

    Raises:
        UsageError: for heights and thicknesses that cannot be.
    """

    storey_heights: tuple[float, ...] = (3.0,)
    slab: float = 0.3
    wall: float = 0.3
    roof: float = 0.3

    def __post_init__(self) -> None:
        for name in ("slab", "wall", "roof"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.01 <= value <= 2.0):
                raise UsageError(f"{name} = {value} m; give a thickness from 0.01 to 2 m, for example 0.3")
        if not self.storey_heights:
            raise UsageError("no storey height; give one, or one for each storey, for example 3.0 or 4.2,3,3")
        least = self.slab + _LEAST
        for height in self.storey_heights:
            if not (math.isfinite(height) and least <= height <= 100.0):
                raise UsageError(
                    f"storey height {height} m; give from {least:g} m (the slab and {_LEAST:g} m) to 100 m"
                )

    def levels(self, top: float) -> list[float]:
        """Give the levels of the storeys that begin below `top`, in metres from the ground.

        >>> ElementSettings((4.0, 3.0)).levels(11.0)
        [0.0, 4.0, 7.0, 10.0]

        Raises:
            UsageError: for more than 500.
        """
        found = [0.0]
        while found[-1] < top:
            given = self.storey_heights
            found.append(round(found[-1] + given[min(len(found), len(given)) - 1], 6))
            if len(found) > _MOST_STOREYS:
                raise UsageError(
                    f"a mass of {top:.0f} m has more than {_MOST_STOREYS} storeys of {given[-1]:g} m; "
                    "raise the storey height, or scale the mass to metres"
                )
        return found[:-1] or [0.0]
