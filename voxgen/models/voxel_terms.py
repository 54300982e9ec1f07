"""What separates a mass from a building voxel by voxel, with its gradient, in two passes over the voxels.

The terms are those of `losses.py`: cross-entropy, soft Dice, edges, decision; a mass is that of `nn/roof.py`.
Most voxels are air far from any wall and cost nothing, so a kernel that goes over them one by one reaches
many times what dozens of operations on whole grids do. It works on a CPU in float32; elsewhere the operations
serve, and tests hold the two against each other.

With s = log p, the logarithm of coverage, and q = 1 - p:

    d cross-entropy / ds = (p - x) / q,     d decision / ds = k (sigmoid(k l) - y) / q,     l = s - log q
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, cast, no_type_check

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..nn.roof import SLOPE, SUREST, Mass
from .losses import STEEPNESS, decision_bce, edge_difference, soft_bce, soft_dice


def voxel_terms(mass: Mass, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, " 4"]:
    """Give the means over the batch of the four terms; on a CPU they have one derivative, not two.

    Cross-entropy is less the building's own entropy, so that a perfect answer costs nothing.

    Args:
        mass: what was made.
        x: coverage in [0, 1] that was wanted.
    """
    if x.device.type == "cpu" and x.dtype == mass.solid.dtype == torch.float32:
        return cast("Tensor", _VoxelTerms.apply(mass.plan, mass.roof, mass.solid, x))
    return by_operations(mass, x)


def by_operations(mass: Mass, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, " 4"]:
    """The same without the kernel."""
    logits = mass.logits()
    made = logits.sigmoid()
    terms = [soft_bce(logits, x), soft_dice(made, x), edge_difference(made, x), decision_bce(logits, x)]
    return torch.stack(terms)


class _VoxelTerms(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: Tensor, roof: Tensor, solid: Tensor, x: Tensor) -> Tensor:
        given = [t.detach().contiguous() for t in (plan, roof, solid, x)]
        p = torch.empty_like(given[2])
        sums = torch.zeros(len(x), 6, dtype=torch.float64)
        _spread(_forward, len(x), _CONSTANTS, *given, p, sums)
        ctx.save_for_backward(*given, p, sums)
        voxels = x[0].numel()
        entropy, edges, decision, px, pp, xx = sums.unbind(1)
        dice = 1 - 2 * px / (pp + xx + 1e-6)
        return torch.stack(
            [(entropy / voxels).mean(), dice.mean(), edges.mean(), (decision / voxels).mean()]
        ).float()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        plan, roof, solid, x, p, sums = ctx.saved_tensors
        found = [torch.empty_like(t) for t in (plan, roof, solid)]
        up = (gradient.double() / len(x)).expand(len(x), -1).contiguous()
        _spread(_backward, len(x), _CONSTANTS, plan, roof, solid, x, p, sums, up, *found)
        return (*found, None)


def _spread(kernel: Any, n: int, constants: tuple[np.float32, ...], *tensors: Tensor) -> None:
    """Run a kernel over the samples, some in each thread."""
    arrays = [t.numpy() for t in tensors]
    threads = min(torch.get_num_threads(), n)
    if threads == 1:
        kernel(constants, *arrays)
        return
    cuts = [n * i // threads for i in range(threads + 1)]
    parts = [[a[i:j] for a in arrays] for i, j in pairwise(cuts)]
    list(_pool(threads).map(lambda part: kernel(constants, *part), parts))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


_CONSTANTS = (np.float32(SLOPE), np.float32(STEEPNESS), np.float32(SUREST))
"""Told to the kernels at each call: what they take from other modules would be frozen in their cache."""

_FAR = -18.0
"""Logarithm of coverage below which a voxel of air counts as right: it costs less than 2e-8 nats."""


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _log_sigmoid(u):
    return -np.log1p(np.exp(-u)) if u > 0 else u - np.log1p(np.exp(u))


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _forward(constants, plan, roof, solid, x, p, sums):
    """Coverage, and over each sample: cross-entropy, edges, decision, p x, p p, x x."""
    n, _, nx, ny, nz = x.shape
    slope, steep, least = constants
    one, none, half, far = np.float32(1), np.float32(0), np.float32(0.5), np.float32(_FAR)
    most = np.exp(-least)
    for b in range(n):
        entropy, decision, px, pp, xx = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(nx):
            for j in range(ny):
                log_plan = _log_sigmoid(slope * plan[b, 0, i, j])
                share = np.exp(log_plan)
                for k in range(nz):
                    u = slope * (roof[b, 0, i, j] - np.float32(k) - half)
                    want, g = x[b, 0, i, j, k], solid[b, 0, i, j, k]
                    if want == 0 and log_plan + min(u, none) < far and g == g:  # NaN is passed on
                        p[b, 0, i, j, k] = 0
                        continue
                    c = min(share / ((one + np.exp(-u)) * (one + np.exp(-g))), most)
                    q = one - c
                    p[b, 0, i, j, k] = c
                    px += c * want
                    pp += c * c
                    xx += want * want
                    log_q = np.log1p(-c) if c > np.float32(1e-4) else -c * (one + half * c)
                    if want == 0:
                        entropy -= log_q
                        odds = c / q
                        if odds > np.float32(1e-3):
                            decision += np.log1p(odds**steep)
                        continue
                    log_p = min(log_plan + _log_sigmoid(u) + _log_sigmoid(g), -least)
                    entropy -= want * log_p + (one - want) * log_q
                    if want < one:
                        entropy += want * np.log(want) + (one - want) * np.log1p(-want)
                    logit = steep * (log_p - log_q)
                    decision -= _log_sigmoid(logit) if want > half else _log_sigmoid(-logit)
        sums[b, 0] = entropy
        sums[b, 1] = _edges(p[b, 0], x[b, 0])
        sums[b, 2] = decision
        sums[b, 3] = px
        sums[b, 4] = pp
        sums[b, 5] = xx


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _edges(p, x):
    nx, ny, nz = x.shape
    along_x, along_y, along_z = 0.0, 0.0, 0.0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                off = p[i, j, k] - x[i, j, k]
                if i + 1 < nx:
                    along_x += abs(p[i + 1, j, k] - x[i + 1, j, k] - off)
                if j + 1 < ny:
                    along_y += abs(p[i, j + 1, k] - x[i, j + 1, k] - off)
                if k + 1 < nz:
                    along_z += abs(p[i, j, k + 1] - x[i, j, k + 1] - off)
    return (
        along_x / ((nx - 1) * ny * nz) + along_y / (nx * (ny - 1) * nz) + along_z / (nx * ny * (nz - 1))
    ) / 3


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _sign(a):
    return np.float32(1) if a > 0 else (np.float32(-1) if a < 0 else np.float32(0))


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _backward(constants, plan, roof, solid, x, p, sums, up, to_plan, to_roof, to_solid):
    """Gradient of the terms, weighed by `up`, to plan, roof and voids."""
    n, _, nx, ny, nz = x.shape
    slope, steep, least = constants
    one, none, half = np.float32(1), np.float32(0), np.float32(0.5)
    most = np.exp(-least)
    voxels = nx * ny * nz
    for b in range(n):
        to_entropy, to_decision = np.float32(up[b, 0] / voxels), np.float32(steep * up[b, 3] / voxels)
        under = sums[b, 4] + sums[b, 5] + 1e-6
        dice_x = np.float32(-2 * up[b, 1] / under)
        dice_p = np.float32(4 * up[b, 1] * sums[b, 3] / (under * under))
        edge_x = np.float32(up[b, 2] / (3 * (nx - 1) * ny * nz))
        edge_y = np.float32(up[b, 2] / (3 * nx * (ny - 1) * nz))
        edge_z = np.float32(up[b, 2] / (3 * nx * ny * (nz - 1)))
        made, real = p[b, 0], x[b, 0]
        for i in range(nx):
            for j in range(ny):
                plan_sum, roof_sum = none, none
                for k in range(nz):
                    c, want = made[i, j, k], real[i, j, k]
                    to_solid[b, 0, i, j, k] = none
                    if (c == 0 and want == 0) or c >= most:
                        continue
                    off = c - want
                    d = dice_x * want + dice_p * c
                    if i > 0:
                        d += edge_x * _sign(off - made[i - 1, j, k] + real[i - 1, j, k])
                    if i + 1 < nx:
                        d += edge_x * _sign(off - made[i + 1, j, k] + real[i + 1, j, k])
                    if j > 0:
                        d += edge_y * _sign(off - made[i, j - 1, k] + real[i, j - 1, k])
                    if j + 1 < ny:
                        d += edge_y * _sign(off - made[i, j + 1, k] + real[i, j + 1, k])
                    if k > 0:
                        d += edge_z * _sign(off - made[i, j, k - 1] + real[i, j, k - 1])
                    if k + 1 < nz:
                        d += edge_z * _sign(off - made[i, j, k + 1] + real[i, j, k + 1])
                    q = one - c
                    chosen = one / (one + (q / c) ** steep) if c > 0 else none  # sigmoid(k l)
                    side = one if want > half else none
                    s = d * c + (to_entropy * off + to_decision * (chosen - side)) / q
                    u = slope * (roof[b, 0, i, j] - np.float32(k) - half)
                    plan_sum += s
                    roof_sum += s / (one + np.exp(u))
                    to_solid[b, 0, i, j, k] = s / (one + np.exp(solid[b, 0, i, j, k]))
                to_plan[b, 0, i, j] = slope * plan_sum / (one + np.exp(slope * plan[b, 0, i, j]))
                to_roof[b, 0, i, j] = slope * roof_sum
