"""Which solids are upright prisms: one polygon below, the same above, upright sides between."""

from __future__ import annotations

import numpy as np

from ..geometry.polyhedron import Polyhedron
from ..geometry.solid import Extrusion

_LEVEL = 1e-6
"""Metres within which heights are one."""


def prism_of(surface: Polyhedron) -> Extrusion | None:
    """Give the extrusion that a closed surface is, None where it is none."""
    heights = surface.vertices[surface.loops, 2]
    base, top = float(heights.min()), float(heights.max())
    if top - base < _LEVEL or (np.minimum(heights - base, top - heights) > _LEVEL).any():
        return None
    rise = surface.normals[:, 2]
    up, down = np.flatnonzero(rise > 1 - _LEVEL), np.flatnonzero(rise < _LEVEL - 1)
    if len(up) != 1 or len(down) != 1 or (np.abs(np.delete(rise, [up[0], down[0]])) > _LEVEL).any():
        return None
    rings = tuple(np.ascontiguousarray(ring[:, :2]) for ring in surface.polygon(int(up[0])))
    return Extrusion(rings, base, top - base)
