"""Where a model's grid lies on a site, and what of the site lies in each voxel.

A model's buildings stand in the middle of their grid, with the long side along x. The grid is laid over the
part of the site that may be built, along the long side of its smallest rectangle or as the brief says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..elements.booleans import triangles_of
from ..geometry.grid import FULL
from ..geometry.mesh import rotation_z
from ..geometry.placement import Placement, footprint_rectangle
from ..geometry.voxelize import voxelize
from .pose import Places
from .site import Site

if TYPE_CHECKING:
    from manifold3d import Manifold


@dataclass(frozen=True)
class Room:
    """A site in the voxels of a grid.

    Attributes:
        lay: where the grid lies, as high as anything may be built.
        allowed: share of each voxel that may be built.
        keep: share of each voxel that must be.
    """

    lay: Placement
    allowed: Float[np.ndarray, "x y z"]
    keep: Float[np.ndarray, "x y z"]

    @cached_property
    def places(self) -> Places:
        """Where buildings lie best."""
        return Places.of(self.allowed, self.keep)


def room_of(
    site: Site, resolution: tuple[int, int, int], pitch: float, orientation: float | None = None
) -> Room:
    """Lay a grid over a site.

    Args:
        site: the site.
        resolution: voxels along x, y and z.
        pitch: metres a voxel.
        orientation: of the grid's x axis in degrees from the site's; along the site's long side where None.
    """
    return room_in(site, _lay(site, resolution, pitch, orientation))


def room_in(site: Site, lay: Placement) -> Room:
    """Give a site in the voxels of a grid that lies somewhere."""
    # Voids are cut by themselves: a solid's inner shells could be doubled sheets.
    allowed = np.clip(_share(site.hull, lay) - _share(site.hull ^ site.taken, lay), 0.0, 1.0)
    # Layers above what may be built would only cost time.
    x, y, _ = lay.resolution
    top = int(np.flatnonzero(allowed.any(axis=(0, 1))).max(initial=0)) + 1
    lay, allowed = replace(lay, resolution=(x, y, top)), np.ascontiguousarray(allowed[:, :, :top])
    return Room(lay, allowed, np.minimum(_share(site.keep, lay), allowed))


def window_of(lay: Placement) -> Manifold:
    """Give the box of a grid as a solid."""
    from manifold3d import Manifold

    size = np.array(lay.resolution) * lay.pitch
    box = Manifold.cube(tuple(size.tolist()))
    return box.rotate((0.0, 0.0, math.degrees(lay.yaw))).translate(tuple(lay.origin.tolist()))


def _lay(site: Site, resolution: tuple[int, int, int], pitch: float, orientation: float | None) -> Placement:
    import shapely

    rings = [shapely.LinearRing(ring) for ring in site.envelope.project().to_polygons()]
    plan = shapely.build_area(shapely.unary_union(rings))
    points = shapely.get_coordinates(plan)
    yaw = footprint_rectangle(points).yaw if orientation is None else math.radians(orientation)
    size = np.array(resolution) * pitch
    turned = points @ rotation_z(yaw)[:2, :2]
    if np.all(np.ptp(turned, axis=0) <= size[:2]):
        middle = rotation_z(yaw)[:2, :2] @ ((turned.min(axis=0) + turned.max(axis=0)) / 2)
    elif not site.keep.is_empty():
        x0, y0, _, x1, y1, _ = site.keep.bounding_box()
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    else:
        # Most of the room around: the point that lies deepest inside.
        largest = max(shapely.get_parts(plan), key=lambda part: part.area)
        middle = np.array(shapely.maximum_inscribed_circle(largest, tolerance=0.1).coords[0])
    corner = rotation_z(yaw) @ np.array([*(-size[:2] / 2), 0.0])
    origin = np.array([*middle, 0.0]) + corner
    return Placement(origin, yaw, pitch, resolution, np.array([*np.ptp(turned, axis=0), site.top]))


def _share(solid: Manifold, lay: Placement) -> Float[np.ndarray, "x y z"]:
    if solid.is_empty():
        return np.zeros(lay.resolution)
    mesh = triangles_of(solid)
    return voxelize(mesh, lay.resolution, lay.pitch, lay).values.astype(np.float64) / FULL
