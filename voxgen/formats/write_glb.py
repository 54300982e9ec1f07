"""glTF 2.0 in one binary file (Khronos Group, glTF 2.0 specification).

Metres and Y up by the standard. Vertices are single precision around a local origin that the node's
translation holds where the building stands far from the world's; so a house in a national grid keeps its
shape, and its place as well as the reading program's numbers allow. Each corner of a flat face has the
face's normal, so corners that lie on several planes stand in the file once for each.
"""

from __future__ import annotations

import json

import numpy as np

from .write import Export, as_single

_FAR = 1000.0
"""Metres from the world's origin from which a building gets an origin of its own."""

_FLOAT, _UINT32 = 5126, 5125
_VERTICES, _INDICES = 34962, 34963


def encode(export: Export) -> bytes:
    """Give the file: one node, one mesh, one material.

    Raises:
        DataError: for a building too large for single precision.
    """
    origin = _local_origin(export.vertices[export.faces].reshape(-1, 3))
    # Moving before rounding to single precision is what keeps the shape.
    local = as_single(_moved(export, -origin), "glTF")
    normals, of_face = np.unique(export.normals.round(6) + 0.0, axis=0, return_inverse=True)
    pairs = np.stack([export.faces, np.broadcast_to(of_face.reshape(-1, 1), export.faces.shape)], axis=-1)
    corners, faces = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    position = local[corners[:, 0]].astype("<f4")
    normal = normals[corners[:, 1]].astype("<f4")
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    arrays = (position, normal, faces.reshape(-1).astype("<u4"))
    body = b"".join(array.tobytes() for array in arrays)
    text = json.dumps(_document(export, origin, arrays), ensure_ascii=False, separators=(",", ":")).encode()
    return _container(text, body)


def _document(export: Export, origin: np.ndarray, arrays: tuple[np.ndarray, ...]) -> dict[str, object]:
    position, _, index = arrays
    views, start = [], 0
    for array, target in zip(arrays, (_VERTICES, _VERTICES, _INDICES), strict=True):
        views.append({"buffer": 0, "byteOffset": start, "byteLength": array.nbytes, "target": target})
        start += array.nbytes
    node: dict[str, object] = {"name": export.name, "mesh": 0}
    if origin.any():
        node["translation"] = origin.tolist()
    if export.metadata:
        node["extras"] = dict(export.metadata)
    vector = {"componentType": _FLOAT, "type": "VEC3", "count": len(position)}
    return {
        "asset": {"version": "2.0", "generator": "voxgen"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [node],
        "meshes": [
            {
                "name": export.name,
                "primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}],
            }
        ],
        "materials": [
            {
                "name": "building",
                "pbrMetallicRoughness": {
                    "baseColorFactor": [0.9, 0.88, 0.85, 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.9,
                },
            }
        ],
        "accessors": [
            {
                "bufferView": 0,
                **vector,
                "min": position.min(axis=0).tolist(),
                "max": position.max(axis=0).tolist(),
            },
            {"bufferView": 1, **vector},
            {"bufferView": 2, "componentType": _UINT32, "type": "SCALAR", "count": len(index)},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": start}],
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


def _local_origin(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    if max(abs(low).max(), abs(high).max()) < _FAR:
        return np.zeros(3)
    return np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]).round()


def _moved(export: Export, offset: np.ndarray) -> Export:
    return Export(
        export.name,
        export.vertices + offset,
        export.faces,
        export.normals,
        export.unit,
        export.up,
        export.metadata,
    )
