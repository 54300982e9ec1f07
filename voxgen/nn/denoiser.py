"""Which way from noise to data: a network over vectors that knows the time and what is asked."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .time import StepEmbedding, TimeEmbedding
from .vector import VectorNet


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
        self.time = TimeEmbedding(width)
        self.step = StepEmbedding(width)
        self.asked = nn.Linear(embedding, width)
        self.net = VectorNet(size, size, width, depth, width)

    def forward(
        self,
        x: Float[Tensor, "b d"],
        t: Float[Tensor, " b"],
        step: Float[Tensor, " b"],
        embedding: Float[Tensor, "b e"],
    ) -> Float[Tensor, "b d"]:
        """Give the velocity, the mean one over a step from t; that at t for a step of no length."""
        return self.net(x, F.silu(self.time(t) + self.step(step) + self.asked(embedding)))
