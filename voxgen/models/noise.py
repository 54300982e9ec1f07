"""Gaussian noise that grows from keys (see `voxgen.keys`), so that it is the same wherever it is drawn."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor


def keyed_noise(keys: Int64[Tensor, " b"], shape: tuple[int, ...], stream: int = 0) -> Float[Tensor, "b ..."]:
    """Draw N(0, I) of `shape` for each key, on the CPU; `stream` separates draws from the same key.

    By numpy's PCG64, which heeds all bits of a key: torch's CPU generator keeps 32, of which two in 100,000
    are soon the same.
    """
    drawn = np.empty((len(keys), *shape), np.float32)
    for row, key in enumerate(keys.tolist()):
        drawn[row] = np.random.default_rng((key, stream)).standard_normal(shape, np.float32)
    return torch.from_numpy(drawn)
