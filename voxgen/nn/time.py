"""Time as a network sees it: waves of many lengths, mixed."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

_FREQUENCIES = 32
_FASTEST = 400.0
"""Radians of the fastest wave over all of time."""


class Waves(nn.Module):
    """Sines and cosines of a number in [0, 1], slow to fast."""

    count = 2 * _FREQUENCIES

    def __init__(self) -> None:
        super().__init__()
        self.rates: Tensor
        rates = torch.exp(torch.linspace(0, math.log(_FASTEST), _FREQUENCIES))
        self.register_buffer("rates", rates, persistent=False)

    def forward(self, t: Float[Tensor, " b"]) -> Float[Tensor, "b w"]:
        """Give the waves."""
        phase = t[:, None] * self.rates
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class TimeEmbedding(nn.Sequential):
    """Embeds a time in [0, 1].

    Args:
        width: numbers in the embedding.
    """

    def __init__(self, width: int) -> None:
        super().__init__(Waves(), nn.Linear(Waves.count, width), nn.SiLU(), nn.Linear(width, width))


class StepEmbedding(nn.Module):
    """Embeds the length of a step in [0, 1]; nothing at first, and nothing ever for a step of no length.

    Args:
        width: numbers in the embedding.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.waves = Waves()
        self.mix = nn.Linear(Waves.count, width, bias=False)
        nn.init.zeros_(self.mix.weight)

    def forward(self, step: Float[Tensor, " b"]) -> Float[Tensor, "b w"]:
        """Give the embedding."""
        return self.mix(self.waves(step) - self.waves(torch.zeros_like(step)))
