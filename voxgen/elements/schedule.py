"""The area schedule of a building: floor areas, envelope and volume by storey, and one row for each element.

- `gross_floor_area`: the section of the mass at floor level (upper face of the slab) to the outer faces, with
  overhangs that begin up to 1.5 m higher, without low wings (see `storeys`). `clear_floor_area` is the part
  of it with 1.5 m below the roof (NEN 2580), `net_floor_area` the part inside the walls.
- `facade_area`: the upright faces of the mass within the storey's height; the storeys add up to the whole.
  `net_wall_area`: what of it is outside of walls, between slabs and roof: where windows can be.
- `volume`: of the mass between a storey's level and the next, gross.
- `footprint_area`: the mass seen from above; `envelope_area`: all faces of the mass, the ground too;
  `shape_factor`: envelope over volume, in 1/m.

Areas in m2, volumes in m3, heights and levels in m.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..geometry.mesh import SurfaceClass
from ..geometry.solid import Solid
from .booleans import between, solid_of
from .build import Elements
from .envelope import Envelope, Slope
from .plans import joined, section
from .settings import HEADROOM

if TYPE_CHECKING:
    from manifold3d import Manifold
    from shapely import MultiPolygon

_ABOVE = 0.01
"""Metres above the floor at which the walls that stand on it are measured."""

_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True)
class Schedule:
    """Areas and volumes of a building.

    Attributes:
        storeys: a row for each, from the ground up.
        elements: a row for each, in the order of the elements.
        total: of the whole building.
    """

    storeys: tuple[dict[str, Any], ...]
    elements: tuple[dict[str, Any], ...]
    total: dict[str, Any]

    def storeys_csv(self) -> str:
        """Give the storeys as CSV, the last row for the whole building."""
        return _csv([*self.storeys, {"storey": "total", **self.total}])

    def elements_csv(self) -> str:
        """Give the elements as CSV."""
        return _csv(self.elements)

    def json(self) -> str:
        """Give all of it as JSON."""
        said = {"total": self.total, "storeys": self.storeys, "elements": self.elements}
        units = {"length": "m", "area": "m2", "volume": "m3", "azimuth": "degrees from +y, clockwise"}
        return json.dumps({"units": units, **said}, indent=2) + "\n"


def schedule(elements: Elements) -> Schedule:
    """Give the schedule of a building."""
    solid = solid_of(elements.envelope.mesh)
    starts = [level.storey.elevation for level in elements.levels]
    ends = [*starts[1:], float(elements.mass.vertices[elements.mass.loops, 2].max())]
    storeys = tuple(
        _rounded(_storey(elements, solid, number, start, end))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    rows = tuple(_rounded(_element(elements, one)) for one in elements.solids)
    return Schedule(storeys, rows, _rounded(_total(elements, storeys)))


def _storey(elements: Elements, solid: Manifold, number: int, start: float, end: float) -> dict[str, Any]:
    level = elements.levels[number]
    walls = [one for one in elements.solids if one.kind == "wall" and one.storey == number]
    floor = start + elements.settings.slab
    hung = level.plan.difference(section(elements.mass.to_mesh(), floor))
    built = [
        *_built(elements, floor + _ABOVE),
        *(one.intersection(hung) for one in _built(elements, floor + HEADROOM)),
    ]
    return {
        "storey": level.storey.name,
        "elevation": start,
        "height": level.storey.height,
        "gross_floor_area": level.plan.area,
        "net_floor_area": level.plan.difference(joined(built)).area,
        "clear_floor_area": level.clear.area,
        "facade_area": _upright_area(elements.envelope, start, end),
        "net_wall_area": sum(wall.attributes["area"] for wall in walls),
        "volume": between(solid, start, end).volume(),
    }


def _built(elements: Elements, level: float) -> list[MultiPolygon]:
    """Sections of walls and roofs."""
    return [section(one.surface.to_mesh(), level) for one in elements.solids if one.kind in ("wall", "roof")]


def _element(elements: Elements, one: Solid) -> dict[str, Any]:
    low, high = one.surface.to_mesh().bounds[:, 2]
    row = {
        "name": one.name,
        "kind": one.kind,
        "role": one.attributes["role"],
        "storey": elements.levels[one.storey].storey.name,
        "base": low,
        "height": high - low,
        "area": one.attributes["area"],
        "volume": one.attributes["volume"],
    }
    if one.kind == "wall":
        azimuth = one.attributes["azimuth"]
        along = np.array([np.cos(np.radians(azimuth)), -np.sin(np.radians(azimuth))])
        outer = [
            one.surface.polygon(p)[0][:, :2] @ along
            for p in np.flatnonzero(one.surface.labels == SurfaceClass.WALL).tolist()
            if abs(float(one.surface.area_vectors[p, :2] @ along)) < 1e-3 * one.surface.areas[p]
        ]
        width = float(np.ptp(np.concatenate(outer))) if outer else 0.0
        row |= {"width": width, "azimuth": azimuth, "faces": _COMPASS[round(azimuth / 45) % 8]}
    return row


def _total(elements: Elements, storeys: Sequence[dict[str, Any]]) -> dict[str, Any]:
    envelope = elements.envelope
    faces = envelope.mass.areas
    volume = envelope.mesh.volume
    low, high = envelope.mesh.bounds[:, 2]
    summed = ("gross_floor_area", "net_floor_area", "clear_floor_area", "facade_area", "net_wall_area")
    by_class = {
        name: faces[envelope.classes == label].sum()
        for name, label in (
            ("roof_area", SurfaceClass.ROOF),
            ("ground_area", SurfaceClass.GROUND),
            ("soffit_area", SurfaceClass.OUTER_FLOOR_OR_CEILING),
        )
    }
    built = {
        f"{kind}_volume": sum(one.attributes["volume"] for one in elements.solids if one.kind == kind)
        for kind in ("slab", "wall", "roof")
    }
    return {
        "storeys": len(storeys),
        "height": high - low,
        **{key: sum(row[key] for row in storeys) for key in summed},
        "footprint_area": joined(envelope.plans[face] for face in envelope.faces(Slope.ROOF)).area,
        **by_class,
        "envelope_area": faces.sum(),
        "volume": volume,
        "shape_factor": faces.sum() / volume,
        **built,
    }


def _upright_area(envelope: Envelope, low: float, high: float) -> float:
    """Area of walls between two levels."""
    faces, source = envelope.mass.triangles
    corners = envelope.mass.vertices[faces[envelope.slopes[source] == Slope.WALL]]
    if len(corners) == 0:
        return 0.0
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    a, b, c = np.sort(corners[:, :, 2], axis=1).T

    def below(level: float) -> Float[np.ndarray, " f"]:
        """Share of each triangle below a level: a parabola up to the middle corner, and one from there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rising = (level - a) ** 2 / ((b - a) * (c - a))
            falling = 1 - (c - level) ** 2 / ((c - a) * (c - b))
        return np.where(level <= a, 0.0, np.where(level >= c, 1.0, np.where(level < b, rising, falling)))

    return float((areas * (below(high) - below(low))).sum())


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int) else round(float(value), 4) for key, value in row.items()
    }


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """A table whose columns are those of all rows, in the order in which they come."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
