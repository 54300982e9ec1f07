"""The moving average of the weights, which samples better than the weights themselves.

    theta' <- d_t theta' + (1 - d_t) theta,     d_t = min(d, (1 + t) / (10 + t))

The decay warms up, so that short runs are not averaged with their first weights.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from ..models.base import GenerativeModel


class Ema:
    """A copy of a model whose weights follow it slowly.

    Args:
        model: the model that is trained.
        decay: d above.
    """

    def __init__(self, model: GenerativeModel[Any], decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, model: GenerativeModel[Any], step: int) -> None:
        """Move the average towards the weights after a step, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for own, new in zip(self.model.parameters(), model.parameters(), strict=True):
            own.lerp_(new, 1 - decay)

    @torch.no_grad()
    def take_buffers(self, model: GenerativeModel[Any]) -> None:
        """Take the model's buffers as they are: they are measured, not learnt."""
        for own, new in zip(self.model.buffers(), model.buffers(), strict=True):
            own.copy_(new)
