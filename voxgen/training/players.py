"""One move of one player: gradient of its loss, averaged over the processes, clipped, stepped.

Data-parallel training (DDP) is the mean of the gradients over processes. It is taken here in one all-reduce
of the flattened gradient, because a game's players share one model: each loss runs through the other's
network, which wrappers that hook into `forward` cannot follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from ..errors import VoxgenError
from ..models.base import Batch, GenerativeModel


class DivergedError(VoxgenError):
    """A loss or gradient became NaN or infinite."""


@dataclass(frozen=True)
class Move:
    """What a move was.

    Attributes:
        losses: the terms of the loss, the mean over processes; empty where the player did not move.
        gradient_norm: before clipping.
    """

    losses: dict[str, float]
    gradient_norm: float


class Player:
    """A player: its weights and its optimiser.

    Args:
        name: as in the model's `players()`.
        model: the whole game.
        learning_rate: at the peak of the schedule.
    """

    def __init__(self, name: str, model: GenerativeModel[Any], learning_rate: float) -> None:
        self.name = name
        self.model = model
        own = {id(p) for p in model.players()[name].parameters()}
        trained = [p for p in model.parameters() if p.requires_grad]
        self.parameters = [p for p in trained if id(p) in own]
        self._others = [p for p in trained if id(p) not in own]
        self.optimiser = model.optimiser(name, learning_rate)
        self._peaks = [group["lr"] for group in self.optimiser.param_groups]

    def set_learning_rate(self, factor: float) -> None:
        """Set the learning rate to a share of its peak."""
        for group, peak in zip(self.optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor

    @property
    def learning_rate(self) -> float:
        """The learning rate now."""
        return self.optimiser.param_groups[0]["lr"]

    def gradient(self, batch: Batch, fabric: Fabric) -> dict[str, float]:
        """Leave the gradient of the loss in the weights' `grad`, the mean over processes; give the terms.

        Raises:
            DivergedError: when a term is NaN or infinite.
        """
        self.optimiser.zero_grad(set_to_none=True)
        for parameter in self._others:
            parameter.requires_grad_(False)
        try:
            with fabric.autocast():
                terms = self.model.loss(batch, self.name)
            if terms:
                fabric.backward(torch.stack([term.float() for term in terms.values()]).sum())
        finally:
            for parameter in self._others:
                parameter.requires_grad_(True)
        if not terms:
            return {}
        values = torch.stack([term.detach().float() for term in terms.values()])
        if fabric.world_size > 1:
            values = _mean(values, fabric)
            average_gradients(self.parameters, fabric)
        losses = dict(zip(terms, values.tolist(), strict=True))
        bad = [name for name, value in losses.items() if not _finite(value)]
        if bad:
            raise DivergedError(f"the {self.name}'s loss became {losses[bad[0]]} ({bad[0]})")
        return losses

    def move(self, batch: Batch, fabric: Fabric, clip: float) -> Move:
        """Take a step of the optimiser; `clip` is the largest norm of the gradient, 0 for any.

        Raises:
            DivergedError: when the loss or the gradient is NaN or infinite; the weights stay as they were.
        """
        losses = self.gradient(batch, fabric)
        if not losses:
            return Move({}, 0.0)
        norm = float(nn.utils.clip_grad_norm_(self.parameters, clip or torch.inf))
        if not _finite(norm):
            raise DivergedError(f"the {self.name}'s gradient became {norm}")
        self.optimiser.step()
        return Move(losses, norm)


def average_gradients(parameters: list[nn.Parameter], fabric: Fabric) -> None:
    """Replace each gradient by its mean over the processes.

    A weight without one, the same on every process, stays so: the optimiser leaves it alone.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    mean = _mean(torch.cat([gradient.flatten() for gradient in gradients]), fabric)
    parts = mean.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def _mean(values: Float[Tensor, " n"], fabric: Fabric) -> Float[Tensor, " n"]:
    mean = fabric.all_reduce(values, reduce_op="mean")
    if not isinstance(mean, Tensor):
        raise TypeError(f"an all-reduce of a tensor gave {type(mean).__name__}")
    return mean


def _finite(value: float) -> bool:
    return value - value == 0.0
