"""A brief's site as solids: where may be built, what must stay, what must stay free.

All coordinates are the plot's less one offset of whole metres, so that they are small; the ground is z = 0.
Booleans are manifold3d's, so what is inside and what is not is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from shapely import affinity

from ..elements.booleans import closed, prism, triangles_of, union, without
from ..errors import DataError, UsageError
from ..formats import Building, ReadOptions, read_buildings
from ..formats.options import Unit
from ..geometry.footprint import footprint
from ..geometry.mesh import Mesh
from ..geometry.topology import topology
from ..words import counted
from .brief import Plane, SiteConfig
from .plot import Plot, read_plot

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

FAR = 100.0
"""Metres from the origin from which coordinates are made small by an offset."""

HAIR = 1e-4
"""Metres inside the envelope that a building ends: files round by less, CityJSON most (half of that)."""

_AROUND = 30.0
"""Metres beyond a plot, besides its own length, in which buildings are its neighbours."""

_LOW = 1e-3
"""Metres above the ground at which what stands on it is cut."""

_CRUMB = 1e-3
"""Cubic metres that are worth no word."""

_OVER = 1e-6
"""Radians."""

_MOSTLY = 0.5
"""Share of a building's plan that lies on the plot when it is taken to stand there."""

_ARC = math.radians(22.5)
"""Most that one straight piece of the line around a corner turns."""


@dataclass(frozen=True)
class Site:
    """Where is built.

    Attributes:
        plot: the polygon.
        hull: the volume that may be built in, before what is taken and what must stay are looked at.
        taken: what of it must stay free: voids and the neighbours.
        envelope: `hull` without `taken`; closed.
        keep: what becomes part of the building; empty for nothing.
        context: the buildings around.
        offset: whole metres to add for the plot's own coordinates, and its ground.
        crs: reference system of these.
        notes: what was mended or taken in another way, in words.
    """

    plot: Plot
    hull: Manifold
    taken: Manifold
    envelope: Manifold
    keep: Manifold
    context: tuple[Mesh, ...]
    offset: tuple[float, float, float]
    crs: str | None
    notes: tuple[str, ...]

    @cached_property
    def inner(self) -> Manifold:
        """The envelope without a hair at its sides and top: what it shares with itself moved.

        A slope draws back by .6 of a hair at least.
        """
        inner = self.envelope
        for way in ((HAIR, 0, 0), (-HAIR, 0, 0), (0, HAIR, 0), (0, -HAIR, 0), (0, 0, -HAIR)):
            inner = inner ^ self.envelope.translate(way)
        return inner

    @property
    def top(self) -> float:
        """Highest point that may be built, in metres."""
        return float(self.envelope.bounding_box()[5])


def site_of(config: SiteConfig, reach: float) -> Site:
    """Give the site of a brief.

    Args:
        config: as the brief has it.
        reach: metres that the model's buildings can be tall.

    Raises:
        UsageError: where edges are named that the plot does not have, and for what contradicts itself.
        DataError: for a plot or a mesh that cannot be used, and where nothing can be built.
    """
    plot = read_plot(config.plot, config.unit or "m")
    if plot.geographic is not None and config.crs is not None:
        raise UsageError(
            f"the plot is in degrees, but {config.crs} is given; reproject the plot to it, for example with "
            f"ogr2ogr -t_srs {config.crs}"
        )
    offset = _offset(plot, config.ground)
    plot = replace(plot, polygon=affinity.translate(plot.polygon, -offset[0], -offset[1]))
    notes = list(plot.notes)
    buildable = setback(plot, config.setback)
    if buildable.is_empty:
        raise DataError(
            f"setbacks of {config.setback} m leave nothing of {plot.polygon.area:.0f} m2; lower them"
        )
    if config.height_limit is None or config.height_limit > reach:
        notes.append(f"up to {reach:g} m is built, as high as the model's buildings can be")
    hull = prism(buildable, 0.0, min(config.height_limit or reach, reach))
    for plane in config.plane:
        hull = under(hull, plot, plane)
    files = _Files(config.unit, offset, notes)
    if config.envelope is not None:
        hull = hull ^ union(files.solids([config.envelope], "envelope"))
    context = files.near(config.context, plot.polygon)
    if config.clear:
        context = _cleared(context, plot.polygon, notes)
    taken = union([*files.solids(config.void, "void"), *(solid for solid, _ in context)])
    envelope = without(hull, [taken])
    if envelope.volume() <= 0:
        raise DataError("nothing is left to build in: limits, voids and neighbours take the whole plot")
    if envelope.slice(_LOW).area() <= 0:
        foot = float(envelope.bounding_box()[2])
        raise DataError(
            f"what may be built begins {foot:g} m above the ground; say where that is (ground = ...) in the "
            "coordinates of the plot and the envelope"
        )
    keep = union(files.solids(config.keep, "keep"))
    buried = keep.volume()
    keep = keep.trim_by_plane((0.0, 0.0, 1.0), 0.0) if buried > 0 else keep
    if buried - keep.volume() > _CRUMB:
        notes.append(f"keep: {buried - keep.volume():.2f} m3 below the ground are left out")
    outside = (keep - envelope).volume()
    if outside > 1e-6 * max(keep.volume(), 1.0):
        raise UsageError(
            f"keep: {outside:.2f} of {keep.volume():.2f} m3 lie outside the envelope or in a void; "
            "what stays must lie where may be built"
        )
    meshes = tuple(mesh for _, mesh in context)
    return Site(plot, hull, taken, envelope, keep, meshes, offset, config.crs, tuple(notes))


