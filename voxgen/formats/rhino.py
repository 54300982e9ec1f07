"""Rhino 3DM: meshes, extrusions and Breps, block instances placed; each object is a part.

Breps give the meshes that Rhino saved with them, or their faces themselves where these are planar with
straight edges. Curves, points, lights and notes are no building. The unit is the file's; Z is up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..extras import require
from ..geometry.triangulate import offsets_of, triangulate
from .building import Building
from .finish import finish_objects
from .limits import Limits
from .options import ReadOptions
from .scene import Scene
from .source import SourceFile
from .units import METRES, RHINO

_UNITS = {name: METRES[unit] for unit, name in RHINO.items()} | {"Yards": 0.9144, "Miles": 1609.344}
"""Metres of Rhino's units; others are as good as none, and guessed."""


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a 3DM file.

    Raises:
        DataError: where it is no 3DM.
        LimitError: where it exceeds a limit, or blocks hold each other in a circle.
        MissingExtraError: without rhino3dm.
    """
    library = require("rhino3dm", "rhino", "reading 3DM")
    document = library.File3dm.FromByteArray(file.read_bytes(options.limits))
    if document is None:
        raise DataError("no 3DM, or damaged; save it again from Rhino")
    reader = _Reader(library, document, Scene(options.limits))
    reader.read()
    said = (f"{reader.lost} curved faces without a saved mesh left out",) if reader.lost else ()
    unit = _UNITS.get(document.Settings.ModelUnitSystem.name)
    scene = reader.scene
    yield from finish_objects(
        file, scene.soup(), options, names=scene.names, unit=unit, up="z", warnings=said
    )


_FLAT = 1e-6
"""Of the file's units: edges this close to a line are straight, faces this close to a plane flat."""


@dataclass
class _Reader:
    """Collects a document's objects.

    Attributes:
        lost: faces that could not be read.
    """

    library: Any
    document: Any
    scene: Scene
    lost: int = 0
    _inside: dict[str, Any] = field(default_factory=dict)

    def read(self) -> None:
        """Add all objects but those that only blocks place."""
        listed = list(self.document.Objects)
        self._inside = {str(entry.Attributes.Id): entry for entry in listed}
        for entry in listed:
            if not entry.Attributes.IsInstanceDefinitionObject:
                self._object(entry, np.eye(4), None, 0)

    def _object(self, entry: Any, matrix: Float[np.ndarray, "4 4"], part: int | None, depth: int) -> None:
        self.scene.visit(depth, "blocks")
        shape = entry.Geometry
        name = str(entry.Attributes.Name or "")
        if isinstance(shape, self.library.InstanceReference):
            block = self.document.InstanceDefinitions.FindId(shape.ParentIdefId)
            if block is None:
                return
            part = self.scene.part(name or str(block.Name)) if part is None else part
            placed = matrix @ np.array(shape.Xform.ToFloatArray(True), np.float64).reshape(4, 4)
            for member in block.GetObjectIds():
                if str(member) in self._inside:
                    self._object(self._inside[str(member)], placed, part, depth + 1)
            return
        for vertices, loops, sizes in self._faces(shape):
            part = self.scene.part(name) if part is None else part
            self.scene.add(part, vertices, loops, sizes, matrix)

    def _faces(self, shape: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Vertices, corners and corner counts of what a shape consists of."""
        if isinstance(shape, self.library.Mesh):
            yield _mesh(shape, self.scene.limits)
        elif isinstance(shape, self.library.Extrusion):
            yield from self._faces(shape.ToBrep(True))
        elif isinstance(shape, self.library.Brep):
            for face in shape.Faces:
                saved = face.GetMesh(self.library.MeshType.Any)
                if saved is not None and len(saved.Faces):
                    yield _mesh(saved, self.scene.limits)
                elif (flat := _planar(shape, face)) is not None:
                    yield flat
                else:
                    self.lost += 1


def _mesh(mesh: Any, limits: Limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    limits.check_size(vertices=len(mesh.Vertices), faces=len(mesh.Faces))
    points = [mesh.Vertices.Point3dAt(i) for i in range(len(mesh.Vertices))]
    vertices = np.array([(p.X, p.Y, p.Z) for p in points], np.float64).reshape(-1, 3)
    faces = np.array([tuple(mesh.Faces[i]) for i in range(len(mesh.Faces))], np.int64).reshape(-1, 4)
    # A triangle has its last corner twice.
    keep = np.ones(faces.shape, bool)
    keep[:, 3] = faces[:, 3] != faces[:, 2]
    if faces.min(initial=0) < 0 or faces.max(initial=-1) >= len(vertices):
        raise DataError(f"a face refers to a vertex that does not exist; there are {len(vertices)}")
    return vertices, faces[keep], keep.sum(axis=1)


def _planar(brep: Any, face: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The triangles of a planar face with straight edges; None for any other."""
    if not face.IsPlanar(_FLAT):
        return None
    rings = []
    # The outer loop comes first whatever the file's order.
    for loop in sorted(
        (face.Loops[i] for i in range(len(face.Loops))), key=lambda one: one.LoopType.name != "Outer"
    ):
        trims = [loop.Trims[i] for i in range(loop.TrimCount)]
        if len(trims) < 3 or not all(brep.Edges[trim.EdgeIndex].IsLinear(_FLAT) for trim in trims):
            return None
        corners = [brep.Vertices[trim.StartVertexIndex].Location for trim in trims]
        ring = np.array([(p.X, p.Y, p.Z) for p in corners], np.float64)
        rings.append(ring[::-1] if face.OrientationIsReversed else ring)
    vertices = np.concatenate(rings)
    offsets = offsets_of(np.array([len(ring) for ring in rings]))
    faces, _ = triangulate(vertices, np.arange(len(vertices)), offsets, np.array([0, len(rings)]))
    return vertices, faces.reshape(-1), np.full(len(faces), 3)
