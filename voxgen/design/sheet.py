"""Designs where they stand: on their plot, among the neighbours, with what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..elements.booleans import prism, triangles_of
from ..geometry.blocks import blocks
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh
from ..pictures import paint_scene
from ..pictures.isometric import Colour
from ..pictures.palette import CONTEXT, CUT, LAND, STAYS

if TYPE_CHECKING:
    from .search import Design
    from .site import Site

Part = tuple[Mesh, Colour | None]
"""A mesh and its colour."""

_THICK = 0.3
"""Metres of card that the plot is drawn as."""

_AROUND = 1.5
"""Neighbours are drawn as far as this many of the plot's lengths from its middle."""


def in_context(design: Design, site: Site, size: int = 320) -> Image.Image:
    """Give a picture of a design on its site."""
    parts: list[Part] = [(design.surface.to_mesh(), None), *surroundings(site)]
    return paint_scene(parts, size)


def taken_away(design: Design, site: Site, size: int = 320) -> Image.Image:
    """Give a picture of a design with what the rules took away of it, in red."""
    fitted = design.candidate.fitted
    cut = VoxelGrid(fitted.lost, fitted.grid.pitch, fitted.grid.origin, fitted.grid.yaw)
    parts: list[Part] = [(design.surface.to_mesh(), None), *surroundings(site)]
    if cut.occupancy.any():
        parts.append((blocks(cut), CUT))
    return paint_scene(parts, size)


def surroundings(site: Site) -> list[Part]:
    """Give the plot, the neighbours near it and what stays, each with its colour."""
    polygon = site.plot.polygon
    parts: list[Part] = [(triangles_of(prism(polygon, -_THICK, _THICK)), LAND)]
    x0, y0, x1, y1 = polygon.bounds
    middle, reach = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), _AROUND * max(x1 - x0, y1 - y0)
    for mesh in site.context:
        low, high = mesh.bounds
        if np.abs((low[:2] + high[:2]) / 2 - middle).max() < reach:
            parts.append((mesh, CONTEXT))
    if not site.keep.is_empty():
        parts.append((triangles_of(site.keep), STAYS))
    return parts
