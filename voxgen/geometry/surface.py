"""Coverage to a surface: dual contouring (Ju et al. 2002) with positions and slopes read from the coverage.

Lattice points are voxel centres; a *crossing* is a lattice edge with one end inside (coverage over half), a
*cell* is a cube of eight lattice points. Each cell that the surface passes gets one vertex, each crossing a
quad between the four cells around it.

Where a face crosses a line of voxels, the filled length along the line is the sum of the coverages, as each
voxel holds the share that lies before the face. So a crossing from an inside voxel `a` to an outside voxel
`b` lies `(c_a + c_b) / c - 1/2` voxels from the centre of `a`, where `c` is the coverage behind `a`: exactly,
for faces of moderate slope. The slope of the face there follows from the next crossing beside it, on the
side away from the cell, so that an edge or corner in the cell does not blur it. The vertex is where the
tangent planes of the cell's crossings meet best, which puts it on edges and corners.

Diagonal contacts are filled first (`repair`), after which each cell has one piece of surface: the result is
closed and two-manifold for any grid.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from .grid import HALF, VoxelGrid, filled_box
from .mesh import Mesh
from .repair import resolve_contacts

_PULL = 0.05
"""Weight of a cell's mean crossing beside its planes, for directions that the planes leave open."""

_MARGIN = 0.02
"""Least distance of a vertex from its cell's faces, in voxels, so that no two vertices fall together."""


def isosurface(grid: VoxelGrid) -> Mesh:
    """Give the surface of a grid's coverage in world coordinates, metres.

    Closed, two-manifold, turned outwards, with sharp edges and a flat ground face on the grid's floor; no
    faces for an empty grid.
    """
    # What lies two voxels out tells where within a voxel the surface is.
    box = filled_box(grid.occupancy, margin=2)
    inside = np.pad(resolve_contacts(grid.occupancy[box]), 2)
    field = np.pad(grid.coverage[box], 2).astype(np.int16)
    field[inside & (field <= HALF)] = HALF + 1
    vertices, faces = _contour(field, inside)
    corner = np.array([span.start for span in box])
    return Mesh.of(grid.to_world(vertices + (corner - 1.5)), faces)


@njit(cache=True)
@no_type_check
def _contour(field, inside):
    """Vertices in lattice coordinates, and faces, for a field with two empty layers around."""
    nx, ny, nz = field.shape
    crossing = np.full((nx, ny, nz, 3), np.nan, np.float32)
    edges = np.empty((4096, 4), np.int32)
    n_edges = 0
    for x in range(1, nx - 1):
        for y in range(1, ny - 1):
            for z in range(1, nz - 1):
                here = inside[x, y, z]
                for axis in range(3):
                    dx, dy, dz = int(axis == 0), int(axis == 1), int(axis == 2)
                    if here == inside[x + dx, y + dy, z + dz]:
                        continue
                    crossing[x, y, z, axis] = _position(field, x, y, z, dx, dy, dz, here)
                    if n_edges == edges.shape[0]:
                        longer = np.empty((2 * n_edges, 4), np.int32)
                        longer[:n_edges] = edges
                        edges = longer
                    edges[n_edges, 0], edges[n_edges, 1], edges[n_edges, 2] = x, y, z
                    edges[n_edges, 3] = axis
                    n_edges += 1
    number = np.full((nx, ny, nz), -1, np.int32)
    vertices = np.empty((2 * n_edges + 8, 3))
    faces = np.empty((2 * n_edges, 3), np.int32)
    n_vertices = 0
    ring = np.empty(4, np.int32)
    at = np.empty(3, np.int64)
    planes = np.empty((12, 6))
    for n in range(n_edges):
        x, y, z, axis = edges[n]
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for corner in range(4):
            at[0], at[1], at[2] = x, y, z
            at[u] -= int(corner == 1 or corner == 2)
            at[v] -= int(corner >= 2)
            cell = number[at[0], at[1], at[2]]
            if cell < 0:
                cell = n_vertices
                number[at[0], at[1], at[2]] = cell
                _place_vertex(crossing, inside, at[0], at[1], at[2], planes, vertices, cell)
                n_vertices += 1
            ring[corner] = cell
        if not inside[x, y, z]:
            ring[1], ring[3] = ring[3], ring[1]
        # The shorter diagonal keeps creases: vertices along an edge are neighbours.
        even = odd = 0.0
        for i in range(3):
            even += (vertices[ring[0], i] - vertices[ring[2], i]) ** 2
            odd += (vertices[ring[1], i] - vertices[ring[3], i]) ** 2
        first = 0 if even <= odd else 1
        for corner in range(2):
            faces[2 * n + corner, 0] = ring[first]
            faces[2 * n + corner, 1] = ring[(first + 1 + corner) % 4]
            faces[2 * n + corner, 2] = ring[(first + 2 + corner) % 4]
    return vertices[:n_vertices], faces


