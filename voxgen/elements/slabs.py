"""Slabs: the ground slab, one slab for each storey, and one below each overhang.

All but those below a sloped overhang are extrusions: a plan polygon, a level and a height. A slab lies on its
level, from there up, so that a cantilever or a passage whose underside is at a level is closed by that
level's slab. An overhang at another height gets a slab of its own above its underside, over the wall below
it too. Slabs reach to the outer faces; walls stand between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .booleans import between, prism, shares, swept, without
from .envelope import Envelope, Slope
from .plans import areas, joined, plan_of, section, without_slivers
from .roofs import Roof
from .settings import ElementSettings
from .storeys import Level
from .walls import Wall

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import Polygon

_REACH = 5e-3
"""Metres by which a slab that cuts walls reaches past its own outline, so that no skin is left of them."""

_THIN = 0.01
"""Height in metres below which a slab between an overhang and a level is none."""


@dataclass(frozen=True)
class Slab:
    """A slab.

    Attributes:
        storey: index of its storey.
        role: `ground`, `floor` or `soffit`.
        solid: the whole of it.
        plan: its outline where it is an extrusion from `base` up by `height`.
        base: level of its lower face in metres.
        height: in metres.
    """

    storey: int
    role: str
    solid: Manifold
    plan: Polygon | None
    base: float
    height: float

    def taken_from(self, wall: Manifold, low: float) -> Manifold:
        """Give a piece of wall, which begins at the level `low`, without the slab."""
        if not shares(self.solid, wall):
            return wall
        if self.plan is None:
            return wall - self.solid
        top = self.base + self.height
        if self.base <= low + 1e-9:
            foot = between(wall, low, top)
            if (foot ^ self.solid).volume() > foot.volume() * (1 - 1e-6):
                return wall.trim_by_plane((0.0, 0.0, 1.0), top)
        below = 1.0 if self.base <= low + 1e-9 else 0.0
        return wall - prism(
            self.plan.buffer(_REACH, join_style="mitre"), self.base - below, self.height + below
        )


def slabs_of(
    envelope: Envelope,
    levels: Sequence[Level],
    roofs: Sequence[Roof],
    walls: Sequence[Wall],
    settings: ElementSettings,
    mass: Manifold,
) -> list[Slab]:
    """Give the slabs of a mass, from the lowest storey up."""
    found = []
    for number, level in enumerate(levels):
        role = "floor" if number else "ground"
        for plan in level.slab:
            found.append(_flat(number, role, plan, level.storey.elevation, settings.slab))
    ledges: dict[int, list] = {}
    for wall in walls:
        for place, ledge in wall.ledges.items():
            ledges.setdefault(int(envelope.across[place]), []).append(ledge)
    ground = levels[0].storey.elevation
    for face in envelope.faces(Slope.SOFFIT):
        low, high = envelope.levels(face)
        if high - low > 1e-3:
            found += _sloped(envelope, face, levels, found, roofs, settings, mass)
        elif low > ground + 1e-3:
            outline = joined([envelope.plans[face], *(plan_of([one]) for one in ledges.get(face, []))])
            found += _soffit(envelope, outline, low, levels, roofs, settings)
    return found


def _flat(storey: int, role: str, plan: Polygon, base: float, height: float) -> Slab:
    return Slab(storey, role, prism(plan, base, height), plan, base, height)


def _soffit(
    envelope: Envelope,
    outline,
    low: float,
    levels: Sequence[Level],
    roofs: Sequence[Roof],
    settings: ElementSettings,
) -> list[Slab]:
    """The slabs above a level underside, up to those of the storeys."""
    top = low + settings.slab
    # A ledge is as wide as a wall, which a thin mass is not.
    outline = outline.intersection(section(envelope.mesh, low + 1e-3))
    outline = outline.difference(joined(roof.within(envelope, low, top) for roof in roofs))
    storey = _storey_at(levels, top)
    found = []
    for level in levels:
        begin = level.storey.elevation
        if not low - settings.slab < begin < top:
            continue
        floor = joined(level.slab)
        if begin - low > _THIN:
            parts = without_slivers(areas(outline.intersection(floor)))
            found += [_flat(storey, "soffit", part, low, begin - low) for part in parts]
        outline = outline.difference(floor)
    found += [_flat(storey, "soffit", part, low, settings.slab) for part in without_slivers(areas(outline))]
    return found


def _sloped(
    envelope: Envelope,
    face: int,
    levels: Sequence[Level],
    slabs: Sequence[Slab],
    roofs: Sequence[Roof],
    settings: ElementSettings,
    mass: Manifold,
) -> list[Slab]:
    """The slab above a sloped underside."""
    import numpy as np

    rise = settings.slab / abs(float(envelope.normals[face, 2]))
    triangles, source = envelope.mass.triangles
    solid = swept(envelope.mass.vertices, triangles[source == face], np.array([0.0, 0.0, rise]))
    solid = without(solid, [*(roof.solid for roof in roofs), *(slab.solid for slab in slabs)]) ^ mass
    low, high = envelope.levels(face)
    return [Slab(_storey_at(levels, low + rise), "soffit", solid, None, low, high + rise - low)]


def _storey_at(levels: Sequence[Level], height: float) -> int:
    """Index of the last storey that begins at a height or below."""
    return max(n for n, level in enumerate(levels) if n == 0 or level.storey.elevation <= height + 1e-6)
