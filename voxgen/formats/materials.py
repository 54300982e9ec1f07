"""Materials: one for each class of face of a mass, one for each kind of element; the same in every format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Integer

from ..geometry.mesh import SurfaceClass
from ..geometry.polyhedron import CLASS_NAMES
from ..geometry.solid import MASS, Solid


@dataclass(frozen=True)
class Material:
    """A matt colour with a name.

    Attributes:
        name: one word.
        colour: red, green and blue from 0 to 1, as screens show them (sRGB).
    """

    name: str
    colour: tuple[float, float, float]

    @property
    def linear(self) -> tuple[float, float, float]:
        """The colour in linear light (IEC 61966-2-1), which glTF and USD ask for."""
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in self.colour)
        return round(r, 4), round(g, 4), round(b, 4)

    @property
    def bytes(self) -> tuple[int, int, int]:
        """The colour from 0 to 255."""
        r, g, b = (round(255 * c) for c in self.colour)
        return r, g, b


PALETTE = {
    material.name: material
    for material in (
        Material("wall", (0.93, 0.90, 0.85)),
        Material("roof", (0.72, 0.42, 0.32)),
        Material("ground", (0.55, 0.53, 0.50)),
        Material("ceiling", (0.80, 0.78, 0.74)),
        Material("opening", (0.55, 0.68, 0.75)),
        Material("slab", (0.75, 0.74, 0.72)),
        Material("face", (0.90, 0.88, 0.85)),
    )
}
"""Every material there is, by name; `face` where nothing is known."""


def material_of(solid: Solid) -> Material:
    """Give the one material that stands for a whole solid: of its kind, `wall` for a mass."""
    return PALETTE.get("wall" if solid.kind == MASS else solid.kind, PALETTE["face"])


def by_material(
    solid: Solid, labels: Integer[np.ndarray, " n"]
) -> Iterator[tuple[Material, Bool[np.ndarray, " n"]]]:
    """Give each material of a solid's faces and which faces have it: by class for a mass, else by kind.

    Args:
        solid: whose faces these are.
        labels: (n,) `SurfaceClass` of polygons or triangles.
    """
    if solid.kind != MASS:
        yield material_of(solid), np.ones(len(labels), bool)
        return
    names = [CLASS_NAMES.get(c, "face") for c in SurfaceClass]
    for name in sorted({names[label] for label in np.unique(labels)}):
        yield PALETTE[name], np.isin(labels, [c for c in SurfaceClass if names[c] == name])
