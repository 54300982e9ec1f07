"""Plans: each kind of footprint as the rectangles of which it is the union.

The first wing is the main one, its ridge along x; side wings protrude to the front (lower y). Each wing is a
largest rectangle of the plan, so hip roofs over them meet in true valleys. Under gables a side wing ends at
the main ridge (`under_gables`), or else its ridge would come out of the rear slope as a gable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .massing_dice import Dice
from .massing_solids import Wing

FOOTPRINTS = ("rectangle", "L", "T", "U", "courtyard", "cross", "stepped", "round")
"""Kinds of footprint that occur."""


@dataclass(frozen=True)
class Footprint:
    """A plan.

    Attributes:
        kind: one of `FOOTPRINTS`.
        wings: largest rectangles; the first is the main one.
    """

    kind: str
    wings: tuple[Wing, ...]

    @property
    def main(self) -> Wing:
        """The main wing."""
        return self.wings[0]

    @property
    def front(self) -> float:
        """Lowest y of the plan."""
        return min(wing.y0 for wing in self.wings)

    def under_gables(self) -> tuple[Wing, ...]:
        """Give the wings with side wings cut off at the main ridge, where they start from the main wing."""
        main, *side = self.wings
        if self.kind not in ("L", "T", "U"):
            return self.wings
        return (main, *(replace(wing, y1=main.middle[1]) for wing in side))


def rectangle(length: float, width: float) -> Footprint:
    """A single wing."""
    return Footprint("rectangle", (Wing(0.0, 0.0, length, width),))


def winged(kind: str, dice: Dice, length: float, width: float, reach: float) -> Footprint:
    """Give an L, T, U or cross: a main wing of `length` by `width`, and side wings that reach out of it."""
    main = Wing(0.0, 0.0, length, width)

    def side(start: float, across: float) -> Wing:
        return Wing(start, -reach, start + across, width, "y")

    # No wider than the main wing, or a side ridge would rise above the main one.
    widest = min(width, length * 0.45)
    across = dice.metres(max(0.7 * widest, 3.0), max(widest, 3.0))
    if kind == "L":
        at = dice.one_of((0.0, length - across))
        return Footprint(kind, (main, side(at, across)))
    if kind == "T":
        room = (length - across) / 2
        return Footprint(kind, (main, side(room + dice.metres(0.0, room / 3), across)))
    if kind == "U":
        across = min(across, dice.metres(0.25 * length, 0.36 * length))
        return Footprint(kind, (main, side(0.0, across), side(length - across, across)))
    start = (length - across) / 2
    # Not flush with the main wing at either end: the far arm is the shorter one.
    back = reach * dice.one_of((0.5, 1.0))
    return Footprint("cross", (main, Wing(start, -reach, start + across, width + back, "y")))


def courtyard(length: float, width: float, depth: float) -> Footprint:
    """A closed ring of wings `depth` metres deep."""
    return Footprint(
        "courtyard",
        (
            Wing(0.0, width - depth, length, width),
            Wing(0.0, 0.0, length, depth),
            Wing(0.0, 0.0, depth, width, "y"),
            Wing(length - depth, 0.0, length, width, "y"),
        ),
    )


def stepped(dice: Dice, units: int, unit_length: float, width: float) -> Footprint:
    """A row of equal units, each set back against its neighbour, all one way or to and fro."""
    step = dice.metres(0.8, min(2.5, width / 4))
    to_and_fro = dice.chance(0.5)
    offsets = [step * (k % 2 if to_and_fro else k) for k in range(units)]
    return Footprint(
        "stepped",
        tuple(
            Wing(k * unit_length, offset, (k + 1) * unit_length, offset + width)
            for k, offset in enumerate(offsets)
        ),
    )
