"""Weld vertices that mean the same corner, within a group of faces only.

City models write 1 mm; adjacent houses share walls to the millimetre, so vertices are joined inside a shell
or building part and never across: two closed solids that touch stay two closed solids.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer

from .components import components

WELD_TOLERANCE = 1e-3
"""Vertices closer than this, in metres, are one."""

NEARER = 1 - 1e-4
"""Share of the tolerance up to which vertices join: rounding far from the origin must not decide."""

CROWD = 100
"""Neighbours of a vertex, on average, above which pairs are too many to list."""


def weld(
    vertices: Float[np.ndarray, "v 3"],
    groups: Integer[np.ndarray, " v"] | None = None,
    tolerance: float = WELD_TOLERANCE,
) -> tuple[Float[np.ndarray, "w 3"], Integer[np.ndarray, " v"]]:
    """Join vertices of one group that lie closer than `tolerance` metres.

    Chains of close vertices become one; each welded vertex keeps the exact position of the first of them,
    and first vertices keep their order.

    Args:
        vertices: (v, 3) metres, finite.
        groups: (v,) the shell or part of each vertex; all one group where left out.
        tolerance: metres; vertices exactly that far apart stay apart.

    Returns:
        welded: (w, 3) metres.
        index: (v,) position of each given vertex in `welded`.
    """
    from scipy.spatial import KDTree

    if len(vertices) == 0:
        return vertices, np.zeros(0, np.int64)
    # Groups become a fourth coordinate, further apart than the tolerance: one search serves them all.
    apart = np.zeros(len(vertices)) if groups is None else groups * (4.0 * tolerance)
    keys = np.column_stack([vertices - vertices[0], apart]) + 0.0
    first, exact = _first_of_equal(keys)
    tree, reach = KDTree(keys[first]), tolerance * NEARER
    if len(first) > CROWD and tree.count_neighbors(tree, reach) > CROWD * len(first):
        # Points of one cell lie within the tolerance of each other: join these first.
        sparse, cell = _first_of_equal(np.floor(keys[first] / (tolerance / 2)))
        first, exact = first[sparse], cell[exact]
        tree = KDTree(keys[first])
    pairs = tree.query_pairs(reach, output_type="ndarray")
    if len(pairs) == 0:
        return vertices[first], exact
    label = components(len(first), pairs[:, 0], pairs[:, 1])
    kept, index = np.unique(label, return_index=True)[1], label
    order = np.argsort(kept, kind="stable")
    rank = np.empty(len(kept), np.int64)
    rank[order] = np.arange(len(kept))
    return vertices[first[kept[order]]], rank[index][exact]


def _first_of_equal(
    keys: Float[np.ndarray, "v 4"],
) -> tuple[Integer[np.ndarray, " u"], Integer[np.ndarray, " v"]]:
    """Row number of the first of each set of equal rows, in order, and each row's place among those."""
    order = np.lexsort(keys.T[::-1])
    ranked = keys[order]
    new = np.ones(len(keys), bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(new) - 1
    first = np.full(int(new.sum()), len(keys))
    np.minimum.at(first, group, np.arange(len(keys)))
    by_position = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[by_position] = np.arange(len(first))
    return first[by_position], rank[group]
