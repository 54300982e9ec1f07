"""PLY (Turk 1994), ASCII and binary of either byte order: polygons, or a point cloud where it has no faces.

Z is up and the unit is guessed from the size, unless comments state them (`unit: mm`, `up: y`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer, Shaped

from ..errors import DataError, UnsupportedFormatError
from .assemble import PolygonSoup
from .building import Building
from .finish import finish_objects
from .options import ReadOptions
from .pointcloud import finish_points
from .source import SourceFile

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4",
    "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass
class _Property:
    name: str
    kind: str
    count_kind: str | None = None


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a PLY file.

    Raises:
        DataError: where the file is no PLY, or is cut off.
        LimitError: where the file exceeds a limit.
    """
    data = file.read_bytes(options.limits)
    order, elements, comments, start = _header(data)
    for element in elements:
        options.limits.check_size(vertices=element.count)
    body = _Ascii(data[start:]) if order == "" else _Binary(data, start, order)
    points: np.ndarray | None = None
    loops, sizes = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for element in elements:
        if element.name == "vertex":
            table = body.table(element)
            points = np.stack([_column(table, axis) for axis in "xyz"], axis=1)
        elif element.name == "face":
            loops, sizes = body.lists(element)
        elif element.name == "tristrips":
            raise UnsupportedFormatError(
                "PLY with triangle strips; save it with faces, for example from MeshLab"
            )
        else:
            body.skip(element)
    if points is None:
        raise DataError("no vertices in its header")
    if len(sizes) == 0:
        yield finish_points(file, points, options)
        return
    if loops.min(initial=0) < 0 or loops.max(initial=0) >= len(points):
        raise DataError(f"a face refers to a vertex that does not exist; there are {len(points)}")
    soup = PolygonSoup.of_faces(points, loops, sizes).select(sizes >= 3)
    yield from finish_objects(file, soup, options, names=[""], up="z", header=comments)


def _header(data: bytes) -> tuple[str, list[_Element], str, int]:
    """Give byte order, elements, comments, and where the body starts."""
    end = data.find(b"end_header", 0, 1 << 16)
    newline = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or newline < 0:
        raise DataError("no PLY header from `ply` to `end_header`")
    order: str | None = None
    elements: list[_Element] = []
    comments: list[str] = []
    for line in data[:end].decode("ascii", "replace").splitlines():
        words = line.split()
        try:
            if words[:1] == ["comment"]:
                comments.append(line[len("comment") :])
            elif words[:1] == ["format"]:
                order = ORDERS[words[1]]
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2])))
                if elements[-1].count < 0:
                    raise ValueError
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append(_Property(words[4], TYPES[words[3]], TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append(_Property(words[2], TYPES[words[1]]))
        except (KeyError, IndexError, ValueError):
            raise DataError(f"PLY header line {line[:60]!r} is not understood") from None
    if order is None:
        raise DataError("PLY header without a format line")
    return order, elements, "\n".join(comments), newline + 1


class _Binary:
    """Walks through binary elements; a cursor in bytes."""

    def __init__(self, data: bytes, start: int, order: str) -> None:
        self.data, self.at, self.order = data, start, order

    def table(self, element: _Element) -> Shaped[np.ndarray, " n"]:
        if any(entry.count_kind for entry in element.properties):
            raise UnsupportedFormatError(
                f"PLY with lists in its {element.name!r} elements; save it again plainly"
            )
        return self._take(self._row(element, None), element.count, element.name)

    def lists(self, element: _Element) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]:
        listed = [entry for entry in element.properties if entry.count_kind]
        wanted = _indices(element)
        begin = self.at
        if len(listed) == 1 and element.count:
            # Nearly all files hold faces of one size: read them as a table, then see whether that was so.
            first = self._row(element, 0)
            offset = first.fields["n"][1] if first.fields else 0
            head = self.data[begin + offset :]
            size = int(np.frombuffer(head, first["n"], 1)[0]) if len(head) >= first["n"].itemsize else 0
            row = self._row(element, size)
            if 0 <= size <= 64 and len(self.data) - begin >= row.itemsize * element.count:
                table = self._take(row, element.count, element.name)
                if (table["n"] == size).all():
                    return table[wanted].astype(np.int64).ravel(), np.full(element.count, size)
                self.at = begin
        return self._one_by_one(element, wanted)

    def skip(self, element: _Element) -> None:
        if any(entry.count_kind for entry in element.properties):
            self._one_by_one(element, "")
        else:
            self.table(element)

    def _one_by_one(
        self, element: _Element, wanted: str
    ) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]:
        loops: list[np.ndarray] = [np.zeros(0, np.int64)]
        sizes: list[int] = []
        for _ in range(element.count):
            for entry in element.properties:
                count = 1
                if entry.count_kind:
                    count = int(self._take(np.dtype(self.order + entry.count_kind), 1, element.name)[0])
                values = self._take(np.dtype(self.order + entry.kind), count, element.name)
                if entry.name == wanted:
                    loops.append(values.astype(np.int64))
                    sizes.append(count)
        return np.concatenate(loops), np.array(sizes, np.int64)

    def _row(self, element: _Element, size: int | None) -> np.dtype:
        fields: list[tuple] = []
        for i, entry in enumerate(element.properties):
            if entry.count_kind:
                fields.append(("n", self.order + entry.count_kind))
                fields.append((entry.name, self.order + entry.kind, (max(size or 0, 0),)))
            else:
                taken = any(entry.name == name for name, *_ in fields)
                fields.append((f"{entry.name}#{i}" if taken else entry.name, self.order + entry.kind))
        return np.dtype(fields)

    def _take(self, dtype: np.dtype, count: int, name: str) -> Shaped[np.ndarray, " n"]:
        size = dtype.itemsize * count
        if count < 0 or self.at + size > len(self.data):
            raise DataError(f"cut off inside its {name!r} elements; export or fetch it again")
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += size
        return values