def within(site: Site, window: Manifold) -> Site:
    """Give what of a site lies within a solid, such as a model's grid.

    Raises:
        UsageError: when what stays does not.
    """
    left = (site.keep - window).volume()
    if left > 1e-6 * max(site.keep.volume(), 1.0):
        raise UsageError(
            f"keep: {left:.2f} of {site.keep.volume():.2f} m3 lie beyond the model's grid; a model of a "
            "larger grid or pitch is needed"
        )
    return replace(site, hull=site.hull ^ window, envelope=site.envelope ^ window)


def setback(plot: Plot, metres: float | Sequence[float]) -> BaseGeometry:
    """Give what is left of a plot that keeps a distance from each of its edges.

    Args:
        plot: the plot.
        metres: one distance for all edges, or one for each in the file's order.

    Raises:
        UsageError: when there are neither one nor as many distances as edges.
    """
    import shapely

    edges = plot.edges
    count = len(edges)
    each = [metres] * count if isinstance(metres, int | float) else list(metres)
    if len(each) != count:
        raise UsageError(
            f"{counted(len(each), 'setback')} for a plot of {counted(count, 'edge')}; "
            "give one for all, or one for each edge in the plot's order"
        )
    each = [each[plot.edge(i)] for i in range(count)]
    strips = []
    for i, (edge, d) in enumerate(zip(edges, each, strict=True)):
        if d > 0:
            strips.append(shapely.LineString(edge).buffer(d, cap_style="flat"))
            strips += _around_ends(edges, each, i)
    if not strips:
        return plot.polygon
    # Corners a micrometre apart are where arcs and strips meet.
    return shapely.set_precision(plot.polygon.difference(shapely.union_all(strips)), _OVER)


def _around_ends(edges: Float[np.ndarray, "n 2 2"], each: Sequence[float], i: int) -> Iterator[Polygon]:
    """What lies past the ends of an edge, as near as its setback.

    A half disc at each end; less where that of the next edge covers it, so that corners stay sharp.
    """
    d, lengths = each[i], np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1)
    for step, corner in ((1, edges[i, 1]), (-1, edges[i, 0])):
        other = (i + step) % len(edges)
        along, beside = ((edges[k, 1] - edges[k, 0]) / lengths[k] for k in (i, other))
        # The angle by which the outline turns there, to the inside where it is above 0.
        inwards = step * math.atan2(along[0] * beside[1] - along[1] * beside[0], along @ beside)
        if lengths[other] >= d and inwards >= 0 and each[other] >= d:
            continue
        if min(lengths[other], lengths[i]) >= d and inwards < 0 and each[other] == d:
            # Between the normals of both edges, once.
            if step == 1:
                yield _fan(corner, along, d, step, -inwards)
        else:
            yield _fan(corner, along, d, step, math.pi)


def _fan(
    corner: Float[np.ndarray, " 2"], along: Float[np.ndarray, " 2"], radius: float, step: int, angle: float
) -> Polygon:
    """A part of a disc from the inward normal of an edge on, drawn around it: nothing comes nearer."""
    import shapely

    pieces = max(1, math.ceil(angle / _ARC - 1e-9))
    half = angle / pieces / 2
    inward = math.atan2(along[0], -along[1])
    # A little over both ends, so that no line without width is left beside what it meets.
    turns = [-_OVER, *((2 * k + 1) * half for k in range(pieces)), angle + _OVER]
    radii = [radius, *[radius / math.cos(half)] * pieces, radius]
    points = [
        corner + r * np.array([math.cos(inward - step * t), math.sin(inward - step * t)])
        for t, r in zip(turns, radii, strict=True)
    ]
    return shapely.Polygon([corner, *points])


def under(solid: Manifold, plot: Plot, plane: Plane) -> Manifold:
    """Give what of a solid lies under a plane that rises inwards from an edge.

    What lies behind the edge's line, as parts of a bent plot can, is not seen from it and stays.

    Raises:
        UsageError: for an edge that the plot does not have.
    """
    edges = plot.edges
    if plane.edge >= len(edges):
        raise UsageError(f"plane: edge {plane.edge}, but the plot has edges 0 to {len(edges) - 1}")
    a, b = edges[plot.edge(plane.edge)]
    along = (b - a) / np.linalg.norm(b - a)
    inward = np.array([-along[1], along[0]])
    line = float(inward @ a)
    rise = math.tan(math.radians(plane.slope))
    normal = np.array([*(rise * inward), -1.0])
    length = float(np.linalg.norm(normal))
    before = solid.trim_by_plane((*inward.tolist(), 0.0), line)
    behind = solid.trim_by_plane((*(-inward).tolist(), 0.0), -line)
    low = before.trim_by_plane(tuple((normal / length).tolist()), (rise * line - plane.height) / length)
    return low + behind if behind.volume() > _CRUMB else low


