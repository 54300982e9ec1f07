"""Which faces of an element lie on the surface of the mass."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ..geometry.polyhedron import Polyhedron
from .envelope import Envelope

_ON = 1e-3
"""Metres within which a face lies in a face of the mass."""

_ALIKE = 1 - 1e-6
"""Cosine of the angle between their normals."""


def outer_faces(surface: Polyhedron, envelope: Envelope) -> list[int]:
    """Give for each polygon of an element the face of the mass that it lies on, -1 for one inside."""
    import shapely

    origins = envelope.mass.vertices[envelope.mass.loops[envelope.mass.rings[envelope.mass.polygons[:-1]]]]
    offsets = (envelope.normals * origins).sum(axis=1)
    found = []
    for number, normal in enumerate(surface.normals):
        rings = surface.polygon(number)
        alike = envelope.normals @ normal > _ALIKE
        off = np.abs(rings[0] @ envelope.normals[alike].T - offsets[alike]).max(axis=0)
        faces = np.flatnonzero(alike)[off < _ON].tolist()
        frame = _frame(normal)
        inside = _flat(rings, frame).representative_point() if faces else None
        on = (f for f in faces if shapely.covers(_flat(envelope.mass.polygon(f), frame).buffer(_ON), inside))
        found.append(next(on, -1))
    return found


def _frame(normal: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 2"]:
    side = np.cross(normal, (1.0, 0.0, 0.0) if abs(normal[0]) < 0.7 else (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(normal, side)], axis=1)


def _flat(rings: list[Float[np.ndarray, "_ 3"]], frame: Float[np.ndarray, "3 2"]):
    import shapely

    outer, *holes = [ring @ frame for ring in rings]
    return shapely.make_valid(shapely.Polygon(outer, holes))
