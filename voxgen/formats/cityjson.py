"""CityJSON 1.0 to 2.0 (https://www.cityjson.org/specs): each Building with its parts is one building.

The finest level of detail is taken, or the one asked for; a lower one of the Building itself is left out
where its parts have a finer. Solids, surfaces and geometry templates are read with their holes and
semantics; each solid, and all surfaces of an object together, are a part of the mesh. Inner shells belong to
their solid. Walls, slabs and roofs (BuildingConstructiveElement) are taken where there is nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError, LimitError, UnsupportedFormatError
from ..geometry.mesh import SurfaceClass
from .assemble import SoupBuilder
from .attributes import merged, plain
from .building import Building
from .crs import crs_name
from .finish import failed, finish
from .json_text import parse_json
from .limits import Limits
from .lod import Candidate, choose
from .options import ReadOptions
from .semantics import surface_class
from .source import SourceFile
from .units import METRES, Frame

NESTING = {"MultiSurface": 1, "CompositeSurface": 1, "Solid": 2, "MultiSolid": 3, "CompositeSolid": 3}
"""Levels of lists above a surface in `boundaries`."""

MEMBERS = ("Building", "BuildingPart", "BuildingInstallation")
"""Objects whose geometry is the building's; rooms, furniture and storeys lie inside it."""


@dataclass
class Model:
    """What the objects of a CityJSON file, or the features of a sequence, share.

    Attributes:
        transform: scale and translation of integer vertices.
        crs: reference system, such as `EPSG:7415`.
        templates: the geometries of `geometry-templates`.
        template_vertices: (t, 3) their own vertices.
        faces: polygons read so far, for the limit of the whole file.
    """

    transform: tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]
    crs: str | None
    templates: list[Any]
    template_vertices: Float[np.ndarray, "t 3"]
    faces: int = 0
    seen: Counter[str] = field(default_factory=Counter)


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a CityJSON file.

    Raises:
        DataError: where the file as a whole is no CityJSON.
        LimitError: where it exceeds a limit.
    """
    document = parse_json(file.read_bytes(options.limits))
    model = open_model(document)
    count = 0
    for building in read_objects(file, options, model, document, model.transform):
        count += 1
        yield building
    if not count:
        raise DataError(no_buildings(model))


def open_model(document: Mapping[str, Any]) -> Model:
    """Read what the objects share.

    Raises:
        DataError: where this is no CityJSON, or its coordinates are degrees.
        UnsupportedFormatError: for versions before 1.0.
    """
    if document.get("type") != "CityJSON":
        raise DataError(f"JSON of type {str(document.get('type'))[:40]!r}; only CityJSON holds buildings")
    version = str(document.get("version", "1.0"))
    if version.split(".")[0] not in ("1", "2"):
        raise UnsupportedFormatError(
            f"CityJSON {version[:20]}: upgrade it with `cjio in.json upgrade save out.json`"
        )
    metadata = document.get("metadata")
    system = metadata.get("referenceSystem") if isinstance(metadata, Mapping) else None
    crs = crs_name(str(system)) if system else None
    templates = document.get("geometry-templates")
    templates = templates if isinstance(templates, Mapping) else {}
    listed = templates.get("templates")
    return Model(
        _transform(document.get("transform")),
        crs,
        listed if isinstance(listed, list) else [],
        as_points(templates.get("vertices-templates") or []),
    )


def as_points(values: Any) -> Float[np.ndarray, "n 3"]:
    """Give a JSON list of coordinates as an array.

    Raises:
        DataError: where it is no list of triples of numbers.
    """
    try:
        points = np.array(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise DataError("vertices are no list of three numbers each; the file is damaged") from None
    if points.size == 0:
        return np.zeros((0, 3))
    if points.ndim != 2 or points.shape[1] != 3:
        raise DataError("vertices are no list of three numbers each; the file is damaged")
    return points


def read_objects(
    file: SourceFile,
    options: ReadOptions,
    model: Model,
    holder: Mapping[str, Any],
    transform: tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]],
) -> Iterator[Building]:
    """Read the buildings among the `CityObjects` of a file or feature.

    Raises:
        DataError: where objects or vertices as a whole are damaged.
    """
    objects = holder.get("CityObjects")
    if not isinstance(objects, Mapping):
        raise DataError("no CityObjects; the file is damaged")
    objects = {name: entry for name, entry in objects.items() if isinstance(entry, Mapping)}
    raw = as_points(holder.get("vertices") or [])
    options.limits.check_size(vertices=len(raw))
    scale, translate = transform
    points = raw * scale + translate
    model.seen.update(str(entry.get("type")) for entry in objects.values())
    reached: set[str] = set()
    for name in _in_order(objects):
        if name in reached:
            continue
        reached |= _below(name, objects)
        try:
            family = _family(name, objects, options.limits)
            yield _building(file, options, model, objects, family, points)
        except (DataError, TypeError, ValueError, IndexError, KeyError, AttributeError) as failure:
            reason = str(failure) if isinstance(failure, DataError) else f"damaged geometry ({failure})"
            yield failed(file, reason, name)


def no_buildings(model: Model) -> str:
    """Say that a file holds none, and what it holds."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in model.seen.most_common(5)) or "nothing"
    return f"no Building among its objects ({kinds})"


