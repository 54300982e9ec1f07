"""Straight paths between noise and data, and how they are followed: what the forms of the diffusion share.

    x_t = (1 - t) x_0 + t e                                             (flow matching, Lipman et al. 2023)

A network knows the velocity e - x_0 that is expected at (x_t, t). Sampling follows it from noise to data and
encoding follows it back. What is asked moves the path; guidance exaggerates by how much (Ho and Salimans
2022).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, TypeVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from ..nn.ode import SOLVERS, end, heun, steps_to_data
from ..nn.ode import Field as Velocities
from .base import EncodingModel, ModelConfig
from .condition import Condition

NOISE, TIME, STEP = 32, 33, 34
"""Streams of noise: where a path begins, where on it the network learns, and over how long a step."""


_BACK = 20
"""Steps of the way back at least: one that leads to noise of few steps would not lead here."""


class PathConfig(ModelConfig):
    """How paths are followed; all of it may change after training.

    Attributes:
        solver: how; `shortcut` by mean velocities over long steps, where these were learnt.
        steps: in how many steps.
        guidance: how much further than asked the path is moved; 1 is as asked.
    """

    solver: Literal["euler", "heun", "multistep", "shortcut"] = "heun"
    steps: int = Field(default=20, ge=1)
    guidance: float = Field(default=1.0, ge=0)


PathConfigT = TypeVar("PathConfigT", bound=PathConfig)


class Paths(EncodingModel[PathConfigT]):
    """A family that follows paths."""

    tunable: ClassVar[tuple[str, ...]] = ("solver", "steps", "guidance", *EncodingModel.tunable)

    @abstractmethod
    def told(self, condition: Condition) -> Any:
        """What the network is told of a condition, the same all along a path."""

    @abstractmethod
    def velocity(
        self, x: Float[Tensor, " b *d"], t: Float[Tensor, " b"], step: Float[Tensor, " b"], told: Any
    ) -> Float[Tensor, " b *d"]:
        """Velocity at t; its mean over a step towards data where the step has a length."""

    def times(self, steps: int) -> list[float]:
        """Times of some steps, from noise, 1, to data, 0."""
        return steps_to_data(steps)

    def path(self, z: Float[Tensor, " b *d"], condition: Condition) -> Iterator[Float[Tensor, " b *d"]]:
        """Points from noise to data, both included, as the settings say."""
        return SOLVERS[self.config.solver](self.velocities(condition), z, self.times(self.config.steps))

    def back(self, x: Float[Tensor, " b *d"], condition: Condition) -> Float[Tensor, " b *d"]:
        """The noise from which a path leads to x."""
        return end(heun(self.velocities(condition), x, self.times(max(_BACK, self.config.steps))[::-1]))

    def velocities(self, condition: Condition) -> Velocities:
        """The velocity under a condition, guided."""
        told = self.told(condition)
        guidance = self.config.guidance
        free = self.told(self.unconditional(len(condition))) if guidance != 1 else None

        def velocity(x: Tensor, t: float, step: float = 0.0) -> Tensor:
            at, over = x.new_full((len(x),), t), x.new_full((len(x),), step)
            v = self.velocity(x, at, over, told)
            return v if free is None else torch.lerp(self.velocity(x, at, over, free), v, guidance)

        return velocity
