"""Large buildings: apartment slabs, town buildings, courtyard blocks, towers, halls and churches.

All fit in a cube of 32 m. Storeys are 2.7 to 3.1 m where people live, 3 to 3.5 m in town and at work.
"""

from __future__ import annotations

import math

from .massing_dice import Dice
from .massing_draft import Brief, Draft
from .massing_footprints import courtyard, rectangle, winged
from .massing_houses import pitched, roofed
from .massing_parts import arcade, balconies, chimney, dormers, passage, pilotis
from .massing_solids import Roof, Wing, body, box, dome, drum

TALLEST = 31.0
"""Metres that no building exceeds."""


def slab(dice: Dice, draft: Draft) -> Brief:
    """An apartment slab: three to seven storeys with balconies, at times on pilotis or with a passage."""
    length, width = dice.metres(17.0, 29.0), dice.metres(9.0, 12.5)
    storeys, height = dice.count(3, 7), dice.metres(2.7, 3.1)
    kind = dice.pick({"flat": 0.7, "hip": 0.15, "gable": 0.15}) if storeys <= 5 else "flat"
    roof = Roof(kind, 0.0 if kind == "flat" else dice.degrees(25, 35))
    eaves = storeys * height
    plan = rectangle(length, width)
    raised = kind == "flat" and dice.chance(0.3)
    if raised:
        core = plan.main.inset(length * 0.42, length * 0.42, width * 0.2, width * 0.2)
        draft.add("core", box(core, 0.0, height + 0.3))
        draft.add("main", box(plan.main, height, eaves))
        draft.add("pilotis", pilotis(dice, plan.main, height))
    else:
        roofed(draft, plan, eaves, roof)
        if dice.chance(0.25):
            draft.cut("passage", passage(dice, plan.main, height))
    if dice.chance(0.75):
        rear = dice.chance(0.3)
        draft.add("balcony", balconies(dice, plan.main, range(1, storeys), height, rear=rear))
    if kind == "flat" and dice.chance(0.5):
        house = plan.main.inset(length * 0.3, length * 0.3, width * 0.3, width * 0.3)
        draft.add("penthouse", box(house, eaves - 0.3, eaves + dice.metres(2.2, 3.0)))
    elif kind == "flat" and dice.chance(0.6):
        stair = Wing(length * 0.45, width - 0.5, length * 0.45 + 3.0, width + 2.0)
        draft.add("stair", box(stair, 0.0, min(TALLEST, eaves + 2.0)))
    return Brief("apartment slab", "rectangle", kind, roof.pitch, eaves, storeys, height)


def town_building(dice: Dice, draft: Draft) -> Brief:
    """A town building of three to five storeys: shops behind an arcade, a passage, a mansard or a setback."""
    length, width = dice.metres(10.0, 22.0), dice.metres(9.0, 13.0)
    storeys, height = dice.count(3, 5), dice.metres(3.0, 3.5)
    roof = pitched(dice, dice.pick({"mansard": 0.35, "hip": 0.25, "flat": 0.3, "gable": 0.1}), width)
    eaves = storeys * height
    kind = dice.pick({"rectangle": 0.6, "L": 0.25, "U": 0.15})
    # The court of a U is as wide as a street, or nobody gets daylight.
    length = max(length, 20.0) if kind == "U" else length
    plan = rectangle(length, width)
    if kind != "rectangle":
        plan = winged(kind, dice, length, width, dice.metres(4.0, 8.0))
    setback = roof.kind == "flat" and dice.chance(0.7)
    roofed(draft, plan, eaves, roof)
    if setback:
        back = dice.metres(1.5, 2.5)
        top = plan.main.inset(back, back, back, 0.0)
        draft.add("setback", box(top, eaves - 0.3, eaves + height))
    # The main wing's front is free on a rectangle only.
    if kind == "rectangle":
        if dice.chance(0.55):
            draft.cut("arcade", arcade(dice, plan.main, height))
        elif dice.chance(0.5):
            draft.cut("passage", passage(dice, plan.main, height))
        if dice.chance(0.3):
            draft.add("balcony", balconies(dice, plan.main, range(1, storeys), height, rear=True))
    elif dice.chance(0.5):
        draft.cut("passage", passage(dice, plan.main.inset(length * 0.35, length * 0.35, 8.0, 0.0), height))
    if roof.kind in ("hip", "gable") and dice.chance(0.4):
        draft.add("dormer", dormers(dice, plan.main, eaves, roof, rear=True))
    if roof.kind != "flat":
        for _ in range(dice.count(0, 2)):
            draft.add("chimney", chimney(dice, plan.main, eaves, roof))
    total = storeys + setback + roof.has_storey
    return Brief("town building", plan.kind, roof.kind, roof.pitch, eaves, total, height)