def _in_order(objects: Mapping[str, Any]) -> list[str]:
    """Buildings that are no one's part, then whatever these do not reach: parts without their building."""
    owned = {
        child
        for name, entry in objects.items()
        if entry.get("type") in MEMBERS
        for child in _members(name, objects)
    }
    roots = [name for name, entry in objects.items() if entry.get("type") == "Building" and name not in owned]
    return roots + [name for name, entry in objects.items() if entry.get("type") in MEMBERS[:2]]


def _below(root: str, objects: Mapping[str, Any]) -> set[str]:
    """The building and all below it, however tangled."""
    found, pending = {root}, [root]
    while pending:
        below = set(_members(pending.pop(), objects)) - found
        found |= below
        pending.extend(below)
    return found


def _members(name: str, objects: Mapping[str, Any]) -> list[str]:
    """Objects directly below that are part of a building's body."""
    listed = objects[name].get("children")
    named = [child for child in listed if isinstance(child, str)] if isinstance(listed, list) else []
    return [child for child in named if objects.get(child, {}).get("type") in MEMBERS]


def _elements(family: list[str], objects: Mapping[str, Any]) -> list[str]:
    """Walls, slabs and roofs below a family that has no geometry but these."""
    listed = [child for member in family for child in objects[member].get("children") or ()]
    return [child for child in listed if objects.get(child, {}).get("type") == "BuildingConstructiveElement"]


def _family(root: str, objects: Mapping[str, Any], limits: Limits) -> list[str]:
    """The building and all below it, parents first."""
    family: dict[str, None] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            raise LimitError(f"parts that hold each other in a circle: {' > '.join([*path, name])[:120]}")
        if name in family:
            return
        limits.check_depth(len(path), "building parts")
        family[name] = None
        path.append(name)
        for child in _members(name, objects):
            visit(child)
        path.pop()

    visit(root)
    return list(family)


