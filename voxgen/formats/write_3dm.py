"""Rhino 3DM: an object for each closed body on the layer of its storey and kind, with user strings.

A prism is an Extrusion, a solid that Rhino edits; any other body is one closed mesh, flat-shaded, since the
Breps that rhino3dm makes of meshes are invalid. In Rhino, `MeshToNURB` and `MergeAllCoplanarFaces` make one.
"""

from __future__ import annotations

import base64
import uuid
from importlib import import_module
from typing import Any

import numpy as np

from ..geometry.fans import fans
from ..geometry.polyhedron import NO_STOREY
from ..geometry.solid import Extrusion, Solid
from .materials import Material, material_of
from .units import RHINO
from .write import Body, Export, as_single

_NAMESPACE = uuid.UUID("0f6a1c53-6f0e-5b7a-8d3c-2f4f6b1f9d11")


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for a building that is not closed, or too far from the origin for single precision.
    """
    rhino: Any = import_module("rhino3dm")  # its type stubs lack half of it
    document = rhino.File3dm()
    document.ApplicationName = "voxgen"
    document.Settings.ModelUnitSystem = getattr(rhino.UnitSystem, RHINO[export.unit])
    layers = _Layers(rhino, document, export)
    for body in export.bodies:
        attributes = rhino.ObjectAttributes()
        attributes.Name = body.name
        attributes.Id = uuid.uuid5(_NAMESPACE, f"{export.name}/{body.name}")
        attributes.LayerIndex = layers.of(body.solid)
        for key, value in {"kind": body.solid.kind, **body.solid.attributes, **export.extras}.items():
            attributes.SetUserString(str(key), str(value))
        if body.whole and body.solid.extrusion is not None:
            document.Objects.AddExtrusion(_extrusion(rhino, export, body.solid.extrusion), attributes)
        else:
            document.Objects.AddMesh(_mesh(rhino, export, body), attributes)
    return base64.b64decode(document.Encode())


class _Layers:
    """The layers of a file, made as they are needed: one for each storey, in it one for each kind."""

    def __init__(self, rhino: Any, document: Any, export: Export) -> None:
        self.rhino, self.document, self.export = rhino, document, export
        self.known: dict[tuple[str, ...], int] = {}

    def of(self, solid: Solid) -> int:
        """Give the index of a solid's layer."""
        storeys = self.export.model.storeys
        path = (solid.kind,)
        if solid.storey != NO_STOREY and solid.storey < len(storeys):
            path = (storeys[solid.storey].name, solid.kind)
        return self._layer(path, material_of(solid))

    def _layer(self, path: tuple[str, ...], material: Material) -> int:
        if path not in self.known:
            layer = self.rhino.Layer()
            layer.Name = path[-1]
            layer.Color = (*material.bytes, 255)
            if len(path) > 1:
                layer.ParentLayerId = self.document.Layers[self._layer(path[:-1], material)].Id
            self.known[path] = self.document.Layers.Add(layer)
        return self.known[path]


def _extrusion(rhino: Any, export: Export, extrusion: Extrusion) -> Any:
    scale = float(export.place(np.array([[0.0, 0.0, 1.0]]))[0, 2])
    curves = [_outline(rhino, ring * scale) for ring in extrusion.rings]
    # In a plane of its own making the outer profile would have other coordinates than the holes.
    made = rhino.Extrusion.CreateWithPlane(curves[0], rhino.Plane.WorldXY(), extrusion.height * scale, True)
    for hole in curves[1:]:
        made.AddInnerProfile(hole)
    made.Translate(rhino.Vector3d(0.0, 0.0, extrusion.base * scale))
    return made


def _outline(rhino: Any, ring: np.ndarray) -> Any:
    line = rhino.Polyline()
    for x, y in (*ring.tolist(), ring[0].tolist()):
        line.Add(x, y, 0.0)
    return line.ToPolylineCurve()


def _mesh(rhino: Any, export: Export, body: Body) -> Any:
    """Faces with corners of their own, so that they are shaded flat; Rhino counts equal corners as one."""
    surface = body.solid.surface
    points = as_single(export, export.place(surface.vertices), "3DM")
    mesh = rhino.Mesh()
    for polygon in np.concatenate(body.shells).tolist():
        for face in fans(surface, polygon):
            first = len(mesh.Vertices)
            for corner in face:
                mesh.Vertices.Add(*points[corner].tolist())
                mesh.Normals.Add(*surface.normals[polygon].tolist())
            if len(face) == 4:
                mesh.Faces.AddFace(first, first + 1, first + 2, first + 3)
                continue
            for k in range(1, len(face) - 1):
                mesh.Faces.AddFace(first, first + k, first + k + 1)
    return mesh
