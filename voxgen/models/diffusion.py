"""Diffusion family: flow matching from noise to the latents of an autoencoder (`latent.py`).

A network learns the velocity of the straight paths from latents to noise (flow matching, Lipman et al. 2023),
at times from a logit-normal distribution (Esser et al. 2024):

    x_t = (1 - t) x_0 + t e,     min E |v(x_t, t, c) - (e - x_0)|^2

x_0 are the latents' principal components.

Sampling follows the velocity from noise to data, `decode` is that map, and `encode` follows it back. What is
asked moves the path; guidance exaggerates by how much (Ho and Salimans 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.denoiser import VectorField
from ..nn.ode import SOLVERS, end, heun, steps_to_data
from .base import ModelConfig
from .condition import Condition
from .latent import Encoded, LatentConfig, LatentModel, Told

_NOISE, _TIME = 32, 33
"""Streams of noise of the paths."""


class DiffusionConfig(LatentConfig):
    """Settings of the diffusion: those of its autoencoder, and of the velocity.

    Attributes:
        field_width: features of the velocity's network.
        field_depth: its residual layers.
        solver: how the path is followed when sampling.
        steps: in how many steps.
        guidance: how much further than asked the path is moved; 1 is as asked.
    """

    field_width: int = 384
    field_depth: int = 6
    solver: Literal["euler", "heun", "multistep"] = "heun"
    steps: int = Field(default=20, ge=1)
    guidance: float = Field(default=1.0, ge=0)


class Diffusion(LatentModel[DiffusionConfig]):
    """Latent flow matching."""

    config_class: ClassVar[type[ModelConfig]] = DiffusionConfig
    maker: ClassVar[str] = "velocity"
    tunable: ClassVar[tuple[str, ...]] = ("solver", "steps", "guidance")

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__(config)
        self.field = Velocity(config, self.principal.rank)

    def making(self) -> nn.Module:
        """The velocity."""
        return self.field

    def latent_loss(
        self, encoded: Encoded, condition: Condition, noise: Callable[[int, int], Float[Tensor, "n k"]]
    ) -> Float[Tensor, ""]:
        """Squared error of the velocity."""
        away = noise(self.principal.rank, _NOISE)
        t = noise(1, _TIME).sigmoid()
        shown = (1 - t) * encoded.mean + t * away
        velocity = self.field.net(shown, t.flatten(), self.field.told(condition, encoded.symmetry))
        return F.mse_loss(velocity.float(), away - encoded.mean)

    def to_noise(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The path, followed back."""
        return end(heun(self._velocity(condition), components, steps_to_data(self.config.steps)[::-1]))

    def to_components(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The path, followed as the settings say."""
        return end(self._path(z, condition))

    def trajectory(
        self, z: Float[Tensor, "b r"], condition: Condition
    ) -> Iterator[Float[Tensor, "b 1 x y z"]]:
        """Coverage at each point of the path from noise to a building, both included."""
        for components in self._path(z, condition):
            yield self.building(components, condition)

    def _path(self, z: Float[Tensor, "b r"], condition: Condition) -> Iterator[Float[Tensor, "b r"]]:
        follow = SOLVERS[self.config.solver]
        return follow(self._velocity(condition), z, steps_to_data(self.config.steps))

    def _velocity(self, condition: Condition) -> Callable[[Tensor, float], Tensor]:
        told = self.field.told(condition)
        guidance = self.config.guidance
        free = self.field.told(self.unconditional(len(condition))) if guidance != 1 else None

        def velocity(x: Tensor, t: float) -> Tensor:
            at = x.new_full((len(x),), t)
            v = self.field.net(x, at, told)
            return v if free is None else torch.lerp(self.field.net(x, at, free), v, guidance)

        return velocity


class Velocity(nn.Module):
    """The network of the velocity, and what it is told of a condition."""

    def __init__(self, config: DiffusionConfig, size: int) -> None:
        super().__init__()
        self.told = Told(config.condition, config.embedding)
        self.net = VectorField(size, config.field_width, config.field_depth, config.embedding)
