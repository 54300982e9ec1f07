"""Writing buildings: what holds for all formats.

A writer turns an `Export` into bytes; checking, units, axes, shells and the atomic write are done here, once.
A further format is one module with `encode(export) -> bytes` and one line in `write_table.WRITABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Integer

from ..atomic import replacing
from ..errors import DataError, UsageError, nearest
from ..geometry.mesh import Mesh
from .units import METRES
from .write_table import WRITABLE, format_of_path

if TYPE_CHECKING:
    from ..geometry.polyhedron import Polyhedron
    from ..geometry.solid import Model, Solid


UP_AXES = ("z", "y")


@dataclass(frozen=True)
class Triangles:
    """Triangles in the file's unit and axes.

    Attributes:
        vertices: (v, 3).
        faces: (f, 3) corners, counter-clockwise from outside.
        normals: (f, 3) unit normals; straight up where a face has no area.
        labels: (f,) `SurfaceClass`.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    normals: Float[np.ndarray, "f 3"]
    labels: Integer[np.ndarray, " f"]


@dataclass(frozen=True)
class Body:
    """One closed body, connected: a solid, or a piece of one that has several.

    Attributes:
        name: distinct within the building.
        solid: what it belongs to; its extrusion is the body's only where the solid is in one piece.
        shells: polygon numbers of the solid's surface: the outer shell, then those of cavities.
        whole: whether it is all of its solid.
    """

    name: str
    solid: Solid
    shells: tuple[Int[np.ndarray, " _"], ...]
    whole: bool


