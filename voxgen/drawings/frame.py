"""How a building is turned for its drawings, so that its walls run along the paper's sides."""

from __future__ import annotations

import numpy as np

from ..elements import Elements
from ..elements.envelope import Slope

COMPASS = ("North", "North-east", "East", "South-east", "South", "South-west", "West", "North-west")


def turn_of(elements: Elements) -> float:
    """Give the azimuth, from -45 to 45 degrees, of the walls that look most nearly north.

    It is the direction, modulo a quarter turn, that most of the wall's area has.
    """
    envelope = elements.envelope
    walls = envelope.slopes == Slope.WALL
    if not walls.any():
        return 0.0
    x, y, _ = envelope.normals[walls].T
    degrees = np.degrees(np.arctan2(x, y))
    weights = envelope.mass.areas[walls]
    # The heaviest direction to half a degree, then the mean of what lies near it.
    bins = np.bincount(np.round(degrees % 90 * 2).astype(int) % 180, weights, minlength=180)
    near = (degrees - bins.argmax() / 2 + 45) % 90 - 45
    close = np.abs(near) < 1.0
    turn = bins.argmax() / 2 + float(np.average(near[close], weights=weights[close]))
    turn = (turn + 45) % 90 - 45
    return 0.0 if abs(turn) < 0.05 else turn


def compass(azimuth: float) -> str:
    """Give the direction of an azimuth in degrees, to an eighth of the circle.

    >>> compass(184.0)
    'South'
    """
    return COMPASS[round(azimuth / 45) % 8]
