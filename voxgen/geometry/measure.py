"""What an architect asks of a building first: sizes, areas, volume, storeys, roof.

The same names come from a mesh and from a grid, in metres, square and cubic metres:

- `height`; `footprint_length` and `footprint_width`, the sides of the footprint's minimum rectangle;
  `footprint_area`;
- `storeys`: how many of the levels `(s + 1/2) storey_height` above the ground cut a plan of more than a tenth
  of the footprint, at least 1; `gross_floor_area`: the sum of those plans;
- `volume`; `fill_ratio`, volume over footprint area times height;
- `roof_area`, `wall_area` and `surface_area` (which also has the base); `pitched_share`, the share of the
  roof in plan that is steeper than 8 degrees.

Labels of the source decide what is roof and wall; without labels the slope does: a wall is within 20 degrees
of the vertical, a roof faces up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from ..errors import UsageError
from .components import components
from .footprint import footprint
from .grid import FULL, VoxelGrid
from .kernels import scan_counts
from .mesh import Mesh, SurfaceClass
from .placement import Rectangle, footprint_rectangle, rotation_z
from .shell import Shell, solid_shell
from .surface import isosurface

STOREY_HEIGHT = 3.0
"""Metres, where nothing else is said."""

PLANS = (
    "height",
    "footprint_area",
    "gross_floor_area",
    "storeys",
    "pitched_share",
    "fill_ratio",
    "volume",
)
"""Measures of a grid that need no surface."""

NAMES = (
    "height",
    "footprint_length",
    "footprint_width",
    "footprint_area",
    "gross_floor_area",
    "storeys",
    "pitched_share",
    "fill_ratio",
    "volume",
    "surface_area",
    "roof_area",
    "wall_area",
)
"""All measures, in the order of tables."""

PITCHED = np.deg2rad(8.0)
"""A roof is pitched where it is steeper than this."""

_WALL = np.deg2rad(70.0)
"""Faces steeper than this are walls where the source does not say."""

_SECTION = 128
"""Columns along each side of the footprint rectangle for plans of storeys, and volumes of open shells."""


def measure(mesh: Mesh, storey_height: float = STOREY_HEIGHT) -> dict[str, float]:
    """Measure a building's mesh.

    Raises:
        DataError: a mesh without faces or with vertices that are not finite.
        UsageError: a storey height that is not positive.
    """
    _positive(storey_height)
    shell = solid_shell(mesh)
    low, high = mesh.bounds
    height = float(high[2] - low[2])
    rectangle = footprint_rectangle(mesh.vertices[np.unique(mesh.faces)][:, :2])
    area = float(footprint(mesh).area)
    local = (shell.vertices - np.array([*rectangle.centre, low[2]])) @ rotation_z(rectangle.yaw)
    size = np.array([rectangle.length, rectangle.width, max(height, 1e-9)])
    cell = np.maximum(size, 1e-9) / _SECTION
    columns = np.ascontiguousarray((local + size * (0.5, 0.5, 0.0)) / cell)

    def filled(levels: int, step: float) -> Float[np.ndarray, " levels"]:
        """Plan area at the middle of each of `levels` steps above the ground."""
        points = columns * (1.0, 1.0, cell[2] / step)
        middle = np.full((1, 3), 0.5)
        counts = scan_counts(points, shell.faces, _SECTION, _SECTION, levels, 0.0, middle, 1)
        return counts.sum(axis=(0, 1), dtype=np.int64) * (cell[0] * cell[1])

    plans = filled(max(1, int(np.ceil(height / storey_height))), storey_height)
    volume = _volume(shell)
    if volume is None:
        volume = float(filled(4 * _SECTION, size[2] / (4 * _SECTION)).sum() * size[2] / (4 * _SECTION))
    normal, areas = _area_vectors(mesh)
    roof, wall = _classes(mesh, normal, areas)
    plan = np.abs(normal[:, 2])
    steep = plan < areas * np.cos(PITCHED)
    measures = _plans(height, area, plans, volume) | {
        "pitched_share": float(plan[roof & steep].sum() / max(plan[roof].sum(), 1e-12))
    }
    return _with_surface(measures, rectangle, areas, roof, wall)


def measure_grid(grid: VoxelGrid, storey_height: float = STOREY_HEIGHT) -> dict[str, float]:
    """Measure a building's grid, by coverage where it has one; all zero for an empty grid.

    Raises:
        UsageError: a storey height that is not positive.
    """
    plans = measure_plans(grid, storey_height)
    if not grid.occupancy.any():
        return dict.fromkeys(NAMES, 0.0)
    surface = isosurface(VoxelGrid(grid.values, grid.pitch))
    normal, areas = _area_vectors(surface)
    roof, wall = _classes(surface, normal, areas)
    return _with_surface(plans, footprint_rectangle(surface.vertices[:, :2]), areas, roof, wall)


def measure_plans(grid: VoxelGrid, storey_height: float = STOREY_HEIGHT) -> dict[str, float]:
    """Measure what needs no surface of a grid, in a fraction of the time: `PLANS`, as `measure_grid` does.

    Raises:
        UsageError: a storey height that is not positive.
    """
    _positive(storey_height)
    if not grid.occupancy.any():
        return dict.fromkeys(PLANS, 0.0)
    filled = grid.coverage.astype(np.float64) / FULL
    pitch = grid.pitch
    occupied = grid.occupancy.any(axis=(0, 1))
    lowest = int(np.argmax(occupied))
    plan = filled.max(axis=2)
    top = _tops(filled, grid.occupancy)
    height = float(top.max() - lowest) * pitch
    levels = (np.arange(max(1, int(np.ceil(height / storey_height)))) + 0.5) * storey_height
    layers = np.floor(lowest + levels / pitch).astype(np.int64)
    sections = filled.sum(axis=(0, 1)) * pitch**2
    inside = layers < len(sections)
    plans = np.where(inside, sections[np.minimum(layers, len(sections) - 1)], 0.0)
    named = _plans(height, float(plan.sum() * pitch**2), plans, grid.volume)
    return named | {"pitched_share": _pitched_share(top, plan > 0.98)}


def measure_grids(
    grids: Iterable[VoxelGrid], names: Sequence[str], storey_height: float = STOREY_HEIGHT
) -> Float[np.ndarray, "n a"]:
    """Measure grids as `measure_grid`, a row each, some of its names in their order."""
    measured = measure_plans if set(names) <= set(PLANS) else measure_grid
    rows = [[measures[name] for name in names] for measures in (measured(g, storey_height) for g in grids)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def _plans(
    height: float, area: float, plans: Float[np.ndarray, " storeys"], volume: float
) -> dict[str, float]:
    """What follows from the height, the footprint's area, the plans of storeys and the volume."""
    inhabited = plans > 0.1 * area
    box = area * height
    return {
        "height": height,
        "footprint_area": area,
        "gross_floor_area": float(plans[inhabited].sum()) if inhabited.any() else area,
        "storeys": float(max(np.count_nonzero(inhabited), 1)) if area > 0 else 0.0,
        # Soft coverage lies beyond the plan and the height that it is measured against.
        "fill_ratio": min(volume / box, 1.0) if box > 0 else 0.0,
        "volume": volume,
    }


