"""What hangs together: connected components of a graph given by its links, and of the cells of a grid."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int, Integer


def components(
    count: int, a: Integer[np.ndarray, " n"], b: Integer[np.ndarray, " n"]
) -> Int[np.ndarray, " count"]:
    """Number the components of `count` things, of which `a[i]` and `b[i]` are linked; from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def connected(
    cells: Bool[np.ndarray, "*grid"], corners: bool = False
) -> tuple[Int[np.ndarray, "*grid"], int]:
    """Number the pieces of cells that share a face, or with `corners` touch at all, from 1; and how many."""
    from scipy import ndimage

    labels = np.zeros(cells.shape, np.int32)
    touching = np.ones((3,) * cells.ndim) if corners else None
    return labels, int(ndimage.label(cells, touching, output=labels))  # pyright: ignore[reportArgumentType]
