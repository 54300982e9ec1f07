"""Which way from noise to data: a network over vectors that knows the time and what is asked."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .vector import VectorNet

_FREQUENCIES = 32
_FASTEST = 400.0
"""Radians of the fastest wave over all of time."""


class VectorField(nn.Module):
    """Velocity of a flow over vectors.

    Args:
        size: numbers in a vector.
        width: features of the residual stream.
        depth: residual layers.
        embedding: width of the condition's embedding.
    """

    def __init__(self, size: int, width: int, depth: int, embedding: int) -> None:
        super().__init__()
        self.waves: Tensor
        frequencies = torch.exp(torch.linspace(0, math.log(_FASTEST), _FREQUENCIES))
        self.register_buffer("waves", frequencies, persistent=False)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.asked = nn.Linear(embedding, width)
        self.net = VectorNet(size, size, width, depth, width)

    def forward(
        self, x: Float[Tensor, "b d"], t: Float[Tensor, " b"], embedding: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b d"]:
        """Give the velocity."""
        phase = t[:, None] * self.waves
        told = F.silu(self.time(torch.cat([phase.sin(), phase.cos()], dim=1)) + self.asked(embedding))
        return self.net(x, told)
