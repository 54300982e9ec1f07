"""glTF accessors: typed views of buffers, held against the bytes that are there before any are read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from jaxtyping import Float, Integer, Shaped

from ..errors import DataError
from .limits import Limits
from .source import SourceFile

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Buffers:
    """The buffers of a glTF document, loaded when first asked for."""

    def __init__(
        self, file: SourceFile, document: Mapping[str, Any], binary: bytes | None, limits: Limits
    ) -> None:
        self._file, self._document, self._binary, self._limits = file, document, binary, limits
        self._loaded: dict[int, bytes] = {}

    def points(self, accessor: Any) -> Float[np.ndarray, "n 3"]:
        """Give positions in metres; normalised integers (KHR_mesh_quantization) become shares of one."""
        values = self._values(accessor, "VEC3")
        entry = entry_of(self._document, "accessors", accessor)
        points = values.astype(np.float64)
        if entry.get("normalized") and values.dtype.kind in "iu":
            points = np.maximum(points / np.iinfo(values.dtype).max, -1.0)
        return points

    def indices(self, accessor: Any) -> Integer[np.ndarray, " n"]:
        """Give vertex indices."""
        return self._values(accessor, "SCALAR").ravel().astype(np.int64)

    def count(self, accessor: Any) -> int:
        """Give the number of elements of an accessor."""
        entry = entry_of(self._document, "accessors", accessor)
        count = _whole(entry.get("count"), "count")
        self._limits.check_size(vertices=count // (3 if entry.get("type") == "SCALAR" else 1))
        return count

    def _values(self, accessor: Any, kind: str) -> Shaped[np.ndarray, "n w"]:
        entry = entry_of(self._document, "accessors", accessor)
        if entry.get("type") != kind or entry.get("componentType") not in COMPONENTS:
            raise DataError(f"glTF accessor {accessor} is {entry.get('type')!r}, where {kind} is needed")
        dtype = np.dtype(COMPONENTS[entry["componentType"]])
        count, width = self.count(accessor), WIDTHS[kind]
        if entry.get("bufferView") is None:
            values = np.zeros((count, width), dtype)
        else:
            offset = _whole(entry.get("byteOffset", 0), "byteOffset")
            values = self._view(entry["bufferView"], offset, dtype, count, width)
        if entry.get("sparse"):
            values = self._with_sparse(values.copy(), entry["sparse"])
        return values

    def _with_sparse(self, values: Shaped[np.ndarray, "n w"], sparse: Any) -> Shaped[np.ndarray, "n w"]:
        count = _whole(sparse.get("count"), "sparse count")
        where, what = sparse["indices"], sparse["values"]
        kind = np.dtype(COMPONENTS[where["componentType"]])
        places = self._view(
            where["bufferView"], _whole(where.get("byteOffset", 0), "byteOffset"), kind, count, 1
        )
        offset = _whole(what.get("byteOffset", 0), "byteOffset")
        given = self._view(what["bufferView"], offset, values.dtype, count, values.shape[1])
        if count and places.max() >= len(values):
            raise DataError("glTF sparse accessor writes beyond its end")
        values[places.ravel()] = given
        return values

    def _view(
        self, view: Any, offset: int, dtype: np.dtype, count: int, width: int
    ) -> Shaped[np.ndarray, "n w"]:
        entry = entry_of(self._document, "bufferViews", view)
        data = self._buffer(_whole(entry.get("buffer"), "buffer"))
        start = _whole(entry.get("byteOffset", 0), "byteOffset")
        length = _whole(entry.get("byteLength"), "byteLength")
        size = dtype.itemsize * width
        stride = _whole(entry.get("byteStride") or size, "byteStride")
        needed = offset + stride * (count - 1) + size if count else 0
        if start + length > len(data) or needed > length or stride < size:
            raise DataError(f"glTF buffer is cut off: a view needs {start + needed:,} bytes of {len(data):,}")
        if count == 0:
            return np.zeros((0, width), dtype)
        return np.ndarray((count, width), dtype, data, start + offset, (stride, dtype.itemsize))

    def _buffer(self, index: int) -> bytes:
        if index not in self._loaded:
            uri = entry_of(self._document, "buffers", index).get("uri")
            self._loaded[index] = self._load(uri)
            self._limits.check_bytes(sum(map(len, self._loaded.values())), "the sum of its buffers")
        return self._loaded[index]

    def _load(self, uri: Any) -> bytes:
        if uri is None:
            if self._binary is None:
                raise DataError("glTF buffer without a URI, and no binary chunk")
            return self._binary
        if str(uri).startswith("data:"):
            head, _, body = str(uri).partition(",")
            try:
                raw = unquote_to_bytes(body)
                return base64.b64decode(raw, validate=True) if head.endswith(";base64") else raw
            except (binascii.Error, ValueError) as failure:
                raise DataError(f"glTF data URI is damaged: {failure}") from None
        return self._file.sibling(str(uri), self._limits)


def entry_of(document: Mapping[str, Any], kind: str, index: Any) -> Mapping[str, Any]:
    """Give one entry of a top-level list.

    Raises:
        DataError: where there is none of that number.
    """
    entries = document.get(kind) or []
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(entries):
        raise DataError(f"glTF refers to {kind}[{index!r}], but there are {len(entries)}")
    if not isinstance(entries[index], Mapping):
        raise DataError(f"glTF {kind}[{index}] is no object")
    return entries[index]


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DataError(f"glTF {name} is {str(value)[:40]!r}, where a whole number is needed")
    return value
