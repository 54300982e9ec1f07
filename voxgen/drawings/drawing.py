"""What a drawing is made of before it is written: lines by pen, filled areas and words, in metres.

A drawing is flat: x to the right, y up. Lengths are those of the building; heights of words and lengths of
symbols are those on paper times the scale. Pens bear the widths of ISO 128.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "_ 2"]
Anchor = Literal["start", "middle", "end"]


class Pen(Enum):
    """A line's name, which is its layer too, width in millimetres, colour from 0 to 255, and dashes in mm."""

    CUT = ("cut", 0.5, (0, 0, 0), ())
    OUTLINE = ("outline", 0.5, (0, 0, 0), ())
    STEP = ("step", 0.35, (0, 0, 0), ())
    EDGE = ("edge", 0.18, (40, 40, 40), ())
    OVERHEAD = ("overhead", 0.18, (90, 90, 90), (3.0, 1.5))
    GROUND = ("ground", 0.7, (0, 0, 0), ())
    DIMENSION = ("dimension", 0.13, (70, 70, 70), ())
    FRAME = ("frame", 0.25, (0, 0, 0), ())

    def __init__(
        self, layer: str, width: float, colour: tuple[int, int, int], dashes: tuple[float, ...]
    ) -> None:
        self.layer, self.width, self.colour, self.dashes = layer, width, colour, dashes


class Tone(Enum):
    """A filled area's layer and colour."""

    CUT = ("cut-fill", (120, 120, 120))
    SOLID = ("symbol", (40, 40, 40))

    def __init__(self, layer: str, colour: tuple[int, int, int]) -> None:
        self.layer, self.colour = layer, colour


@dataclass(frozen=True)
class Line:
    """A polyline; closed where the first point comes last."""

    points: Points
    pen: Pen


@dataclass(frozen=True)
class Fill:
    """A filled area: its outer ring first, then holes, none closed."""

    rings: tuple[Points, ...]
    tone: Tone


@dataclass(frozen=True)
class Text:
    """Words.

    Attributes:
        words: one line.
        at: (x, y) of the base line's start, middle or end.
        height: of capitals in metres.
        anchor: which of these.
        turn: degrees counter-clockwise.
    """

    words: str
    at: tuple[float, float]
    height: float
    anchor: Anchor = "start"
    turn: float = 0.0


@dataclass(frozen=True)
class Drawing:
    """A drawing.

    Attributes:
        name: one word, distinct among the drawings of a building, such as `plan-0`.
        title: what stands below it.
        scale: 100 for 1:100; words and symbols are sized for it.
        lines, fills, texts: what it shows.
    """

    name: str
    title: str
    scale: float
    lines: tuple[Line, ...] = ()
    fills: tuple[Fill, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Lowest x and y, highest x and y of all that it shows; of words roughly."""
        points = [line.points for line in self.lines] + [ring for fill in self.fills for ring in fill.rings]
        points += [_around(text) for text in self.texts]
        every = np.concatenate(points) if points else np.zeros((1, 2))
        (x0, y0), (x1, y1) = every.min(axis=0).tolist(), every.max(axis=0).tolist()
        return x0, y0, x1, y1

    def moved(self, x: float, y: float) -> Drawing:
        """Give the same elsewhere."""
        by = np.array([x, y])
        return replace(
            self,
            lines=tuple(Line(line.points + by, line.pen) for line in self.lines),
            fills=tuple(Fill(tuple(ring + by for ring in fill.rings), fill.tone) for fill in self.fills),
            texts=tuple(replace(text, at=(text.at[0] + x, text.at[1] + y)) for text in self.texts),
        )

    def and_more(self, other: Drawing) -> Drawing:
        """Give this with what another shows."""
        return replace(
            self,
            lines=self.lines + other.lines,
            fills=self.fills + other.fills,
            texts=self.texts + other.texts,
        )


def _around(text: Text) -> Points:
    width = 0.62 * text.height * len(text.words)
    start = {"start": 0.0, "middle": -width / 2, "end": -width}[text.anchor]
    box = np.array([(start, -0.3 * text.height), (start + width, 1.1 * text.height)])
    c, s = np.cos(np.radians(text.turn)), np.sin(np.radians(text.turn))
    return box @ np.array([[c, s], [-s, c]]) + np.array(text.at)
