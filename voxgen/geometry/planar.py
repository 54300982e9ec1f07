"""Coverage to what a modeller would have drawn: few planes with sharp edges, closed.

`columns` reads the grid as a height field with voids, `roof_planes` finds the planes of the roof,
`plan_lines` the lines of the plan, `plan_cells` cuts the plan by them and says which plane lies over which
cell, and `height_field` raises the cells to a solid that is closed by construction. Voids (arcades, passages,
the air below a cantilever) are cut out of it as blocks. What comes out is checked; what is no closed
2-manifold, or strays too far from the grid, is given as `blocks` instead. The result's notes say so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .blocks import block_polygons
from .columns import Columns, columns
from .components import connected
from .contacts import separated
from .grid import VoxelGrid
from .height_field import capped, lifted, raised
from .plan_cells import label, partition
from .plan_lines import plan_lines
from .polyhedron import Polyhedron, nothing
from .roof_planes import roof_planes
from .shells import pieces
from .ties import tied
from .topology import topology
from .voids import carved

MOST_LINES = 200
"""A plan of more lines than this is no drawing any more."""

STRAY = 0.2
"""Share of the grid's volume by which the volume of the result may differ; more is no likeness."""

HOLLOW = 0.5
"""Share of what lies below a roof that may be hollow; more is no building."""

WHOLE = 0.97
"""Columns of which this share is built over tell the height of the roof."""

ROOM = 2
"""Empty columns put around the grid, for buildings that reach its rim."""

MARGIN = 1.6
"""Voxels around the built columns that the plan takes in."""


def planar(grid: VoxelGrid) -> Polyhedron:
    """Give a grid's surface as few planar polygons in world coordinates, metres.

    The result is closed, 2-manifold and turned outwards for any grid; an empty grid gives no polygons. Its
    notes tell what was given as blocks.
    """
    if not grid.occupancy.any():
        return nothing("the grid is empty")
    around = ((ROOM, ROOM), (ROOM, ROOM), (0, 0))
    read = columns(VoxelGrid(np.pad(grid.values, around), grid.pitch))
    solid, reason = _field(read, grid.pitch)
    if solid is None:
        return block_polygons(grid).with_notes(f"given as blocks: {reason}")
    if read.n_voids:
        solid = carved(solid, read)
        if not _sound(solid, grid.pitch):
            return block_polygons(grid).with_notes("given as blocks: its voids could not be cut out")
    volume, filled = solid.to_mesh().volume, float(np.count_nonzero(grid.occupancy))
    if abs(volume - filled) > STRAY * filled + 1.0:
        return block_polygons(grid).with_notes("given as blocks: planes would stray from its volume")
    if len(pieces(solid)) > connected(grid.occupancy)[1]:
        return block_polygons(grid).with_notes("given as blocks: planes would part it")
    return solid.moved(grid.to_world(solid.vertices + np.array([-ROOM, -ROOM, read.base])))


def _field(read: Columns, pitch: float) -> tuple[Polyhedron | None, str]:
    """The height field in voxels over the base, or why there is none."""
    inside = read.inside
    if not inside.any():
        return None, "no column is built over by half"
    if read.hollow > HOLLOW:
        return None, f"{read.hollow:.0%} of what lies below its roof is hollow"
    roof = roof_planes(read.height, inside, read.share > WHOLE)
    i, j = np.nonzero(inside)
    low = (float(i.min()) - MARGIN, float(j.min()) - MARGIN)
    high = (float(i.max()) + 1 + MARGIN, float(j.max()) + 1 + MARGIN)
    # The first drawing shows which planes nearly meet; the second is made with planes that do.
    for last in (False, True):
        lines = plan_lines(read.volume, read.share, roof)
        if len(lines) > MOST_LINES:
            return None, f"its plan has {len(lines)} lines"
        plan = partition(lines, low, high)
        labels = label(plan, roof.planes, roof.labels, read.volume)
        if last or len(roof.planes) == 1:
            break
        planes = tied(plan, labels, roof.planes, roof.moment, [line.exact for line in lines])
        roof = replace(roof, planes=planes)
    labels = lifted(plan, labels, roof.planes)
    labels, planes = capped(plan, labels, roof.planes, float(read.height.max()))
    labels = separated(plan, labels, planes)
    solid = raised(plan, labels, planes)
    if len(solid) == 0 or not _sound(solid, pitch):
        return None, "its planes do not close"
    return solid, ""


def _sound(solid: Polyhedron, pitch: float) -> bool:
    """Tell whether a solid in voxels is closed, 2-manifold and turned outwards, and manifold3d takes it."""
    from manifold3d import Error, Manifold
    from manifold3d import Mesh as Flat

    if len(solid) == 0:
        return False
    mesh = solid.to_mesh()
    found = topology(mesh.scaled(pitch))
    if not (found.is_closed and found.is_oriented) or found.faces != len(mesh.faces):
        return False
    made = Manifold(Flat(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32)))
    return made.status() == Error.NoError and made.volume() > 0
