"""COLLADA 1.4 and 1.5 (.dae): the visual scene, its up axis and unit undone; float64 throughout.

Each node that places geometry is a part. Skins and morphs give their source geometry as it is modelled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError
from .building import Building
from .finish import finish_objects
from .options import ReadOptions
from .scene import Scene, overflowing
from .source import SourceFile
from .xml import Element, child, children, local, parse_xml

X_UP = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""The standard's X up (right -Y, up X, in Z) turned to Y up."""

PRIMITIVES = ("triangles", "polylist", "polygons", "tristrips", "trifans")

Faces = tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a COLLADA file.

    Raises:
        DataError: where the file is damaged.
        LimitError: where it exceeds a limit, or its nodes refer to each other in a circle.
    """
    root = parse_xml(file.read_bytes(options.limits))
    if local(root) != "COLLADA":
        raise DataError(f"XML of {local(root)[:40]!r}, no COLLADA")
    document = _Document(root)
    scene = Scene(options.limits)
    unit, axis = _asset(root)
    start = X_UP if axis == "X_UP" else np.eye(4)
    try:
        with overflowing():
            _walk(document, scene, start)
    except (ValueError, KeyError, OverflowError, IndexError) as failure:
        raise DataError(f"COLLADA is damaged ({type(failure).__name__}: {str(failure)[:100]})") from None
    up = "z" if axis == "Z_UP" else "y"
    yield from finish_objects(file, scene.soup(), options, names=scene.names, unit=unit, up=up)


@dataclass
class _Document:
    """A document with its elements by id, and geometries that were read already."""

    root: Element
    by_id: dict[str, Element] = field(default_factory=dict)
    read: dict[str, list[Faces]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for element in self.root.iter():
            if element.get("id"):
                self.by_id.setdefault(str(element.get("id")), element)

    def find(self, url: str | None, what: str) -> Element:
        found = self.by_id.get((url or "").lstrip("#"))
        if found is None:
            raise DataError(f"COLLADA refers to {what} {str(url)[:60]!r}, which is not in the file")
        return found

    def geometry(self, url: str | None) -> list[Faces]:
        key = url or ""
        if key not in self.read:
            self.read[key] = _geometry(self, self.find(url, "geometry"))
        return self.read[key]


def _asset(root: Element) -> tuple[float, str]:
    asset = child(root, "asset")
    unit = child(asset, "unit") if asset is not None else None
    axis = child(asset, "up_axis") if asset is not None else None
    said = unit.get("meter", "1") if unit is not None else "1"
    try:
        metres = float(said)
    except ValueError:
        raise DataError(f"COLLADA unit {said[:40]!r} is no number") from None
    if not (math.isfinite(metres) and metres > 0):
        raise DataError(f"COLLADA unit of {metres} metres")
    return metres, (axis.text or "").strip() if axis is not None else "Y_UP"


def _walk(document: _Document, scene: Scene, start: Float[np.ndarray, "4 4"]) -> None:
    shown = child(document.root, "scene")
    instance = child(shown, "instance_visual_scene") if shown is not None else None
    if instance is None:
        for library in children(document.root, "library_geometries"):
            for geometry in children(library, "geometry"):
                scene.visit(0, "COLLADA geometries")
                part = scene.part(str(geometry.get("name") or geometry.get("id") or ""))
                for faces in _geometry(document, geometry):
                    scene.add(part, *faces, start)
        return
    for node in children(document.find(instance.get("url"), "scene"), "node"):
        _node(document, scene, node, start, 0)


def _node(
    document: _Document, scene: Scene, node: Element, above: Float[np.ndarray, "4 4"], depth: int
) -> None:
    scene.visit(depth, "COLLADA nodes")
    matrix = above
    for element in node:
        matrix = matrix @ _transform(element)
    instances = children(node, "instance_geometry", "instance_controller")
    if instances:
        part = scene.part(str(node.get("name") or node.get("id") or ""))
        for instance in instances:
            url = instance.get("url")
            if local(instance) == "instance_controller":
                url = _skinned(document.find(url, "controller"))
            for faces in document.geometry(url):
                scene.add(part, *faces, matrix)
    for below in children(node, "node"):
        _node(document, scene, below, matrix, depth + 1)
    for instance in children(node, "instance_node"):
        _node(document, scene, document.find(instance.get("url"), "node"), matrix, depth + 1)


def _skinned(controller: Element) -> str | None:
    skin = next(iter(children(controller, "skin", "morph")), None)
    return skin.get("source") if skin is not None else None


def _transform(element: Element) -> Float[np.ndarray, "4 4"]:
    matrix = np.eye(4)
    kind = local(element)
    if kind == "matrix":
        matrix = _numbers(element).reshape(4, 4)
    elif kind == "translate":
        matrix[:3, 3] = _numbers(element)[:3]
    elif kind == "scale":
        matrix[:3, :3] = np.diag(_numbers(element)[:3])
    elif kind == "rotate":
        x, y, z, degrees = _numbers(element)
        axis = np.array([x, y, z]) / max(math.hypot(x, y, z), 1e-300)
        cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        angle = math.radians(degrees)
        matrix[:3, :3] += math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return matrix


def _geometry(document: _Document, geometry: Element) -> list[Faces]:
    mesh = child(geometry, "mesh")
    if mesh is None:
        return []
    found = []
    for primitive in children(mesh, *PRIMITIVES):
        inputs = {str(i.get("semantic")): i for i in children(primitive, "input")}
        if "VERTEX" not in inputs:
            raise DataError("COLLADA faces without vertices")
        stride = 1 + max(int(i.get("offset", "0")) for i in children(primitive, "input"))
        offset = int(inputs["VERTEX"].get("offset", "0"))
        listed = document.find(inputs["VERTEX"].get("source"), "vertices")
        position = next((i for i in children(listed, "input") if i.get("semantic") == "POSITION"), None)
        points = _source(document, position.get("source") if position is not None else None)
        loops, sizes = _loops(primitive, stride, offset)
        if loops.min(initial=0) < 0 or loops.max(initial=-1) >= len(points):
            raise DataError(f"a face refers to a vertex that does not exist; there are {len(points)}")
        found.append((points, loops, sizes))
    return found


def _loops(
    primitive: Element, stride: int, offset: int
) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]:
    kind = local(primitive)
    # `ph` wraps the outer ring of a polygon with holes; the holes themselves are `h`.
    wrapped = [ring for hole in children(primitive, "ph") for ring in children(hole, "p")]
    runs = [_whole(run)[offset::stride] for run in [*children(primitive, "p"), *wrapped]]
    joined = np.concatenate(runs) if runs else np.zeros(0, np.int64)
    if kind == "triangles":
        return joined, np.full(len(joined) // 3, 3)
    if kind == "polygons":
        return joined, np.array([len(run) for run in runs], np.int64)
    if kind == "polylist":
        counts = child(primitive, "vcount")
        sizes = _whole(counts) if counts is not None else np.zeros(0, np.int64)
        if sizes.min(initial=0) < 0 or sizes.sum() != len(joined):
            raise DataError(f"COLLADA polygons announce {sizes.sum()} corners, hold {len(joined)}")
        return joined, sizes
    triangles = [np.zeros((0, 3), np.int64)]
    for run in runs:
        first = np.arange(max(len(run) - 2, 0))
        odd = first % 2 if kind == "tristrips" else np.zeros_like(first)
        start = run[first] if kind == "tristrips" else np.full(len(first), run[0] if len(run) else 0)
        triangles.append(np.stack([start, run[first + 1 + odd], run[first + 2 - odd]], axis=1))
    flat = np.concatenate(triangles)
    return flat.ravel(), np.full(len(flat), 3)


def _source(document: _Document, url: str | None) -> Float[np.ndarray, "v 3"]:
    source = document.find(url, "source")
    values = child(source, "float_array")
    technique = child(source, "technique_common")
    accessor = child(technique, "accessor") if technique is not None else None
    if values is None:
        raise DataError(f"COLLADA source {str(url)[:60]!r} holds no numbers")
    stride = int(accessor.get("stride", "1")) if accessor is not None else 3
    offset = int(accessor.get("offset", "0")) if accessor is not None else 0
    numbers = _numbers(values)[max(offset, 0) :]
    if stride < 3:
        raise DataError(f"COLLADA positions of {stride} numbers, where three are needed")
    return numbers[: len(numbers) // stride * stride].reshape(-1, stride)[:, :3]


def _numbers(element: Element) -> Float[np.ndarray, " n"]:
    return np.array(list(map(float, (element.text or "").split())), np.float64)


def _whole(element: Element) -> Integer[np.ndarray, " n"]:
    return np.array(list(map(int, (element.text or "").split())), np.int64)
