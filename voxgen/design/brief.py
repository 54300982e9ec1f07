"""A brief: the site, what is wanted, and what must hold. Written as TOML, checked on reading.

    [site]
    plot = "plot.geojson"            # or DXF, CityJSON, OBJ, WKT: a file beside this one, or WKT itself
    setback = [3, 1, 1, 1]           # metres, one for all edges or one for each, in the plot's order
    height_limit = 9
    context = ["neighbours.city.json"]

    [[site.plane]]                   # daylight: nothing above a plane that rises inwards from an edge
    edge = 0
    height = 4
    slope = 45

    [targets]
    gross_floor_area = 240           # or { value = 240, tolerance = 0.05, weight = 2 }
    height = 8.5
    roof = "pitched"

    [rules]
    cantilever = 2

All lengths are metres, areas square metres, volumes cubic metres; angles are degrees.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ..config import Config
from ..errors import DataError
from ..formats.options import Unit

Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _distances(given: float | tuple[float, ...]) -> float | tuple[float, ...]:
    each = given if isinstance(given, tuple) else (given,)
    if not all(math.isfinite(d) and d >= 0 for d in each):
        raise ValueError("give metres from 0 up, one for all edges or one for each, such as [3, 1, 1, 1]")
    return given


MEASURED = (
    "gross_floor_area",
    "floor_area_ratio",
    "footprint_area",
    "plot_coverage",
    "storeys",
    "height",
    "volume",
    "surface_to_volume",
)
"""Targets that are numbers above zero."""


class Target(Config):
    """A number that is wanted.

    Attributes:
        value: in its own unit.
        tolerance: share of the value by which it may be missed and counts as met.
        weight: beside the other targets.
    """

    value: Positive
    tolerance: Annotated[float, Field(gt=0, le=1)] = 0.05
    weight: Positive = 1.0


def _as_target(given: Any) -> Any:
    if isinstance(given, str | list | bool):
        raise ValueError("give a number, or { value = 240, tolerance = 0.05, weight = 2 }")
    return {"value": given} if isinstance(given, int | float) and not isinstance(given, bool) else given


Wanted = Annotated[Target | None, BeforeValidator(_as_target)]


class Targets(Config):
    """What is wanted, each entry optional; a number alone has a tolerance of 5 %.

    Attributes:
        gross_floor_area: m2, over all storeys.
        floor_area_ratio: gross floor area over the plot's area.
        footprint_area: m2.
        plot_coverage: footprint over the plot's area.
        storeys: how many.
        height: metres, ground to top.
        volume: m3.
        surface_to_volume: surface over volume, ground included, 1/m: small is compact.
        roof: `flat` or `pitched`.
        orientation: of the long side, degrees from the plot's x axis, counter-clockwise.
        storey_height: metres, by which storeys and floor areas are counted.
    """

    gross_floor_area: Wanted = None
    floor_area_ratio: Wanted = None
    footprint_area: Wanted = None
    plot_coverage: Wanted = None
    storeys: Wanted = None
    height: Wanted = None
    volume: Wanted = None
    surface_to_volume: Wanted = None
    roof: Literal["flat", "pitched"] | None = None
    orientation: Annotated[float, Field(allow_inf_nan=False)] | None = None
    storey_height: Annotated[float, Field(ge=2, le=20)] = 3.0

    def measured(self) -> dict[str, Target]:
        """Give the numbers that are wanted, by name."""
        values = {name: getattr(self, name) for name in MEASURED}
        return {name: target for name, target in values.items() if target is not None}


class Plane(Config):
    """A limit that rises inwards from an edge of the plot, as daylight rules have it.

    Attributes:
        edge: number of the edge in the plot's order, from 0.
        height: metres above the ground at the edge.
        slope: degrees from the horizontal.
    """

    edge: Annotated[int, Field(ge=0)]
    height: Length
    slope: Annotated[float, Field(ge=0, lt=90)]


class SiteConfig(Config):
    """Where is built, and what stands there.

    Attributes:
        plot: file (GeoJSON, DXF, CityJSON, OBJ, WKT), or WKT itself; the polygon to build on.
        unit: of the plot's coordinates and of meshes; where left out the plot is in metres, and meshes are in
            what their files say.
        crs: reference system of the plot, such as `EPSG:28992`; exports bear it.
        setback: metres to keep from all edges, or from each.
        height_limit: metres above the ground.
        plane: limits that rise inwards from edges.
        envelope: closed mesh to stay inside, as well.
        keep: closed meshes that become part of the building.
        void: closed meshes to keep free, such as a passage or a light well.
        context: buildings around: not built over, drawn in pictures.
        clear: whether those of them that stand mostly on the plot make room for what is built.
        ground: level of the ground in the plot's system; what is exported stands on it as z = 0.
    """

    plot: str
    unit: Unit | None = None
    crs: str | None = None
    setback: Annotated[float | tuple[float, ...], AfterValidator(_distances)] = 0.0
    height_limit: Positive | None = None
    plane: tuple[Plane, ...] = ()
    envelope: str | None = None
    keep: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    clear: bool = False
    ground: Annotated[float, Field(allow_inf_nan=False)] = 0.0


class Rules(Config):
    """What must hold of every building besides the site.

    Attributes:
        cantilever: metres that a part may reach over air, from what carries it.
    """

    cantilever: Length = 2.0


class Brief(Config):
    """A brief as it is written.

    Attributes:
        site: where is built.
        targets: what is wanted.
        rules: what must hold.
    """

    site: SiteConfig
    targets: Targets = Targets()
    rules: Rules = Rules()

    @model_validator(mode="after")
    def _agree(self) -> Brief:
        """Refuse two targets that say one thing in two ways."""
        for one, other in (("gross_floor_area", "floor_area_ratio"), ("footprint_area", "plot_coverage")):
            if getattr(self.targets, one) and getattr(self.targets, other):
                raise ValueError(f"{one} and {other} follow from each other on a plot; ask for one of them")
        return self

    @property
    def files(self) -> dict[str, str]:
        """The files that it names, by where it does."""
        site = self.site
        named = {} if is_wkt(site.plot) else {"plot": site.plot}
        if site.envelope is not None:
            named["envelope"] = site.envelope
        for key in ("keep", "void", "context"):
            named |= {f"{key}.{i}": path for i, path in enumerate(getattr(site, key))}
        return named

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that tell briefs apart: by what they and their files say, not where.

        Raises:
            DataError: for a file that cannot be read.
        """
        said = self.model_dump(mode="json")
        for key, path in self.files.items():
            name, _, number = key.partition(".")
            if number:
                said["site"][name][int(number)] = _digest(path)
            else:
                said["site"][name] = _digest(path)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def read_brief(path: Path) -> Brief:
    """Read a brief; files that it names lie beside it.

    Raises:
        UsageError: naming what is wrong with it, and what is allowed.
    """
    brief = Brief.from_toml(path)
    site = brief.site

    def beside(name: str) -> str:
        return str(path.parent / name)

    moved = {
        "plot": site.plot if is_wkt(site.plot) else beside(site.plot),
        "envelope": None if site.envelope is None else beside(site.envelope),
        **{key: tuple(map(beside, getattr(site, key))) for key in ("keep", "void", "context")},
    }
    return brief.model_copy(update={"site": site.model_copy(update=moved)})


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except FileNotFoundError:
        raise DataError(f"no file at {path}; files that a brief names lie beside it") from None
    except OSError as failure:
        raise DataError(f"{path} cannot be read ({failure.strerror})") from None


def is_wkt(text: str) -> bool:
    """Tell well-known text (OGC 06-103r4) from the name of a file.

    >>> is_wkt("POLYGON ((0 0, 8 0, 8 5, 0 0))"), is_wkt("polygon.wkt")
    (True, False)
    """
    head = text.lstrip().upper()
    return head.startswith(("POLYGON", "MULTIPOLYGON")) and "(" in head
