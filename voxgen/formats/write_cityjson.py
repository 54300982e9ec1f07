"""CityJSON 2.0 (https://www.cityjson.org/specs): a Building as a block (LoD1.2) and with its roofs (LoD2.2).

The faces of the LoD2.2 solid say whether they are ground, wall, roof or outer ceiling. A mass in several
pieces has a BuildingPart for each, as a Building holds one solid; elements are children of the type
BuildingConstructiveElement. Vertices are whole numbers of a tenth of a
millimetre, from an origin that the `transform` holds; with a georeference the building stands in its
reference system, turned.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from ..geometry.mesh import SurfaceClass, rotation_z
from ..geometry.polyhedron import NO_STOREY, Polyhedron
from ..geometry.solid import MASS
from .write import Body, Export

_SCALE = 1e-4
_ELEMENT_LOD = "3.0"

_SEMANTICS = {
    SurfaceClass.GROUND: "GroundSurface",
    SurfaceClass.WALL: "WallSurface",
    SurfaceClass.ROOF: "RoofSurface",
    SurfaceClass.OUTER_FLOOR_OR_CEILING: "OuterCeilingSurface",
    SurfaceClass.CLOSURE: "ClosureSurface",
}

_KNOWN = {"height": "measuredHeight", "storeys": "storeysAboveGround"}
"""Measures that CityGML has names for."""


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for a building that is not closed.
    """
    pool = _Pool(*_place(export))
    building: dict[str, Any] = {"type": "Building", "attributes": _attributes(export)}
    objects = {export.name: building}
    masses = [body for body in export.bodies if body.solid.kind == MASS]
    if len(masses) == 1:
        building["geometry"] = _levels(masses[0], pool)
    for body in export.bodies:
        if body.solid.kind == MASS and len(masses) == 1:
            continue
        part = {"type": "BuildingPart", "geometry": _levels(body, pool)}
        if body.solid.kind != MASS:
            part = {"type": "BuildingConstructiveElement", "geometry": [_solid(body, pool, _ELEMENT_LOD)]}
            part["attributes"] = {"kind": body.solid.kind, **body.solid.attributes}
            if body.solid.storey != NO_STOREY:
                part["attributes"]["storey"] = body.solid.storey
        objects[f"{export.name}-{body.name}"] = {**part, "parents": [export.name]}
    if len(objects) > 1:
        building["children"] = list(objects)[1:]
    document: dict[str, Any] = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [_SCALE] * 3, "translate": pool.translate.tolist()},
        "metadata": _metadata(export, pool),
        "CityObjects": objects,
        "vertices": [list(vertex) for vertex in pool.numbers],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class _Pool:
    """The vertices of the file, each once.

    Attributes:
        turn: (3, 3) from the building's axes to those of the reference system.
        shift: (3,) metres, where the building's origin stands.
        translate: (3,) metres, of the file's transform.
        numbers: integer vertices and their places.
    """

    turn: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, " 3"]
    translate: Float[np.ndarray, " 3"]
    numbers: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def add(self, points: Float[np.ndarray, "n 3"]) -> list[int]:
        """Give the numbers of vertices at these points of the model."""
        stood = points @ self.turn.T + (self.shift - self.translate)
        whole = np.round(stood / _SCALE).astype(np.int64).tolist()
        return [self.numbers.setdefault((x, y, z), len(self.numbers)) for x, y, z in whole]


def _place(export: Export) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn and shift to the world, and an origin near the building."""
    place = export.model.georeference
    turn = rotation_z(place.yaw) if place else np.eye(3)
    shift = np.array(place.at) if place else np.zeros(3)
    low = np.concatenate([solid.surface.vertices for solid in export.model.solids]).min(axis=0)
    far = np.abs(shift).max() > 0 or np.abs(low).max() > 1000
    return turn, shift, np.floor(shift if np.abs(low).max() < 1000 else low + shift) if far else np.zeros(3)


def _metadata(export: Export, pool: _Pool) -> dict[str, Any]:
    numbers = np.array(list(pool.numbers))
    box = np.concatenate([numbers.min(axis=0), numbers.max(axis=0)]) * _SCALE + np.tile(pool.translate, 2)
    said: dict[str, Any] = {"title": export.name, "geographicalExtent": box.round(4).tolist()}
    if export.model.georeference:
        code = export.model.georeference.crs.removeprefix("EPSG:")
        said["referenceSystem"] = f"https://www.opengis.net/def/crs/EPSG/0/{code}"
    return said


def _attributes(export: Export) -> dict[str, Any]:
    measures = {_KNOWN.get(key, key): round(value, 3) for key, value in export.model.measures.items()}
    if "storeysAboveGround" in measures:
        measures["storeysAboveGround"] = round(measures["storeysAboveGround"])
    return {**measures, **export.model.metadata}


def _levels(body: Body, pool: _Pool) -> list[dict[str, Any]]:
    """The geometry of a mass, coarse to fine."""
    from ..geometry.block_model import block_model

    block = block_model(body.solid.surface, body.shells[0])
    fine = _solid(body, pool, "2.2")
    if block is None:
        return [fine]
    prism = block.polyhedron()
    boundaries = [_faces(prism, np.arange(len(prism)), pool)]
    return [{"type": "Solid", "lod": "1.2", "boundaries": boundaries}, fine]


def _solid(body: Body, pool: _Pool, lod: str) -> dict[str, Any]:
    """A Solid with the class of each face."""
    surface = body.solid.surface
    kinds = list(_SEMANTICS)
    labels = [[SurfaceClass(surface.labels[p]) for p in shell] for shell in body.shells]
    values = [[kinds.index(label) if label in kinds else None for label in shell] for shell in labels]
    return {
        "type": "Solid",
        "lod": lod,
        "boundaries": [_faces(surface, shell, pool) for shell in body.shells],
        "semantics": {"surfaces": [{"type": name} for name in _SEMANTICS.values()], "values": values},
    }


def _faces(surface: Polyhedron, polygons: np.ndarray, pool: _Pool) -> list[list[list[int]]]:
    return [[pool.add(surface.vertices[ring]) for ring in surface.outlines(int(p))] for p in polygons]
