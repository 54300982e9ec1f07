"""The shells of a polyhedron: which faces hang together, and which shells are cavities of which.

Design tools want one solid an object: one outer shell, and the cavities inside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .components import components
from .polyhedron import Polyhedron
from .triangulate import next_in_ring


@dataclass(frozen=True)
class Piece:
    """One connected body of a polyhedron.

    Attributes:
        outer: numbers of the polygons of its outer shell.
        cavities: numbers of the polygons of each shell inside it.
    """

    outer: Int[np.ndarray, " n"]
    cavities: tuple[Int[np.ndarray, " _"], ...] = ()


def open_edges(surface: Polyhedron) -> int:
    """Give the number of edges that are not run through once in each direction; 0 for a closed surface."""
    start, end, _ = _edges(surface)
    count = max(len(surface.vertices), 1)
    ahead, back = np.unique(start * count + end, return_counts=True), np.unique(end * count + start)
    alone = ~np.isin(ahead[0], back, assume_unique=True)
    return int(alone.sum() + (ahead[1] > 1).sum())


def pieces(surface: Polyhedron) -> list[Piece]:
    """Give the bodies of a closed polyhedron, in the order of their first polygon.

    Shells are connected by edges and tell outer from inner by their orientation; a cavity goes to the
    smallest body around it.
    """
    if len(surface) == 0:
        return []
    start, end, polygon = _edges(surface)
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((high, low))
    same = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0)
    shell = components(len(surface), polygon[order[:-1][same]], polygon[order[1:][same]])
    apex = surface.vertices[np.repeat(surface.loops[surface.rings[:-1]], np.diff(surface.rings))]
    fans = np.stack([apex, surface.vertices[start], surface.vertices[end]], axis=1)
    of_fan = shell[polygon]
    local = fans - surface.vertices.mean(axis=0)
    terms = np.einsum("ij,ij->i", local[:, 0], np.cross(local[:, 1], local[:, 2])) / 6
    volumes = np.bincount(of_fan, weights=terms)
    cavities: dict[int, list[np.ndarray]] = {s: [] for s in np.flatnonzero(volumes > 0).tolist()}
    members = [np.flatnonzero(shell == s) for s in range(len(volumes))]
    for s in np.flatnonzero(volumes <= 0).tolist():
        inside = surface.polygon(int(members[s][0]))[0].mean(axis=0)
        around = [o for o in cavities if volumes[o] > 0 and _winding(fans[of_fan == o], inside) > 0.5]
        if around:
            cavities[min(around, key=lambda o: volumes[o])].append(members[s])
        else:
            cavities[s] = []  # turned inside out: a body of its own, as it is
    order_of = sorted(cavities, key=lambda s: members[s][0])
    return [Piece(members[s], tuple(cavities[s])) for s in order_of]


def _winding(triangles: Float[np.ndarray, "t 3 3"], point: Float[np.ndarray, " 3"]) -> float:
    """How often the triangles go around the point: 1 inside, 0 outside (Van Oosterom and Strackee 1983)."""
    a, b, c = np.moveaxis(triangles - point, 1, 0)
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    across = np.einsum("ij,ij->i", a, np.cross(b, c))
    dots = [np.einsum("ij,ij->i", p, q) for p, q in ((a, b), (b, c), (c, a))]
    beside = la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb
    return float(np.arctan2(across, beside).sum() / (2 * np.pi))


def _edges(surface: Polyhedron) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Start and end of each directed edge, and its polygon."""
    ring = np.repeat(np.arange(len(surface.rings) - 1), np.diff(surface.rings))
    polygon = np.repeat(np.arange(len(surface)), np.diff(surface.polygons))
    return surface.loops, surface.loops[next_in_ring(surface.rings)], polygon[ring]
