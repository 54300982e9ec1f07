"""CityGML 1 and 2 (OGC 12-019), and what 3 names alike: each Building with its parts is one building.

Elements go by their local names, so that versions and profiles read the same. A solid is taken before
surfaces of the same level of detail. Its polygons usually lie in the thematic surfaces around the building
and are referred to by `xlink:href`; they bring their class along from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError
from ..geometry.mesh import SurfaceClass
from .assemble import SoupBuilder
from .attributes import merged
from .building import Building
from .crs import crs_name
from .finish import failed, finish
from .lod import Candidate, choose
from .options import ReadOptions
from .semantics import CLASSES
from .source import SourceFile
from .units import METRES, Frame
from .xml import Element, attribute, child, children, local, parse_xml

GEOMETRY = re.compile(r"lod([0-4])(Solid|MultiSurface|MultiSolid|Geometry|FootPrint|RoofEdge|Surface)")
HOLDERS = {
    "consistsOfBuildingPart": "BuildingPart",
    "buildingPart": "BuildingPart",
    "outerBuildingInstallation": "BuildingInstallation",
}
"""Properties that hold members of a building, and what they hold."""

BOUNDS = ("boundedBy", "boundary")
POLYGONS = ("Polygon", "PolygonPatch", "Triangle", "Rectangle")
TEXTS = ("class", "function", "usage", "yearOfConstruction", "roofType")
NUMBERS = ("measuredHeight", "storeysAboveGround", "storeysBelowGround")
NO_LINK = frozenset(("LinearRing", "posList", "pos"))


@dataclass
class _City:
    """A file: elements by id, for links, and the number of surfaces visited, for the limit."""

    options: ReadOptions
    by_id: dict[str, Element] = field(default_factory=dict)
    visits: int = 0
    broken: int = 0


@dataclass(frozen=True)
class _Body:
    """A geometry of one member: solids, each a list of surface properties; or one list of surfaces."""

    solids: list[list[Element]]


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a CityGML file.

    Raises:
        DataError: where the file as a whole is no CityGML, or its coordinates are degrees.
        LimitError: where it exceeds a limit.
    """
    root = parse_xml(file.read_bytes(options.limits))
    if local(root) != "CityModel":
        raise DataError(f"XML of {local(root)[:40]!r}; only CityGML's CityModel holds buildings")
    city = _City(options)
    buildings = []
    for element in root.iter():
        name = attribute(element, "id")
        if name:
            city.by_id.setdefault(name, element)
        if local(element) == "Building":
            buildings.append(element)
    crs = _crs(root)
    for number, building in enumerate(buildings, start=1):
        name = attribute(building, "id") or f"{file.stem}-{number}"
        try:
            yield _building(file, city, building, name, crs)
        except DataError as failure:
            yield failed(file, str(failure), name)
        except (ValueError, OverflowError) as failure:
            yield failed(file, f"damaged geometry ({str(failure)[:100]})", name)
    if not buildings:
        kinds = {local(entry) for member in children(root, "cityObjectMember") for entry in member}
        raise DataError(f"no Building among its objects ({', '.join(sorted(kinds)) or 'nothing'})")


def _crs(root: Element) -> str | None:
    for element in root.iter("{*}Envelope"):
        name = element.get("srsName")
        if name:
            return crs_name(name)
    return None


def _building(file: SourceFile, city: _City, building: Element, name: str, crs: str | None) -> Building:
    members = _members(city, building, 0)
    labels = _labels(city, members)
    candidates = [
        Candidate(str(number), level, body, solid)
        for number, member in enumerate(members)
        for level, body, solid in _bodies(member)
    ]
    chosen, warnings = choose(candidates, "0", city.options.lod)
    builder = SoupBuilder()
    broken = city.broken
    part = 0
    for candidate in chosen:
        for solid in candidate.geometry.solids:
            for polygon, flip in _polygons(city, solid, 0, False):
                rings = _rings(polygon)
                if flip:
                    rings = [ring[::-1] for ring in rings]
                builder.add_points(rings, labels.get(polygon, SurfaceClass.UNKNOWN), part)
            part += 1
    if city.broken > broken:
        warnings = (*warnings, f"{city.broken - broken} links to surfaces that are not in the file")
    frame = Frame(METRES[city.options.unit or "m"], city.options.up or "z")
    lod = max((c.lod for c in chosen if c.lod is not None), default=None)
    attributes = merged(_attributes(members[0]), [_attributes(member) for member in members[1:]])
    return finish(
        file, name, builder.soup(), frame, lod=lod, crs=crs, attributes=attributes, warnings=warnings
    )


