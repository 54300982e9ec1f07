"""Networks over vectors that heed an embedding: residual layers that it scales, shifts and gates."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class VectorNet(nn.Module):
    """A residual network over vectors; the modulation is adaLN-Zero (Peebles and Xie 2023).

    It is computed once for all layers, and each adds an offset of its own (adaLN-single, Chen et al. 2024).
    At first no layer does anything, and all answers are zero.

    Args:
        size_in: numbers in a vector given.
        size_out: numbers in an answer.
        width: features of the residual stream.
        depth: residual layers.
        told: width of the embedding.
    """

    def __init__(self, size_in: int, size_out: int, width: int, depth: int, told: int) -> None:
        super().__init__()
        self.stem = nn.Linear(size_in, width)
        self.modulation = nn.Linear(told, 3 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.layers = nn.ModuleList(_Layer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, size_out)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Float[Tensor, "b d"], told: Float[Tensor, "b e"]) -> Float[Tensor, "b d2"]:
        """Give the answer."""
        h, modulation = self.stem(x), self.modulation(told)
        for layer in self.layers:
            h = layer(h, modulation)
        return self.head(self.norm(h))


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.offset = nn.Parameter(torch.zeros(3 * width))

    def forward(self, h: Float[Tensor, "b w"], modulation: Float[Tensor, "b w3"]) -> Float[Tensor, "b w"]:
        scale, shift, gate = (modulation + self.offset).chunk(3, dim=1)
        return h + gate * self.narrow(F.silu(self.wide(self.norm(h) * (1 + scale) + shift)))
