"""The polygon to build on, from GeoJSON, DXF, CityJSON, OBJ outlines or WKT, in metres.

Its edges have numbers, from 0 in the order in which the file draws them, whichever way around that is.
What had to be mended or taken in another way is said in `notes`; what cannot be is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError, UsageError
from ..extras import require
from ..formats.crs import DEGREES
from ..formats.units import METRES
from .brief import is_wkt

if TYPE_CHECKING:
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

SUFFIXES = (".geojson", ".json", ".dxf", ".obj", ".wkt")

_SMALLEST, _LARGEST = 2.0, 2000.0
"""Metres across, between which a plot lies."""

_SEMI_MAJOR, _ECCENTRICITY = 6378137.0, 0.00669437999014
"""Of the ellipsoid of WGS 84, metres, and its eccentricity squared."""

_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Plot:
    """A polygon to build on.

    Attributes:
        polygon: metres, outer ring counter-clockwise from the file's first corner; holes are not built on.
        clockwise: whether the file draws it the other way around.
        geographic: longitude and latitude in degrees of the origin, where the file has degrees.
        notes: what was mended or taken in another way, in words.
    """

    polygon: Polygon
    clockwise: bool = False
    geographic: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def edges(self) -> Float[np.ndarray, "n 2 2"]:
        """The two ends of each edge of the outer ring, in metres: counter-clockwise from the first corner."""
        ring = np.asarray(self.polygon.exterior.coords)[:-1, :2]
        return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)

    def edge(self, number: int) -> int:
        """Give the index in `edges` of the edge that has a number in the file's order."""
        return len(self.edges) - 1 - number if self.clockwise else number


def read_plot(given: str, unit: str = "m") -> Plot:
    """Read a plot.

    Args:
        given: a file, or WKT.
        unit: of its coordinates.

    Raises:
        UsageError: when the format is none of those read.
        DataError: when there is no polygon, or one that cannot be built on, with where it fails.
    """
    notes: list[str] = []
    if is_wkt(given):
        source = "the plot"
        shapes, degrees = _of_wkt(given, source), False
    else:
        source = given
        shapes, degrees = _read(Path(given), notes)
    whole = _one(shapes, source, notes)
    geographic = None
    if degrees:
        whole, geographic = _in_metres(whole, notes)
    elif unit != "m":
        from shapely import affinity

        whole = affinity.scale(whole, METRES[unit], METRES[unit], origin=(0, 0))
        notes.append(f"taken from {unit} to metres")
    polygon, clockwise = _sound(whole, source, unit, notes)
    return Plot(polygon, clockwise, geographic, tuple(notes))


