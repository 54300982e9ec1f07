"""Projection: the latent whose building comes closest to a given one (GAN inversion, Xia et al. 2022).

An encoder answers at once, but as it has learnt to for all buildings. Here its answer, or the best of some
draws for a family without one, is moved down the gradient of what separates the decoded building from the
given one. Seen through a coarser grid, what is given may be coarser than what is made.
"""

from __future__ import annotations

from collections.abc import Callable
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
    return brought_near(model, _start(model, x, condition), condition, x, lambda made: made, steps)


def brought_near(
    model: GenerativeModel[Any],
    z: Float[Tensor, "n ..."],
    condition: Condition,
    x: Float[Tensor, "n 1 i j k"],
    seen: Callable[[Float[Tensor, "n 1 x y z"]], Float[Tensor, "n 1 i j k"]],
    steps: int,
    rate: float = _RATE,
) -> Float[Tensor, "n ..."]:
    """Give latents whose buildings, as they are seen, come closer to what is given.

    Args:
        model: the model.
        z: where to begin.
        condition: what is asked of each.
        x: what each is to look like, in [0, 1].
        seen: what of a building is compared.
        steps: of gradient descent; of those on the way each has the one with the largest IoU.
        rate: of Adam, in deviations of the latents.
    """
    # Each in deviations of its own, so that a building is the same whatever is moved beside it.
    deviation = z.flatten(1).std(dim=1).clamp_min(1e-3).reshape(-1, *[1] * (z.dim() - 1))
    moved = torch.zeros_like(z, requires_grad=True)
    optimiser = torch.optim.Adam([moved], lr=rate)
    best, nearest = z.detach().clone(), torch.full((len(z),), -1.0, device=z.device)
    for step in range(steps + 1):
        with torch.enable_grad():
            at = z + deviation * moved
            made = seen(model.decode(at, condition))
            loss = _apart(made, x)
        now = iou(made.detach(), x)
        better = now > nearest
        best[better], nearest[better] = at.detach()[better], now[better]
        if step < steps:
            (moved.grad,) = torch.autograd.grad(loss, moved)
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


def _apart(made: Float[Tensor, "n 1 x y z"], x: Float[Tensor, "n 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy of coverage, still sloping where it is surest, and soft Dice: air alone is no answer."""
    crossed = -(x * (made + _SUREST).log() + (1 - x) * (1 - made + _SUREST).log()).mean()
    return crossed + soft_dice(made, x)