class _Ascii:
    """Walks through text elements, one a line."""

    def __init__(self, body: bytes) -> None:
        self.lines = iter([line for line in body.splitlines() if line.strip()])

    def table(self, element: _Element) -> Shaped[np.ndarray, " n"]:
        names = [entry.name for entry in element.properties]
        numbers = self._numbers(element)
        if any(len(row) != len(names) for row in numbers):
            raise DataError(f"a {element.name!r} line has not the {len(names)} values that the header says")
        table = np.array(numbers, np.float64).reshape(element.count, len(names))
        return np.rec.fromarrays(
            list(table.T), dtype=[(f"{n}#{i}" if n in names[:i] else n, "f8") for i, n in enumerate(names)]
        )

    def lists(self, element: _Element) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]:
        wanted = _indices(element)
        loops: list[int] = []
        sizes: list[int] = []
        for row in self._numbers(element):
            at = 0
            for entry in element.properties:
                count = 1
                if entry.count_kind:
                    count, at = int(row[at]) if at < len(row) else -1, at + 1
                values = row[at : at + count] if count >= 0 else []
                if len(values) != count:
                    raise DataError(f"a {element.name!r} line is cut off; export or fetch it again")
                if entry.name == wanted:
                    loops.extend(int(value) for value in values)
                    sizes.append(count)
                at += count
        return np.array(loops, np.int64), np.array(sizes, np.int64)

    def skip(self, element: _Element) -> None:
        self._numbers(element)

    def _numbers(self, element: _Element) -> list[list[float]]:
        rows = []
        for _ in range(element.count):
            line = next(self.lines, None)
            if line is None:
                raise DataError(f"cut off inside its {element.name!r} elements; export or fetch it again")
            try:
                rows.append(list(map(float, line.split())))
            except ValueError as failure:
                raise DataError(
                    f"a {element.name!r} line is no list of numbers: {str(failure)[:60]}"
                ) from None
        return rows


def _indices(element: _Element) -> str:
    for name in ("vertex_indices", "vertex_index"):
        if any(entry.name == name and entry.count_kind for entry in element.properties):
            return name
    raise DataError("PLY faces without a list of vertex indices")


def _column(table: Shaped[np.ndarray, " n"], name: str) -> Float[np.ndarray, " n"]:
    if name not in (table.dtype.names or ()):
        raise DataError(f"PLY vertices without {name!r}")
    return np.asarray(table[name], np.float64)
