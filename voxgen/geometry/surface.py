"""Coverage to a surface: marching cubes with the position of each crossing read from the coverage.

Lattice points are voxel centres. Where a flat face crosses the line from an inside centre to an outside one,
the filled length along that line is the sum of the coverages, because each voxel holds the share that lies
before the face. So where the voxels around the pair are full and empty, the crossing lies at
`(c_a + c_b) / 64 - 1/2` voxels from the inside centre, exactly for faces of moderate slope; linear
interpolation of the coverage, which is off by up to a tenth of a voxel, serves elsewhere.

The lowest layer goes on below the floor, and what comes out below the floor is set on it: so walls run down
to the ground and the ground face is flat. The surface is closed, two-manifold and turned outwards for any
grid.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from .grid import HALF, VoxelGrid
from .marching import EDGES, triangle_table
from .mesh import Mesh

_CORNERS = np.array([(c & 1, c >> 1 & 1, c >> 2) for c in range(8)])
_EDGE_AT = np.array([(*_CORNERS[low], axis) for low, _, axis in EDGES])


def isosurface(grid: VoxelGrid) -> Mesh:
    """Give the surface of a grid's coverage in world coordinates, metres.

    Closed, two-manifold, turned outwards, with a flat ground face on the grid's floor; no faces for an empty
    grid. Vertices lie on lines between voxel centres, so edges and corners are cut by up to half a voxel.
    """
    field = np.pad(grid.coverage, ((2, 2), (2, 2), (0, 2)))
    # Two layers below the floor: a copy of the lowest and an empty one.
    field = np.concatenate([np.zeros_like(field[:, :, :2]), field[:, :, :1], field], axis=2)
    vertices, faces = _march(field.astype(np.int16), triangle_table(), _EDGE_AT)
    vertices -= (1.5, 1.5, 2.5)
    np.maximum(vertices[:, 2], 0.0, out=vertices[:, 2])
    return Mesh.of(grid.to_world(vertices), faces)


@njit(cache=True)
@no_type_check
def _march(field, table, edge_at):
    """Vertices in lattice coordinates, and faces, of the surface in a field with two empty layers around."""
    nx, ny, nz = field.shape
    number = np.full((nx, ny, nz, 3), -1, np.int32)
    vertices = np.empty((1024, 3))
    faces = np.empty((2048, 3), np.int32)
    n_vertices = n_faces = 0
    for x in range(1, nx - 2):
        for y in range(1, ny - 2):
            case = 0
            for z in range(1, nz - 2):
                if z == 1:
                    case = _layer(field, x, y, z) << 4
                case = case >> 4 | _layer(field, x, y, z + 1) << 4
                if case == 0 or case == 255:
                    continue
                if n_vertices + 12 > vertices.shape[0]:
                    vertices = _longer(vertices)
                if n_faces + 12 > faces.shape[0]:
                    faces = _longer(faces)
                at = 0
                while table[case, at] >= 0:
                    for corner in range(3):
                        e = table[case, at + corner]
                        ex, ey, ez = x + edge_at[e, 0], y + edge_at[e, 1], z + edge_at[e, 2]
                        axis = edge_at[e, 3]
                        v = number[ex, ey, ez, axis]
                        if v < 0:
                            v = n_vertices
                            number[ex, ey, ez, axis] = v
                            vertices[v, 0], vertices[v, 1], vertices[v, 2] = ex, ey, ez
                            vertices[v, axis] += _crossing(field, ex, ey, ez, axis)
                            n_vertices += 1
                        faces[n_faces, corner] = v
                    n_faces += 1
                    at += 3
    return vertices[:n_vertices], faces[:n_faces]


@njit(cache=True)
@no_type_check
def _longer(array):
    longer = np.empty((2 * array.shape[0], array.shape[1]), array.dtype)
    longer[: array.shape[0]] = array
    return longer


@njit(cache=True)
@no_type_check
def _layer(field, x, y, z):
    return (
        (field[x, y, z] > HALF)
        | (field[x + 1, y, z] > HALF) << 1
        | (field[x, y + 1, z] > HALF) << 2
        | (field[x + 1, y + 1, z] > HALF) << 3
    )


@njit(cache=True)
@no_type_check
def _crossing(field, x, y, z, axis):
    """Where between a lattice point and the next along `axis` the surface lies, in (0, 1)."""
    dx, dy, dz = int(axis == 0), int(axis == 1), int(axis == 2)
    a, b = field[x, y, z], field[x + dx, y + dy, z + dz]
    behind, ahead = field[x - dx, y - dy, z - dz], field[x + 2 * dx, y + 2 * dy, z + 2 * dz]
    rising = a <= HALF
    if rising:
        a, b, behind, ahead = b, a, ahead, behind
    if behind >= a and b >= ahead and a + b + behind + ahead >= 96 and behind >= 60 and ahead <= 4:
        t = (behind + a + b + ahead) / 64.0 - 1.5
    else:
        t = (a - HALF) / (a - b)
    t = min(max(t, 0.005), 0.995)
    return 1.0 - t if rising else t
