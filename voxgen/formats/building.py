"""What every reader gives: one building with where it came from and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from ..geometry.mesh import Mesh

NO_FACES = "no faces"
NO_GEOMETRY = "no geometry"
ONLY_FOOTPRINT = "only a footprint (LoD 0), no body"
BODILESS = {NO_FACES, NO_GEOMETRY, ONLY_FOOTPRINT}
"""Errors of a building that is read well, and of which nothing stands."""


@dataclass(frozen=True)
class Building:
    """A building as read from a file, in metres and Z up, in the coordinates of its source.

    Attributes:
        id: name in the file (object id, group name), else the file's stem.
        source: the path as the user would write it, with `archive.zip!member` for members of archives.
        mesh: the surface; empty (no faces) for a point cloud.
        points: (n, 3) metres for a point cloud, else None.
        lod: level of detail where the format has one.
        crs: coordinate reference system where the format says one.
        attributes: what the source says of the building (year, roof type), as plain values.
        warnings: what the reader had to mend or guess, one short phrase each.
        error: why the building cannot be used at all; None where it can.
        unsupported: whether that is because of the file's format, which a converter helps with.
    """

    id: str
    source: str
    mesh: Mesh
    points: Float[np.ndarray, "n 3"] | None = None
    lod: float | None = None
    crs: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: str | None = None
    unsupported: bool = False
