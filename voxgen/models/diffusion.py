"""Diffusion family: flow matching from noise to the latents of an autoencoder.

An autoencoder (`vae.py`) learns first. Then it stands still, and a network learns the velocity of the
straight paths from its latents to noise (flow matching, Lipman et al. 2023; over latents, Rombach et al.
2022), at times from a logit-normal distribution (Esser et al. 2024):

    x_t = (1 - t) x_0 + t e,     min E |v(x_t, t, c) - (e - x_0)|^2

x_0 are the latents' principal components, each scaled to one: a spatial latent of many hundred numbers
varies in some dozens of directions, and in those a small network over vectors learns in minutes. Each encoded
building is shown at several times at once, for the encoder is what costs.

Sampling follows the velocity from noise to data, `decode` is that map, and `encode` follows it back. What is
asked moves the path; guidance exaggerates by how much (Ho and Salimans 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.conditioning import AttributeEmbedding
from ..nn.denoiser import VectorField
from ..nn.ode import SOLVERS, heun, steps_to_data
from ..nn.principal import PrincipalComponents
from .base import Batch, EncodingModel, ModelConfig
from .condition import Condition
from .vae import VAE, VAEConfig

_NOISE, _TIME = 32, 33
"""Streams of noise of the paths; the autoencoder draws from stream 0."""

_MASK_CELLS = (8, 8, 4)
"""Masks are told to the velocity as coarsely as this; the decoder sees them whole."""

_RATE = 0.5
"""The velocity's learning rate, as a multiple of the autoencoder's. AdamW moves it: Muon's iterations would
cost more than the small network itself."""


class DiffusionConfig(VAEConfig):
    """Settings of the diffusion: those of its autoencoder, and of the velocity.

    Attributes:
        autoencoding: share of the budget in which the autoencoder learns, before the velocity does.
        directions: principal components that are generated.
        field_width: features of the velocity's network.
        field_depth: its residual layers.
        times: points in time at which each building of a batch is shown.
        solver: how the path is followed when sampling.
        steps: in how many steps.
        guidance: how much further than asked the path is moved; 1 is as asked.
    """

    autoencoding: float = Field(default=0.65, gt=0, lt=1)
    directions: int = Field(default=64, ge=1)
    field_width: int = 384
    field_depth: int = 6
    times: int = Field(default=8, ge=1)
    solver: Literal["euler", "heun", "multistep"] = "heun"
    steps: int = Field(default=20, ge=1)
    guidance: float = Field(default=1.0, ge=0)


class Diffusion(EncodingModel[DiffusionConfig]):
    """Latent flow matching."""

    config_class: ClassVar[type[ModelConfig]] = DiffusionConfig

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__(config)
        self.autoencoder = VAE(VAEConfig.of(config))
        self.principal = PrincipalComponents(math.prod(self.autoencoder.latent_shape), config.directions)
        self.latent_shape = (self.principal.rank,)
        self.field = Velocity(config, self.principal.rank)

    def players(self) -> dict[str, nn.Module]:
        """The autoencoder, then the velocity."""
        return {"autoencoder": self.autoencoder, "velocity": self.field}

    def span(self, player: str) -> tuple[float, float]:
        """One after the other."""
        end = self.config.autoencoding
        return (0.0, end) if player == "autoencoder" else (end, 1.0)

    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """Muon for the autoencoder, AdamW for the velocity."""
        if player == "autoencoder":
            return super().optimiser(player, learning_rate)
        return torch.optim.AdamW(
            self.field.parameters(), lr=_RATE * learning_rate, betas=(0.9, 0.99), weight_decay=1e-2
        )

    def prepare(self, progress: float, known: Callable[[], Iterable[Batch]]) -> None:
        """Find the latents' principal components when the autoencoder has learnt, once."""
        if progress < self.config.autoencoding:
            # A run that is given more time falls back, and its encodings move again.
            self.principal.fitted.zero_()
        elif not self.principal.fitted:
            self._find_directions(known())

    def conclude(self, batches: Iterable[Batch]) -> None:
        """Find the principal components where they are not yet: early samples are a Gaussian's."""
        if not self.principal.fitted:
            self._find_directions(batches)

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The autoencoder's loss, or the squared error of the velocity."""
        if player == "autoencoder":
            return self.autoencoder.loss(batch)
        if not self.principal.fitted:
            return {}
        times = self.config.times
        with torch.no_grad():
            clean = self.principal.reduce(self._latents(batch.x))
        noise = batch.noise((times, self.principal.rank), _NOISE)
        t = batch.noise((times, 1), _TIME).sigmoid()
        shown = (1 - t) * clean[:, None] + t * noise
        told = self.field.told(batch.condition)[:, None].expand(-1, times, -1)
        velocity = self.field.net(shown.flatten(0, 1), t.flatten(), told.flatten(0, 1))
        return {"velocity": F.mse_loss(velocity.float(), (noise - clean[:, None]).flatten(0, 1))}

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b r"]:
        """The noise that a building is made from: its path, followed back."""
        there = self.principal.reduce(self._latents(x))
        return heun(self._velocity(condition), there, steps_to_data(self.config.steps)[::-1])

    def decode(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of noise."""
        latents = self.principal.expand(self.path(z, condition))
        return self.autoencoder.decode(latents.reshape(-1, *self.autoencoder.latent_shape), condition)

    def path(
        self,
        z: Float[Tensor, "b r"],
        condition: Condition,
        steps: int | None = None,
        solver: str | None = None,
    ) -> Float[Tensor, "b r"]:
        """Follow the velocity from noise to the principal components of a latent."""
        follow = SOLVERS[solver or self.config.solver]
        return follow(self._velocity(condition), z, steps_to_data(steps or self.config.steps))

    def _velocity(self, condition: Condition) -> Callable[[Tensor, float], Tensor]:
        told = self.field.told(condition)
        guidance = self.config.guidance
        free = self.field.told(self.unconditional(len(condition))) if guidance != 1 else None

        def velocity(x: Tensor, t: float) -> Tensor:
            at = x.new_full((len(x),), t)
            v = self.field.net(x, at, told)
            return v if free is None else torch.lerp(self.field.net(x, at, free), v, guidance)

        return velocity

    @torch.no_grad()
    def _find_directions(self, batches: Iterable[Batch]) -> None:
        self.principal.fit(torch.cat([self._latents(batch.x) for batch in batches]))

    def _latents(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b d"]:
        return self.autoencoder.moments(x)[0].flatten(1)


class Velocity(nn.Module):
    """The network of the velocity, and what it is told of a condition."""

    def __init__(self, config: DiffusionConfig, size: int) -> None:
        super().__init__()
        wanted = config.condition
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, config.embedding)
        cells = _MASK_CELLS[0] * _MASK_CELLS[1] * _MASK_CELLS[2] + 1
        self.masks = nn.Linear(len(wanted.masks) * cells, config.embedding) if wanted.masks else None
        self.net = VectorField(size, config.field_width, config.field_depth, config.embedding)

    def told(self, condition: Condition) -> Float[Tensor, "b e"]:
        """Embed what is asked."""
        embedding = self.attributes(condition.attributes)
        if self.masks is None:
            return embedding
        flag = condition.given.to(embedding.dtype)
        coarse = F.adaptive_avg_pool3d(condition.masks * flag[:, :, None, None, None], _MASK_CELLS)
        return embedding + self.masks(torch.cat([coarse.flatten(1), flag], dim=1))