@dataclass(frozen=True)
class Export:
    """A building ready to be written.

    Attributes:
        model: checked, in metres with Z up; names are single words and texts single lines.
        stem: of the file and those beside it.
        unit: of the file's numbers.
        up: the axis that points up in the file.
    """

    model: Model
    stem: str
    unit: str
    up: str

    @property
    def name(self) -> str:
        """What the building is called."""
        return self.model.name

    def place(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Give points of the model in the file's unit and axes."""
        return self.turn(points / METRES[self.unit])

    def turn(self, vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Give directions of the model in the file's axes."""
        if self.up == "z":
            return vectors
        x, y, z = vectors.T
        return np.stack([x, z, -y], axis=1)

    @cached_property
    def triangles(self) -> tuple[Triangles, ...]:
        """The triangles of each solid."""
        return tuple(self._triangles(solid.surface.to_mesh()) for solid in self.model.solids)

    @cached_property
    def all_triangles(self) -> Triangles:
        """The triangles of all solids."""
        starts = np.cumsum([0, *(len(part.vertices) for part in self.triangles)])
        return Triangles(
            np.concatenate([part.vertices for part in self.triangles]),
            np.concatenate([part.faces + s for part, s in zip(self.triangles, starts, strict=False)]),
            np.concatenate([part.normals for part in self.triangles]),
            np.concatenate([part.labels for part in self.triangles]),
        )

    @cached_property
    def bodies(self) -> tuple[Body, ...]:
        """The closed bodies of all solids.

        Raises:
            DataError: where a surface is open.
        """
        from ..geometry.shells import open_edges, pieces

        found = []
        for solid in self.model.solids:
            gaps = open_edges(solid.surface)
            if gaps:
                raise DataError(
                    f"{self.name}: {solid.name} is no closed solid ({gaps} open edges), as this format "
                    "needs; export with --mend, or write obj, stl, ply or glb"
                )
            parts = pieces(solid.surface)
            for number, piece in enumerate(parts, 1):
                name = solid.name if len(parts) == 1 else f"{solid.name}-{number}"
                found.append(Body(name, solid, (piece.outer, *piece.cavities), len(parts) == 1))
        return tuple(found)

    @cached_property
    def extras(self) -> dict[str, str]:
        """What there is to say in words: place in the world, measures, metadata."""
        said = {key: f"{value:.3f}" for key, value in self.model.measures.items()}
        place = self.model.georeference
        if place is not None:
            said["crs"] = place.crs
            said["world_origin"] = " ".join(f"{value:.3f}" for value in place.at)
            said["world_yaw_degrees"] = f"{np.degrees(place.yaw):.4f}"
        return said | dict(self.model.metadata)

    def header(self) -> list[str]:
        """Lines for a header: program, name, unit, axis, and `extras`, which are metric whatever the unit."""
        metric = {"figures_below": "in m, m2 and m3, Z up"} if (self.unit, self.up) != ("m", "z") else {}
        said = {"name": self.name, "unit": self.unit, "up": self.up, **metric, **self.extras}
        return ["written by voxgen", *(f"{key}: {value}" for key, value in said.items())]

    def _triangles(self, mesh: Mesh) -> Triangles:
        return Triangles(self.place(mesh.vertices), mesh.faces, self.turn(face_normals(mesh)), mesh.labels)


def write_model(path: str | Path, model: Model, *, up: str = "z", unit: str = "m") -> None:
    """Write a building in the format of the path's suffix, whole or not at all.

    The same building gives the same file, 3DM apart, which holds dates and chance ids. `up` and `unit` hold
    for formats that leave them open, and are said in the file; others follow their standard.

    Args:
        path: ends in the suffix of one of `WRITABLE`.
        model: metres, Z up. Blanks in names become underscores.
        up: `z`, or `y` for programs that take Y for up, such as Blender's OBJ import.
        unit: `m`, `mm`, `cm`, `ft`, ...

    Raises:
        UnsupportedFormatError: for another suffix. UsageError: for an unknown unit or axis. DataError: for
        a solid without faces, with vertices that are not finite or with faces that name no vertex, for one
            that is open where the format holds closed solids, and for coordinates that the format cannot
            hold to a millimetre. MissingExtraError: where the format needs a library that is not installed.
    """
    path = Path(path)
    writer = WRITABLE[format_of_path(path)]
    if up not in UP_AXES:
        raise UsageError(f"up = {up!r}; choose z or y")
    if unit not in METRES:
        raise UsageError(f"unit = {unit!r}{nearest(unit, METRES)}; choose one of {', '.join(METRES)}")
    writer.ready()
    stem = path.name[: -len(writer.suffix)]
    export = Export(_checked(model), stem, writer.unit or unit, writer.up or up)
    # What stands beside goes first, so that the file never names one that is not there.
    modules = {path.with_name(stem + suffix): module for suffix, module in writer.beside.items()}
    contents = {
        target: _encode(module, export) for target, module in (*modules.items(), (path, writer.module))
    }
    for target, content in contents.items():
        with replacing(target) as beside:
            beside.write_bytes(content)


def write_mesh(
    path: str | Path,
    mesh: Mesh,
    *,
    name: str,
    up: str = "z",
    unit: str = "m",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a mesh as it is, triangle for triangle, as a building of one solid; see `write_model`."""
    from ..geometry.polyhedron import NO_STOREY, Polyhedron
    from ..geometry.solid import MASS, Model, Solid

    count = len(mesh.faces)
    surface = Polyhedron(
        mesh.vertices,
        mesh.faces.reshape(-1).astype(np.int64),
        np.arange(count + 1) * 3,
        np.arange(count + 1),
        mesh.labels.astype(np.uint8),
        np.full(count, NO_STOREY),
    )
    write_model(path, Model(name, (Solid(name, MASS, surface),), metadata=metadata or {}), up=up, unit=unit)


def face_normals(mesh: Mesh) -> Float[np.ndarray, "f 3"]:
    """Unit normals of the faces; straight up where a face has no area."""
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0, normals / np.where(length > 0, length, 1.0), [0.0, 0.0, 1.0])


def as_single(
    export: Export, vertices: Float[np.ndarray, "v 3"], format_name: str
) -> Float[np.ndarray, "v 3"]:
    """Give placed vertices as single-precision values that are true to a millimetre.

    Raises:
        DataError: where they are too far from the origin for that.
    """
    single = vertices.astype(np.float32).astype(np.float64)
    error = float(np.abs(single - vertices).max()) * METRES[export.unit]
    if error > 1e-3:
        far = np.abs(vertices).max()
        raise DataError(
            f"{export.name}: {format_name} holds single-precision numbers, which {far:.0f} {export.unit} "
            f"from the origin are {error * 1000:.0f} mm off; "
            "move the building to the origin first, or write obj or ply"
        )
    return single


def _encode(module: str, export: Export) -> bytes:
    return import_module(f".{module}", __package__).encode(export)


def _checked(model: Model) -> Model:
    if not model.solids:
        raise DataError(f"{model.name}: nothing to write, the building has no solids; skip empty ones")
    for solid in model.solids:
        _check(solid.surface, model.name)
    return replace(
        model,
        name=_word(model.name),
        solids=tuple(replace(solid, name=_word(solid.name)) for solid in model.solids),
        metadata={_word(key): " ".join(_words(value)) for key, value in model.metadata.items()},
    )


def _check(surface: Polyhedron, name: str) -> None:
    loops, vertices = surface.loops, surface.vertices
    if len(surface) == 0:
        raise DataError(f"{name}: nothing to write, the mesh has no faces; skip empty buildings")
    if loops.min() < 0 or loops.max() >= len(vertices):
        raise DataError(
            f"{name}: faces name vertices {loops.min()} to {loops.max()}, "
            f"there are {len(vertices)}; build the mesh anew"
        )
    wrong = int((~np.isfinite(vertices).all(axis=1)).sum())
    if wrong:
        raise DataError(
            f"{name}: {wrong} of {len(vertices)} vertices are NaN or infinite; "
            "repair the mesh, no program can open such a file"
        )


def _word(name: Any) -> str:
    return "_".join(_words(name)) or "building"


def _words(value: Any) -> Iterable[str]:
    """The printable words of a value: no line ends or controls that would break a header."""
    return "".join(c if c.isprintable() else " " for c in str(value)).split()