def _members(city: _City, building: Element, depth: int) -> list[Element]:
    """The building, its parts and installations."""
    city.options.limits.check_depth(depth, "building parts")
    members = [building]
    for holder in building:
        kind = HOLDERS.get(local(holder))
        for entry in children(holder, kind) if kind else []:
            members.extend(_members(city, entry, depth + 1))
    return members


def _bodies(member: Element) -> Iterator[tuple[float, _Body, bool]]:
    """The geometries of one member: level of detail, surfaces, and whether they are a solid."""
    around: dict[float, list[Element]] = {}
    own: dict[float, list[Element]] = {}
    for level, kind, geometry in _geometries(member):
        solids = [e for e in geometry.iter() if local(e) == "Solid"] if "Solid" in kind else []
        if solids:
            shells = [[s for s in solid if local(s) in ("exterior", "interior")] for solid in solids]
            yield level, _Body(shells), True
        else:
            own.setdefault(level, []).append(geometry)
    for bound in children(member, *BOUNDS):
        for surface in bound:
            for level, _, geometry in _geometries(surface, openings=True):
                around.setdefault(level, []).append(geometry)
    for level in own.keys() | around.keys():
        yield level, _Body([own.get(level) or around[level]]), False


def _geometries(element: Element, openings: bool = False) -> Iterator[tuple[float, str, Element]]:
    for entry in element:
        match = GEOMETRY.fullmatch(local(entry))
        if match:
            yield float(match[1]), match[2], entry
        elif openings and local(entry) == "opening":
            for opening in entry:
                yield from _geometries(opening)


def _labels(city: _City, members: list[Element]) -> dict[Element, SurfaceClass]:
    """Class of each polygon, by the thematic surface that holds or links to it."""
    labels: dict[Element, SurfaceClass] = {}
    broken = city.broken
    for member in members:
        for bound in children(member, *BOUNDS):
            for surface in bound:
                said = CLASSES.get(local(surface).lower(), SurfaceClass.OTHER)
                for kind, geometry in [(said, surface)] + [
                    (SurfaceClass.OPENING, opening) for opening in children(surface, "opening")
                ]:
                    for polygon, _ in _polygons(city, list(geometry), 0, False):
                        labels[polygon] = kind
    city.broken = broken
    return labels


def _polygons(city: _City, elements: list[Element], depth: int, flip: bool) -> Iterator[tuple[Element, bool]]:
    """Polygons below these elements, links followed; whether each is to be turned over."""
    city.options.limits.check_depth(depth, "surfaces")
    for element in elements:
        city.visits += 1
        city.options.limits.check_size(nodes=city.visits)
        kind = local(element)
        if kind in POLYGONS:
            yield element, flip
            continue
        if kind in NO_LINK:
            continue
        link = attribute(element, "href")
        if link is not None and len(element) == 0:
            target = city.by_id.get(link.removeprefix("#"))
            if target is None:
                city.broken += 1
            else:
                yield from _polygons(city, [target], depth + 1, flip)
            continue
        turned = flip != (kind == "OrientableSurface" and element.get("orientation") == "-")
        yield from _polygons(city, list(element), depth + 1, turned)


def _rings(polygon: Element) -> list[np.ndarray]:
    rings = []
    for bound in children(polygon, "exterior") + children(polygon, "interior"):
        ring = child(bound, "LinearRing")
        if ring is not None:
            rings.append(_positions(ring))
    if not rings:
        raise DataError("a polygon without a ring")
    return rings


def _positions(ring: Element) -> np.ndarray:
    listed = children(ring, "posList", "pos", "coordinates")
    text = " ".join(entry.text or "" for entry in listed).replace(",", " ")
    for point in children(ring, "pointProperty", "pointRep"):
        text += " " + " ".join(entry.text or "" for entry in point.iter("{*}pos"))
    numbers = np.array(list(map(float, text.split())), np.float64)
    if len(numbers) % 3:
        raise DataError(f"a ring of {len(numbers)} numbers, which are no points in space")
    return numbers.reshape(-1, 3)


def _attributes(member: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in member:
        kind = local(entry)
        if kind in TEXTS and entry.text:
            found[kind] = entry.text.strip()
        elif kind in NUMBERS and entry.text:
            found[kind] = _number(entry.text)
        elif kind.endswith("Attribute") and entry.get("name"):
            value = child(entry, "value")
            if value is not None and value.text:
                numeric = kind in ("intAttribute", "doubleAttribute", "measureAttribute")
                found[str(entry.get("name"))] = _number(value.text) if numeric else value.text.strip()
    return found


def _number(text: str) -> float | int | str:
    try:
        value = float(text)
    except ValueError:
        return text.strip()
    return int(value) if value.is_integer() and "." not in text else value
