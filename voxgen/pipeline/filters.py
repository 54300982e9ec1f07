"""Which buildings count: the filters, asked in the order in which a user would want to hear of them.

Size comes first, since a wrong unit or up axis fails everything after it; then what costs most to mend.
"""

from __future__ import annotations

import numpy as np

from ..formats import Building
from ..formats.building import BODILESS
from ..geometry.footprint import SEAM, footprint, n_footprint_polygons
from ..geometry.relief import is_relief
from ..geometry.topology import Topology
from .config import BuildConfig
from .report import Reason

LEVEL = 1e-3
"""Height over the longest side below which a surface is level, in whatever unit."""

Verdict = tuple[Reason, str] | None
"""Why a building is left out, with figures; None where it passes."""


def readable(building: Building) -> Verdict:
    """Refuse what a reader could make nothing of."""
    if building.error is None:
        bare = _is_bare(building)
        return (Reason.NO_FACES, "the building has neither faces nor points") if bare else None
    if building.error in BODILESS:
        return Reason.NO_FACES, building.error
    return Reason.FORMAT if building.unsupported else Reason.UNREADABLE, building.error


def plain_limits(building: Building, config: BuildConfig) -> Verdict:
    """Refuse by what costs nothing to know: no body at all, level of detail, triangles, extent, height."""
    limits = config.filters
    flat = _flat(building)
    if flat is not None:
        return Reason.TERRAIN, flat
    if limits.min_lod is not None and building.lod is not None and building.lod < limits.min_lod:
        return Reason.LOD, f"LoD {building.lod:g}; at least {limits.min_lod:g} is asked for"
    count = len(building.mesh.faces)
    if limits.max_triangles is not None and count > limits.max_triangles:
        return Reason.TRIANGLES, f"{count:,} triangles; at most {limits.max_triangles:,} are asked for"
    x, y, z = _extents(building)
    if limits.max_extent is not None and max(x, y, z) > limits.max_extent:
        return Reason.TOO_LARGE, f"{x:.1f} x {y:.1f} x {z:.1f} m; at most {limits.max_extent:g} m a side"
    if not config.fit and z < limits.min_height:
        return Reason.LOW, f"{z:.2f} m tall; at least {limits.min_height:g} m is asked for"
    return None


def large_enough(building: Building, area: float, config: BuildConfig) -> Verdict:
    """Refuse a footprint of too small an `area` in square metres.

    The limit is asked of the footprint with the narrow rim by which touching parts are joined, so that it
    says the same of a building in one part and in several.
    """
    least = config.filters.min_footprint
    if config.fit or area >= least:
        return None
    if building.points is None:
        area = footprint(building.mesh).buffer(SEAM, join_style="mitre").area
    if area >= least:
        return None
    return Reason.SMALL, f"footprint of {area:.1f} m2; at least {least:g} m2 is asked for"


def sound(building: Building, edges: Topology | None, config: BuildConfig) -> Verdict:
    """Refuse what is open or stands on several polygons, where that is asked for.

    Args:
        building: a surface or a point cloud.
        edges: of the surface, None for a point cloud.
        config: the filters.
    """
    limits = config.filters
    if limits.closed and edges is None:
        return Reason.OPEN, "a point cloud has no surface"
    if limits.closed and edges is not None and not edges.is_closed:
        return Reason.OPEN, _oddities(edges)[0]
    if limits.one_footprint and edges is not None:
        polygons = n_footprint_polygons(building.mesh)
        if polygons != 1:
            return Reason.FOOTPRINTS, f"stands on {polygons} footprint polygons"
    return None


def warnings(edges: Topology | None) -> tuple[str, ...]:
    """Say what is odd about a surface that is taken all the same."""
    return () if edges is None else _oddities(edges)


def _oddities(edges: Topology) -> tuple[str, ...]:
    told = (("open", edges.open), ("non-manifold", edges.nonmanifold), ("flipped", edges.flipped))
    return tuple(f"{word}: {count:,} of {edges.edges:,} edges" for word, count in told if count)


def _extents(building: Building) -> tuple[float, float, float]:
    extents = building.mesh.extents if building.points is None else np.ptp(building.points, axis=0)
    x, y, z = (float(e) for e in extents)
    return x, y, z


def _flat(building: Building) -> str | None:
    """Say why a surface bounds no body, whatever closes it: it is level, or a relief without walls."""
    x, y, z = _extents(building)
    if z <= LEVEL * max(x, y):
        return f"{x:.1f} x {y:.1f} x {z:.2f} m: a level surface"
    if building.points is None and is_relief(building.mesh.area_vectors):
        return "a surface that only looks up, without walls: terrain, or a roof alone"
    return None


def _is_bare(building: Building) -> bool:
    points = 0 if building.points is None else len(building.points)
    return len(building.mesh.faces) == 0 and points < 3
