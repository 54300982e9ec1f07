"""Binary PLY in double precision, so that a building keeps its place in a national grid."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .write import Export

_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def encode(export: Export) -> bytes:
    """Give the file; unit, up axis and metadata stand in comments."""
    mesh = export.all_triangles
    header = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {note}" for note in export.header()),
        f"element vertex {len(mesh.vertices)}",
        *(f"property double {axis}" for axis in "xyz"),
        f"element face {len(mesh.faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    faces = np.zeros(len(mesh.faces), _FACE)
    faces["count"] = 3
    faces["corners"] = mesh.faces
    text = ("\n".join(header) + "\n").encode("ascii", "replace")
    return text + _bytes(mesh.vertices) + faces.tobytes()


def _bytes(vertices: Float[np.ndarray, "v 3"]) -> bytes:
    """The vertices, the first by one last bit elsewhere where it would begin like an end of line.

    Readers such as assimp take that for part of the header's end.
    """
    numbers = vertices.astype("<f8")
    while numbers.size and numbers.tobytes()[:1] in (b"\n", b"\r"):
        numbers[0, 0] = np.nextafter(numbers[0, 0], np.inf)
    return numbers.tobytes()
