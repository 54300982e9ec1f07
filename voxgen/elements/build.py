"""A mass to its elements: roofs first, then slabs, then walls between them.

Each element is one closed solid. They lie within the mass, do not overlap by more than a crumb (a tenth of a
litre), and leave no opening in its surface: what is left of the mass are rooms, closed all around.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..geometry.mesh import SurfaceClass
from ..geometry.polyhedron import Polyhedron
from ..geometry.solid import Model, Solid
from .booleans import CRUMB, between, pieces, solid_of, union, without
from .envelope import Envelope
from .outside import outer_faces
from .prisms import prism_of
from .roofs import roofs_of
from .settings import HEADROOM, ElementSettings
from .slabs import Slab, slabs_of
from .storeys import Level, levels_of
from .surfaces import polyhedra_of
from .walls import walls_of

if TYPE_CHECKING:
    from manifold3d import Manifold

MOST_FACES = 5000
"""Faces of a mass above which it is a free form, with no walls and roofs to be told apart."""

_PAST = 1.0
"""Height in metres by which a wall must pass a level on both sides to be cut there."""

_LOW = 1e-3
"""Metres within which a piece begins at a level."""


@dataclass(frozen=True)
class Elements:
    """A mass and what it is made of.

    Attributes:
        mass: as it was given.
        origin: (3,) of the envelope's coordinates; heights are the same.
        envelope: the faces of the mass, near the origin.
        settings: heights and thicknesses.
        levels: the storeys with their plans, from the ground up.
        solids: `slab`, `wall` and `roof`, from the lowest storey up.
        notes: what the reader of the result should know, such as parts that are left out.
    """

    mass: Polyhedron
    origin: Float[np.ndarray, " 3"]
    envelope: Envelope
    settings: ElementSettings
    levels: tuple[Level, ...]
    solids: tuple[Solid, ...]
    notes: tuple[str, ...] = ()

    def model(self, name: str, **more: Any) -> Model:
        """Give them as writers take them; `more` are further fields of a `Model`."""
        return Model(name, self.solids, tuple(level.storey for level in self.levels), **more)


def elements_of(mass: Polyhedron, settings: ElementSettings | None = None) -> Elements:
    """Give the elements of a mass.

    Names are distinct and the same each time, such as `wall-1-03`: kind, storey, number. The attributes of a
    solid tell its `role` (`ground`, `floor`, `soffit`, `outer`, `roof`), its `volume` in m3, its `area` in m2
    (of a slab in plan, of a wall and a roof outside) and the `azimuth` of a wall's outer face, in degrees
    clockwise from +y. Faces on the surface of the mass bear its classes, those inside none. A solid that is
    an upright prism has its extrusion.

    Args:
        mass: closed and 2-manifold, in metres, Z up, such as `planar` or `block_polygons` give.
        settings: storey heights and thicknesses; the defaults where left out.

    Raises:
        DataError: for a mass without faces, one that is not closed, or a free form of over `MOST_FACES`.
    """
    settings = settings or ElementSettings()
    if len(mass) == 0:
        raise DataError("the mass is empty, so there are no elements; skip empty buildings")
    if len(mass) > MOST_FACES:
        raise DataError(
            f"the mass has {len(mass)} faces, a free form without walls and roofs (at most {MOST_FACES}); "
            "give a planar surface, as --surface planar makes it"
        )
    origin = np.append(np.round(mass.vertices[mass.loops, :2].mean(axis=0), 3), 0.0)
    envelope = Envelope.of(mass.moved(mass.vertices - origin))
    whole = solid_of(envelope.mesh)
    walls = walls_of(envelope, settings.wall)
    roofs = roofs_of(envelope, walls, settings.roof, whole)
    levels = levels_of(envelope, roofs, settings)
    slabs = slabs_of(envelope, levels, roofs, walls, settings, whole)
    bodies = [(slab.storey, "slab", slab.role, slab.solid, -1) for slab in slabs]
    for roof in roofs:
        underside = max(envelope.levels(face)[1] for face in roof.faces) - roof.depth
        storey = _storey_below(levels, underside - settings.slab - HEADROOM)
        bodies.append((storey, "roof", "roof", roof.solid, -1))
    taken: list[Manifold] = []
    for wall in walls:
        solid = without(wall.solid, [*(roof.cutter for roof in roofs), *taken])
        if (solid - whole).volume() > CRUMB:
            solid = solid ^ whole
        taken.append(solid)
        for storey, piece in _by_storeys(solid, levels, slabs):
            bodies.append((storey, "wall", "outer", piece, wall.face))
    made, lost = [], 0.0
    for storey, kind, role, body, face in bodies:
        surfaces, volume = polyhedra_of(body)
        made += [(storey, kind, role, surface, face) for surface in surfaces]
        lost += volume
    if not made:
        raise DataError("nothing of the mass could be made closed elements; export it as a mass")
    notes = (f"{lost:.3f} m3 could not be made closed elements and are left out",) if lost > 0 else ()
    solids = tuple(_named(envelope, made, origin))
    there = tuple(_moved(level, origin) for level in levels)
    return Elements(mass, origin, envelope, settings, there, solids, notes)


def _storey_below(levels: Sequence[Level], height: float) -> int:
    """Index of the last storey that begins below a height."""
    return max(n for n, level in enumerate(levels) if n == 0 or level.storey.elevation < height - 1e-3)


def _by_storeys(wall: Manifold, levels: Sequence[Level], slabs: Sequence[Slab]) -> list[tuple[int, Manifold]]:
    """Cut a wall at the levels that it passes, and take the slabs from the pieces.

    What is left beside a slab, where it ends below a sloped roof, stays with the piece below.
    """
    if wall.is_empty():
        return []
    box = wall.bounding_box()
    starts = [level.storey.elevation for level in levels[1:]]
    cuts = [box[2], *(z for z in starts if box[2] + _PAST < z < box[5] - _PAST), box[5]]
    found: list[tuple[int, Manifold]] = []
    for low, high in pairwise(cuts):
        piece = between(wall, low, high) if len(cuts) > 2 else wall
        for slab in slabs:
            piece = slab.taken_from(piece, low)
        stands = []
        for part in pieces(piece):
            if found and part.bounding_box()[2] < low + _LOW and part.bounding_box()[5] < low + _PAST / 2:
                found[-1] = (found[-1][0], found[-1][1] + part)
            else:
                stands.append(part)
        found.append((_storey_below(levels, (low + high) / 2), union(stands)))
    return found


def _named(
    envelope: Envelope, bodies: list[tuple[int, str, str, Polyhedron, int]], origin: Float[np.ndarray, " 3"]
) -> list[Solid]:
    order = {"slab": 0, "wall": 1, "roof": 2}
    counts: dict[tuple[str, int], int] = {}
    solids = []
    for storey, kind, role, surface, face in sorted(bodies, key=lambda one: (one[0], order[one[1]])):
        on = np.array(outer_faces(surface, envelope))
        labels = np.where(on >= 0, envelope.classes[on], SurfaceClass.UNKNOWN).astype(np.uint8)
        number = counts[kind, storey] = counts.get((kind, storey), 0) + 1
        said: dict[str, Any] = {"role": role, "volume": round(surface.to_mesh().volume, 4)}
        if kind == "wall":
            x, y, _ = envelope.normals[face].tolist()
            area = surface.areas[on == face].sum()
            said |= {
                "area": round(float(area), 4),
                "azimuth": round(float(np.degrees(np.arctan2(x, y))) % 360, 2),
            }
        elif kind == "roof":
            said["area"] = round(float(surface.areas[labels == SurfaceClass.ROOF].sum()), 4)
        else:
            flat = surface.area_vectors[:, 2]
            said["area"] = round(float(flat[flat > 0].sum()), 4)
        moved = replace(surface, vertices=surface.vertices + origin, labels=labels)
        moved = replace(moved, storeys=np.full(len(moved), storey, np.int64))
        name = f"{'ground-slab' if role == 'ground' else kind}-{storey}-{number:02d}"
        solids.append(Solid(name, kind, moved, storey, prism_of(moved), said))
    return solids


def _moved(level: Level, origin: Float[np.ndarray, " 3"]) -> Level:
    import shapely

    def there(shape: Any) -> Any:
        return shapely.transform(shape, lambda points: points + origin[:2])

    return Level(level.storey, [there(one) for one in level.slab], there(level.plan), there(level.clear))
