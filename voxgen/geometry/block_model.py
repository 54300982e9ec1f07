"""The block model of a body, LoD1.2 (Biljecki et al. 2016): its footprint, raised to one height.

The footprint is all that roofs cover, in plan. The height is the one that 70 % of the roof's area stays
below, as in the 3DBAG (Peters et al. 2022).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer

from .polyhedron import Polyhedron
from .solid import Extrusion

_SHARE = 0.7
_GRID = 1e-3
"""Metres to which outlines are snapped before they are joined."""

_SLIVER = 0.05
"""Square metres below which a piece or a hole of the footprint is left out."""


def block_model(surface: Polyhedron, polygons: Integer[np.ndarray, " n"]) -> Extrusion | None:
    """Give the block of a body; None where it has no roof, or a footprint that is not in one piece.

    Args:
        surface: closed, in metres, Z up.
        polygons: numbers of the body's faces.
    """
    import shapely

    faces, source = surface.triangles
    corners = surface.vertices[faces[np.isin(source, polygons)]]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
    roofs, areas = corners[flat > 1e-9], flat[flat > 1e-9]
    if len(roofs) == 0:
        return None
    joined = shapely.union_all(shapely.polygons(roofs[:, :, :2]), grid_size=_GRID)
    pieces = [piece for piece in shapely.get_parts(joined) if piece.area >= _SLIVER]
    if len(pieces) != 1:
        return None
    outer, *holes = shapely.get_rings(pieces[0]).tolist()
    kept = [hole for hole in holes if shapely.area(shapely.polygons(hole)) >= _SLIVER]
    plan = shapely.orient_polygons(shapely.simplify(shapely.Polygon(outer, kept), _GRID))
    base = float(corners[:, :, 2].min())
    rings = tuple(shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(plan))
    return Extrusion(rings, base, _percentile(roofs[:, :, 2].mean(axis=1), areas) - base)


def _percentile(heights: Float[np.ndarray, " n"], areas: Float[np.ndarray, " n"]) -> float:
    """The height that `_SHARE` of the area stays below."""
    order = np.argsort(heights)
    below = np.cumsum(areas[order])
    return float(heights[order][np.searchsorted(below, _SHARE * below[-1])])
