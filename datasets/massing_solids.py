"""Convex solids of which buildings are put together: bodies under a roof, boxes, arches, domes.

Notation: a `Wing` is a rectangle of the plan with a ridge along its length; a roof rises from the eaves
(metres above ground) at `pitch` degrees. Every solid here is the convex hull of its corners, so it is closed
by construction; what is not convex is a union or a difference of these.

The hip roof over an orthogonal plan is the union of the hip roofs over its largest rectangles, which is its
straight skeleton (Aichholzer et al. 1995): at equal pitch the valleys come out by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from manifold3d import Manifold

ROOFS = ("flat", "gable", "hip", "half-hip", "mansard", "gambrel", "shed", "pyramid", "dome")
"""Kinds of roof that `body` builds."""

MANSARD_PITCH = 70.0
"""Degrees of the lower slope of a mansard (four sides) and a gambrel (two sides, between party walls)."""

MANSARD_STOREY = 2.6
"""Height in metres of that lower slope: one storey."""

_INSET = MANSARD_STOREY / math.tan(math.radians(MANSARD_PITCH))


@dataclass(frozen=True)
class Wing:
    """A rectangle of the plan, in metres.

    Attributes:
        x0: lower end along x.
        y0: lower end along y.
        x1: upper end along x.
        y1: upper end along y.
        ridge: axis that the ridge follows, `x` or `y`.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    ridge: str = "x"

    @property
    def length(self) -> float:
        """Extent along the ridge."""
        return self.x1 - self.x0 if self.ridge == "x" else self.y1 - self.y0

    @property
    def width(self) -> float:
        """Extent across the ridge."""
        return self.y1 - self.y0 if self.ridge == "x" else self.x1 - self.x0

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the rectangle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def inset(self, left: float, right: float, front: float, back: float) -> Wing:
        """Give the wing with its sides moved inwards (outwards where negative)."""
        return replace(self, x0=self.x0 + left, x1=self.x1 - right, y0=self.y0 + front, y1=self.y1 - back)

    def place(self, along: float, across: float, z: float) -> tuple[float, float, float]:
        """Turn a position along and across the ridge, from the lower corner, into x, y, z."""
        if self.ridge == "x":
            return self.x0 + along, self.y0 + across, z
        return self.x0 + across, self.y0 + along, z


@dataclass(frozen=True)
class Roof:
    """What stands on the eaves.

    Attributes:
        kind: one of `ROOFS`.
        pitch: degrees; the upper slope of a mansard or gambrel, and nothing to a flat roof or a dome.
    """

    kind: str
    pitch: float = 0.0

    def rise(self, wing: Wing) -> float:
        """Height in metres from the eaves to the top, over a wing."""
        slope = math.tan(math.radians(self.pitch))
        if self.kind == "flat":
            return 0.0
        if self.kind == "shed":
            return slope * wing.width
        if self.kind in ("mansard", "gambrel"):
            return MANSARD_STOREY + slope * (wing.width / 2 - _INSET)
        if self.kind == "dome":
            return min(wing.length, wing.width) / 2
        return slope * wing.width / 2

    @property
    def has_storey(self) -> bool:
        """Whether there is a full storey under the roof."""
        return self.kind in ("mansard", "gambrel")


def hull(points: list[tuple[float, float, float]]) -> Manifold:
    """Convex hull of points in metres."""
    return Manifold.hull_points(np.asarray(points, np.float64))


def box(wing: Wing, low: float, high: float) -> Manifold:
    """Upright box over a rectangle, from `low` to `high` metres."""
    return hull([(x, y, z) for x in (wing.x0, wing.x1) for y in (wing.y0, wing.y1) for z in (low, high)])


