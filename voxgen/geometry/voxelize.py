"""Mesh to solid voxels: coverage (64ths of each voxel) or occupancy, by a column scan with nonzero winding.

The rules: per column, crossings from above add up with sign; inside is where the sum is not zero; nothing is
inside below the mesh's lowest vertex, so an open base closes on the ground. `shell.solid_shell` first turns
neighbouring triangles the same way, each shell outwards, and takes out sheets that lie inside a solid. What
lies outside the grid is cut off; `Placement.fits` tells.

Three engines follow these rules: `numba` (fast), `numpy` (its twin, the same grid bit for bit) and `open3d`
(ray casting in float32, an independent check).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Integer, UInt8
from scipy import ndimage

from ..errors import DataError, UsageError, nearest
from .engines import scan_numpy, scan_open3d
from .grid import FULL, VoxelGrid, unpack
from .kernels import scan_bits, scan_counts
from .mesh import Mesh
from .placement import Placement, bounds, place
from .shell import solid_shell

Engine = Literal["numba", "numpy", "open3d"]

ENGINES = ("numba", "numpy", "open3d")


def voxelize(
    mesh: Mesh,
    resolution: int | Sequence[int],
    pitch: float,
    placement: Placement | None = None,
    *,
    engine: Engine = "numba",
    supersample: int = 4,
) -> VoxelGrid:
    """Give coverage: the share of each voxel that is filled, in 64ths.

    Args:
        mesh: metres, Z up; open, flipped and overlapping shells are allowed.
        resolution: voxels along x, y and z, or one number for all.
        pitch: edge length of a voxel in metres.
        placement: where the grid lies; by default aligned with the footprint, on the ground.
        engine: `numba`, `numpy` or `open3d`.
        supersample: samples along each edge of a voxel: 1, 2 or 4.

    Raises:
        DataError: a mesh without faces or with vertices that are not finite.
        UsageError: an unknown engine, or a resolution, pitch or supersampling that is not allowed.
    """
    if supersample not in (1, 2, 4):
        raise UsageError(f"supersample = {supersample}; 1, 2 or 4 samples along a voxel's edge are possible")
    lay = place(mesh, resolution, pitch) if placement is None else placement
    counts = _scan(mesh, lay, engine, supersample)
    return VoxelGrid(counts * np.uint8(FULL // supersample**3), lay.pitch, lay.origin, lay.yaw)


def occupy(
    mesh: Mesh,
    resolution: int | Sequence[int],
    pitch: float,
    placement: Placement | None = None,
    *,
    engine: Engine = "numba",
) -> VoxelGrid:
    """Give occupancy by one sample a voxel, at its centre; arguments and errors as of `voxelize`."""
    lay = place(mesh, resolution, pitch) if placement is None else placement
    if engine == "numba":
        values = unpack(occupancy_bits(mesh, lay), lay.resolution)
    else:
        values = _scan(mesh, lay, engine, 1).astype(np.bool_)
    return VoxelGrid(values, lay.pitch, lay.origin, lay.yaw)


def occupancy_bits(mesh: Mesh, placement: Placement) -> UInt8[np.ndarray, " bytes"]:
    """Give occupancy packed as by `grid.pack`, without ever holding a byte a voxel: the fastest path."""
    points, faces, floor = _in_voxels(mesh, placement)
    nx, ny, nz = placement.resolution
    words = scan_bits(points, faces, nx, ny, nz, min(max(float(np.ceil(floor - 0.5)), 0.0), nz))
    return words.astype("<u8", copy=False).view(np.uint8)[: (nx * ny * nz + 7) // 8]


def voxelize_points(
    points: Float[np.ndarray, "n 3"],
    resolution: int | Sequence[int],
    pitch: float,
    placement: Placement | None = None,
) -> VoxelGrid:
    """Give occupancy of a scanned building: solid from the ground to the highest point of each column.

    Scans seldom see soffits and never the base, so all below a seen surface counts as solid; overhangs are
    not kept. Gaps in the scan that are up to two voxels wide take the height of a column beside them.

    Raises:
        DataError: fewer than three points, or points that are not finite.
        UsageError: a resolution or pitch that is not allowed.
    """
    if len(points) < 3 or not np.isfinite(points).all():
        raise DataError(f"{len(points)} points, all of which must be finite; a scan has at least three")
    if placement is None:
        triples = np.arange(len(points) // 3 * 3).reshape(-1, 3)
        rest = np.arange(len(points) - 3, len(points)).reshape(1, 3)
        placement = place(Mesh.of(points, np.concatenate([triples, rest])), resolution, pitch)
    nx, ny, nz = placement.resolution
    # A hair inside, so that a roof that ends at a voxel's upper face does not fill the voxel above.
    index = np.floor(placement.to_index(np.asarray(points, np.float64)) - [0.0, 0.0, 1e-6]).astype(np.int64)
    inside = np.all((index[:, :2] >= 0) & (index[:, :2] < (nx, ny)), axis=1)
    top = np.zeros((nx, ny), np.int64)
    i, j, k = index[inside].T
    np.maximum.at(top, (i, j), np.clip(k + 1, 1, nz))
    outline = np.asarray(ndimage.binary_closing(np.pad(top > 0, 2), np.ones((3, 3))))[2:-2, 2:-2]
    filled = ndimage.grey_closing(top, size=(3, 3))
    top = np.where((top == 0) & outline, filled, top)
    values = np.arange(nz) < top[:, :, None]
    return VoxelGrid(values, placement.pitch, placement.origin, placement.yaw)


@cache
def sample_net(s: int) -> Float[np.ndarray, "n 3"]:
    """Where the s^3 samples of a voxel lie: rows of a column's x and y and the phase of its s samples in z.

    A plain s x s x s lattice sees only s + 1 positions of a wall along an axis. These are as evenly spread
    in space, but the digits of their coordinates are mixed (a digital net, Niederreiter 1987): walls along
    x and y have s^2 + 1 positions, and floors s^3 + 1.
    """
    a, b = (digit.ravel() for digit in np.divmod(np.arange(s * s), s))
    x = (a + (b + 0.5) / s) / s
    y = (b + (a + 0.5) / s) / s
    phase = ((a + b) % s * s + (a + 2 * b) % s + 0.5) / s**2
    return np.stack([x, y, phase], axis=1)


def _scan(mesh: Mesh, placement: Placement, engine: str, s: int) -> UInt8[np.ndarray, "x y z"]:
    if engine not in ENGINES:
        raise UsageError(f"engine = {engine!r}{nearest(engine, ENGINES)}; choose one of {', '.join(ENGINES)}")
    points, faces, floor = _in_voxels(mesh, placement)
    if len(faces) == 0:
        return np.zeros(placement.resolution, np.uint8)
    net = sample_net(s)
    if engine == "numba":
        return scan_counts(points, faces, *placement.resolution, floor, net, s)
    scan = scan_numpy if engine == "numpy" else scan_open3d
    return scan(points, faces, placement.resolution, floor, net, s)


def _in_voxels(
    mesh: Mesh, placement: Placement
) -> tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, "f 3"], float]:
    """Give the solid shell in the grid's indices, and its lowest level."""
    shell = solid_shell(mesh)
    points = placement.to_index(shell.vertices)
    low, _ = bounds(points, shell.faces)
    return points, shell.faces, float(low[2]) if len(shell.faces) else 0.0
