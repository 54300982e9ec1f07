"""Wavefront OBJ: one object, a normal for each face, unit and up axis in the header.

OBJ has no field for unit and axis. The header says both in a comment; what a program makes of the numbers
is its user's choice, for which `up="y"` opens upright in Blender's default import.
"""

from __future__ import annotations

import numpy as np

from .write import Export


def encode(export: Export) -> bytes:
    """Give the file: UTF-8 text, to a micrometre."""
    normals, of_face = np.unique(export.normals.round(6) + 0.0, axis=0, return_inverse=True)
    corners = np.column_stack([export.faces, of_face.reshape(-1)]) + 1
    # round() and + 0.0 make no "-0.000000", which would tell equal positions apart.
    vertices = export.vertices.round(6) + 0.0
    text = [*(f"# {note}" for note in export.notes()), f"o {export.name}"]
    text += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices.tolist()]
    text += [f"vn {x:.6f} {y:.6f} {z:.6f}" for x, y, z in normals.tolist()]
    text += [f"f {a}//{n} {b}//{n} {c}//{n}" for a, b, c, n in corners.tolist()]
    return ("\n".join(text) + "\n").encode()
