"""STL, binary and ASCII, told apart by content: many a binary file begins with `solid` too.

STL lists triangles without sharing corners; they are welded. The `solid` names of an ASCII file are parts.
Z is up and the unit is guessed from the size, unless the header states them (`unit=mm up=y`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ..errors import DataError
from .assemble import PolygonSoup
from .building import Building
from .finish import finish_objects
from .options import ReadOptions
from .source import SourceFile

HEADER = 84
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
VERTEX = re.compile(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
SOLID = re.compile(rb"^\s*solid\b[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read an STL file.

    Raises:
        DataError: where the file is no STL, or is cut off.
        LimitError: where the file exceeds a limit.
    """
    data = file.read_bytes(options.limits)
    yield from (_ascii if _is_ascii(data) else _binary)(file, data, options)


def _is_ascii(data: bytes) -> bool:
    if not data[:512].lstrip().lower().startswith(b"solid"):
        return False
    count = int.from_bytes(data[80:HEADER], "little")
    return len(data) != HEADER + TRIANGLE.itemsize * count


def _binary(file: SourceFile, data: bytes, options: ReadOptions) -> Iterator[Building]:
    if len(data) < HEADER:
        raise DataError(f"{len(data)} bytes are no STL; a binary one has {HEADER} before its triangles")
    count = int.from_bytes(data[80:HEADER], "little")
    held = (len(data) - HEADER) // TRIANGLE.itemsize
    if count > held:
        raise DataError(f"cut off: announces {count:,} triangles, holds {held:,}; export or fetch it again")
    options.limits.check_size(faces=count)
    with np.errstate(invalid="ignore"):  # NaN is told of the finished building
        corners = np.frombuffer(data, TRIANGLE, count, HEADER)["corners"].reshape(-1, 3).astype(np.float64)
    soup = PolygonSoup.of_triangles(corners, np.arange(3 * count).reshape(-1, 3))
    extra = len(data) - HEADER - TRIANGLE.itemsize * count
    warnings = (f"{extra} bytes after the last triangle ignored",) if extra else ()
    header = data[:80].decode("ascii", "replace")
    yield from finish_objects(file, soup, options, names=[""], up="z", header=header, warnings=warnings)


def _ascii(file: SourceFile, data: bytes, options: ReadOptions) -> Iterator[Building]:
    # `endsolid name` must not open another solid.
    names = list(SOLID.finditer(data))
    if not names:
        raise DataError("neither a binary STL nor an ASCII one with its `solid` line")
    bounds = [match.start() for match in names] + [len(data)]
    numbers: list[float] = []
    sizes: list[int] = []
    for start, end in pairwise(bounds):
        found = VERTEX.findall(data, start, end)
        if len(found) % 3:
            raise DataError(f"cut off: {len(found)} corners are no whole number of triangles")
        try:
            numbers.extend(float(number) for corner in found for number in corner)
        except ValueError as failure:
            raise DataError(f"a vertex is no number: {str(failure)[:80]}") from None
        sizes.append(len(found) // 3)
        options.limits.check_size(faces=len(numbers) // 9)
    corners = np.array(numbers, np.float64).reshape(-1, 3)
    parts = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    soup = PolygonSoup.of_triangles(corners, np.arange(len(corners)).reshape(-1, 3), parts)
    warnings = (
        () if b"endsolid" in data[bounds[-2] :].lower() else ("no `endsolid`: the file may be cut off",)
    )
    titles = [match[1].strip().decode("utf-8", "replace") for match in names]
    yield from finish_objects(file, soup, options, names=titles, up="z", header=titles[0], warnings=warnings)
