"""Storeys: the levels at which a mass has floor, and the plan of each.

Heights are counted from the lowest point of the mass. A storey begins with the lower face of its slab and
ends with the lower face of the next; its floor level is the upper face. It has floor where the mass fills the
slab's whole depth outside the roof, and over an overhang that begins up to `HEADROOM` higher. Below a roof
face under which nobody can stand anywhere there is none: a low wing's attic is no floor. A level is a storey
where at least `LEAST_AREA` of its floor has headroom; the ground is one always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..geometry.solid import Storey
from .envelope import Envelope, Slope
from .plans import areas, joined, section, without_slivers
from .roofs import Roof
from .settings import HEADROOM, ElementSettings

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

LEAST_AREA = 5.0
"""Floor with headroom in m2 that makes a level a storey."""

_NEAR = 1e-3
"""Metres within which a soffit lies at a level."""


@dataclass(frozen=True)
class Level:
    """A storey with its plans.

    Attributes:
        storey: name, elevation of the lower face of its slab, height.
        slab: where its slab lies; from its lower face to its upper one the mass fills this plan.
        plan: the section of the mass at floor level to the outer faces, with low overhangs, without low
            wings: its gross floor.
        clear: the part of it that has headroom below the roof.
    """

    storey: Storey
    slab: list[Polygon]
    plan: MultiPolygon
    clear: MultiPolygon


def levels_of(envelope: Envelope, roofs: Sequence[Roof], settings: ElementSettings) -> list[Level]:
    """Give the storeys of a mass from the ground up."""
    heights = envelope.mass.vertices[envelope.mass.loops, 2]
    ground, top = float(heights.min()), float(heights.max())
    found: list[Level] = []
    for way in settings.levels(top - ground):
        level = _level(envelope, roofs, ground + way, settings, len(found))
        if not found or level.clear.area >= LEAST_AREA:
            found.append(level)
    ends = [level.storey.elevation for level in found[1:]] + [top]
    return [
        Level(
            Storey(level.storey.name, level.storey.elevation, end - level.storey.elevation),
            level.slab,
            level.plan,
            level.clear,
        )
        for level, end in zip(found, ends, strict=True)
    ]


def _level(
    envelope: Envelope, roofs: Sequence[Roof], base: float, settings: ElementSettings, number: int
) -> Level:
    floor = base + settings.slab
    head = floor + HEADROOM
    standing = areas(
        section(envelope.mesh, head).difference(joined(r.within(envelope, head - _NEAR, head) for r in roofs))
    )
    low = [
        envelope.plans[face]
        for roof in roofs
        for face in roof.faces
        if number and base < envelope.levels(face)[1] < head + roof.depth
    ]
    raised = joined(
        envelope.plans[face]
        for face in envelope.faces(Slope.SOFFIT)
        if floor <= envelope.levels(face)[0] < head
    )
    overhang = raised.intersection(section(envelope.mesh, head))
    plan = areas(section(envelope.mesh, floor).union(overhang).difference(joined(low)))
    filled = section(envelope.mesh, base + settings.slab / 2)
    taken = [roof.within(envelope, base, floor) for roof in roofs]
    taken += [envelope.part(face, base + _NEAR, floor - _NEAR) for face in envelope.faces(Slope.SOFFIT)]
    taken += [envelope.tilted(face, base, floor) for face in envelope.faces(Slope.WALL)]
    slab = without_slivers(areas(filled.difference(joined([*low, *taken]))))
    return Level(Storey(f"Storey {number}", base, 0.0), slab, plan, areas(plan.intersection(standing)))
