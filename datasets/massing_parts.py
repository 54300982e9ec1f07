"""What is added to a body or cut out of it: dormers, chimneys, balconies, pilotis, arcades, passages.

Fronts face lower y. Parts reach a little into what they stand on, so that the union has no gap.
"""

from __future__ import annotations

import math

import numpy as np
from manifold3d import Manifold, OpType

from .massing_dice import Dice
from .massing_solids import Roof, Wing, arch, box, hull

BITE = 0.3
"""Metres by which a part reaches into the body that carries it."""


def together(solids: list[Manifold]) -> Manifold:
    """Union of solids."""
    return Manifold.batch_boolean(solids, OpType.Add)


def dormers(dice: Dice, wing: Wing, eaves: float, roof: Roof, *, rear: bool) -> Manifold | None:
    """A row of equal dormers on one slope of a gable or hip roof, or None where they don't fit.

    They are evenly spaced, and end below the ridge. Gabled or flat, after how they are drawn.

    Args:
        dice: decides size, number and kind.
        wing: the wing under the roof.
        eaves: metres.
        roof: gable, hip or half-hip.
        rear: on the slope at the upper end across the ridge, not at the lower.
    """
    slope = math.tan(math.radians(roof.pitch))
    start = dice.metres(0.4, 1.2)
    gabled = dice.chance(0.5)
    width = dice.metres(1.2, 2.0) if gabled else dice.metres(1.4, 3.6)
    cheek = dice.metres(1.3, 1.6) if gabled else dice.metres(1.6, 2.2)
    low = eaves + start * slope
    crown = cheek + (0.45 * width if gabled else 0.0)
    back = start + crown / slope
    if back > wing.width / 2 - 0.3:
        return None
    margin = 0.7 + {"hip": back, "half-hip": 0.25 * wing.width}.get(roof.kind, 0.0)
    room = wing.length - 2 * margin
    count = min(int((room + 0.8) // (width + 0.8)), dice.count(1, 4))
    if count < 1:
        return None
    pitch = room / count
    return together(
        [
            _dormer(wing, margin + (k + 0.5) * pitch, width, start, back, low, cheek, crown, rear=rear)
            for k in range(count)
        ]
    )


def _dormer(
    wing: Wing,
    at: float,
    width: float,
    start: float,
    back: float,
    low: float,
    cheek: float,
    crown: float,
    *,
    rear: bool,
) -> Manifold:
    points = []
    for depth in (start, back + BITE):
        across = wing.width - depth if rear else depth
        for along in (at - width / 2, at + width / 2):
            points += [wing.place(along, across, low - BITE), wing.place(along, across, low + cheek)]
        points.append(wing.place(at, across, low + crown))
    return hull(points)


def chimney(dice: Dice, wing: Wing, eaves: float, roof: Roof) -> Manifold:
    """A stack near the ridge, at an end or a third of it, 0.6 to 1.2 m above the roof."""
    a, b = wing.length, wing.width
    thick, wide = dice.metres(0.6, 0.8), dice.metres(0.6, 1.2)
    run = {"hip": b / 2, "mansard": b / 2, "half-hip": b / 4}.get(roof.kind, wide)
    along = min(max(dice.one_of((0.0, a / 3, 2 * a / 3, a)), run), a - run) if a > 2 * run else a / 2
    across = b / 2 + dice.one_of((-1, 0, 1)) * 0.1 * b
    top = eaves + roof.rise(wing) + dice.metres(0.6, 1.2)
    if roof.kind == "shed":
        across = b - 0.6 - thick
    corners = [
        wing.place(along + s * wide / 2, across + t * thick / 2, z)
        for s in (-1, 1)
        for t in (-1, 1)
        for z in (eaves - BITE, top)
    ]
    return hull(corners)


def balconies(dice: Dice, wing: Wing, storeys: range, storey_height: float, *, rear: bool) -> Manifold | None:
    """Balconies in rows over a front or a rear: slabs with a parapet on three sides.

    Args:
        dice: decides size and number.
        wing: the body behind; its side at lower y carries them, or at upper y.
        storeys: storeys that have balconies, 0 being the ground floor.
        storey_height: metres.
        rear: at upper y.
    """
    depth = dice.metres(1.2, 1.8)
    bay = dice.metres(4.0, 6.5)
    count = int((wing.x1 - wing.x0 - 0.8) // bay)
    if count < 1 or len(storeys) == 0:
        return None
    # Either one balcony a bay, or one gallery along the whole front.
    gallery = dice.chance(0.25)
    # Clear of the corners: flush faces a rounding error apart would leave slivers.
    whole = wing.x1 - wing.x0 - 0.2
    width = whole if gallery else min(bay - 1.0, dice.metres(2.4, 4.2))
    bay = (wing.x1 - wing.x0) / (1 if gallery else count)
    tray = _tray(width, depth)
    trays = []
    for storey in storeys:
        for k in range(1 if gallery else count):
            x = wing.x0 + (k + 0.5) * bay - width / 2
            one = tray.mirror((0, 1, 0)) if rear else tray
            y = wing.y1 if rear else wing.y0
            trays.append(one.translate((x, y, storey * storey_height - 0.2)))
    return together(trays)


def _tray(width: float, depth: float) -> Manifold:
    slab = box(Wing(0.0, -depth, width, BITE), 0.0, 1.2)
    return slab - box(Wing(0.2, 0.2 - depth, width - 0.2, 0.0), 0.2, 2.0)


def pilotis(dice: Dice, wing: Wing, height: float) -> Manifold:
    """Columns on a grid of 3.6 to 6 m under a raised body, a little in from its edge."""
    thick = dice.metres(0.4, 0.6)
    spacing, edge = dice.metres(3.6, 6.0), dice.metres(0.2, 0.6) + thick / 2
    rows = []
    for low, high in ((wing.x0 + edge, wing.x1 - edge), (wing.y0 + edge, wing.y1 - edge)):
        rows.append(np.linspace(low, high, max(2, round((high - low) / spacing) + 1)))
    column = box(Wing(-thick / 2, -thick / 2, thick / 2, thick / 2), 0.0, height + BITE)
    return together([column.translate((float(x), float(y), 0.0)) for x in rows[0] for y in rows[1]])


def arcade(dice: Dice, wing: Wing, height: float) -> Manifold:
    """The void of an arcade along the front: a row of openings and the walk behind them, to be cut out."""
    pier, depth = dice.metres(0.5, 0.8), dice.metres(2.4, 3.2)
    length = wing.x1 - wing.x0
    bays = max(2, round((length - pier) / dice.metres(2.8, 4.2)))
    bay = (length - pier) / bays
    rounded = dice.chance(0.5)
    walk = Wing(wing.x0 + pier, wing.y0 + pier, wing.x1 - pier, wing.y0 + depth)
    voids = [box(walk, -0.5, height)]
    for k in range(bays):
        opening = Wing(wing.x0 + pier + k * bay, wing.y0 - 1.0, wing.x0 + (k + 1) * bay, walk.y0 + 0.2)
        spring = height - 0.1 - (opening.x1 - opening.x0) / 2
        if rounded and spring > 1.0:
            voids.append(arch(opening, spring, axis="y"))
        else:
            voids.append(box(opening, -0.5, height))
    return together(voids)


def passage(dice: Dice, wing: Wing, height: float) -> Manifold:
    """The void of a passage through the body from front to rear, flat or arched, to be cut out."""
    width = dice.metres(2.6, 4.0)
    room = wing.x1 - wing.x0 - width
    start = wing.x0 + room * dice.one_of((0.3, 0.5, 0.5, 0.7))
    through = Wing(start, wing.y0 - 2.0, start + width, wing.y1 + 2.0)
    if dice.chance(0.5):
        return arch(through, max(1.0, height - width / 2), axis="y")
    return box(through, -0.5, height)
