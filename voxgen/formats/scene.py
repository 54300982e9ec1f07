"""Meshes placed by a scene graph (glTF, 3MF, COLLADA) -> one soup with a part for each placed mesh."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped

from .assemble import PolygonSoup
from .limits import Limits


def overflowing() -> np.errstate:
    """Let transforms overflow in peace: they place vertices nowhere, and that is told of the building."""
    return np.errstate(over="ignore", invalid="ignore")


@dataclass
class Scene:
    """Collects placed meshes and counts them against the limits, since instances multiply.

    Attributes:
        limits: what the file may cost.
        names: a name for each part.
    """

    limits: Limits
    names: list[str] = field(default_factory=list)
    _vertices: list[np.ndarray] = field(default_factory=list)
    _loops: list[np.ndarray] = field(default_factory=list)
    _sizes: list[np.ndarray] = field(default_factory=list)
    _parts: list[np.ndarray] = field(default_factory=list)
    _points: int = 0
    _corners: int = 0
    _visits: int = 0

    def visit(self, depth: int, what: str) -> None:
        """Count a node, component or instance, `depth` levels below the root.

        Raises:
            LimitError: where there are too many, or it lies too deep.
        """
        self._visits += 1
        self.limits.check_size(nodes=self._visits)
        self.limits.check_depth(depth, what)

    def part(self, name: str) -> int:
        """Open a part and give its number."""
        self.names.append(name)
        return len(self.names) - 1

    def add(
        self,
        part: int,
        vertices: Float[np.ndarray, "v 3"],
        loops: Shaped[np.ndarray, " n"],
        sizes: Shaped[np.ndarray, " f"],
        matrix: Float[np.ndarray, "4 4"],
    ) -> None:
        """Add faces of `sizes` corners each, placed by `matrix` (acting on columns).

        A mirroring matrix turns the faces inside out; they are turned back.
        """
        self._corners += len(loops)
        self.limits.check_size(vertices=self._points + len(vertices), faces=self._corners)
        keep = np.asarray(sizes) >= 3
        loops, sizes = loops[np.repeat(keep, sizes)], sizes[keep]
        if _mirrors(matrix):
            ends = np.cumsum(sizes)
            start = np.repeat(ends - sizes, sizes)
            loops = loops[np.repeat(ends, sizes) - 1 - (np.arange(len(loops)) - start)]
        with overflowing():
            self._vertices.append(vertices @ matrix[:3, :3].T + matrix[:3, 3])
        self._loops.append(np.asarray(loops, np.int64) + self._points)
        self._sizes.append(np.asarray(sizes, np.int64))
        self._parts.append(np.full(len(sizes), part, np.int32))
        self._points += len(vertices)

    def soup(self) -> PolygonSoup:
        """Give all that was added."""
        if not self._vertices:
            return PolygonSoup.of_faces(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64))
        return PolygonSoup.of_faces(
            np.concatenate(self._vertices),
            np.concatenate(self._loops),
            np.concatenate(self._sizes),
            np.concatenate(self._parts),
        )


def _mirrors(matrix: Float[np.ndarray, "4 4"]) -> bool:
    x, y, z = matrix[:3, :3]
    with overflowing():
        return bool(np.dot(np.cross(x, y), z) < 0)
