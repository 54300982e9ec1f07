"""Buildings from a building: a part of it made anew, variations, offspring, and wholes of a part.

Each is a design on a site that the building itself makes: what stays is what is not to change, what may be
built is that and the region to be made anew. So all that holds for a site holds here, exactly, and for every
family. Latents are drawn near those of the building, and bent to agree with what stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from manifold3d import Manifold

from ..elements.booleans import between, closed
from ..errors import DataError, UsageError
from ..generator import Generator
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh
from ..geometry.placement import Placement, place
from ..geometry.voxelize import voxelize
from .brief import Rules, Targets
from .frame import room_in, window_of
from .plot import Plot
from .search import Designer, Near
from .site import FAR, Site

if TYPE_CHECKING:
    from shapely import Polygon

_MARGIN = 2.0
"""Metres around a building of the ground that it is drawn on."""

_HIGHER = 1.1
"""How high a whole may be over its part, or over the height that is wanted."""


@dataclass(frozen=True)
class Existing:
    """A building to begin from.

    Attributes:
        mesh: closed, less `offset`: on the ground, near the origin.
        solid: what it bounds.
        lay: where the model's grid lies around it.
        offset: metres to add for its own coordinates.
    """

    mesh: Mesh
    solid: Manifold
    lay: Placement
    offset: tuple[float, float, float]

    @property
    def grid(self) -> VoxelGrid:
        """The building in the model's voxels."""
        return voxelize(self.mesh, self.lay.resolution, self.lay.pitch, self.lay)


def existing(mesh: Mesh, generator: Generator) -> Existing:
    """Give a building as a model takes it.

    Raises:
        UsageError: when it is larger than the model's grid.
        DataError: when it is not closed.
    """
    low, high = mesh.bounds
    middle = np.round((low + high) / 2) if np.abs(mesh.vertices[:, :2]).max() > FAR else np.zeros(3)
    offset = (float(middle[0]), float(middle[1]), float(low[2]))
    local = Mesh(mesh.vertices - np.array(offset), mesh.faces, mesh.labels, mesh.parts)
    lay = place(local, generator.resolution, generator.pitch)
    if not lay.fits:
        size, grid = (
            " x ".join(f"{v:.1f}" for v in values)
            for values in (lay.extents, np.array(lay.resolution) * lay.pitch)
        )
        raise UsageError(f"the building is {size} m, the model's grid {grid}; take a model of a larger grid")
    solid = closed(local)
    if solid is None:
        raise DataError(
            "the building is no closed solid; close it, for example with voxgen voxelize and export"
        )
    return Existing(local, solid, lay, offset)


def remade(
    generator: Generator,
    building: Existing,
    region: Manifold | None,
    strength: float,
    *,
    parents: Sequence[VoxelGrid] = (),
    targets: Targets | None = None,
    rules: Rules | None = None,
) -> Designer:
    """Give the designer of a building of which a region is made anew, and the rest stays as it is.

    Args:
        generator: the model.
        building: the building.
        region: in the coordinates of `building`; everything where None, and nothing stays.
        strength: from 0, as the model sees the building, to 1, as it would draw any.
        parents: further buildings whose latents are mixed in, in the model's voxels.
        targets: what is wanted.
        rules: what must hold.

    Raises:
        UsageError: for a region that lies beside the building's grid, and a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"strength = {strength}; give a share from 0 (as it is) to 1 (any building)")
    window = window_of(building.lay)
    if region is None:
        hull, keep = window, Manifold()
    else:
        inside = region ^ window
        if inside.volume() <= 0:
            raise UsageError(
                "the region lies beside the building's grid; give it in the building's coordinates"
            )
        hull, keep = building.solid + inside, building.solid - region
    site = _site(building, hull, keep)
    latents = [generator.find(grid) for grid in (building.grid, *parents)]
    near = Near(torch.cat(latents), strength)
    return Designer(generator, site, room_in(site, building.lay), targets, rules, near=near)


def completed(
    generator: Generator, building: Existing, targets: Targets | None = None, rules: Rules | None = None
) -> Designer:
    """Give the designer of whole buildings that a partial mass becomes: it stays, all around may be built.

    No higher than a little above the part, unless a height is wanted: a house is completed sideways.
    """
    height = float(building.mesh.bounds[1][2])
    if targets is not None and targets.height is not None:
        height = max(height, targets.height.value * (1 + targets.height.tolerance))
    hull = between(window_of(building.lay), 0.0, _HIGHER * height) + building.solid
    site = _site(building, hull, building.solid)
    return Designer(generator, site, room_in(site, building.lay), targets, rules)


def _site(building: Existing, hull: Manifold, keep: Manifold) -> Site:
    plot = Plot(_ground(building.solid + keep))
    return Site(plot, hull, Manifold(), hull, keep, (), building.offset, None, ())


def _ground(solid: Manifold) -> Polygon:
    import shapely

    x0, y0, _, x1, y1, _ = solid.bounding_box()
    return shapely.box(x0 - _MARGIN, y0 - _MARGIN, x1 + _MARGIN, y1 + _MARGIN)
