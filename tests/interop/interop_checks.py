"""Checks of solids in the manner of val3dity (Ledoux 2018): codes are those of its documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

Rings = Sequence[np.ndarray]
"""A polygon: (n, 3) metres each, the outer ring first."""


def faults(shells: Sequence[Sequence[Rings]], tolerance: float = 1e-3) -> Counter[str]:
    """Count what is wrong with a solid: its outer shell, then those of cavities.

    Args:
        shells: polygons of each shell, positions that belong together being equal.
        tolerance: metres that corners may lie off a polygon's plane.
    """
    found: Counter[str] = Counter()
    for number, shell in enumerate(shells):
        sides: Counter[tuple] = Counter()
        volume = 0.0
        owners: dict[tuple, list[int]] = {}
        for p, polygon in enumerate(shell):
            vector, apex = np.zeros(3), polygon[0][0]
            for ring in polygon:
                corners = [tuple(point) for point in ring.tolist()]
                found["101 fewer than three corners"] += len(corners) < 3
                found["104 a corner twice in a ring"] += len(set(corners)) < len(corners)
                for side in zip(corners, corners[1:] + corners[:1], strict=True):
                    sides[side] += 1
                    owners.setdefault(tuple(sorted(side)), []).append(p)
                local = ring - apex
                vector += np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0) / 2
            area = np.linalg.norm(vector)
            found["103 no area"] += area == 0
            off = max(np.abs((ring - apex) @ vector).max() for ring in polygon) / max(area, 1e-12)
            found["203 not planar"] += off > tolerance
            volume += float(apex @ vector) / 3
        found["302 not closed"] += sum(sides[b, a] == 0 for a, b in sides)
        found["303 not manifold"] += sum(count > 1 for count in sides.values())
        found["405 turned the wrong way"] += (volume > 0) == (number > 0)
        found["305 in several pieces"] += _pieces(len(shell), owners.values()) > 1
    return +found


def _pieces(count: int, meetings) -> int:
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for polygons in meetings:
        for other in polygons[1:]:
            parent[root(other)] = root(polygons[0])
    return sum(parent[i] == i for i in range(count))