def _building(
    file: SourceFile,
    options: ReadOptions,
    model: Model,
    objects: Mapping[str, Any],
    family: list[str],
    points: Float[np.ndarray, "v 3"],
) -> Building:
    root = family[0]
    if not any(objects[member].get("geometry") for member in family):
        family = [*family, *_elements(family, objects)]
    candidates = [
        Candidate(
            member,
            _lod(geometry.get("lod", _template(model, geometry).get("lod"))),
            geometry,
            solid="Solid" in geometry["type"],
        )
        for member in family
        for geometry in (objects[member].get("geometry") or [])
        if geometry.get("type") in NESTING or geometry.get("type") == "GeometryInstance"
    ]
    chosen, warnings = choose(candidates, root, options.lod)
    if objects[root].get("type") == "BuildingPart":
        warnings = (*warnings, "a part without its building")

    builder = SoupBuilder()
    extra: list[np.ndarray] = []
    known = len(points)
    part = 0
    for candidate in chosen:
        geometry = candidate.geometry
        offset = 0
        if geometry["type"] == "GeometryInstance":
            placed, geometry = _instance(model, geometry, points), _template(model, geometry)
            offset, known = known, known + len(placed)
            extra.append(placed)
        part = _collect(builder, geometry, part, offset)
        model.faces += len(builder.labels)
        options.limits.check_size(faces=model.faces, vertices=known)
    soup = builder.soup(np.concatenate([points, *extra]) if extra else points)
    attributes = merged(
        plain(objects[root].get("attributes")), [plain(objects[m].get("attributes")) for m in family[1:]]
    )
    scale = METRES[options.unit] if options.unit else 1.0
    lod = max((c.lod for c in chosen if c.lod is not None), default=None)
    return finish(
        file, root, soup, Frame(scale, options.up or "z"),
        lod=lod, crs=model.crs, attributes=attributes, warnings=warnings,
    )  # fmt: skip


def _collect(builder: SoupBuilder, geometry: Mapping[str, Any], part: int, offset: int) -> int:
    """Add a geometry's surfaces; give the number of the next free part."""
    semantics = geometry.get("semantics")
    semantics = semantics if isinstance(semantics, Mapping) else {}
    labels = [surface_class(str(entry.get("type"))) for entry in semantics.get("surfaces") or []]
    nesting = NESTING[geometry["type"]]
    solids = geometry["boundaries"] if nesting == 3 else [geometry["boundaries"]]
    values = semantics.get("values")
    for i, solid in enumerate(solids):
        said = _at(values, i) if nesting == 3 else values
        for j, shell in enumerate(solid if nesting > 1 else [solid]):
            of_shell = _at(said, j) if nesting > 1 else said
            for k, surface in enumerate(shell):
                value = _at(of_shell, k)
                known = isinstance(value, int) and 0 <= value < len(labels)
                rings = [[index + offset for index in ring] for ring in surface] if offset else surface
                builder.add(rings, labels[value] if known else SurfaceClass.UNKNOWN, part)
        part += 1
    return part


def _at(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None


def _template(model: Model, geometry: Mapping[str, Any]) -> Mapping[str, Any]:
    if geometry.get("type") != "GeometryInstance":
        return {}
    index = geometry.get("template")
    if not isinstance(index, int) or not 0 <= index < len(model.templates):
        raise DataError(f"geometry template {index!r} does not exist; there are {len(model.templates)}")
    template = model.templates[index]
    if template.get("type") not in NESTING:
        raise LimitError(
            f"geometry template of type {template.get('type')!r}; templates may not hold templates"
        )
    return template


def _instance(
    model: Model, geometry: Mapping[str, Any], points: Float[np.ndarray, "v 3"]
) -> Float[np.ndarray, "t 3"]:
    """Vertices of a template, turned and put at its reference point."""
    anchor = geometry["boundaries"][0]
    if not isinstance(anchor, int) or not 0 <= anchor < len(points):
        raise DataError(f"geometry template placed at vertex {anchor!r}, which does not exist")
    matrix = np.array(geometry.get("transformationMatrix") or np.eye(4), np.float64).reshape(4, 4)
    return model.template_vertices @ matrix[:3, :3].T + matrix[:3, 3] + points[anchor]


def _transform(given: Any) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    if not isinstance(given, Mapping):
        return np.ones(3), np.zeros(3)
    try:
        scale, translate = (np.array(given[key], np.float64).reshape(3) for key in ("scale", "translate"))
    except (KeyError, TypeError, ValueError):
        raise DataError("`transform` lacks a scale and a translation of three numbers each") from None
    return scale, translate


def _lod(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
