"""Normalizing flow over the latents of an autoencoder (`latent.py`).

An invertible map f turns components of latents into noise, and its density is known exactly (Dinh et al.
2017):

    log p(r | c) = log N(f(r; c); 0, I) + log |det df/dr|

f is a chain of learned rotations and of couplings by monotone splines (Durkan et al. 2019). It is fitted to
draws from q(z|x), not to its means: a thousand buildings are points, on which a density can grow without end;
the width that the encoder leaves them is what it may not be finer than.

`voxel_flow.py` is the form over voxels, whose likelihood is that of the building itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from ..nn.invertible import Chain, Coupling, Linear, spline
from ..nn.vector import VectorNet
from .base import ModelConfig
from .condition import Condition
from .latent import Encoded, LatentConfig, LatentModel, Told

_DRAW = 32
"""Stream of noise of the draws from q(z|x)."""


class FlowConfig(LatentConfig):
    """Settings of the flow: those of its autoencoder, and of the couplings.

    Attributes:
        couplings: how many.
        bins: of the splines.
        flow_width: features of each coupling's network.
        flow_depth: its residual layers.
    """

    couplings: int = Field(default=8, ge=2)
    bins: int = Field(default=8, ge=2)
    flow_width: int = 128
    flow_depth: int = 2


class Flow(LatentModel[FlowConfig]):
    """Normalizing flow over latents."""

    config_class: ClassVar[type[ModelConfig]] = FlowConfig
    maker: ClassVar[str] = "flow"

    def __init__(self, config: FlowConfig) -> None:
        super().__init__(config)
        self.map = Map(config, self.principal.rank)

    def making(self) -> nn.Module:
        """The map."""
        return self.map

    def latent_loss(
        self, encoded: Encoded, condition: Condition, noise: Callable[[int, int], Float[Tensor, "n k"]]
    ) -> Float[Tensor, ""]:
        """Negative log-likelihood of draws from q(z|x), in nats a component."""
        away = encoded.spread * noise(encoded.spread.shape[1], _DRAW)
        drawn = encoded.mean + away @ self.principal.basis / self.principal.scale
        told = self.map.told(condition).float()
        return -self.map.log_density(drawn, told).mean() / self.principal.rank

    def to_noise(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The map."""
        return self.map.chain(components, self.map.told(condition))[0]

    def to_components(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The map, undone."""
        return self.map.chain.inverse(z, self.map.told(condition))


class Map(nn.Module):
    """The invertible map, and what it is told of a condition."""

    def __init__(self, config: FlowConfig, size: int) -> None:
        super().__init__()
        self.told = Told(config.condition, config.embedding)
        kept = size // 2
        moved = (size - kept) * (3 * config.bins - 1)
        maps = []
        for n in range(config.couplings):
            net = VectorNet(kept, moved, config.flow_width, config.flow_depth, config.embedding)
            maps += [Linear(size, seed=n), Coupling(kept, net, spline)]
        self.chain = Chain(*maps)

    def log_density(self, x: Float[Tensor, "b r"], told: Float[Tensor, "b e"]) -> Float[Tensor, " b"]:
        """Logarithm of the density at x."""
        with torch.autocast(x.device.type, enabled=False):
            z, determinant = self.chain(x, told)
            return determinant + gaussian_log_density(z)


def gaussian_log_density(z: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    """Logarithm of the density of N(0, I)."""
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).flatten(1).sum(dim=1)
