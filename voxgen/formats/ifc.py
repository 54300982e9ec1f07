"""IFC2X3, IFC4 and IFC4X3: each IfcBuilding is one building, each of its elements with a shape a part.

Building elements (walls, slabs, roofs, windows, doors, stairs, proxies ...) are taken, in metres and placed;
spaces, openings and furniture are not. Shapes come from ifcopenshell's kernel, openings cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from ..extras import require
from .building import Building
from .finish import finish
from .options import ReadOptions
from .scene import Scene
from .source import SourceFile
from .units import METRES, Frame

_ELEMENT = {"IFC2X3": "IfcBuildingElement", "IFC4": "IfcBuildingElement"}
"""What building elements are called before IFC4X3."""


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read an IFC file.

    Raises:
        DataError: where it is no IFC, or holds no building elements.
        LimitError: where it exceeds a limit.
        MissingExtraError: without ifcopenshell.
    """
    library = require("ifcopenshell", "ifc", "reading IFC")
    text = file.read_bytes(options.limits).decode("utf-8", "replace")
    try:
        model = library.file.from_string(text)
        elements = model.by_type(_ELEMENT.get(model.schema, "IfcBuiltElement"))
    except (RuntimeError, ValueError) as failure:
        raise DataError(f"no IFC, or damaged ({str(failure)[:80]}); export it again") from None
    options.limits.check_size(nodes=len(elements))
    if not elements:
        raise DataError("no building elements in it; export walls, slabs and roofs, or proxies")
    warnings = () if "END-ISO-10303-21" in text[-200:] else ("the file is cut off",)
    homes: dict[str, _Home] = {}
    for element in elements:
        building = _building_of(element, options.limits.depth)
        key = building.GlobalId if building is not None else ""
        homes.setdefault(key, _Home(building, [])).elements.append(element)
    for number, home in enumerate(homes.values(), 1):
        scene = _scene(model, home.elements, options)
        lost = len(home.elements) - len(scene.names)
        said = (*warnings, *((f"{lost} elements without a shape",) if lost else ()))
        name = str(getattr(home.building, "Name", "") or number)
        name = file.stem if len(homes) == 1 else f"{file.stem}-{name}"
        scale = METRES[options.unit] if options.unit else 1.0
        yield finish(file, name, scene.soup(), Frame(scale, options.up or "z"), warnings=said)


@dataclass
class _Home:
    """A building, None for elements that are in none, and its elements."""

    building: Any
    elements: list[Any]


def _building_of(element: Any, depth: int) -> Any:
    """The building that an element is in, over storeys and what it is a part of; None where it is in none."""
    at = element
    for _ in range(depth):
        if at.is_a("IfcBuilding"):
            return at
        contained = getattr(at, "ContainedInStructure", ())
        composed = getattr(at, "Decomposes", ())
        if contained:
            at = contained[0].RelatingStructure
        elif composed:
            at = composed[0].RelatingObject
        else:
            return None
    return None


def _scene(model: Any, elements: Sequence[Any], options: ReadOptions) -> Scene:
    """The shapes of elements, in metres and placed."""
    kernel = require("ifcopenshell.geom", "ifc", "reading IFC")
    settings = kernel.settings()
    settings.set("use-world-coords", True)
    scene = Scene(options.limits)
    shapes = kernel.iterator(settings, model, 1, include=list(elements))
    more = shapes.initialize()
    while more:
        shape = shapes.get()
        vertices = np.array(shape.geometry.verts, np.float64).reshape(-1, 3)
        faces = np.array(shape.geometry.faces, np.int64)
        scene.visit(0, "IFC elements")
        part = scene.part(str(shape.name or shape.guid))
        scene.add(part, vertices, faces, np.full(len(faces) // 3, 3), np.eye(4))
        more = shapes.next()
    return scene