def _offset(plot: Plot, ground: float) -> tuple[float, float, float]:
    """Whole metres where the plot is far, else none; the ground whatever it is."""
    x, y = plot.polygon.centroid.coords[0]
    far = max(abs(x), abs(y)) > FAR
    return (float(round(x)), float(round(y)), ground) if far else (0.0, 0.0, ground)


@dataclass(frozen=True)
class _Files:
    """Reads the meshes of a site.

    Attributes:
        unit: of their numbers; what files say, or a guess, where None.
        offset: that is taken off.
        notes: takes what is odd about them.
    """

    unit: Unit | None
    offset: tuple[float, float, float]
    notes: list[str]

    def solids(self, paths: Sequence[str], what: str) -> list[Manifold]:
        """Give the solids of some files.

        Raises:
            DataError: for a file without, and for meshes that are not closed.
        """
        found = []
        for path in paths:
            _see_there(what, path)
            buildings = list(read_buildings(path, ReadOptions(unit=self.unit)))
            for building in buildings:
                if building.error is not None:
                    raise DataError(f"{what} {path}: {building.id}: {building.error}")
                self.notes.extend(f"{what} {path}: {warning}" for warning in building.warnings)
            if not buildings:
                raise DataError(f"{what} {path}: no solid in it; export closed meshes")
            found += [self._solid(building, what, path) for building in buildings]
        return found

    def near(self, paths: Sequence[str], plot: Polygon) -> list[tuple[Manifold, Mesh]]:
        """Give the buildings around a plot, as solids and as they are read; open ones as blocks."""
        x0, y0, x1, y1 = plot.bounds
        reach = _AROUND + max(x1 - x0, y1 - y0)
        found, blocks, unusable = [], 0, 0
        for path in paths:
            _see_there("context", path)
            buildings = list(read_buildings(path, ReadOptions(unit=self.unit)))
            sound = [building for building in buildings if building.error is None]
            if not sound:
                told = f"{buildings[0].id}: {buildings[0].error}" if buildings else "no building in it"
                raise DataError(f"context {path}: {told}")
            unusable += len(buildings) - len(sound)
            for mesh in map(self._local, sound):
                low, high = mesh.bounds
                if low[0] > x1 + reach or low[1] > y1 + reach or high[0] < x0 - reach or high[1] < y0 - reach:
                    continue
                solid = closed(mesh)
                if solid is None:
                    plan = footprint(mesh)
                    if plan.is_empty:
                        unusable += 1
                        continue
                    blocks += 1
                    solid = prism(plan, float(low[2]), float(high[2] - low[2]))
                    mesh = triangles_of(solid)
                found.append((solid, mesh))
        if blocks:
            self.notes.append(f"context: {counted(blocks, 'building')} not closed, taken as blocks")
        if unusable:
            self.notes.append(f"context: {counted(unusable, 'building')} cannot be used and left out")
        return found

    def _local(self, building: Building) -> Mesh:
        return replace(building.mesh, vertices=building.mesh.vertices - np.array(self.offset))

    def _solid(self, building: Building, what: str, path: str) -> Manifold:
        mesh = self._local(building)
        made = closed(mesh)
        if made is None:
            edges = topology(mesh)
            raise DataError(
                f"{what} {path}: {building.id} is no closed solid ({counted(edges.open, 'open edge')}, "
                f"{counted(edges.nonmanifold, 'edge')} of more than two faces); close it where it was drawn"
            )
        return made


def _see_there(what: str, path: str) -> None:
    if not Path(path).exists():
        raise DataError(f"{what}: no file at {path}; files that a brief names lie beside it")


def _cleared(
    context: Sequence[tuple[Manifold, Mesh]], plot: Polygon, notes: list[str]
) -> list[tuple[Manifold, Mesh]]:
    """Give the buildings that stand for the most part beside the plot; the others make room, and are told."""
    left = []
    for solid, mesh in context:
        on_it = (solid ^ prism(plot, *_span(solid))).project().area()
        if on_it <= _MOSTLY * solid.project().area():
            left.append((solid, mesh))
    gone = len(context) - len(left)
    if gone:
        notes.append(f"context: {counted(gone, 'building')} on the plot taken down")
    return left


def _span(solid: Manifold) -> tuple[float, float]:
    """Lowest level of a solid, and how high it is."""
    _, _, low, _, _, high = solid.bounding_box()
    return float(low), float(high - low)


def sections(solid: Manifold, storey_height: float) -> Float[np.ndarray, " storeys"]:
    """Give the plan area in m2 of each storey of a solid, half-way up."""
    top = float(solid.bounding_box()[5]) if solid.volume() > 0 else 0.0
    levels = (np.arange(max(1, math.ceil(top / storey_height))) + 0.5) * storey_height
    return np.array([solid.slice(float(level)).area() for level in levels])
