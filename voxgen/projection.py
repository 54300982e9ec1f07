"""Projection: the latent whose building comes closest to a given one (GAN inversion, Xia et al. 2022).

An encoder answers at once, but as it has learnt to for all buildings. Here its answer, or the best of some
draws for a family without one, is moved down the gradient of what separates the decoded building from the
given one.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .models.base import EncodingModel, GenerativeModel
from .models.condition import Condition
from .models.losses import iou, soft_dice

_DRAWS = 64
"""Draws of which the best one is where a family without an encoder begins."""

_SUREST = 1e-7
"""Added to coverage, so that logarithms stay finite."""

_RATE = 0.05
"""Of Adam, in deviations of the latents."""


def project(
    model: GenerativeModel[Any], x: Float[Tensor, "1 1 x y z"], condition: Condition, steps: int = 100
) -> Float[Tensor, "1 ..."]:
    """Give the latent whose decoded building is nearest to x.

    Args:
        model: the model.
        x: coverage in [0, 1].
        condition: what is asked, one entry.
        steps: of gradient descent; the latent on the way whose building has the largest IoU is given, so that
            more never make it worse.
    """
    z = _start(model, x, condition)
    free = z.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([free], lr=_RATE * float(z.std().clamp_min(1e-3)))
    best, nearest = z, -1.0
    for step in range(steps + 1):
        with torch.enable_grad():
            made = model.decode(free, condition)
            loss = _apart(made, x)
        now = float(iou(made.detach(), x))
        if now > nearest:
            best, nearest = free.detach().clone(), now
        if step < steps:
            (free.grad,) = torch.autograd.grad(loss, free)
            optimiser.step()
    return best


@torch.no_grad()
def _start(
    model: GenerativeModel[Any], x: Float[Tensor, "1 1 x y z"], condition: Condition
) -> Float[Tensor, "1 ..."]:
    if isinstance(model, EncodingModel):
        return model.encode(x, condition)
    draws = [model.prior(condition, torch.tensor([key])).to(x) for key in range(_DRAWS)]
    return max(draws, key=lambda z: float(iou(model.decode(z, condition), x)))


def _apart(made: Float[Tensor, "1 1 x y z"], x: Float[Tensor, "1 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy of coverage, still sloping where it is surest, and soft Dice: air alone is no answer."""
    crossed = -(x * (made + _SUREST).log() + (1 - x) * (1 - made + _SUREST).log()).mean()
    return crossed + soft_dice(made, x)