@njit(cache=True)
@no_type_check
def _position(field, x, y, z, dx, dy, dz, rising_out):
    """Where between a lattice point and the next the surface lies, in (0, 1)."""
    if dz == 1 and z == 1:
        return 0.5
    a, b = field[x, y, z], field[x + dx, y + dy, z + dz]
    behind, ahead = field[x - dx, y - dy, z - dz], field[x + 2 * dx, y + 2 * dy, z + 2 * dz]
    if not rising_out:
        a, b, behind, ahead = b, a, ahead, behind
    if behind >= a and behind > HALF and ahead <= 4 and b >= ahead:
        t = (a + b) / behind - 0.5
    else:
        t = (a - HALF) / (a - b)
    t = min(max(t, _MARGIN), 1 - _MARGIN)
    return t if rising_out else 1.0 - t


@njit(cache=True)
@no_type_check
def _slope(crossing, inside, x, y, z, axis, side, step):
    """Rise of the surface along `axis` from one crossing to the next beside it; NaN where none is near."""
    t = crossing[x, y, z, axis]
    rising_out = inside[x, y, z]
    dx, dy, dz = int(axis == 0), int(axis == 1), int(axis == 2)
    x += step * int(side == 0)
    y += step * int(side == 1)
    z += step * int(side == 2)
    level = (x, y, z)[axis]
    for move in (0, 1, -1, 2, -2):
        if level + move < 0 or level + move >= inside.shape[axis]:
            continue
        i, j, k = x + move * dx, y + move * dy, z + move * dz
        other = crossing[i, j, k, axis]
        if not np.isnan(other) and inside[i, j, k] == rising_out:
            return (move + other - t) * step
    return np.nan


@njit(cache=True)
@no_type_check
def _place_vertex(crossing, inside, x, y, z, planes, vertices, cell):
    """Set the vertex of a cell to where the tangent planes of its crossings meet best."""
    n = 0
    mx = my = mz = 0.0
    for axis in range(3):
        for i in range(2):
            for j in range(2):
                # i and j count along the two axes after this one.
                px = j if axis == 1 else (i if axis == 2 else 0)
                py = i if axis == 0 else (j if axis == 2 else 0)
                pz = j if axis == 0 else (i if axis == 1 else 0)
                t = crossing[x + px, y + py, z + pz, axis]
                if np.isnan(t):
                    continue
                planes[n, 0], planes[n, 1], planes[n, 2] = px, py, pz
                planes[n, axis] += t
                mx += planes[n, 0]
                my += planes[n, 1]
                mz += planes[n, 2]
                planes[n, 3 + axis] = 1.0
                length = 1.0
                for at in range(2):
                    side = (axis + 1 + at) % 3
                    far = 1 if (i, j)[at] else -1
                    slope = _slope(crossing, inside, x + px, y + py, z + pz, axis, side, far)
                    if np.isnan(slope):
                        slope = _slope(crossing, inside, x + px, y + py, z + pz, axis, side, -far)
                    if np.isnan(slope):
                        slope = 0.0
                    planes[n, 3 + side] = -slope
                    length += slope * slope
                for at in range(3, 6):
                    planes[n, at] /= np.sqrt(length)
                n += 1
    mx, my, mz = mx / n, my / n, mz / n
    xx = yy = zz = _PULL
    xy = xz = yz = rx = ry = rz = 0.0
    for m in range(n):
        a, b, c = planes[m, 3], planes[m, 4], planes[m, 5]
        distance = a * (planes[m, 0] - mx) + b * (planes[m, 1] - my) + c * (planes[m, 2] - mz)
        xx, yy, zz = xx + a * a, yy + b * b, zz + c * c
        xy, xz, yz = xy + a * b, xz + a * c, yz + b * c
        rx, ry, rz = rx + a * distance, ry + b * distance, rz + c * distance
    # Cramer's rule; the pull keeps the determinant away from 0.
    cx, cy, cz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - yy * xz
    det = xx * cx + xy * cy + xz * cz
    mx += (rx * cx + ry * cy + rz * cz) / det
    my += (rx * cy + ry * (xx * zz - xz * xz) + rz * (xy * xz - xx * yz)) / det
    mz += (rx * cz + ry * (xy * xz - xx * yz) + rz * (xx * yy - xy * xy)) / det
    vertices[cell, 0] = x + min(max(mx, _MARGIN), 1 - _MARGIN)
    vertices[cell, 1] = y + min(max(my, _MARGIN), 1 - _MARGIN)
    vertices[cell, 2] = z + min(max(mz, _MARGIN), 1 - _MARGIN)
