"""A design as a solid that keeps the brief exactly, and the proof of it.

A grid holds a site to the voxel. What is exported is the planar surface of the grid, cut by the envelope's
own faces and joined with what stays; the proof is by booleans of solids alone, whatever made them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..elements.booleans import bounded, pieces, solid_of
from ..elements.surfaces import polyhedra_of
from ..errors import DataError
from ..export import polyhedron_of
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh
from ..geometry.polyhedron import Polyhedron
from .site import Site

_EXACT = (1e-5, 0.0)
"""Metres by which the surface may move where that saves vertices: less than a hair."""

_MOST_LOST = 0.1
"""Share of the building that may be cut off as loose pieces."""

_CRUMB = 1e-4
"""Cubic metres of what stays that rounding loses."""

_LEVEL = 1e-3
"""Metres above the ground at which contact with it is measured."""


@dataclass(frozen=True)
class Proof:
    """What a solid breaks of a site.

    Attributes:
        volume: of the solid, m3.
        outside: of it, what lies outside the envelope, or in what must stay free, m3.
        missing: of what stays, what is not in it, m3.
        pieces: that it has.
        below: metres that it reaches below the ground.
        contact: m2 with which it stands on the ground.
    """

    volume: float
    outside: float
    missing: float
    pieces: int
    below: float
    contact: float

    @property
    def holds(self) -> bool:
        """True where the site is kept, to a millionth of the volume."""
        crumb = 1e-6 * self.volume
        return (
            self.volume > 0
            and self.outside <= crumb
            and self.missing <= crumb
            and self.pieces == 1
            and self.below <= 1e-6
            and self.contact > 0
        )


def exact(grid: VoxelGrid, site: Site) -> tuple[Polyhedron, float]:
    """Give a design's surface within its site, and the volume in m3 that was cut off or added for that.

    Raises:
        DataError: where nothing is left, what stays is not joined with it, or it falls apart.
    """
    mass = solid_of(polyhedron_of(grid, "planar").to_mesh())
    parts = pieces((mass ^ site.inner) + site.keep)
    if not parts:
        raise DataError("nothing of the building lies within the envelope")
    largest = max(parts, key=lambda part: part.volume())
    lost = sum(part.volume() for part in parts) - largest.volume()
    if lost > _MOST_LOST * largest.volume() or (site.keep - largest).volume() > _CRUMB:
        raise DataError(
            "the building falls apart where the envelope cuts it, or is not joined with what stays"
        )
    surfaces, _ = polyhedra_of(largest, _EXACT)
    if len(surfaces) != 1:
        raise DataError("the building touches itself where the envelope cuts it")
    changed = (mass - largest).volume() + (largest - mass).volume()
    return surfaces[0], changed


def proof(mesh: Mesh, site: Site) -> Proof:
    """Hold a closed mesh, wherever it is from, against a site.

    Raises:
        DataError: for a mesh that is not closed.
    """
    from manifold3d import Error

    solid = bounded(mesh.vertices, mesh.faces)
    if solid.status() != Error.NoError:
        raise DataError("the mesh is no closed solid, so nothing can be proved of it")
    return Proof(
        volume=solid.volume(),
        outside=(solid - site.envelope).volume(),
        missing=(site.keep - solid).volume(),
        pieces=len(pieces(solid)),
        below=max(0.0, -float(solid.bounding_box()[2])),
        contact=solid.slice(_LEVEL).area(),
    )
