"""Variational autoencoder with an ex-post prior.

The autoencoder is that of `autoencoder.py`. N(0, I) is not what its encoder produces, so after training a
density is fitted to the latents of the training buildings, and samples are drawn from it (`density.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor

from ..nn.principal import PrincipalComponents
from .autoencoder import Autoencoder, AutoencoderConfig, AutoencodingModel
from .base import Batch, ModelConfig
from .condition import Condition
from .density import ParzenWindows
from .outlines import Outlines


class VAEConfig(AutoencoderConfig):
    """Settings of the VAE: those of its autoencoder, and of its ex-post prior.

    Attributes:
        rank: principal components of the prior.
        windows: training buildings, stretched copies among them, that it keeps at most.
        neighbours: buildings that shape a window of it.
    """

    rank: int = Field(default=64, ge=1)
    windows: int = Field(default=8192, ge=1)
    neighbours: int = Field(default=16, ge=2)


class VAE(AutoencodingModel[VAEConfig]):
    """The VAE. Its latent is a coarse grid of `latent` channels, flattened nowhere but in the prior."""

    config_class: ClassVar[type[ModelConfig]] = VAEConfig

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.autoencoder = Autoencoder(config)
        self.latent_shape = self.autoencoder.latent_shape
        size, attributes = math.prod(self.latent_shape), len(config.condition.attributes)
        self.density = ParzenWindows(size, attributes, config.rank, config.windows, config.neighbours)
        masks = config.condition.masks
        self.outlines = Outlines(masks, config.windows) if masks else None

    def shared(self) -> Autoencoder:
        """The autoencoder."""
        return self.autoencoder

    def principal_components(self) -> PrincipalComponents:
        """Those of the encodings."""
        return self.density.principal

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The autoencoder's loss."""
        del player
        return self.autoencoder.loss(batch)

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b c xc yc zc"]:
        """Mean of q(z|x), whatever is asked."""
        del condition
        return self.autoencoder.moments(x)[0]

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]."""
        return self.autoencoder.logits(z, condition).sigmoid()

    def prior(self, condition: Condition, keys: Int64[Tensor, " b"]) -> Float[Tensor, "b ..."]:
        """Draw latents from the ex-post density, conditioned on what is asked."""
        odds = self.outlines.odds(condition, int(self.density.count)) if self.outlines else None
        return self.density.sample(condition.attributes, keys, odds=odds).reshape(-1, *self.latent_shape)

    def forget(self) -> None:
        """Leave the ex-post prior behind."""
        self.density.forget()

    @torch.no_grad()
    def conclude(self, batches: Iterable[Batch]) -> None:
        """Fit the ex-post prior to the means of q(z|x) over the training set.

        To the means, not to draws: an entry that the encoder leaves unused has variance one in the draws,
        as much as the entries that matter, and would take its share of the principal components.
        """
        latents, attributes, copies, outlines = [], [], [], []
        for batch in batches:
            latents.append(self.encode(batch.x, batch.condition).flatten(1).cpu())
            attributes.append(batch.condition.attributes.cpu())
            copies.append(batch.copied())
            if self.outlines:
                outlines.append(self.outlines.of(batch.x).cpu())
        rows = self.density.fit(torch.cat(latents), torch.cat(attributes), torch.cat(copies))
        if self.outlines:
            self.outlines.keep(torch.cat(outlines), rows)
