"""Small buildings: terraced and detached houses, houses with wings, villas, farmhouses, outbuildings.

Sizes follow what stands in Dutch and German streets: frontages of 5 to 6 m in a row, 8 to 14 m alone,
storeys of 2.7 to 3.1 m, pitches of 30 to 50 degrees.
"""

from __future__ import annotations

import math

from .massing_dice import Dice
from .massing_draft import Brief, Draft
from .massing_footprints import Footprint, rectangle, stepped, winged
from .massing_parts import balconies, chimney, dormers, pilotis
from .massing_solids import Roof, Wing, body, box

SMALLEST_PLAN = 20.5
"""Square metres that every building covers: what a data set takes unless told otherwise."""

HIGHEST_RISE = 5.2
"""Metres: wide houses have flatter roofs, because nobody builds more attic than two storeys."""

PITCHES = {
    "shed": (10, 20),
    "mansard": (22, 32),
    "gambrel": (22, 32),
    "hip": (28, 45),
    "pyramid": (30, 45),
    "flat": (0, 0),
}
"""Degrees that kinds of roof are built with; all others 30 to 50."""


def pitched(dice: Dice, kind: str, span: float) -> Roof:
    """Give a roof of a kind, pitched as the kind is built over a span of so many metres."""
    low, high = PITCHES.get(kind, (30, 50))
    run = span if kind == "shed" else span / 2
    rise = HIGHEST_RISE / 2 if kind == "shed" else HIGHEST_RISE
    steepest = math.floor(math.degrees(math.atan2(rise, run)))
    return Roof(kind, dice.degrees(min(low, steepest), min(high, steepest)))


def roofed(draft: Draft, footprint: Footprint, eaves: float, roof: Roof) -> None:
    """Add the wings of a footprint under one kind of roof; the first is `main`, the others are `wing`."""
    ends_at_ridge = roof.kind in ("gable", "half-hip", "shed")
    wings = footprint.under_gables() if ends_at_ridge else footprint.wings
    # A shed over a side wing would not meet the main slope; a gable does.
    side = Roof("gable", roof.pitch) if roof.kind == "shed" and footprint.kind != "stepped" else roof
    for number, wing in enumerate(wings):
        draft.add("wing" if number else "main", body(wing, 0.0, eaves, side if number else roof))


def terraced(dice: Dice, draft: Draft) -> Brief:
    """One house of a row, or two to four of them, staggered; deep and narrow, two or three storeys."""
    front, depth = dice.metres(4.6, 6.2), dice.metres(7.8, 11.2)
    storeys, height = dice.one_of((2, 2, 2, 3)), dice.metres(2.7, 3.0)
    roof = pitched(dice, dice.pick({"gable": 0.5, "flat": 0.32, "gambrel": 0.12, "shed": 0.06}), depth)
    units = dice.one_of((1, 1, 1, 1, 1, 1, 2, 3, 4))
    eaves = storeys * height
    footprint = stepped(dice, units, front, depth) if units > 1 else rectangle(front, depth)
    roofed(draft, footprint, eaves, roof)
    if dice.chance(0.5):
        deep, part = dice.metres(2.0, 4.0), dice.one_of((0.5, 0.6, 1.0))
        for wing in footprint.wings:
            annex = Wing(wing.x0, wing.y1 - 0.5, wing.x0 + part * front, wing.y1 + deep)
            draft.add("annex", body(annex, 0.0, height, Roof("flat")))
    if roof.kind == "gable" and dice.chance(0.5):
        rear = dice.chance(0.6)
        drawn = [dormers(dice, wing, eaves, roof, rear=rear) for wing in footprint.wings]
        for row in drawn if dice.chance(0.5) else drawn[:1]:
            draft.add("dormer", row)
    for wing in footprint.wings:
        if dice.chance(0.5):
            draft.add("chimney", chimney(dice, wing, eaves, roof))
    return Brief(
        "terraced house", footprint.kind, roof.kind, roof.pitch, eaves, storeys + roof.has_storey, height
    )


def detached(dice: Dice, draft: Draft) -> Brief:
    """A house that stands alone, or half of a pair: one body, one roof, perhaps a garage at its side."""
    length, width = dice.metres(7.0, 12.5), dice.metres(5.6, 8.6)
    storeys, height = dice.one_of((1, 1, 2, 2)), dice.metres(2.7, 3.1)
    kinds = {"gable": 0.42, "hip": 0.24, "half-hip": 0.12, "mansard": 0.08, "shed": 0.06, "flat": 0.08}
    roof = pitched(dice, dice.pick(kinds), width)
    # A low flat box of one storey is a garage, not a house.
    storeys = 2 if roof.kind in ("flat", "shed") else storeys
    footprint = rectangle(length, width)
    eaves = storeys * height
    roofed(draft, footprint, eaves, roof)
    _extras(dice, draft, footprint, eaves, roof)
    if dice.chance(0.35):
        deep, wide = dice.metres(4.8, min(6.4, width)), dice.metres(2.8, 3.6)
        at = dice.metres(0.0, width - deep)
        garage = Wing(length - 0.5, at, length + wide, at + deep, "y")
        cover = Roof("flat") if roof.kind in ("flat", "mansard") or dice.chance(0.5) else Roof("gable", 35.0)
        draft.add("garage", body(garage, 0.0, 2.6, cover))
    elif storeys == 2 and dice.chance(0.25):
        bay = Wing(length * 0.3, -dice.metres(0.8, 1.6), length * 0.3 + dice.metres(2.4, 3.6), 0.5)
        draft.add("bay", box(bay, 0.0, eaves if dice.chance(0.4) else height))
    return Brief(
        "detached house", footprint.kind, roof.kind, roof.pitch, eaves, storeys + roof.has_storey, height
    )


