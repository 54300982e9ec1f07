"""Points moved to where a function takes wanted values, by as little as that takes.

Damped Gauss-Newton steps, each of least norm (Nocedal and Wright 2006, ch. 10):

    x <- x + J^T (J J^T + s^2 I)^-1 (wanted - f(x))
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def moved_to(
    function: Callable[[Tensor], Tensor],
    x: Float[Tensor, "b k"],
    wanted: Float[Tensor, "b n"],
    damping: float,
    furthest: float,
    rounds: int = 3,
) -> Float[Tensor, "b k"]:
    """Move points to where a function takes wanted values.

    Args:
        function: of points, row by row: (b, k) -> (b, n).
        x: where to begin.
        wanted: the values; NaN where any will do.
        damping: s: a value that hardly depends on x, with a slope under s, is left far off.
        furthest: no point is moved further than this.
        rounds: how many steps; of the points on the way, the start included, each row has its best.

    Returns:
        The points. Their derivative is that of `x`: how far they are moved counts as constant.
    """
    # Out of inference mode, whose tensors have no derivative.
    with torch.inference_mode(False), torch.autocast(x.device.type, enabled=False):
        begun = x.detach().clone().float()
        wanted = wanted.clone()
        best = at = begun
        least = begun.new_full((len(begun),), torch.inf)
        for step in range(rounds + 1):
            values, slope = _linearised(function, at)
            gap = (wanted - values).nan_to_num(0.0)
            off = gap.square().sum(dim=1)
            best = torch.where((off < least)[:, None], at, best)
            least = torch.minimum(off, least)
            if step < rounds:
                away = at + _step(slope.masked_fill(wanted.isnan()[..., None], 0.0), gap, damping) - begun
                short = furthest / away.norm(dim=1, keepdim=True).clamp_min(1e-12)
                at = begun + away * short.clamp(max=1)
        return x + (best - begun).to(x.dtype)


def _step(slope: Float[Tensor, "b n k"], gap: Float[Tensor, "b n"], damping: float) -> Float[Tensor, "b k"]:
    square = slope @ slope.mT + damping**2 * torch.eye(gap.shape[1], device=gap.device)
    # On the CPU: not every device solves, and the system is small.
    solved = torch.linalg.solve(square.cpu(), gap.cpu()).to(gap.device)
    return (slope.mT @ solved[..., None])[..., 0]


def _linearised(
    function: Callable[[Tensor], Tensor], x: Float[Tensor, "b k"]
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n k"]]:
    """Values and derivatives at some points."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        values = function(at)
        slopes = [torch.autograd.grad(one.sum(), at, retain_graph=True)[0] for one in values.unbind(dim=1)]
    return values.detach(), torch.stack(slopes, dim=1)
