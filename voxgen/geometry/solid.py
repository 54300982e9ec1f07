"""A building as design tools take it: named solids with what they are, storeys, and a place in the world.

A mass is one solid; a building of elements is many: slabs, walls, a roof. Where a solid is a vertical prism
it says so beside its faces, since tools that hold profiles and heights can then edit it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from .polyhedron import NO_STOREY, Polyhedron, with_classes
from .triangulate import offsets_of

MASS = "mass"
"""Kind of a solid that is a whole building, or a detached piece of one."""


@dataclass(frozen=True)
class Extrusion:
    """A vertical prism.

    Attributes:
        rings: (n, 2) metres each, the outer one first and counter-clockwise, holes clockwise, none closed.
        base: level of its foot in metres.
        height: in metres, above 0.
    """

    rings: tuple[Float[np.ndarray, "_ 2"], ...]
    base: float
    height: float

    def polyhedron(self) -> Polyhedron:
        """Give its faces: foot, top, and a wall for each side of the rings; classes by slope."""
        flat = np.concatenate(self.rings)
        count = len(flat)
        foot, top = (np.column_stack([flat, np.full(count, z)]) for z in (self.base, self.base + self.height))
        ring_offsets = offsets_of(np.array([len(ring) for ring in self.rings]))
        spans = list(zip(ring_offsets[:-1].tolist(), ring_offsets[1:].tolist(), strict=True))
        down = [np.arange(b, e)[::-1] for b, e in spans]
        up = [np.arange(b, e) + count for b, e in spans]
        a = np.concatenate([np.arange(b, e) for b, e in spans])
        b = np.concatenate([np.roll(np.arange(b, e), -1) for b, e in spans])
        walls = np.stack([a, b, b + count, a + count], axis=1)
        loops = np.concatenate([*down, *up, walls.reshape(-1)])
        sizes = [len(ring) for ring in (*down, *up)] + [4] * count
        holes = len(self.rings)
        polygons = np.concatenate([[0, holes], np.arange(2 * holes, 2 * holes + count + 1)])
        return with_classes(np.concatenate([foot, top]), loops, offsets_of(np.array(sizes)), polygons)


@dataclass(frozen=True)
class Solid:
    """A named body.

    Attributes:
        name: distinct within its building.
        kind: `MASS`, or the element that it is: `slab`, `wall`, `roof`.
        surface: its faces in metres, Z up.
        storey: index of its storey in the building's, `NO_STOREY` where it belongs to none.
        extrusion: the prism that it is, where it is one; the same body as `surface`.
        attributes: what else is known of it, plain values by name.
    """

    name: str
    kind: str
    surface: Polyhedron
    storey: int = NO_STOREY
    extrusion: Extrusion | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storey:
    """A storey of a building.

    Attributes:
        name: such as `Storey 1`.
        elevation: level of its floor in metres, in the building's coordinates.
        height: floor to floor, in metres.
    """

    name: str
    elevation: float
    height: float


@dataclass(frozen=True)
class Georeference:
    """Where a building's local coordinates lie in the world.

    Attributes:
        crs: projected reference system in metres, such as `EPSG:7415`.
        at: easting, northing and height of the local origin, in metres.
        yaw: radians from the system's easting to the local x, counter-clockwise from above.
    """

    crs: str
    at: tuple[float, float, float]
    yaw: float = 0.0


@dataclass(frozen=True)
class Model:
    """A building as it is to be written.

    Attributes:
        name: of the building.
        solids: its bodies, in one set of local coordinates: metres, Z up.
        storeys: from the lowest; empty where none are known.
        measures: quantities by name, as `geometry.measure` gives them.
        metadata: what else to say, such as run, seed and licence.
        georeference: where it stands, where that is known.
    """

    name: str
    solids: tuple[Solid, ...]
    storeys: tuple[Storey, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    georeference: Georeference | None = None