def _read(path: Path, notes: list[str]) -> tuple[list[BaseGeometry], bool]:
    """The shapes of a file, and whether their coordinates are degrees."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: a plot is read from {', '.join(SUFFIXES)}, or given as WKT")
    if suffix == ".dxf":
        return _of_dxf(path, notes), False
    text = _text(path)
    if suffix == ".wkt":
        return _of_wkt(text, str(path)), False
    if suffix == ".obj":
        return _of_obj(text, path, notes), False
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise DataError(f"{path} is no JSON ({failure}); export the plot again") from None
    if isinstance(values, dict) and values.get("type") == "CityJSON":
        return _of_city_model(path), False
    return _of_geojson(values, path)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(
                f"{path} has more than {_MOST_BYTES >> 20} MiB: a plot is one polygon; cut it out"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"no plot at {path}; give a file, or the polygon as WKT") from None
    except (OSError, UnicodeDecodeError) as failure:
        raise DataError(f"{path} cannot be read ({failure})") from None


def _of_wkt(text: str, source: str) -> list[BaseGeometry]:
    import shapely

    try:
        return [shapely.from_wkt(text)]
    except shapely.errors.ShapelyError as failure:
        raise DataError(f"{source} is no well-known text ({failure}); write POLYGON ((x y, ...))") from None


def _of_geojson(values: Any, path: Path) -> tuple[list[BaseGeometry], bool]:
    """Polygons of GeoJSON (RFC 7946), whose coordinates are degrees unless it names another system."""
    import shapely

    try:
        geometries = [_coordinates(one, path) for one in _geometries(values)]
        shapes: list[BaseGeometry] = [
            shapely.Polygon(rings[0], rings[1:]) for polygons in geometries for rings in polygons if rings
        ]
        named = str((values.get("crs") or {}).get("properties", {}).get("name", "")).lower()
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as failure:
        raise DataError(f"{path} is no GeoJSON with polygons ({failure}); export the plot again") from None
    if named:
        return shapes, any(named.endswith(code) for code in DEGREES)
    return shapes, bool(shapes) and _look_like_degrees(shapes)


def _geometries(values: Any) -> Iterable[Mapping[str, Any]]:
    if values.get("type") == "FeatureCollection":
        for feature in values["features"]:
            yield from _geometries(feature)
    elif values.get("type") == "Feature":
        yield from _geometries(values["geometry"])
    elif values.get("type") == "GeometryCollection":
        for geometry in values["geometries"]:
            yield from _geometries(geometry)
    elif values.get("type") in ("Polygon", "MultiPolygon"):
        yield values


def _coordinates(geometry: Mapping[str, Any], path: Path) -> list[list[Float[np.ndarray, "_ 2"]]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    made = [[np.asarray(ring, np.float64)[:, :2] for ring in rings] for rings in polygons]
    if not all(np.isfinite(ring).all() for rings in made for ring in rings):
        raise DataError(f"{path}: coordinates that are not finite; export the plot again")
    return made


def _look_like_degrees(shapes: Iterable[BaseGeometry]) -> bool:
    x0, y0, x1, y1 = np.array([shape.bounds for shape in shapes]).T
    inside = max(-x0.min(), x1.max()) <= 180 and max(-y0.min(), y1.max()) <= 90
    return bool(inside and max(x1.max() - x0.min(), y1.max() - y0.min()) < 0.05)


def _in_metres(polygon: Polygon, notes: list[str]) -> tuple[Polygon, tuple[float, float]]:
    """The plane that touches the ellipsoid at the middle; a plot's size is right to a ten-thousandth."""
    import shapely

    longitude, latitude = polygon.centroid.coords[0]
    sine = math.sin(math.radians(latitude))
    prime = _SEMI_MAJOR / math.sqrt(1 - _ECCENTRICITY * sine**2)
    meridian = prime * (1 - _ECCENTRICITY) / (1 - _ECCENTRICITY * sine**2)
    per_degree = np.radians([prime * math.cos(math.radians(latitude)), meridian])
    notes.append(f"degrees, taken as metres east and north of {longitude:.7f}, {latitude:.7f}")
    flat = shapely.transform(polygon, lambda xy: (xy - [longitude, latitude]) * per_degree)
    return flat, (longitude, latitude)


def _of_dxf(path: Path, notes: list[str]) -> list[BaseGeometry]:
    """What lines and polylines enclose."""
    require("ezdxf", "cad", "reading a plot from DXF")
    import ezdxf
    from ezdxf import path as paths

    try:
        document = ezdxf.readfile(path)  # pyright: ignore[reportPrivateImportUsage]
    except FileNotFoundError:
        raise DataError(f"no plot at {path}; give a file, or the polygon as WKT") from None
    except (OSError, ezdxf.DXFError, ValueError) as failure:  # pyright: ignore[reportPrivateImportUsage]
        raise DataError(f"{path} is no DXF, or damaged ({failure}); save it again") from None
    lines: list[list[tuple[float, float]]] = []
    for entity in document.modelspace().query("LWPOLYLINE POLYLINE LINE ARC SPLINE"):
        points = [(p.x, p.y) for p in paths.make_path(entity).flattening(0.01)]  # type: ignore[arg-type]
        if len(points) > 1:
            lines.append(points)
    return _enclosed(lines, notes)


def _enclosed(lines: Sequence[Sequence[tuple[float, float]]], notes: list[str]) -> list[BaseGeometry]:
    """What lines enclose, rings within rings as holes; a ring alone in its own order."""
    import shapely

    if len(lines) == 1 and lines[0][0] == lines[0][-1] and len(lines[0]) > 3:
        return [shapely.Polygon(lines[0])]
    if not lines:
        return []
    notes.append("drawn as several lines: edges are numbered counter-clockwise from any of their ends")
    return [shapely.build_area(shapely.unary_union([shapely.LineString(line) for line in lines]))]


