"""Diffusion family: flow matching from noise to the latents of an autoencoder (`latent.py`, `paths.py`).

A network learns the velocity of the straight paths from latents to noise, at times from a logit-normal
distribution (Esser et al. 2024):

    x_t = (1 - t) x_0 + t e,     min E |v(x_t, t, 0, c) - (e - x_0)|^2

x_0 are the latents' principal components. A quarter of what it learns from are longer steps (shortcut models,
Frans et al. 2025): over a step of length s, v(x_t, t, s, c) is to be the mean of what it says itself of the
two halves (there by averaged weights, here by the moving ones). So the same network serves for one, two or
four steps (`solver=shortcut`), distilled while it learns.

`voxel_diffusion.py` is the form over voxels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.denoiser import VectorField
from ..nn.ode import end
from .base import ModelConfig
from .condition import Condition
from .latent import Encoded, LatentConfig, LatentModel, Told
from .paths import NOISE, STEP, TIME, PathConfig, Paths

_LENGTHS = 5
"""Lengths of longer steps: 1, 1/2, ..., 1/16."""


class DiffusionConfig(LatentConfig, PathConfig):
    """Settings of the diffusion: those of its autoencoder, of the velocity, and of how paths are followed.

    Attributes:
        field_width: features of the velocity's network.
        field_depth: its residual layers.
        shortcuts: share of what it learns from that are longer steps.
    """

    field_width: int = 256
    field_depth: int = 6
    shortcuts: float = Field(default=0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _knows_its_shortcuts(self) -> DiffusionConfig:
        known = [2**n for n in range(_LENGTHS)] if self.shortcuts else []
        if self.solver == "shortcut" and self.steps not in known:
            allowed = f"one of {', '.join(map(str, known))} steps" if known else "none: it has shortcuts = 0"
            raise ValueError(f"steps = {self.steps}: of shortcuts this model learnt {allowed}; --set steps=4")
        return self


class Diffusion(Paths[DiffusionConfig], LatentModel[DiffusionConfig]):
    """Latent flow matching."""

    config_class: ClassVar[type[ModelConfig]] = DiffusionConfig
    maker: ClassVar[str] = "velocity"
    tunable: ClassVar[tuple[str, ...]] = ("settle", *Paths.tunable)

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__(config)
        self.field = Velocity(config, self.principal.rank)

    def making(self) -> nn.Module:
        """The velocity."""
        return self.field

    def told(self, condition: Condition) -> Float[Tensor, "b e"]:
        """Embedding of the condition."""
        return self.field.told(condition)

    def velocity(
        self,
        x: Float[Tensor, "b r"],
        t: Float[Tensor, " b"],
        step: Float[Tensor, " b"],
        told: Float[Tensor, "b e"],
    ) -> Float[Tensor, "b r"]:
        """Velocity at t, its mean over a step where that has a length."""
        return self.field.net(x, t, step, told).float()

    def latent_loss(
        self, encoded: Encoded, condition: Condition, noise: Callable[[int, int], Float[Tensor, "n k"]]
    ) -> Float[Tensor, ""]:
        """Squared error of the velocity, and of its mean over longer steps."""
        told = self.field.told(condition)
        away = noise(self.principal.rank, NOISE)
        t = noise(1, TIME).sigmoid()
        chance = torch.special.ndtr(noise(3, STEP)).clamp_max(1 - 1e-6)
        longer = chance[:, 0] < self.config.shortcuts
        step = torch.where(longer[:, None], 0.5 ** (chance[:, 1:2] * _LENGTHS).floor(), 0.0)
        # Longer steps begin where steps of their length do.
        t = torch.where(longer[:, None], ((chance[:, 2:] / step).nan_to_num(0.0).floor() + 1) * step, t)
        shown = (1 - t) * encoded.mean + t * away
        wanted = away - encoded.mean
        if longer.any():
            wanted[longer] = self._over(shown[longer], t[longer], step[longer], told[longer])
        return F.mse_loss(self.velocity(shown, t[:, 0], step[:, 0], told), wanted)

    def _over(
        self,
        x: Float[Tensor, "b r"],
        t: Float[Tensor, "b 1"],
        step: Float[Tensor, "b 1"],
        told: Float[Tensor, "b e"],
    ) -> Float[Tensor, "b r"]:
        """Mean velocity over a step, by its halves; those of the shortest step count as of no length."""
        half = step / 2
        length = (half * (half >= 0.5 ** (_LENGTHS - 1)))[:, 0]
        # Not under autocast, whose cache would keep weights without gradient for what follows.
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            told = told.float()
            first = self.velocity(x, t[:, 0], length, told)
            second = self.velocity(x - half * first, (t - half)[:, 0], length, told)
            return (first + second) / 2

    def to_noise(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The path, followed back."""
        return self.back(components, condition)

    def to_components(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The path, followed as the settings say."""
        return end(self.path(z, condition))

    def trajectory(
        self, z: Float[Tensor, "b r"], condition: Condition
    ) -> Iterator[Float[Tensor, "b 1 x y z"]]:
        """Coverage at each point of the path from noise to a building, both included."""
        *way, arrived = self.path(z, condition)
        for components in way:
            yield self.building(components, condition)
        yield self.settled(self.building(self.meeting(arrived, condition), condition), condition)


class Velocity(nn.Module):
    """The network of the velocity, and what it is told of a condition."""

    def __init__(self, config: DiffusionConfig, size: int) -> None:
        super().__init__()
        self.told = Told(config.condition, config.embedding)
        self.net = VectorField(size, config.field_width, config.field_depth, config.embedding)
