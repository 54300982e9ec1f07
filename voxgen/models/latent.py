"""Families over the latents of an autoencoder: it learns first, then a network that makes its latents.

An autoencoder (`vae.py`) learns first and then stands still (over latents: Rombach et al. 2022). What the
second network makes are the latents' principal components, each scaled to one: a spatial latent of many
hundred numbers varies in some dozens of directions, and in those a small network over vectors learns in
minutes.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.conditioning import AttributeEmbedding
from ..nn.principal import PrincipalComponents
from .base import Batch, EncodingModel
from .condition import Condition, ConditionConfig
from .vae import VAE, VAEConfig

_MASK_CELLS = (8, 8, 4)
"""Masks are told to the second network as coarsely as this; the decoder sees them whole."""


class LatentConfig(VAEConfig):
    """Settings of the autoencoder, and of what comes after it.

    Attributes:
        autoencoding: share of the budget in which the autoencoder learns, before the second network does.
        directions: principal components that are generated.
    """

    autoencoding: float = Field(default=0.65, gt=0, lt=1)
    directions: int = Field(default=64, ge=1)


LatentConfigT = TypeVar("LatentConfigT", bound=LatentConfig)


class LatentModel(EncodingModel[LatentConfigT]):
    """A family whose second player, named `maker`, turns noise into components of latents and back."""

    maker: ClassVar[str]
    """What the second player is called."""
    rate: ClassVar[float]
    """Its learning rate, as a multiple of the autoencoder's. AdamW moves it: Muon's iterations would cost
    more than the small network itself."""

    def __init__(self, config: LatentConfigT) -> None:
        super().__init__(config)
        self.autoencoder = VAE(VAEConfig.of(config))
        self.principal = PrincipalComponents(math.prod(self.autoencoder.latent_shape), config.directions)
        self.latent_shape = (self.principal.rank,)

    @abstractmethod
    def making(self) -> nn.Module:
        """The second network."""

    @abstractmethod
    def latent_loss(
        self, mean: Float[Tensor, "b r"], spread: Float[Tensor, "b d"], batch: Batch
    ) -> Float[Tensor, ""]:
        """What the second network learns from the components of encoded buildings.

        Args:
            mean: components of the means of q(z|x).
            spread: standard deviations of q(z|x), number by number.
            batch: which buildings, and what is asked.
        """

    @abstractmethod
    def to_components(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """Components of the latents that noise becomes."""

    @abstractmethod
    def to_noise(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The noise that becomes these components."""

    @final
    def players(self) -> dict[str, nn.Module]:
        """The autoencoder, then the second network."""
        return {"autoencoder": self.autoencoder, self.maker: self.making()}

    @final
    def span(self, player: str) -> tuple[float, float]:
        """One after the other."""
        end = self.config.autoencoding
        return (0.0, end) if player == "autoencoder" else (end, 1.0)

    @final
    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """Muon for the autoencoder, AdamW for the second network."""
        if player == "autoencoder":
            return super().optimiser(player, learning_rate)
        return torch.optim.AdamW(
            self.making().parameters(), lr=self.rate * learning_rate, betas=(0.9, 0.99), weight_decay=1e-2
        )

    @final
    def prepare(self, progress: float, known: Callable[[], Iterable[Batch]]) -> None:
        """Find the latents' principal components when the autoencoder has learnt, once."""
        if progress < self.config.autoencoding:
            # A run that is given more time falls back, and its encodings move again.
            self.principal.fitted.zero_()
        elif not self.principal.fitted:
            self._find_directions(known())

    @final
    def conclude(self, batches: Iterable[Batch]) -> None:
        """Find the principal components where they are not yet: early samples are a Gaussian's."""
        if not self.principal.fitted:
            self._find_directions(batches)

    @final
    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The autoencoder's loss, or that of the second network."""
        if player == "autoencoder":
            return self.autoencoder.loss(batch)
        if not self.principal.fitted:
            return {}
        with torch.no_grad():
            mu, logvar = self.autoencoder.moments(batch.x)
            mean, spread = self.principal.reduce(mu.flatten(1)), (0.5 * logvar).exp().flatten(1)
        return {self.maker: self.latent_loss(mean, spread, batch)}

    @final
    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b r"]:
        """The noise that a building is made from."""
        latents = self.autoencoder.moments(x)[0].flatten(1)
        return self.to_noise(self.principal.reduce(latents), condition)

    @final
    def decode(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of noise."""
        return self.building(self.to_components(z, condition), condition)

    @final
    def building(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of the components of latents."""
        latents = self.principal.expand(components)
        return self.autoencoder.decode(latents.reshape(-1, *self.autoencoder.latent_shape), condition)

    @torch.no_grad()
    def _find_directions(self, batches: Iterable[Batch]) -> None:
        self.principal.fit(torch.cat([self.autoencoder.moments(batch.x)[0].flatten(1) for batch in batches]))


class Told(nn.Module):
    """What a network over vectors is told of a condition: one embedding of attributes and coarse masks."""

    def __init__(self, wanted: ConditionConfig, width: int) -> None:
        super().__init__()
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, width)
        cells = math.prod(_MASK_CELLS) + 1
        self.masks = nn.Linear(len(wanted.masks) * cells, width) if wanted.masks else None

    def forward(self, condition: Condition) -> Float[Tensor, "b e"]:
        """Embed what is asked."""
        embedding = self.attributes(condition.attributes)
        if self.masks is None:
            return embedding
        flag = condition.given.to(embedding.dtype)
        coarse = F.adaptive_avg_pool3d(condition.masks * flag[:, :, None, None, None], _MASK_CELLS)
        return embedding + self.masks(torch.cat([coarse.flatten(1), flag], dim=1))
