"""Elevations: the four sides of a building along its walls, hidden lines removed, with its levels."""

from __future__ import annotations

import numpy as np

from ..elements import Elements
from .drawing import Drawing, Line, Pen
from .frame import compass, turn_of
from .marks import level, paper
from .visible import View, visible_lines

_APART = 3.5
"""Millimetres on paper that two level marks are apart at least."""


def elevations(elements: Elements, scale: float = 100.0) -> list[Drawing]:
    """Give the four sides; each is named after the compass direction that it looks to.

    Args:
        elements: of a building.
        scale: 100 for 1:100.
    """
    turn = turn_of(elements)
    return [_elevation(elements, (turn + way) % 360, scale) for way in (180.0, 90.0, 0.0, 270.0)]


def _elevation(elements: Elements, azimuth: float, scale: float) -> Drawing:
    mass = elements.envelope.mass
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    # The eye stands at this azimuth: right is a quarter turn counter-clockwise from above.
    view = View(np.array([-north, east, 0.0]), np.array([0.0, 0.0, 1.0]))
    direction = compass(azimuth)
    drawing = Drawing(
        f"elevation-{direction.lower()}", f"{direction} elevation", scale, tuple(visible_lines(mass, view))
    )
    x0, y0, x1, y1 = drawing.bounds
    reach = paper(12.0, scale)
    lines = [Line(np.array([(x0 - reach, y0), (x1 + reach / 2, y0)]), Pen.GROUND)]
    marks = [(one.storey.elevation, one.storey.name) for one in elements.levels]
    marks = [*(mark for mark in marks if y1 - mark[0] > paper(_APART, scale)), (y1, "Top")]
    fills, texts = [], []
    last = -np.inf
    for height, words in marks:
        if height - last < paper(_APART, scale):
            continue
        last = height
        more_lines, more_fills, more_texts = level(x1 + 1.2 * reach, height, marks[0][0], scale, words)
        lines += more_lines
        fills += more_fills
        texts += more_texts
    return drawing.and_more(Drawing("", "", scale, tuple(lines), tuple(fills), tuple(texts)))