def _area_vectors(mesh: Mesh) -> tuple[Float[np.ndarray, "f 3"], Float[np.ndarray, " f"]]:
    """Along each triangle's normal, as long as its area, and these areas."""
    corners = mesh.triangles
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    return normal, np.linalg.norm(normal, axis=1)


def _with_surface(
    plans: dict[str, float],
    rectangle: Rectangle,
    areas: Float[np.ndarray, " f"],
    roof: Bool[np.ndarray, " f"],
    wall: Bool[np.ndarray, " f"],
) -> dict[str, float]:
    """All measures in their order, of plans and of the surface around them."""
    measures = plans | {
        "footprint_length": rectangle.length,
        "footprint_width": rectangle.width,
        "surface_area": float(areas.sum()),
        "roof_area": float(areas[roof].sum()),
        "wall_area": float(areas[wall].sum()),
    }
    return {name: measures[name] for name in NAMES}


def _positive(storey_height: float) -> None:
    if not (np.isfinite(storey_height) and storey_height > 0):
        raise UsageError(f"storey_height = {storey_height}; give metres above 0, for example 3.0")


def _volume(shell: Shell) -> float | None:
    """Exact volume by the divergence theorem where the shell is one closed solid, else None.

    Several shells may overlap, in one part too, and what they share would count twice.
    """
    from .topology import topology

    solid = Mesh.of(shell.vertices, shell.faces)
    found = topology(solid, 0.0)
    if not (found.is_closed and found.is_oriented and _in_one_piece(solid)):
        return None
    return solid.volume


def _in_one_piece(mesh: Mesh) -> bool:
    """Tell whether all faces hang together by the vertices they share."""
    ends = mesh.faces[:, [0, 1]], mesh.faces[:, [0, 2]]
    label = components(len(mesh.vertices), *np.concatenate(ends).T)
    return bool((label[mesh.faces] == label[mesh.faces[0, 0]]).all())


def _classes(
    mesh: Mesh, normal: Float[np.ndarray, "f 3"], areas: Float[np.ndarray, " f"]
) -> tuple[Bool[np.ndarray, " f"], Bool[np.ndarray, " f"]]:
    """Tell roof and wall faces, by the labels of the source where there are any."""
    roof, wall = mesh.labels == SurfaceClass.ROOF, mesh.labels == SurfaceClass.WALL
    if not roof.any():
        upright = np.abs(normal[:, 2]) < areas * np.cos(_WALL)
        roof, wall = (normal[:, 2] > 0) & ~upright, upright
    return roof, wall


def _tops(
    filled: Float[np.ndarray, "x y z"], occupancy: Bool[np.ndarray, "x y z"]
) -> Float[np.ndarray, "x y"]:
    """Height of each column's top in voxels, a fraction by the coverage of the voxel above; 0 where empty."""
    nz = filled.shape[2]
    highest = nz - 1 - np.argmax(occupancy[:, :, ::-1], axis=2)
    some = occupancy.any(axis=2)
    padded = np.pad(filled, ((0, 0), (0, 0), (0, 1)))
    last = np.take_along_axis(padded, highest[:, :, None], 2)[:, :, 0]
    above = np.take_along_axis(padded, highest[:, :, None] + 1, 2)[:, :, 0]
    return np.where(some, highest + last + above, 0.0)


def _pitched_share(top: Float[np.ndarray, "x y"], whole: Bool[np.ndarray, "x y"]) -> float:
    """Share of the roof in plan that is steeper than 8 degrees, from the heights of wholly covered columns.

    Slopes are taken over two columns to either side; the gentler counts, which sees past eaves, ridges and
    steps.
    """
    heights = np.pad(np.where(whole, top, np.nan), 2, constant_values=np.nan)
    middle = heights[2:-2, 2:-2]
    squared = np.zeros(top.shape)
    for before, after in ((heights[:-4, 2:-2], heights[4:, 2:-2]), (heights[2:-2, :-4], heights[2:-2, 4:])):
        gentler = np.fmin(np.abs(middle - before), np.abs(after - middle)) / 2
        squared += np.where(np.isnan(gentler), 0.0, gentler) ** 2
    pitched = whole & (np.sqrt(squared) > np.tan(PITCHED))
    return float(np.count_nonzero(pitched) / max(np.count_nonzero(whole), 1))
