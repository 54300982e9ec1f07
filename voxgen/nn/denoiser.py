"""Which way from noise to data: a network over vectors that knows the time and what is asked."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

_FREQUENCIES = 32
_FASTEST = 400.0
"""Radians of the fastest wave over all of time."""


class VectorField(nn.Module):
    """Velocity of a flow over vectors: residual layers that time and condition scale, shift and gate.

    The modulation is adaLN-Zero (Peebles and Xie 2023): at first no layer does anything.

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
        self.stem = nn.Linear(size, width)
        self.layers = nn.ModuleList(_Layer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, size)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, x: Float[Tensor, "b d"], t: Float[Tensor, " b"], embedding: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b d"]:
        """Give the velocity."""
        phase = t[:, None] * self.waves
        told = F.silu(self.time(torch.cat([phase.sin(), phase.cos()], dim=1)) + self.asked(embedding))
        h = self.stem(x)
        for layer in self.layers:
            h = layer(h, told)
        return self.head(self.norm(h))


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.modulation = nn.Linear(width, 3 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, h: Float[Tensor, "b w"], told: Float[Tensor, "b w"]) -> Float[Tensor, "b w"]:
        scale, shift, gate = self.modulation(told).chunk(3, dim=1)
        return h + gate * self.narrow(F.silu(self.wide(self.norm(h) * (1 + scale) + shift)))