def body(wing: Wing, low: float, eaves: float, roof: Roof) -> Manifold:
    """Walls and roof over one wing: from `low` to the eaves, then the roof.

    Lengths are taken along the wing's ridge; a hip over a wing that is wider than long is a pyramid.
    """
    a, b, rise = wing.length, wing.width, roof.rise(wing)
    corners = [(s, t, z) for s in (0.0, a) for t in (0.0, b) for z in (low, eaves)]
    top = eaves + rise
    # A hip's run along the ridge equals half the width, so that all four slopes have the same pitch.
    run = min(b, a) / 2
    if roof.kind == "gable":
        corners += [(0.0, b / 2, top), (a, b / 2, top)]
    elif roof.kind == "hip":
        top = eaves + math.tan(math.radians(roof.pitch)) * run
        corners += [(run, t, top) for t in (run, b - run)] + [(a - run, t, top) for t in (run, b - run)]
    elif roof.kind == "half-hip":
        corners += _half_hip(a, b, eaves, rise)
    elif roof.kind == "mansard":
        corners += _mansard(a, b, eaves, roof)
    elif roof.kind == "gambrel":
        knees = (_INSET, b - _INSET)
        corners += [(s, t, eaves + MANSARD_STOREY) for s in (0.0, a) for t in knees]
        corners += [(0.0, b / 2, top), (a, b / 2, top)]
    elif roof.kind == "shed":
        corners += [(0.0, b, top), (a, b, top)]
    elif roof.kind == "pyramid":
        corners += [(a / 2, b / 2, top)]
    elif roof.kind == "dome":
        return hull([wing.place(*c) for c in corners]) + dome(wing, eaves)
    return hull([wing.place(*corner) for corner in corners])


def _half_hip(a: float, b: float, eaves: float, rise: float) -> list[tuple[float, float, float]]:
    cut = 0.4 * rise
    share = cut / rise * b / 2
    inset = min(share, a / 3)
    low, high = eaves + rise - cut, eaves + rise
    ends = [(s, t, low) for s in (0.0, a) for t in (b / 2 - share, b / 2 + share)]
    return [*ends, (inset, b / 2, high), (a - inset, b / 2, high)]


def _mansard(a: float, b: float, eaves: float, roof: Roof) -> list[tuple[float, float, float]]:
    knee, run = eaves + MANSARD_STOREY, min(a, b) / 2 - _INSET
    top = knee + math.tan(math.radians(roof.pitch)) * run
    far = _INSET + run
    return [(s, t, knee) for s in (_INSET, a - _INSET) for t in (_INSET, b - _INSET)] + [
        (s, t, top) for s in (far, a - far) for t in (far, b - far)
    ]


def dome(wing: Wing, base: float) -> Manifold:
    """Half a sphere in 24 by 6 facets, inscribed in a rectangle, on a base height."""
    (x, y), radius = wing.middle, min(wing.length, wing.width) / 2
    points = [(x, y, base + radius)]
    for ring in range(6):
        tilt = ring * math.pi / 12
        r, z = radius * math.cos(tilt), base + radius * math.sin(tilt)
        points += [
            (x + r * math.cos(turn * math.pi / 12), y + r * math.sin(turn * math.pi / 12), z)
            for turn in range(24)
        ]
    return hull(points)


def drum(wing: Wing, low: float, high: float) -> Manifold:
    """Upright 24-sided cylinder inscribed in a rectangle."""
    (x, y), radius = wing.middle, min(wing.length, wing.width) / 2
    ring = [
        (x + radius * math.cos(k * math.pi / 12), y + radius * math.sin(k * math.pi / 12)) for k in range(24)
    ]
    return hull([(px, py, z) for px, py in ring for z in (low, high)])


def arch(wing: Wing, spring: float, *, axis: str) -> Manifold:
    """Opening under a half-round arch: straight up to `spring`, then a half circle; runs along `axis`.

    The bottom lies half a metre under the ground, so that a cut leaves no skin.
    """
    points = [(x, y, z) for x in (wing.x0, wing.x1) for y in (wing.y0, wing.y1) for z in (-0.5, spring)]
    across = wing.x1 - wing.x0 if axis == "y" else wing.y1 - wing.y0
    for step in range(1, 8):
        offset = -math.cos(step * math.pi / 8) * across / 2
        z = spring + math.sin(step * math.pi / 8) * across / 2
        for end in (0, 1):
            if axis == "y":
                points.append((wing.middle[0] + offset, (wing.y0, wing.y1)[end], z))
            else:
                points.append(((wing.x0, wing.x1)[end], wing.middle[1] + offset, z))
    return hull(points)
