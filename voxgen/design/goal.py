"""What a building is to be on its site, and by how much it misses that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .brief import Target
from .frame import Room

_OTHER = 0.5
"""Share of a roof in plan that may be of the other form."""


@dataclass(frozen=True)
class Goal:
    """What a building is to be.

    Attributes:
        room: the site in the model's voxels.
        wanted: values in full, see `agree.in_full`.
        targets: their tolerances and weights, by the same names.
        roof: form that is wanted, `flat` or `pitched`; None for any.
        storey_height: metres.
        reach: of a cantilever in voxels.
        oriented: whether the long side stays along the grid's x axis.
        still: whether a building stays as it is made, in the middle of the room.
    """

    room: Room
    wanted: Mapping[str, float]
    targets: Mapping[str, Target]
    roof: str | None = None
    storey_height: float = 3.0
    reach: float = 4.0
    oriented: bool = False
    still: bool = False

    def wanting(self, wanted: Mapping[str, float]) -> Goal:
        """The same with other values."""
        return replace(self, wanted=wanted)

    def misfit(self, got: Mapping[str, float]) -> float:
        """Give the weighted squares of what is missed, each in its tolerance, the roof's too."""
        total = self.roof_misfit(got)
        for name, value in self.wanted.items():
            if name in got:
                target = self.targets[name]
                total += target.weight * ((got[name] - value) / (target.tolerance * value)) ** 2
        return total

    def roof_misfit(self, got: Mapping[str, float]) -> float:
        """Give the square of how far a roof is from the form wanted; up to 1 it has that form."""
        if self.roof is None:
            return 0.0
        share = got["pitched_share"]
        return ((1.0 - share if self.roof == "pitched" else share) / _OTHER) ** 2

    def met(self, got: Mapping[str, float]) -> bool:
        """Tell whether measures are as wanted, within their tolerances."""
        return self.roof_misfit(got) <= 1 and all(
            abs(got[name] - value) <= self.targets[name].tolerance * value
            for name, value in self.wanted.items()
            if name in got
        )
