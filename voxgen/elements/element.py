"""The one form of a building element, from which every writer makes what its format has for it.

Metres, Z up, float64. An element is one closed solid in one piece. Where it is prismatic and upright it says
so by its `Extrusion`, which is the same solid: writers that know extrusions take that, others the polygons.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from ..geometry.polyhedron import Polyhedron


class ElementClass(StrEnum):
    """What an element is; beside it what IFC 4 calls it."""

    GROUND_SLAB = "ground_slab"
    """IfcSlab, BASESLAB."""
    SLAB = "slab"
    """IfcSlab, FLOOR: floors, and what closes a mass from below."""
    WALL = "wall"
    """IfcWall."""
    ROOF = "roof"
    """IfcRoof, or IfcSlab, ROOF; flat and pitched, terraces too."""


@dataclass(frozen=True)
class Extrusion:
    """A plan polygon raised straight up.

    Attributes:
        rings: (n, 2) metres in plan, the first point not repeated; the outer ring first, counter-clockwise,
            then the holes, clockwise.
        base: level of the lower face in metres.
        depth: metres up from there.
    """

    rings: tuple[Float[np.ndarray, "_ 2"], ...]
    base: float
    depth: float


@dataclass(frozen=True)
class Storey:
    """A level with floor area.

    Attributes:
        number: from 0 at the ground.
        elevation: of its lower face, where its slab begins, in metres.
        height: to the next storey in metres; of the last one to the top of the building.
    """

    number: int
    elevation: float
    height: float

    @property
    def name(self) -> str:
        """Give its name."""
        return f"storey-{self.number}"


@dataclass(frozen=True)
class Element:
    """One slab, wall or roof.

    Attributes:
        name: distinct within its building, and the same each time: `storey-1-wall-03`.
        kind: what it is.
        storey: number of its `Storey`.
        solid: closed, 2-manifold, turned outwards; the labels tell outer wall, roof and ground faces, which
            lie on the surface of the mass, from faces inside (`SurfaceClass.UNKNOWN`).
        extrusion: the same solid as an upright prism, None where it is none.
        azimuth: of a wall's outer face in degrees clockwise from north (+y); None for others.
    """

    name: str
    kind: ElementClass
    storey: int
    solid: Polyhedron
    extrusion: Extrusion | None = None
    azimuth: float | None = None
