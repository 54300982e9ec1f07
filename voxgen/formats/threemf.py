"""3MF core specification (https://3mf.io/spec): the build items, in the unit that the model names.

A 3MF is an archive of XML. Each build item is a part, its components placed inside it. Z is up.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from .building import Building
from .finish import finish_objects
from .limits import Limits
from .options import ReadOptions
from .scene import Scene, overflowing
from .source import ARCHIVE_ERRORS, SourceFile
from .xml import Element, attribute, child, children, local, parse_xml

UNITS = {
    "micron": 1e-6, "millimeter": 1e-3, "centimeter": 1e-2, "inch": 0.0254, "foot": 0.3048, "meter": 1.0,
}  # fmt: skip
"""Units of the standard, in metres; millimeter where none is named."""

DEFAULT_MODEL = "3D/3dmodel.model"


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a 3MF file.

    Raises:
        DataError: where the archive or its model is damaged.
        LimitError: where it exceeds a limit.
    """
    try:
        with zipfile.ZipFile(BytesIO(file.read_bytes(options.limits))) as archive:
            package = _Package(archive, options.limits)
            model = package.model(package.main())
            scene = Scene(options.limits)
            with overflowing():
                _build(package, model, scene)
    except ARCHIVE_ERRORS as failure:
        raise DataError(f"3MF is cut off or damaged as an archive: {failure}") from None
    unit = model.root.get("unit", "millimeter")
    if unit not in UNITS:
        raise DataError(f"3MF unit {unit[:40]!r}; the standard knows {', '.join(UNITS)}")
    yield from finish_objects(file, scene.soup(), options, names=scene.names, unit=UNITS[unit], up="z")


@dataclass
class _Model:
    """One model part of the package: its path and its objects by id."""

    path: str
    root: Element
    objects: dict[str, Element]


@dataclass
class _Package:
    archive: zipfile.ZipFile
    limits: Limits
    loaded: dict[str, _Model] = field(default_factory=dict)
    meshes: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def main(self) -> str:
        """The path of the model that the package's relationships name."""
        names = self.archive.namelist()
        if "_rels/.rels" in names:
            for relation in parse_xml(self._bytes("_rels/.rels")):
                if str(relation.get("Type", "")).endswith("/3dmodel"):
                    return str(relation.get("Target", "")).lstrip("/")
        return next((name for name in names if name.endswith(".model")), DEFAULT_MODEL)

    def model(self, path: str) -> _Model:
        if path not in self.loaded:
            root = parse_xml(self._bytes(path))
            if local(root) != "model":
                raise DataError(f"3MF part {path[:80]!r} is no model")
            resources = child(root, "resources")
            objects = children(resources, "object") if resources is not None else []
            self.loaded[path] = _Model(path, root, {str(entry.get("id")): entry for entry in objects})
        return self.loaded[path]

    def _bytes(self, path: str) -> bytes:
        try:
            info = self.archive.getinfo(path)
        except KeyError:
            raise DataError(f"3MF without its part {path[:80]!r}") from None
        self.limits.check_bytes(info.file_size, f"3MF part {path[:80]!r}")
        self.limits.check_ratio(info.file_size, info.compress_size, f"3MF part {path[:80]!r}")
        return self.archive.read(info)


def _build(package: _Package, model: _Model, scene: Scene) -> None:
    build = child(model.root, "build")
    items = children(build, "item") if build is not None else []
    for item in items:
        target = package.model((attribute(item, "path") or model.path).lstrip("/"))
        name = str(item.get("objectid"))
        titled = target.objects.get(name)
        title = (titled.get("name") if titled is not None else None) or ""
        part = scene.part(title)
        _place(package, target, name, _matrix(item.get("transform")), scene, part, 0)


def _place(
    package: _Package,
    model: _Model,
    name: str,
    matrix: Float[np.ndarray, "4 4"],
    scene: Scene,
    part: int,
    depth: int,
) -> None:
    scene.visit(depth, "3MF components")
    entry = model.objects.get(name)
    if entry is None:
        raise DataError(f"3MF refers to object {name[:40]!r}, which does not exist")
    if entry.get("type") in ("support", "solidsupport"):
        return
    mesh = child(entry, "mesh")
    if mesh is not None:
        key = (model.path, name)
        if key not in package.meshes:
            package.meshes[key] = _mesh(mesh)
        vertices, faces = package.meshes[key]
        scene.add(part, vertices, faces.ravel(), np.full(len(faces), 3), matrix)
    components = child(entry, "components")
    for component in children(components, "component") if components is not None else []:
        target = package.model((attribute(component, "path") or model.path).lstrip("/"))
        below = matrix @ _matrix(component.get("transform"))
        _place(package, target, str(component.get("objectid")), below, scene, part, depth + 1)


def _mesh(mesh: Element) -> tuple[np.ndarray, np.ndarray]:
    listed, cornered = child(mesh, "vertices"), child(mesh, "triangles")
    if listed is None or cornered is None:
        raise DataError("3MF mesh without vertices or triangles")
    try:
        vertices = np.array([[float(v.attrib[axis]) for axis in "xyz"] for v in listed], np.float64)
        faces = np.array(
            [[int(t.attrib[corner]) for corner in ("v1", "v2", "v3")] for t in cornered], np.int64
        )
    except (KeyError, ValueError, OverflowError) as failure:
        raise DataError(f"3MF mesh with a damaged vertex or triangle: {str(failure)[:80]}") from None
    vertices, faces = vertices.reshape(-1, 3), faces.reshape(-1, 3)
    if faces.min(initial=0) < 0 or faces.max(initial=-1) >= len(vertices):
        raise DataError(f"a face refers to a vertex that does not exist; there are {len(vertices)}")
    return vertices, faces


def _matrix(text: str | None) -> Float[np.ndarray, "4 4"]:
    """The standard writes rows of a matrix that acts on row vectors, without its last column."""
    matrix = np.eye(4)
    if text:
        try:
            matrix[:3] = np.array(list(map(float, text.split())), np.float64).reshape(4, 3).T
        except ValueError:
            raise DataError(f"3MF transform {text[:60]!r} is not twelve numbers") from None
    return matrix
