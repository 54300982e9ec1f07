"""The material library beside an OBJ: the whole palette, so that it is the same for every building."""

from __future__ import annotations

from .materials import PALETTE
from .write import Export


def encode(export: Export) -> bytes:  # noqa: ARG001 (all writers take the building)
    """Give the file: matt colours by name."""
    lines = ["# written by voxgen"]
    for material in PALETTE.values():
        colour = " ".join(f"{c:.3f}" for c in material.colour)
        lines += ["", f"newmtl {material.name}", f"Kd {colour}", "Ka 0 0 0", "Ks 0 0 0", "d 1", "illum 1"]
    return ("\n".join(lines) + "\n").encode()
