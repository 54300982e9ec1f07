"""OFF (Geomview's Object File Format), as text, with comments and colours passed over.

Z is up; the unit is guessed from the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..errors import DataError, UnsupportedFormatError
from .assemble import PolygonSoup
from .building import Building
from .finish import finish_objects
from .options import ReadOptions
from .pointcloud import finish_points
from .source import SourceFile


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read an OFF file.

    Raises:
        DataError: where the file is no OFF, or is cut off.
        UnsupportedFormatError: for binary OFF, and for dimensions other than three.
        LimitError: where the file exceeds a limit.
    """
    data = re.sub(rb"#[^\r\n]*", b"", file.read_bytes(options.limits))
    keyword = re.match(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF\b[ \t]*(BINARY)?", data)
    if keyword is None:
        raise DataError("no OFF: its first word is not OFF")
    if keyword[4] or keyword[5] or keyword[6]:
        raise UnsupportedFormatError("binary or higher-dimensional OFF; save it as text OFF, PLY or OBJ")
    lines = iter([line.split() for line in data[keyword.end() :].splitlines() if line.strip()])
    try:
        counts = [int(word) for word in next(lines, [])[:2]]
        if len(counts) < 2 or min(counts) < 0:
            raise DataError("OFF without its numbers of vertices and faces")
        options.limits.check_size(vertices=counts[0], faces=counts[1])
        rows = [row[:3] for row in islice(lines, counts[0])]
        if len(rows) < counts[0] or any(len(row) < 3 for row in rows):
            raise DataError(f"cut off: announces {counts[0]:,} vertices, holds {len(rows):,}")
        points = np.array([float(word) for row in rows for word in row], np.float64).reshape(-1, 3)
        faces = [[int(word) for word in row[1 : int(row[0]) + 1]] for row in islice(lines, counts[1])]
    except (ValueError, OverflowError) as failure:
        raise DataError(f"OFF with something that is no number: {str(failure)[:80]}") from None
    if len(faces) < counts[1]:
        raise DataError(f"cut off: announces {counts[1]:,} faces, holds {len(faces):,}")
    if not faces:
        yield finish_points(file, points, options)
        return
    sizes = np.array([len(face) for face in faces], np.int64)
    loops = np.array([index for face in faces for index in face], np.int64)
    if loops.min(initial=0) < 0 or loops.max(initial=0) >= len(points):
        raise DataError(f"a face refers to a vertex that does not exist; there are {len(points)}")
    soup = PolygonSoup.of_faces(points, loops, sizes).select(sizes >= 3)
    yield from finish_objects(file, soup, options, names=[""], up="z")
