"""Sums over the cells of a line that lie about as high: what a step of mean shift needs.

    heights_i = sum_j k_ij f_j h_j,   weights_i = sum_j k_ij f_j,
    k_ij = max(0, 1 - ((h_i - h_j) / reach)^2)^2

k is the biweight (Comaniciu and Meer 2002 allow any profile): smooth, and zero beyond its reach, so that the
two sides of a step share nothing. The pairs of a line are never kept: a numba kernel goes over them on a CPU,
PyTorch on other devices and in double precision, where they live for as long as they are summed. Both give
the gradient by the formula.
"""

from __future__ import annotations

from typing import Any, cast, no_type_check

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

_REORDERED = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be taken in any order, for vector units; NaN stays NaN, by which training sees that it failed."""


def alike(
    height: Float[Tensor, "*lines n"], share: Float[Tensor, "*lines n"], reach: float
) -> tuple[Float[Tensor, "*lines n"], Float[Tensor, "*lines n"]]:
    """Sum over the cells of each line that lie about as high as each cell.

    Args:
        height: a number a cell.
        share: f, how much each cell counts.
        reach: cells that lie further apart in height do not count for each other.

    Returns:
        The sums of shares times heights, and of shares; they have one derivative, not two.
    """
    return cast("tuple[Tensor, Tensor]", _Alike.apply(height, share, reach))


class _Alike(torch.autograd.Function):
    """The sums with their gradient, by the engine of the device."""

    @staticmethod
    def forward(ctx: Any, height: Tensor, share: Tensor, reach: float) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(height, share)
        ctx.reach = reach
        if _fast(height):
            return _by_kernel(_sum_kernel, reach, height, share)
        return _sums(height, share, reach)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_heights: Tensor, to_weights: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        height, share = ctx.saved_tensors
        if _fast(height):
            return (*_by_kernel(_gradient_kernel, ctx.reach, height, share, to_heights, to_weights), None)
        return (*_gradient(height, share, to_heights, to_weights, ctx.reach), None)


def _fast(height: Tensor) -> bool:
    return height.device.type == "cpu" and height.dtype == torch.float32


def _sums(h: Tensor, f: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    kernel = _bump(h, reach).square()
    return (kernel @ (f * h)[..., None])[..., 0], (kernel @ f[..., None])[..., 0]


def _gradient(h: Tensor, f: Tensor, a: Tensor, w: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Gradient of sum_i a_i heights_i + w_i weights_i to heights and shares."""
    bump = _bump(h, reach)
    kernel = bump.square()
    mine, theirs = h[..., :, None], h[..., None, :]
    # What the pair gives to the whole, but for its k: as i's and as j's sums count it.
    pair = f[..., None, :] * (a[..., :, None] * theirs + w[..., :, None])
    pair = pair + f[..., :, None] * (a[..., None, :] * mine + w[..., None, :])
    through_kernel = (4 / reach**2 * bump * (theirs - mine) * pair).sum(dim=-1)
    drawn = (kernel @ a[..., None])[..., 0]
    return through_kernel + drawn * f, drawn * h + (kernel @ w[..., None])[..., 0]


def _bump(h: Tensor, reach: float) -> Tensor:
    return (1 - ((h[..., :, None] - h[..., None, :]) / reach).square()).clamp_min(0)


def _by_kernel(kernel: Any, reach: float, *given: Tensor) -> tuple[Tensor, Tensor]:
    lines = [tensor.detach().contiguous().reshape(-1, tensor.shape[-1]).numpy() for tensor in given]
    found = np.empty_like(lines[0]), np.empty_like(lines[0])
    kernel(*lines, np.float32(reach), *found)
    one, two = (torch.from_numpy(array).view(given[0].shape) for array in found)
    return one, two


@njit(cache=True, fastmath=_REORDERED)
@no_type_check
def _sum_kernel(h, f, reach, heights, weights):
    lines, n = h.shape
    one, none = np.float32(1), np.float32(0)
    for line in range(lines):
        for i in range(n):
            height, weight = none, none
            for j in range(n):
                u = (h[line, j] - h[line, i]) / reach
                bump = max(one - u * u, none)
                k = bump * bump * f[line, j]
                height += k * h[line, j]
                weight += k
            heights[line, i] = height
            weights[line, i] = weight


@njit(cache=True, fastmath=_REORDERED)
@no_type_check
def _gradient_kernel(h, f, a, w, reach, to_heights, to_shares):
    lines, n = h.shape
    one, none, four = np.float32(1), np.float32(0), np.float32(4)
    for line in range(lines):
        for i in range(n):
            through_kernel, drawn, weight = none, none, none
            for j in range(n):
                u = (h[line, j] - h[line, i]) / reach
                bump = max(one - u * u, none)
                pair = f[line, j] * (a[line, i] * h[line, j] + w[line, i])
                pair += f[line, i] * (a[line, j] * h[line, i] + w[line, j])
                through_kernel += bump * u * pair
                drawn += bump * bump * a[line, j]
                weight += bump * bump * w[line, j]
            to_heights[line, i] = four / reach * through_kernel + drawn * f[line, i]
            to_shares[line, i] = drawn * h[line, i] + weight