def court(dice: Dice, draft: Draft) -> Brief:
    """A closed block around a courtyard, entered through a passage."""
    length, width = dice.metres(23.0, 31.0), dice.metres(20.0, 28.0)
    width = min(width, length)
    depth = dice.metres(6.0, min(9.0, width / 3))
    storeys, height = dice.count(2, 5), dice.metres(2.8, 3.3)
    roof = pitched(dice, dice.pick({"flat": 0.4, "hip": 0.6}), depth)
    eaves = storeys * height
    plan = courtyard(length, width, depth)
    roofed(draft, plan, eaves, roof)
    if dice.chance(0.7):
        draft.cut("passage", passage(dice, Wing(0.0, 0.0, length, depth), height))
    if dice.chance(0.3):
        inner = Wing(depth, width - depth, length - depth, width)
        draft.cut("arcade", arcade(dice, inner, height))
    return Brief("courtyard block", "courtyard", roof.kind, roof.pitch, eaves, storeys, height)


def tower(dice: Dice, draft: Draft) -> Brief:
    """A tower of six to ten storeys: on a podium, stepping back as it rises, or of tiers that slide out."""
    height = dice.metres(2.9, 3.4)
    storeys = min(dice.count(6, 10), int(TALLEST // height) - 1)
    shape = dice.pick({"podium": 0.5, "setbacks": 0.3, "sliding": 0.2})
    top = {"podium": _on_podium, "setbacks": _setbacks, "sliding": _sliding}[shape](
        dice, draft, storeys, height
    )
    eaves = storeys * height
    if dice.chance(0.6) and eaves + 2.5 <= TALLEST:
        side, end = top.width * 0.3, top.length * 0.3
        draft.add("penthouse", box(top.inset(end, end, side, side), eaves - 0.3, eaves + 2.5))
    return Brief("tower", "rectangle", "flat", 0.0, eaves, storeys, height)


def _on_podium(dice: Dice, draft: Draft, storeys: int, height: float) -> Wing:
    length, width = dice.metres(18.0, 29.0), dice.metres(14.0, 18.0)
    podium, floors = Wing(0.0, 0.0, length, width), dice.count(1, 2)
    a, b = dice.metres(9.0, 14.0), dice.metres(9.0, min(12.0, width - 3))
    x, y = dice.metres(0.0, length - a), dice.metres(0.0, width - b)
    shaft = Wing(x, y, x + a, y + b)
    draft.add("podium", box(podium, 0.0, floors * height))
    draft.add("tower", box(shaft, 0.0, storeys * height))
    if y > 4.0 or dice.chance(0.2):
        draft.cut("arcade", arcade(dice, podium, height))
    if dice.chance(0.5):
        levels = range(floors + 1, storeys)
        draft.add("balcony", balconies(dice, shaft, levels, height, rear=dice.chance(0.5)))
    return shaft


def _setbacks(dice: Dice, draft: Draft, storeys: int, height: float) -> Wing:
    length, width = dice.metres(14.0, 24.0), dice.metres(12.0, 14.0)
    tiers = dice.count(2, 3)
    # What is left at the top is still a flat deep.
    back = min(dice.metres(1.2, 2.4), (width - 6.0) / (2 * tiers))
    sides = dice.one_of(((1, 1, 1, 1), (0, 1, 0, 0), (0, 1, 1, 0), (1, 1, 1, 0)))
    level, low = Wing(0.0, 0.0, length, width), 0.0
    for tier in range(tiers + 1):
        level = level.inset(*(back * side for side in sides)) if tier else level
        high = height * round(storeys * (tier + 1) / (tiers + 1))
        draft.add("setback" if tier else "main", box(level, low, high))
        low = high
    return level


def _sliding(dice: Dice, draft: Draft, storeys: int, height: float) -> Wing:
    base = Wing(0.0, 0.0, dice.metres(11.0, 16.0), dice.metres(9.0, 11.0))
    tiers, level, low = dice.count(3, 4), base, 0.0
    for tier in range(tiers):
        slide = dice.metres(0.8, 2.5) * (1 if tier % 2 else -1) if tier else 0.0
        level = base.inset(slide, -slide, 0.0, 0.0)
        high = height * round(storeys * (tier + 1) / tiers)
        draft.add("cantilever" if tier else "main", box(level, low, high))
        low = high
    return level


def landmark(dice: Dice, draft: Draft) -> Brief:
    """A church with a tower, a hall under a dome, or a round tower."""
    shape = dice.pick({"church": 0.5, "domed": 0.35, "round": 0.15})
    if shape == "church":
        return _church(dice, draft)
    if shape == "domed":
        return _domed_hall(dice, draft)
    side, height, storeys = dice.metres(6.0, 10.0), dice.metres(3.0, 3.5), dice.count(3, 6)
    shaft, eaves = Wing(0.0, 0.0, side, side), storeys * height
    draft.add("main", drum(shaft, 0.0, eaves))
    draft.add("dome", dome(shaft, eaves))
    return Brief("round tower", "round", "dome", 0.0, eaves, storeys, height)


def _church(dice: Dice, draft: Draft) -> Brief:
    length, width, eaves = dice.metres(13.0, 20.0), dice.metres(7.5, 10.5), dice.metres(4.5, 9.0)
    roof = Roof("gable", dice.degrees(42, 52))
    nave = Wing(0.0, 0.0, length, width)
    crossed = dice.chance(0.45)
    if crossed:
        reach, across = dice.metres(2.0, 4.0), dice.metres(5.0, min(7.0, width))
        start = length * dice.one_of((0.45, 0.55))
        arm = Wing(start, -reach, start + across, width + reach, "y")
        draft.add("wing", body(arm, 0.0, eaves, roof))
    draft.add("main", body(nave, 0.0, eaves, roof))
    if dice.chance(0.6):
        radius = 0.36 * width
        apse = Wing(length - radius, width / 2 - radius, length + radius, width / 2 + radius)
        draft.add("apse", drum(apse, 0.0, 0.75 * eaves))
    side = dice.metres(4.2, 5.6)
    # Before the west front, or beside it.
    low = dice.one_of(((width - side) / 2, (width - side) / 2, 0.4 - side))
    west = 0.6 - side if low > 0 else 0.5
    shaft = Wing(west, low, west + side, low + side)
    high = eaves + roof.rise(nave) + dice.metres(0.5, 4.0)
    spire = min(dice.metres(2.0, 10.0), TALLEST - high)
    pitch = math.degrees(math.atan2(spire, side / 2))
    draft.add("tower", body(shaft, 0.0, high, Roof("pyramid", pitch)))
    footprint = "cross" if crossed else "rectangle"
    return Brief("church", footprint, "gable", roof.pitch, eaves, 1, eaves)


def _domed_hall(dice: Dice, draft: Draft) -> Brief:
    side, eaves = dice.metres(10.0, 18.0), dice.metres(4.5, 9.0)
    hall, span = Wing(0.0, 0.0, side, side), dice.metres(0.55 * side, 0.85 * side)
    margin = (side - span) / 2
    ring = hall.inset(margin, margin, margin, margin)
    collar = eaves + dice.metres(0.5, 3.0)
    draft.add("main", box(hall, 0.0, eaves))
    if dice.chance(0.6):
        start = side * dice.one_of((0.2, 0.3, 0.35))
        porch = Wing(start, -dice.metres(2.0, 4.0), side - start, 0.5)
        draft.add("wing", box(porch, 0.0, eaves - dice.metres(0.5, 1.5)))
    draft.add("drum", drum(ring, eaves - 0.3, collar))
    draft.add("dome", dome(ring, collar))
    return Brief("domed hall", "rectangle", "dome", 0.0, eaves, 1, eaves)
