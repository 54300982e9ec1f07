"""What hangs together: connected components of a graph given by its links."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Integer


def components(
    count: int, a: Integer[np.ndarray, " n"], b: Integer[np.ndarray, " n"]
) -> Int[np.ndarray, " count"]:
    """Number the components of `count` things, of which `a[i]` and `b[i]` are linked; from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)
