"""Binary STL: one solid of triangles, each with its normal.

A header of 80 bytes, a count, then 50 bytes a triangle, little-endian. The header says unit and up axis and
must not begin with `solid`, by which readers tell the ASCII variety.
"""

from __future__ import annotations

import numpy as np

from .write import Export, as_single

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for coordinates too large for single precision.
    """
    mesh = export.all_triangles
    triangles = np.zeros(len(mesh.faces), _TRIANGLE)
    triangles["normal"] = mesh.normals
    triangles["corners"] = as_single(export, mesh.vertices, "STL")[mesh.faces]
    header = f"voxgen unit={export.unit} up={export.up} {export.name}".encode("ascii", "replace")[:80]
    return header.ljust(80) + np.uint32(len(triangles)).astype("<u4").tobytes() + triangles.tobytes()
