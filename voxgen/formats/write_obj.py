"""Wavefront OBJ: an object for each solid, a group and material for each class, polygons as they are.

OBJ has no field for unit and axis. The header says both in a comment; what a program makes of the numbers
is its user's choice, for which `up="y"` opens upright in Blender's default import. It has no holes either:
polygons with holes, and others that a fan of triangles does not fill, are cut into few faces.
"""

from __future__ import annotations

import numpy as np

from ..geometry.fans import fans
from ..geometry.solid import MASS
from .materials import by_material
from .write import Export


def encode(export: Export) -> bytes:
    """Give the file: UTF-8 text, to a micrometre; its materials stand in the .mtl of the same stem."""
    text = [*(f"# {note}" for note in export.header()), f"mtllib {export.stem}.mtl"]
    first_vertex = first_normal = 1
    for solid in export.model.solids:
        surface = solid.surface
        # round() and + 0.0 make no "-0.000000", which would tell equal positions apart.
        vertices = export.place(surface.vertices).round(6) + 0.0
        unit = surface.normals.copy()
        unit[surface.areas == 0] = (0.0, 0.0, 1.0)
        normals, of_polygon = np.unique(export.turn(unit).round(6) + 0.0, axis=0, return_inverse=True)
        of_polygon = of_polygon.reshape(-1)
        # The mass is the building, by whose name a scene of many tells it apart.
        text.append(f"o {export.name if solid.name == MASS else solid.name}")
        text += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices.tolist()]
        text += [f"vn {x:.6f} {y:.6f} {z:.6f}" for x, y, z in normals.tolist()]
        for material, chosen in by_material(solid, surface.labels):
            text += [f"g {material.name}", f"usemtl {material.name}"]
            for polygon in np.flatnonzero(chosen).tolist():
                normal = first_normal + int(of_polygon[polygon])
                text += [
                    "f " + " ".join(f"{first_vertex + corner}//{normal}" for corner in face)
                    for face in fans(surface, polygon)
                ]
        first_vertex += len(vertices)
        first_normal += len(normals)
    return ("\n".join(text) + "\n").encode()
