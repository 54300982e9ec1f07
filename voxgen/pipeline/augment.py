"""The plan symmetries that keep the long side on x: identity, the two mirrors and the half turn.

Buildings lie aligned in the grid, so quarter turns would break what alignment gave, and none is ever upside
down. The work is done on bytes, before any cast to float.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Integer, Shaped

VARIANTS = 4
"""Number of symmetries; variant 0 is the identity, bit 0 mirrors x, bit 1 mirrors y, 3 is the half turn."""


def augment(coverage: Shaped[np.ndarray, "*batch x y z"], variant: int) -> Shaped[np.ndarray, "*batch x y z"]:
    """Give the grids under one symmetry; each is its own inverse.

    Args:
        coverage: any grids whose last three axes are x, y, z.
        variant: 0 identity, 1 mirror of x, 2 mirror of y, 3 half turn.

    Raises:
        ValueError: for another variant.
    """
    if not 0 <= variant < VARIANTS:
        raise ValueError(f"variant {variant} is none of 0 (identity), 1 and 2 (mirrors), 3 (half turn)")
    x = slice(None, None, -1 if variant & 1 else 1)
    y = slice(None, None, -1 if variant & 2 else 1)
    return np.ascontiguousarray(coverage[..., x, y, :])


def augment_each(
    coverage: Shaped[np.ndarray, "b x y z"], variants: Integer[np.ndarray, " b"]
) -> Shaped[np.ndarray, "b x y z"]:
    """Give each grid of a batch under its own symmetry."""
    out = np.empty_like(coverage)
    for variant in np.unique(variants):
        chosen = variants == variant
        out[chosen] = augment(coverage[chosen], int(variant))
    return out
