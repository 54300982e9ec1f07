"""glTF 2.0 in one binary file (Khronos Group, glTF 2.0 specification).

Metres and Y up by the standard. A node for the building holds one for each solid, whose mesh has a primitive
for each material. Vertices are single precision around a local origin that the building's translation holds
where it stands far from the world's; so a house in a national grid keeps its shape, and its place as well as
the reading program's numbers allow. Each corner of a flat face has the face's normal, so corners that lie on
several planes stand in the file once for each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from .materials import Material, by_material
from .write import Export, as_single

_FAR = 1000.0
"""Metres from the world's origin from which a building gets an origin of its own."""

_FLOAT, _UINT32 = 5126, 5125
_VERTICES, _INDICES = 34962, 34963


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for a building too large for single precision.
    """
    everything = export.all_triangles
    origin = _local_origin(everything.vertices[everything.faces].reshape(-1, 3))
    document = _Document()
    children = []
    for solid, triangles in zip(export.model.solids, export.triangles, strict=True):
        # Moving before rounding to single precision is what keeps the shape.
        local = as_single(export, triangles.vertices - origin, "glTF")
        primitives = [
            document.primitive(local, triangles.faces[chosen], triangles.normals[chosen], material)
            for material, chosen in by_material(solid, triangles.labels)
        ]
        document.meshes.append({"name": solid.name, "primitives": primitives})
        said = {"kind": solid.kind, **solid.attributes}
        children.append({"name": solid.name, "mesh": len(document.meshes) - 1, "extras": said})
    node: dict[str, Any] = {"name": export.name, "children": list(range(1, len(children) + 1))}
    if origin.any():
        node["translation"] = origin.tolist()
    if export.extras:
        node["extras"] = export.extras
    return document.encode([node, *children])


@dataclass
class _Document:
    """The parts of a file as they are added."""

    meshes: list[dict[str, Any]] = field(default_factory=list)
    materials: dict[str, Material] = field(default_factory=dict)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    length: int = 0

    def primitive(
        self,
        vertices: Float[np.ndarray, "v 3"],
        faces: Integer[np.ndarray, "f 3"],
        face_normals: Float[np.ndarray, "f 3"],
        material: Material,
    ) -> dict[str, Any]:
        """Add triangles of one material."""
        normals, of_face = np.unique(face_normals.round(6) + 0.0, axis=0, return_inverse=True)
        pairs = np.stack([faces, np.broadcast_to(of_face.reshape(-1, 1), faces.shape)], axis=-1)
        corners, index = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
        position = vertices[corners[:, 0]].astype("<f4")
        normal = normals[corners[:, 1]].astype("<f4")
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        box = {"min": position.min(axis=0).tolist(), "max": position.max(axis=0).tolist()}
        self.materials.setdefault(material.name, material)
        return {
            "attributes": {"POSITION": self._accessor(position, box), "NORMAL": self._accessor(normal, {})},
            "indices": self._accessor(index.reshape(-1).astype("<u4"), {}),
            "material": list(self.materials).index(material.name),
        }

    def encode(self, nodes: list[dict[str, Any]]) -> bytes:
        """Give the file with these nodes, the first of them the root."""
        tree = {
            "asset": {"version": "2.0", "generator": "voxgen"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": nodes,
            "meshes": self.meshes,
            "materials": [_material(material) for material in self.materials.values()],
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self.length}],
        }
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
        return _container(text, b"".join(self.body))

    def _accessor(self, array: np.ndarray, more: dict[str, Any]) -> int:
        is_index = array.ndim == 1
        self.views.append(
            {
                "buffer": 0,
                "byteOffset": self.length,
                "byteLength": array.nbytes,
                "target": _INDICES if is_index else _VERTICES,
            }
        )
        self.accessors.append(
            {
                "bufferView": len(self.views) - 1,
                "componentType": _UINT32 if is_index else _FLOAT,
                "type": "SCALAR" if is_index else "VEC3",
                "count": len(array),
                **more,
            }
        )
        self.body.append(array.tobytes())
        self.length += array.nbytes
        return len(self.accessors) - 1


def _material(material: Material) -> dict[str, Any]:
    return {
        "name": material.name,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*material.linear, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.9,
        },
    }


def _container(text: bytes, body: bytes) -> bytes:
    """The JSON and BIN chunks, each filled up to a multiple of four bytes."""
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    length = 12 + 8 + len(text) + 8 + len(body)
    head = b"glTF" + np.array([2, length], "<u4").tobytes()
    return (
        head
        + np.array([len(text)], "<u4").tobytes() + b"JSON" + text
        + np.array([len(body)], "<u4").tobytes() + b"BIN\0" + body
    )  # fmt: skip


def _local_origin(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " 3"]:
    low, high = points.min(axis=0), points.max(axis=0)
    if max(abs(low).max(), abs(high).max()) < _FAR:
        return np.zeros(3)
    return np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]).round()
