"""How much surface, edge and corner lies in each patch: what gives drawn buildings away from made ones.

On a binary grid the sum of |differences| along one axis counts faces, that of mixed differences along two or
three axes counts edges and corners. With the volume they are the counts of which Minkowski functionals of a
voxel set are combined (Michielsen and De Raedt 2001); taken by patch they say where a wall is ragged or a
roof is crumpled, which a critic of the voxels is slow to find out (docs/benchmarks.md).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_AXES = ((), (2,), (3,), (4,), (2, 3), (2, 4), (3, 4), (2, 3, 4))
"""Volume, faces across x, y and z, edges along z, y and x, and corners."""

CHANNELS = len(_AXES)

_SOFT = 0.05
"""Where the square root begins, so that its slope stays finite."""


def minkowski(x: Float[Tensor, "b 1 x y z"], patch: int) -> Float[Tensor, "b 8 xp yp zp"]:
    """Volume, faces, edges and corners of coverage in each patch, as the square roots of their amounts.

    A full patch has volume 1, a plane through all of a patch is one face, a line one edge. The root makes
    little plain: one stray voxel is much beside none, and little beside a crossing of walls. Beyond the grid
    coverage goes on as it is at its border.
    """
    # One sample after another: what is in between stays in the cache.
    return torch.cat([_amounts(one, patch) for one in x.split(1)])


def _amounts(x: Float[Tensor, "b 1 x y z"], patch: int) -> Float[Tensor, "b 8 xp yp zp"]:
    differences: dict[tuple[int, ...], Tensor] = {(): x}
    for axes in _AXES[1:]:
        before, dim = differences[axes[:-1]], axes[-1]
        differences[axes] = before.diff(dim=dim, prepend=before.narrow(dim, 0, 1))
    sums = [_per_patch(one.abs(), patch) / patch ** (3 - len(axes)) for axes, one in differences.items()]
    amounts = torch.cat(sums, dim=1)
    return (amounts + _SOFT**2).sqrt() - _SOFT


def _per_patch(x: Float[Tensor, "b 1 x y z"], p: int) -> Float[Tensor, "b 1 xp yp zp"]:
    b, _, nx, ny, nz = x.shape
    return x.reshape(b, 1, nx // p, p, ny // p, p, nz // p, p).sum(dim=(3, 5, 7))
