"""Wavefront OBJ: polygons as written, float64, objects as parts.

Coordinates keep double precision, so that a house in a national grid keeps its millimetres. Materials are not
read, so a missing .mtl is no matter. Objects are parts of the mesh, and each `o` line begins one, since
exporters repeat names; groups (`g`) are no parts, because they tell storeys, materials and surface types
apart, which only together make a closed body. With
`split`, objects become buildings, or groups where there are no objects. Names such as `RoofSurface` label
their faces. OBJ says neither unit nor up axis: leading comments may state them (`unit: mm`, `up: y`), else
both are guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer

from ..errors import DataError
from ..geometry.mesh import SurfaceClass
from .assemble import PolygonSoup
from .building import Building
from .finish import finish_objects
from .options import ReadOptions
from .semantics import layer_class
from .source import SourceFile


@dataclass
class _Runs:
    """Names that hold for runs of faces: each `o` or `g` line names the faces that follow it."""

    starts: list[int] = field(default_factory=lambda: [0])
    ids: list[int] = field(default_factory=lambda: [0])
    names: list[str] = field(default_factory=lambda: [""])
    known: dict[str, int] = field(default_factory=lambda: {"": 0})

    def resume(self, face: int, name: str) -> None:
        """Go on with the run of this name, wherever it was left."""
        number = self.known.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        self.starts.append(face)
        self.ids.append(number)

    def begin(self, face: int, name: str) -> None:
        """Begin a new run, even where one of this name was before."""
        self.names.append(name)
        self.starts.append(face)
        self.ids.append(len(self.names) - 1)

    def per_face(self, count: int) -> Integer[np.ndarray, " f"]:
        return np.repeat(np.array(self.ids, np.int32), np.diff([*self.starts, count]))


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read an OBJ file.

    Raises:
        DataError: where a vertex or face line is damaged.
        LimitError: where the file exceeds a limit.
    """
    data = file.read_bytes(options.limits).replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    points: list[bytes] = []
    faces: list[bytes] = []
    before: list[int] = []
    objects, groups = _Runs(), _Runs()
    header: list[bytes] = []
    for line in data.splitlines():
        if line[:1] in b" \t" and line:
            line = line.lstrip()
        start = line[:2]
        if start in (b"v ", b"v\t"):
            points.append(line[2:])
        elif start in (b"f ", b"f\t"):
            faces.append(line[2:])
            before.append(len(points))
        elif start in (b"o ", b"o\t", b"o"):
            objects.begin(len(faces), line[2:].strip().decode("utf-8", "replace"))
        elif start in (b"g ", b"g\t", b"g"):
            groups.resume(len(faces), line[2:].strip().decode("utf-8", "replace"))
        elif start[:1] == b"#" and not points:
            header.append(line)

    options.limits.check_size(vertices=len(points), faces=len(faces))
    vertices = _vertices(points)
    loops, sizes = _faces(faces, before, len(vertices))
    parts, names = _parts(objects, groups, len(faces), options.split)
    labels = _labels(groups, len(faces), _labels(objects, len(faces), np.zeros(len(faces), np.int32)))
    keep = sizes >= 3
    soup = PolygonSoup.of_faces(vertices, loops, sizes, parts, labels).select(keep)
    comments = b"\n".join(header[:50]).decode("utf-8", "replace")
    yield from finish_objects(file, soup, options, names=names, header=comments)


def _vertices(lines: list[bytes]) -> Float[np.ndarray, "v 3"]:
    tokens = b" ".join(lines).split()
    if len(tokens) != 3 * len(lines):
        # Weights and colours may follow the position.
        rows = [line.split() for line in lines]
        short = next((i for i, row in enumerate(rows) if len(row) < 3), None)
        if short is not None:
            raise DataError(
                f"vertex {short + 1} has {len(rows[short])} coordinates of 3; the file is cut off"
            )
        tokens = [token for row in rows for token in row[:3]]
    try:
        return np.array(list(map(float, tokens)), np.float64).reshape(-1, 3)
    except ValueError as failure:
        raise DataError(f"a vertex is no number: {str(failure)[:80]}") from None


def _faces(
    lines: list[bytes], before: list[int], count: int
) -> tuple[Integer[np.ndarray, " n"], Integer[np.ndarray, " f"]]:
    """Vertex indices of all corners, from 0, and corners of each face."""
    lines = [line.split(b"#", 1)[0] for line in lines]
    sizes = np.array([len(line.split()) for line in lines], np.int64)
    bare = re.sub(rb"/\S*", b"", b" ".join(lines))
    try:
        given = np.array(list(map(int, bare.split())), np.int64)
    except (ValueError, OverflowError) as failure:
        raise DataError(f"a face corner is no vertex number: {str(failure)[:80]}") from None
    if len(given) != sizes.sum():
        raise DataError("a face corner lacks its vertex number")
    # Negative numbers count back from the vertices above the face's own line.
    loops = np.where(given > 0, given - 1, given + np.repeat(np.array(before, np.int64), sizes))
    wrong = (given == 0) | (loops < 0) | (loops >= count)
    if wrong.any():
        raise DataError(
            f"a face refers to vertex {given[wrong][0]} of {count}; the file is cut off or damaged"
        )
    return loops, sizes


def _parts(
    objects: _Runs, groups: _Runs, count: int, split: bool
) -> tuple[Integer[np.ndarray, " f"], list[str]]:
    """Part of each face and a name for each part: objects, or groups where these are to be split."""
    by_object = objects.per_face(count)
    if len(np.unique(by_object)) > 1:
        return by_object, objects.names
    by_group = groups.per_face(count)
    bodies = [name for name in groups.names if name and layer_class(name) is None]
    if split and len(bodies) > 1:
        return by_group, groups.names
    return np.zeros(count, np.int32), [""]


def _labels(runs: _Runs, count: int, otherwise: Integer[np.ndarray, " f"]) -> Integer[np.ndarray, " f"]:
    """Surface class of each face by the names of its runs, `otherwise` where a name says none."""
    classes = [layer_class(name) for name in runs.names]
    table = np.array([-1 if found is None else found for found in classes], np.int32)
    said = table[runs.per_face(count)]
    return np.where(said >= SurfaceClass.UNKNOWN, said, otherwise).astype(np.int32)