def winged_house(dice: Dice, draft: Draft) -> Brief:
    """A house or villa on an L, T, U or cross, its roofs meeting in valleys."""
    kind = dice.pick({"L": 0.42, "T": 0.24, "U": 0.16, "cross": 0.18})
    width = dice.metres(5.6, 8.2)
    length = dice.metres(13.0, 20.0) if kind == "U" else dice.metres(8.6, 15.0)
    storeys, height = dice.one_of((1, 1, 2, 2)), dice.metres(2.7, 3.1)
    kinds = {"gable": 0.45, "hip": 0.3, "half-hip": 0.1, "mansard": 0.05, "flat": 0.1}
    roof = pitched(dice, dice.pick(kinds), width)
    reach = dice.metres(2.0, 4.0) if kind == "cross" else dice.metres(2.4, 6.0)
    footprint = winged(kind, dice, length, width, reach)
    eaves = storeys * height
    roofed(draft, footprint, eaves, roof)
    _extras(dice, draft, footprint, eaves, roof)
    return Brief(
        "house with wings", footprint.kind, roof.kind, roof.pitch, eaves, storeys + roof.has_storey, height
    )


def _extras(dice: Dice, draft: Draft, footprint: Footprint, eaves: float, roof: Roof) -> None:
    clear = footprint.kind != "cross"
    if roof.kind in ("gable", "hip", "half-hip") and clear and dice.chance(0.45):
        draft.add("dormer", dormers(dice, footprint.main, eaves, roof, rear=True))
    if roof.kind in ("gable", "hip") and footprint.kind == "rectangle" and dice.chance(0.25):
        draft.add("dormer", dormers(dice, footprint.main, eaves, roof, rear=False))
    for _ in range(dice.one_of((0, 1, 1, 1, 2))):
        draft.add("chimney", chimney(dice, footprint.main, eaves, roof))


def farmhouse(dice: Dice, draft: Draft) -> Brief:
    """A long low barn under a big roof, alone or with a cross wing where people live."""
    length, width = dice.metres(15.0, 24.0), dice.metres(8.0, 12.0)
    eaves = dice.metres(2.6, 3.4)
    roof = Roof(dice.pick({"gable": 0.5, "half-hip": 0.5}), dice.degrees(35, 45))
    kind = dice.pick({"rectangle": 0.5, "T": 0.25, "L": 0.25})
    footprint = rectangle(length, width)
    if kind != "rectangle":
        footprint = winged(kind, dice, length, width, dice.metres(3.0, 6.0))
    roofed(draft, footprint, eaves, roof)
    if dice.chance(0.35):
        shed = Wing(length * 0.2, width - 0.4, length * 0.7, width + dice.metres(2.4, 3.6))
        draft.add("annex", box(shed, 0.0, 2.4))
    if dice.chance(0.7):
        draft.add("chimney", chimney(dice, footprint.main, eaves, roof))
    return Brief("farmhouse", footprint.kind, roof.kind, roof.pitch, eaves, 1, eaves)


def outbuilding(dice: Dice, draft: Draft) -> Brief:
    """A garage, a shed, a studio: one storey, at least three metres high, and over 20 m2."""
    length, width, eaves = dice.metres(5.0, 9.0), dice.metres(3.0, 5.4), dice.metres(2.3, 2.8)
    width = max(width, SMALLEST_PLAN / length)
    roof = pitched(dice, dice.pick({"gable": 0.4, "flat": 0.25, "shed": 0.2, "hip": 0.15}), width)
    eaves = dice.metres(3.0, 3.5) if roof.kind == "flat" else eaves
    footprint = rectangle(length, width)
    roofed(draft, footprint, eaves, roof)
    return Brief("outbuilding", footprint.kind, roof.kind, roof.pitch, eaves, 1, eaves)


def modern_villa(dice: Dice, draft: Draft) -> Brief:
    """Two flat boxes, the upper one sliding out over the lower as a cantilever, or standing on pilotis."""
    length, width = dice.metres(10.0, 16.0), dice.metres(7.0, 10.0)
    height = dice.metres(2.9, 3.3)
    upper = Wing(0.0, 0.0, length, width)
    storeys = dice.one_of((2, 2, 3))
    roof = Roof("flat") if dice.chance(0.75) else pitched(dice, "shed", width)
    eaves = storeys * height
    slides = dice.chance(0.6)
    if slides:
        reach, forward = dice.metres(2.0, 4.5), dice.metres(0.0, 2.0)
        lower = upper.inset(reach, -dice.metres(0.0, 3.0), forward, -dice.metres(0.0, 2.0))
        draft.add("main", box(lower, 0.0, height))
        draft.add("cantilever", body(upper, height, eaves, roof))
        if dice.chance(0.5):
            draft.add("pilotis", pilotis(dice, Wing(0.0, forward, 1.5, width), height))
    else:
        core = upper.inset(length * 0.3, length * dice.one_of((0.1, 0.3)), width * 0.15, width * 0.15)
        draft.add("core", box(core, 0.0, height + 0.3))
        draft.add("main", body(upper, height, eaves, roof))
        draft.add("pilotis", pilotis(dice, upper, height))
    if dice.chance(0.4):
        # Not under a body on columns, where they would hang among these.
        floors = range(1 if slides else 2, storeys)
        draft.add("balcony", balconies(dice, upper, floors, height, rear=dice.chance(0.5)))
    return Brief("modern villa", "rectangle", roof.kind, roof.pitch, eaves, storeys, height)
