"""A function of a batch, a few samples at a time, so that what is in between stays in the cache."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_NUMBERS = 1 << 18
"""Numbers that a part holds, as long as that is a sample or more."""


@torch.no_grad()
def over_parts(
    function: Callable[[Tensor], tuple[Tensor, ...]], x: Float[Tensor, " b *_"]
) -> tuple[Tensor, ...]:
    """Give what a function says of each sample, without gradient."""
    parts = x.split(max(1, _NUMBERS // max(1, x[0].numel())))
    return tuple(map(torch.cat, zip(*map(function, parts), strict=True)))
