"""The footprint: what a building covers of the plan.

It is the union of the plan projections of all triangles, grown by a centimetre with mitred corners and
shrunk back. The centimetre closes the seams between parts that almost touch, and decides what counts as one
polygon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from .mesh import Mesh
from .topology import check

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

SEAM = 0.01
"""Parts closer than twice this, in metres, are one footprint."""

_SLIVER = 1e-4
"""Triangles with less plan area, in square metres, are walls."""


def footprint(mesh: Mesh) -> BaseGeometry:
    """Give the footprint as a shapely polygon or multi-polygon, metres; empty where all faces are vertical.

    Raises:
        DataError: a mesh without faces or with vertices that are not finite.
    """
    grown = _grown(mesh)
    shrunk = grown
    # GEOS loses a polygon now and then when it shrinks it, with each kind of join another one.
    for join in ("mitre", "round", "bevel"):
        shrunk = grown.buffer(-SEAM, join_style=join, quad_segs=2)
        if shrunk.area >= grown.area - 2 * SEAM * grown.length:
            break
    return shrunk


def n_footprint_polygons(mesh: Mesh) -> int:
    """Count the separate polygons of the footprint; parts within two centimetres count as one."""
    import shapely

    grown = _grown(mesh)
    return 0 if grown.is_empty else int(shapely.get_num_geometries(grown))


def _grown(mesh: Mesh) -> BaseGeometry:
    import shapely

    check(mesh)
    # The union is grown, not the triangles: mitres at their sharp corners would reach over wider gaps.
    return shapely.union_all(shapely.polygons(_plan(mesh))).buffer(SEAM, join_style="mitre")


def _plan(mesh: Mesh) -> Float[np.ndarray, "n 3 2"]:
    """Plan projections of the triangles that have one."""
    plan = mesh.triangles[:, :, :2]
    u, w = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
    return plan[np.abs(u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / 2 > _SLIVER]
