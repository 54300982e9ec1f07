"""Small models that the tests of all readers share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voxgen.formats import Building, ReadOptions, read_buildings
from voxgen.geometry.mesh import Mesh

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def read() -> Callable[..., list[Building]]:
    """Read a file with options given as plain values."""

    def reader(path: Path, **options) -> list[Building]:
        return list(read_buildings(path, ReadOptions.parse(options)))

    return reader


@pytest.fixture(scope="session")
def volume() -> Callable[[Mesh], float]:
    """Signed volume of a mesh in cubic metres: an oracle for winding, holes and scale."""

    def of(mesh: Mesh) -> float:
        corners = mesh.vertices[mesh.faces] - mesh.vertices[0]
        return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)

    return of


@pytest.fixture(scope="session")
def closed() -> Callable[[Mesh], bool]:
    """Whether each edge is used as often one way as the other, by vertex number, inside each part."""

    def of(mesh: Mesh) -> bool:
        starts = mesh.faces.ravel().astype(np.int64)
        ends = np.roll(mesh.faces, -1, axis=1).ravel().astype(np.int64)
        count = len(mesh.vertices)
        part = np.repeat(mesh.parts.astype(np.int64), 3) * count**2
        ways = np.sort(part + starts * count + ends)
        back = np.sort(part + ends * count + starts)
        return len(ways) > 0 and bool((ways == back).all())

    return of


@pytest.fixture(scope="session")
def box() -> tuple[np.ndarray, list[list[int]]]:
    """A box of 10 x 6 x 4 m: vertices and its six quads, outward."""
    corners = np.array([[x, y, z] for z in (0.0, 4.0) for x, y in ((0, 0), (10, 0), (10, 6), (0, 6))])
    quads = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    return corners, quads