def _of_obj(text: str, path: Path, notes: list[str]) -> list[BaseGeometry]:
    """A closed line (`l`), or what faces (`f`) cover of the plan."""
    import shapely

    points: list[tuple[float, float]] = []
    lines, faces = [], []
    try:
        for row in text.splitlines():
            key, *words = row.split() or [""]
            if key == "v":
                points.append((float(words[0]), float(words[1])))
            elif key in ("l", "f"):
                numbers = [int(word.split("/")[0]) for word in words]
                corners = [points[n - 1 if n > 0 else n] for n in numbers]
                (lines if key == "l" else faces).append(corners)
    except (ValueError, IndexError) as failure:
        raise DataError(f"{path} is no OBJ, or damaged ({failure}); export the outline again") from None
    if lines:
        return _enclosed(lines, notes)
    flat = [shapely.Polygon(face) for face in faces if len(face) > 2]
    return [shapely.union_all([face for face in flat if face.area > 0])] if flat else []


def _of_city_model(path: Path) -> list[BaseGeometry]:
    """What the objects of a city model cover of the plan."""
    from ..formats import read_buildings
    from ..geometry.footprint import footprint

    return [footprint(one.mesh) for one in read_buildings(path) if one.error is None and len(one.mesh.faces)]


def _one(shapes: Iterable[BaseGeometry], source: str, notes: list[str]) -> Polygon:
    """The one polygon among some shapes."""
    import shapely

    every = (part for shape in shapes for part in shapely.get_parts(shape))
    parts = [part for part in every if isinstance(part, shapely.Polygon)]
    if not parts:
        raise DataError(f"{source} has no polygon; draw the plot as one closed outline")
    if len(parts) == 1:
        return parts[0]
    broken = next((part for part in parts if not part.is_valid), None)
    joined = None if broken else shapely.union_all(parts)
    if not isinstance(joined, shapely.Polygon):
        raise DataError(f"{source} has {len(parts)} polygons; a brief is for one plot: keep one of them")
    notes.append(f"{len(parts)} polygons joined to one")
    return joined


def _sound(polygon: Polygon, source: str, unit: str, notes: list[str]) -> tuple[Polygon, bool]:
    """The polygon as plots are: simple, of a plot's size, counter-clockwise; and whether it was not."""
    import shapely
    from shapely.validation import explain_validity

    if not polygon.is_valid:
        mended = shapely.make_valid(polygon)
        parts = [part for part in shapely.get_parts(mended) if isinstance(part, shapely.Polygon)]
        largest = max(parts, key=lambda part: part.area, default=None)
        if largest is None or sum(part.area for part in parts) - largest.area > 1e-3 * largest.area:
            raise DataError(f"{source} crosses itself: {explain_validity(polygon)}; draw it again, without")
        notes.append(f"mended: {explain_validity(polygon)}")
        polygon = largest
    x0, y0, x1, y1 = polygon.bounds
    across = max(x1 - x0, y1 - y0)
    if not (math.isfinite(across) and _SMALLEST <= across <= _LARGEST):
        raise DataError(
            f"{source} is {across:.3g} m across when its numbers are {unit}; plots are {_SMALLEST:g} to "
            f'{_LARGEST:g} m: give the unit that it is in, such as unit = "mm" or "ft"'
        )
    for hole in polygon.interiors:
        notes.append(f"a hole of {shapely.Polygon(hole).area:.1f} m2 is not built on")
    ring = _corners(np.asarray(polygon.exterior.coords)[:-1, :2])
    clockwise = not polygon.exterior.is_ccw
    if clockwise:
        ring = np.roll(ring[::-1], 1, axis=0)
    return shapely.Polygon(ring, [np.asarray(hole.coords)[:, :2] for hole in polygon.interiors]), clockwise


def _corners(ring: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "m 2"]:
    """A ring without points that stand twice in a row."""
    apart = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1) > 1e-6
    return ring[apart]
