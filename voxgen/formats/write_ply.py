"""Binary PLY in double precision, so that a building keeps its place in a national grid."""

from __future__ import annotations

import numpy as np

from .write import Export

_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def encode(export: Export) -> bytes:
    """Give the file; unit, up axis and metadata stand in comments."""
    header = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {note}" for note in export.notes()),
        f"element vertex {len(export.vertices)}",
        *(f"property double {axis}" for axis in "xyz"),
        f"element face {len(export.faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    faces = np.zeros(len(export.faces), _FACE)
    faces["count"] = 3
    faces["corners"] = export.faces
    text = ("\n".join(header) + "\n").encode("ascii", "replace")
    return text + export.vertices.astype("<f8").tobytes() + faces.tobytes()
