"""Writing meshes: what holds for all formats, and the table of those that can be written.

A writer turns an `Export` into bytes; checking, units, axes and the atomic write are done here, once. A
further format is one module with `encode(export) -> bytes` and one line in `WRITABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from ..atomic import replacing
from ..errors import DataError, UnsupportedFormatError, UsageError, nearest
from ..geometry.mesh import Mesh
from .units import METRES

WRITABLE = {".obj": "write_obj", ".stl": "write_stl", ".ply": "write_ply", ".glb": "write_glb"}
"""Suffix -> module of `voxgen.formats`."""

UP_AXES = ("z", "y")


@dataclass(frozen=True)
class Export:
    """A mesh ready to be written.

    Attributes:
        name: one word, of characters that every program takes.
        vertices: (v, 3) in `unit` and with `up` upwards; glTF's own where the format is glTF.
        faces: (f, 3) corners, counter-clockwise from outside.
        normals: (f, 3) unit normals in the same axes.
        unit: name of the unit.
        up: the axis that points up.
        metadata: what else to say, key to text; one line each.
    """

    name: str
    vertices: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    normals: Float[np.ndarray, "f 3"]
    unit: str
    up: str
    metadata: Mapping[str, str]

    def notes(self) -> list[str]:
        """Lines for a header: program, name, unit, axis, metadata."""
        said = {"name": self.name, "unit": self.unit, "up": self.up, **self.metadata}
        return ["written by voxgen", *(f"{key}: {value}" for key, value in said.items())]


def write_mesh(
    path: str | Path,
    mesh: Mesh,
    *,
    name: str,
    up: str = "z",
    unit: str = "m",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a mesh in the format of the path's suffix, whole or not at all.

    The same mesh gives the same bytes. `up` and `unit` hold for OBJ, STL and PLY, which leave both open and
    get them said in the header; glTF is in metres with Y up by its standard, whatever is asked.

    Args:
        path: ends in one of `WRITABLE`.
        mesh: metres, Z up.
        name: what the building is called in the file; blanks become underscores.
        up: `z`, or `y` for programs that take Y for up, such as Blender's OBJ import.
        unit: `m`, `mm`, `cm`, `ft`, ...
        metadata: what else the file is to say: run, seed, licence.

    Raises:
        UnsupportedFormatError: for another suffix. UsageError: for an unknown unit or axis. DataError: for
        a mesh without faces, with vertices that are not finite or with faces that name no vertex,
            and for coordinates that the format cannot hold to a millimetre.
    """
    path = Path(path)
    encode = import_module(f".{WRITABLE[checked_format(path.suffix)]}", __package__).encode
    of_gltf = path.suffix.lower() == ".glb"
    export = _export(mesh, name, *(("y", "m") if of_gltf else (up, unit)), metadata or {})
    content = encode(export)
    with replacing(path) as beside:
        beside.write_bytes(content)


def checked_format(given: str) -> str:
    """Give the suffix of a format named with or without its dot, in any case.

    >>> checked_format("OBJ")
    '.obj'

    Raises:
        UnsupportedFormatError: for one that cannot be written.
    """
    suffix = "." + given.lower().lstrip(".")
    if suffix not in WRITABLE:
        known = ", ".join(s[1:] for s in WRITABLE)
        raise UnsupportedFormatError(
            f"no writer for {given or 'a file without suffix'!r}{nearest(suffix[1:], known.split(', '))}; "
            f"write one of {known}, and convert it in Blender or FreeCAD where another is needed"
        )
    return suffix


def _export(mesh: Mesh, name: str, up: str, unit: str, metadata: Mapping[str, Any]) -> Export:
    if up not in UP_AXES:
        raise UsageError(f"up = {up!r}; choose z or y")
    if unit not in METRES:
        raise UsageError(f"unit = {unit!r}{nearest(unit, METRES)}; choose one of {', '.join(METRES)}")
    _check(mesh, name)
    normals = face_normals(mesh)
    vertices = mesh.vertices / METRES[unit]
    if up == "y":
        vertices, normals = _y_up(vertices), _y_up(normals)
    return Export(
        name="_".join(_words([name])) or "building",
        vertices=vertices,
        faces=mesh.faces,
        normals=normals,
        unit=unit,
        up=up,
        metadata={"_".join(_words([k])): " ".join(_words([v])) for k, v in metadata.items()},
    )


def _check(mesh: Mesh, name: str) -> None:
    if len(mesh.faces) == 0:
        raise DataError(f"{name}: nothing to write, the mesh has no faces; skip empty buildings")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise DataError(
            f"{name}: faces name vertices {mesh.faces.min()} to {mesh.faces.max()}, "
            f"there are {len(mesh.vertices)}; build the mesh anew"
        )
    wrong = int((~np.isfinite(mesh.vertices).all(axis=1)).sum())
    if wrong:
        raise DataError(
            f"{name}: {wrong} of {len(mesh.vertices)} vertices are NaN or infinite; "
            "repair the mesh, no program can open such a file"
        )


def face_normals(mesh: Mesh) -> Float[np.ndarray, "f 3"]:
    """Unit normals of the faces; straight up where a face has no area."""
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.where(length > 0, length, 1.0), [0.0, 0.0, 1.0])


def _y_up(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    x, y, z = vectors.T
    return np.stack([x, z, -y], axis=1)


def _words(values: Iterable[Any]) -> list[str]:
    """The printable words of some values: no line ends or controls that would break a header."""
    text = " ".join(str(value) for value in values)
    return "".join(c if c.isprintable() else " " for c in text).split()


def as_single(export: Export, format_name: str) -> Float[np.ndarray, "v 3"]:
    """Give the vertices as single-precision values that are true to a millimetre.

    Raises:
        DataError: where they are too far from the origin for that.
    """
    single = export.vertices.astype(np.float32).astype(np.float64)
    error = float(np.abs(single - export.vertices).max()) * METRES[export.unit]
    if error > 1e-3:
        far = np.abs(export.vertices).max()
        raise DataError(
            f"{export.name}: {format_name} holds single-precision numbers, which {far:.0f} {export.unit} "
            f"from the origin are {error * 1000:.0f} mm off; "
            "move the building to the origin first, or write obj or ply"
        )
    return single
