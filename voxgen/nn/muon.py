"""Muon: steps along the orthogonal part of the momentum, for the weights between features.

A matrix that turns features into features is moved by the nearest orthogonal matrix to its momentum, found by
a few Newton-Schulz iterations (Jordan et al. 2024), so that all of its directions learn at one pace. The step
is scaled to the size that AdamW's has (Liu et al. 2025), so that both share one learning rate. All else
(biases, norms, weights of few rows or columns) is moved by AdamW (Loshchilov and Hutter 2019). A layer that
reads patches of voxels or writes them is wide enough to count as one between features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic that drives singular values towards one fastest (Jordan et al. 2024)."""

_ITERATIONS = 5
_NARROWEST = 16
"""A weight with fewer rows or columns has too few directions to be worth it."""

_RMS_OF_ADAMW = 0.2
"""Root mean square of AdamW's steps in units of the learning rate, as measured by Liu et al. (2025)."""


def is_hidden(weight: Tensor) -> bool:
    """Whether a weight turns many features into many, taps of a convolution counted as features."""
    return weight.ndim >= 2 and min(weight.shape[0], weight[0].numel()) >= _NARROWEST


class Muon(torch.optim.Optimizer):
    """Muon for hidden weights, AdamW for the others, at one learning rate.

    Args:
        parameters: the weights, of both kinds.
        lr: the learning rate.
        momentum: of hidden weights, in Nesterov's form.
        betas: of the others.
        weight_decay: decoupled, of all.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 1e-4,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay}
        super().__init__(list(parameters), defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every weight that has a gradient."""
        if closure is not None:
            raise TypeError("Muon takes no closure")
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            for p in moved:
                p.mul_(1 - group["lr"] * group["weight_decay"])
            self._orthogonal([p for p in moved if is_hidden(p)], group)
            self._adaptive([p for p in moved if not is_hidden(p)], group)

    def _orthogonal(self, weights: list[nn.Parameter], group: dict[str, Any]) -> None:
        # Weights of one shape go through the iterations as one batch: many small products cost their start.
        alike: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for p in weights:
            gradient: Tensor = p.grad  # pyright: ignore[reportAssignmentType]
            mean = self._moment(p, "momentum").lerp_(gradient, 1 - group["momentum"])
            ahead = gradient.lerp(mean, group["momentum"])
            alike[(p.shape[0], p[0].numel())].append((p, ahead.flatten(1)))
        for shape, pairs in alike.items():
            steps = orthogonalised(torch.stack([ahead for _, ahead in pairs]))
            size = group["lr"] * _RMS_OF_ADAMW * max(shape) ** 0.5
            for (p, _), step in zip(pairs, steps, strict=True):
                p.sub_(step.view_as(p), alpha=size)

    def _adaptive(self, weights: list[nn.Parameter], group: dict[str, Any]) -> None:
        first, second = group["betas"]
        for p in weights:
            state = self.state[p]
            count = state["step"] = state.get("step", 0) + 1
            gradient: Tensor = p.grad  # pyright: ignore[reportAssignmentType]
            mean = self._moment(p, "mean").lerp_(gradient, 1 - first)
            square = self._moment(p, "square").lerp_(gradient.square(), 1 - second)
            root = (square / (1 - second**count)).sqrt().add_(1e-8)
            p.addcdiv_(mean, root, value=-group["lr"] / (1 - first**count))

    def _moment(self, p: nn.Parameter, name: str) -> Tensor:
        state = self.state[p]
        if name not in state:
            state[name] = torch.zeros_like(p)
        return state[name]


def orthogonalised(x: Float[Tensor, "b m n"]) -> Float[Tensor, "b m n"]:
    """Nearest orthogonal matrices, roughly: singular values end between 0.7 and 1.2.

    Each iteration multiplies x by a polynomial of its Gram matrix. These commute, so that all iterations pass
    over the small Gram matrix, and the long x is multiplied once. In float32: a small singular value stands
    squared in the Gram matrix, where bf16 would lose it, and processors without bf16 emulate it slowly.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = x.shape[-2] > x.shape[-1]
    y = (x.mT if tall else x).float()
    y = y / (torch.linalg.vector_norm(y, dim=(-2, -1), keepdim=True) + 1e-7)
    one = torch.eye(y.shape[-2], device=y.device)
    gram = y @ y.mT
    total = one
    for iteration in range(_ITERATIONS):
        power = torch.baddbmm(b * gram, gram, gram, alpha=c) + a * one
        total = power @ total if iteration else power
        if iteration < _ITERATIONS - 1:
            gram = power @ gram @ power
    y = total @ y
    return (y.mT if tall else y).to(x.dtype)
