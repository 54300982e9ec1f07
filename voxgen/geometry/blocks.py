"""Occupancy to its exact surface, with coplanar faces merged.

Exposed voxel faces in one plane that face one way and share edges are a *region*, a polygon with holes. A
lattice point is a vertex unless exactly two creases meet there in one line; since that does not depend on the
region, regions on both sides of a crease keep the same points, and no vertex lies inside a neighbour's edge.
Triangulation keeps all of them. The result encloses exactly the occupied voxels and is closed; it is
2-manifold where no voxels touch along an edge or corner only (`repair` resolves those).
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit

from .grid import VoxelGrid
from .mesh import Mesh
from .polyhedron import Polyhedron, nothing, with_classes
from .repair import resolve_contacts
from .triangulate import offsets_of, triangulate


def blocks(grid: VoxelGrid) -> Mesh:
    """Give the boundary of the occupied voxels in world coordinates, metres; no faces for an empty grid."""
    lattice, loops, rings, polygons = _polygons(grid.occupancy)
    if len(rings) == 1:
        return Mesh.of(np.zeros((0, 3)), np.zeros((0, 3)))
    faces, _ = triangulate(lattice, loops, rings, polygons)
    return Mesh.of(grid.to_world(lattice), faces)


def block_polygons(grid: VoxelGrid) -> Polyhedron:
    """Give the same boundary as polygons, diagonal contacts filled: closed and 2-manifold always."""
    filled = resolve_contacts(grid.occupancy)
    lattice, loops, rings, polygons = _polygons(filled)
    if len(rings) == 1:
        return nothing()
    solid = with_classes(grid.to_world(lattice), loops, rings, polygons)
    more = int(np.count_nonzero(filled & ~grid.occupancy))
    return solid.with_notes(f"{more} voxels filled where others touch along an edge") if more else solid


def _polygons(
    occupancy: Bool[np.ndarray, "x y z"],
) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, " n"], Int[np.ndarray, " r1"], Int[np.ndarray, " p1"]]:
    """Give vertices in voxels, and the loops, rings and polygons over them, as `triangulate` takes them."""
    loops, rings, regions, areas, needed = _trace(np.pad(occupancy, 1))
    keep = needed[loops]
    loops, rings = loops[np.asarray(keep)], offsets_of(keep)[np.asarray(rings, np.int64)]
    # Of each region the outer ring, which alone has positive area, comes first.
    order = np.lexsort((areas < 0, regions))
    lengths = np.diff(rings)[order]
    starts = rings[:-1][order]
    offsets = offsets_of(lengths)
    at = np.repeat(starts - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    loops = np.asarray(loops)[np.asarray(at, np.int64)].astype(np.int64)
    polygons = offsets_of(np.bincount(regions))
    used, local = np.unique(loops, return_inverse=True)
    nx, ny, nz = (n + 1 for n in occupancy.shape)
    lattice = np.stack(np.unravel_index(used, (nx, ny, nz)), axis=1).astype(np.float64)
    return lattice, local.reshape(-1).astype(np.int64), offsets, polygons


@njit(cache=True)
@no_type_check
def _trace(padded):
    """Trace the rings of all regions, keeping every lattice point.

    Gives lattice points ring after ring, ring offsets, region and signed area of each ring, and for each
    lattice point whether it is a vertex.
    """
    shape = np.array(padded.shape) - 2
    stride = np.array([(shape[1] + 1) * (shape[2] + 1), shape[2] + 1, 1])
    creases = np.zeros((shape[0] + 1) * (shape[1] + 1) * (shape[2] + 1), np.uint8)
    loops, n_loops = np.empty(4096, np.int64), 0
    rings, n_rings = np.zeros(1024, np.int64), 0
    regions = np.empty(1024, np.int64)
    areas = np.empty(1024, np.int64)
    n_regions = 0
    at = np.zeros(3, np.int64)
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        nu, nv = shape[u], shape[v]
        label = np.empty((nu + 2, nv + 2), np.int64)
        stack = np.empty((nu * nv + 1, 2), np.int64)
        out = np.empty((nu + 1, nv + 1, 4), np.bool_)
        du, dv = np.array([1, 0, -1, 0]), np.array([0, 1, 0, -1])
        for side in (1, -1):
            for s in range(shape[axis]):
                label[:] = -1
                exposed = False
                for i in range(nu):
                    for j in range(nv):
                        at[axis], at[u], at[v] = s + 1, i + 1, j + 1
                        if padded[at[0], at[1], at[2]]:
                            at[axis] += side
                            if not padded[at[0], at[1], at[2]]:
                                label[i + 1, j + 1] = -2
                                exposed = True
                if not exposed:
                    continue
                for i in range(1, nu + 1):
                    for j in range(1, nv + 1):
                        if label[i, j] != -2:
                            continue
                        label[i, j] = n_regions
                        stack[0, 0], stack[0, 1] = i, j
                        depth = 1
                        while depth > 0:
                            depth -= 1
                            a, b = stack[depth]
                            for d in range(4):
                                if label[a + du[d], b + dv[d]] == -2:
                                    label[a + du[d], b + dv[d]] = n_regions
                                    stack[depth, 0], stack[depth, 1] = a + du[d], b + dv[d]
                                    depth += 1
                        n_regions += 1
                # Directed sides of faces, the face on the left: bottom, right, top, left run along d = 0..3.
                out[:] = False
                for i in range(nu):
                    for j in range(nv):
                        if label[i + 1, j + 1] < 0:
                            continue
                        if label[i + 1, j] < 0:
                            out[i, j, 0] = True
                        if label[i + 2, j + 1] < 0:
                            out[i + 1, j, 1] = True
                        if label[i + 1, j + 2] < 0:
                            out[i + 1, j + 1, 2] = True
                        if label[i, j + 1] < 0:
                            out[i, j + 1, 3] = True
                level = s + (1 if side > 0 else 0)
                for i in range(nu + 1):
                    for j in range(nv + 1):
                        for start in range(4):
                            if not out[i, j, start]:
                                continue
                            if n_rings + 2 > len(rings):
                                rings = _longer(rings)
                                regions = _longer(regions)
                                areas = _longer(areas)
                            a, b, d = i, j, start
                            area = 0
                            # The face left of the first side tells the region.
                            ci = a + 1 if d == 0 or d == 3 else a
                            cj = b + 1 if d == 0 or d == 1 else b
                            if d == 3:
                                cj = b
                            regions[n_rings] = label[ci, cj]
                            begin = n_loops
                            while out[a, b, d]:
                                out[a, b, d] = False
                                if n_loops + 1 > len(loops):
                                    loops = _longer(loops)
                                at[axis], at[u], at[v] = level, a, b
                                point = (at * stride).sum()
                                loops[n_loops] = point
                                n_loops += 1
                                area += a * dv[d] - b * du[d]
                                a, b = a + du[d], b + dv[d]
                                along = u if d % 2 == 0 else v
                                forward = d < 2
                                at[axis], at[u], at[v] = level, a, b
                                creases[point] |= 1 << (2 * along + (1 if forward else 0))
                                creases[(at * stride).sum()] |= 1 << (2 * along + (0 if forward else 1))
                                # Left first: where two faces touch at a corner, the ring stays with its own.
                                for turn in (1, 0, 3):
                                    if out[a, b, (d + turn) % 4]:
                                        d = (d + turn) % 4
                                        break
                            if side < 0:
                                loops[begin:n_loops] = loops[begin:n_loops][::-1].copy()
                            areas[n_rings] = area
                            n_rings += 1
                            rings[n_rings] = n_loops
    needed = (creases != 0b000011) & (creases != 0b001100) & (creases != 0b110000)
    return loops[:n_loops], rings[: n_rings + 1], regions[:n_rings], areas[:n_rings], needed


@njit(cache=True)
@no_type_check
def _longer(array):
    longer = np.zeros(2 * len(array), array.dtype)
    longer[: len(array)] = array
    return longer
