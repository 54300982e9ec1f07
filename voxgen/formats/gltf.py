"""glTF 2.0 and GLB (https://registry.khronos.org/glTF/specs/2.0): the default scene, Y up undone, metres.

Each node that holds a mesh is a part; its primitives, which only tell materials apart, are welded together.
Buffers lie in the GLB, in data URIs or in files beside the model.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError, LimitError, UnsupportedFormatError
from .building import Building
from .finish import finish_objects
from .gltf_buffers import Buffers, entry_of
from .json_text import parse_json
from .options import ReadOptions
from .scene import Scene, overflowing
from .source import SourceFile

GLB_MAGIC = b"glTF"
JSON_CHUNK, BIN_CHUNK = 0x4E4F534A, 0x004E4942
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
TRIANGLES, STRIP, FAN = 4, 5, 6


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a .gltf or .glb file.

    Raises:
        DataError: where the file is damaged or a buffer is missing.
        UnsupportedFormatError: for glTF 1 and compressed geometry.
        LimitError: where it exceeds a limit, or names a buffer outside its folder.
    """
    data = file.read_bytes(options.limits)
    text, binary = _chunks(data) if data.startswith(GLB_MAGIC) else (data, None)
    document = parse_json(text)
    _check_version(document)
    scene = Scene(options.limits)
    try:
        with overflowing():
            ignored = _walk(document, Buffers(file, document, binary, options.limits), scene)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as failure:
        raise DataError(f"glTF is damaged ({type(failure).__name__}: {failure})") from None
    warnings = (f"{ignored} primitives of points or lines ignored",) if ignored else ()
    yield from finish_objects(
        file, scene.soup(), options, names=scene.names, unit=1.0, up="y", warnings=warnings
    )


def _chunks(data: bytes) -> tuple[bytes, bytes | None]:
    if len(data) < 12:
        raise DataError("GLB is cut off inside its header")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise UnsupportedFormatError(
            f"GLB version {version}; convert it with `gltf-pipeline -i in.glb -o out.glb`"
        )
    if length > len(data):
        raise DataError(f"GLB is cut off: announces {length:,} bytes, holds {len(data):,}")
    found: dict[int, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            raise DataError("GLB is cut off inside a chunk")
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if JSON_CHUNK not in found:
        raise DataError("GLB without its JSON chunk")
    return found[JSON_CHUNK], found.get(BIN_CHUNK)


def _check_version(document: Mapping[str, Any]) -> None:
    asset = document.get("asset")
    version = str(asset.get("version", "")) if isinstance(asset, Mapping) else ""
    if not version.startswith("2"):
        raise UnsupportedFormatError(
            f"glTF version {version[:20]!r}; convert it with `gltf-pipeline -i in.gltf -o out.glb`"
        )
    required = document.get("extensionsRequired") or []
    for name in COMPRESSED:
        if name in required:
            raise UnsupportedFormatError(
                f"glTF compressed with {name}: unpack it with `gltf-transform copy in.glb out.glb`"
            )


def _walk(document: Mapping[str, Any], buffers: Buffers, scene: Scene) -> int:
    """Place every mesh of the default scene; give the number of primitives that are no surface."""
    ignored = 0
    seen: set[int] = set()
    pending = [(index, np.eye(4), 0) for index in reversed(_roots(document))]
    while pending:
        index, above, depth = pending.pop()
        node = entry_of(document, "nodes", index)
        if index in seen:
            raise LimitError(f"glTF node {index} has two parents or lies in a circle; export the model again")
        seen.add(index)
        scene.visit(depth, "glTF nodes")
        matrix = above @ _local_matrix(node)
        if node.get("mesh") is not None:
            mesh = entry_of(document, "meshes", node["mesh"])
            part = scene.part(str(node.get("name") or mesh.get("name") or ""))
            for primitive in mesh.get("primitives") or []:
                faces = _faces(primitive, buffers)
                if faces is None:
                    ignored += 1
                    continue
                points = buffers.points(primitive["attributes"]["POSITION"])
                if len(faces) and (faces.min() < 0 or faces.max() >= len(points)):
                    raise DataError(f"a face refers to a vertex that does not exist; there are {len(points)}")
                scene.add(part, points, faces.ravel(), np.full(len(faces), 3), matrix)
        pending.extend((child, matrix, depth + 1) for child in reversed(node.get("children") or []))
    return ignored


def _roots(document: Mapping[str, Any]) -> list[int]:
    if document.get("scenes"):
        return list(entry_of(document, "scenes", document.get("scene", 0)).get("nodes") or [])
    nodes = document.get("nodes") or []
    below = {child for node in nodes for child in (node.get("children") or [])}
    return [index for index in range(len(nodes)) if index not in below]


def _faces(primitive: Mapping[str, Any], buffers: Buffers) -> Integer[np.ndarray, "f 3"] | None:
    """Triangles of a primitive, None where it is points or lines."""
    mode = primitive.get("mode", TRIANGLES)
    if mode not in (TRIANGLES, STRIP, FAN):
        return None
    if primitive.get("indices") is None:
        order = np.arange(buffers.count(primitive["attributes"]["POSITION"]))
    else:
        order = buffers.indices(primitive["indices"])
    if mode == TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    count = max(len(order) - 2, 0)
    first = np.arange(count)
    if mode == FAN:
        return np.stack(
            [order[first + 1], order[first + 2], np.full(count, order[0] if count else 0)], axis=1
        )
    odd = first % 2
    return np.stack([order[first], order[first + 1 + odd], order[first + 2 - odd]], axis=1)


def _local_matrix(node: Mapping[str, Any]) -> Float[np.ndarray, "4 4"]:
    if node.get("matrix") is not None:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation") or (0, 0, 0, 1), np.float64)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale") or (1, 1, 1), np.float64).reshape(3)
    matrix[:3, 3] = np.array(node.get("translation") or (0, 0, 0), np.float64).reshape(3)
    return matrix
