"""Diffusion over voxels: flow matching from noise to coverage, by a U-Net (`paths.py`, `nn/unet.py`).

    x_t = (1 - t) x_0 + t e,     x_0 = 2 coverage - 1

The network gives the clean building (clean-x prediction, Salimans and Ho 2022) as plan, roof and voids
(`nn/roof.py`), and learns by the cross-entropy of coverage (`losses.py`); the velocity is (x_t - x_0) / t.
Neighbouring voxels say nearly the same, so that noise hides a building only when it is strong: times are
shifted towards noise, in training and in sampling (Esser et al. 2024):

    t' = s t / (1 + (s - 1) t)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from ..nn.conditioning import AttributeEmbedding, MaskPatches
from ..nn.ode import end, steps_to_data
from ..nn.roof import Mass, MassHead
from ..nn.time import TimeEmbedding
from ..nn.unet import UNet
from ..nn.volume import cells_per_level
from .asked import Asked, asked
from .base import Batch, ModelConfig
from .condition import Condition
from .paths import NOISE, TIME, PathConfig, Paths
from .voxel_terms import voxel_terms

_NEAREST = 1e-3
"""Time at which x_t is data: the velocity that is expected there is -x_0, since noise is zero in the mean."""


class VoxelDiffusionConfig(PathConfig):
    """Settings of the diffusion over voxels.

    Attributes:
        widths: channels of each level, fine to coarse.
        depth: residual blocks a level, down and up.
        plan: channels of the plan on the patch grid.
        fine: channels of the plan at full resolution.
        rounds: how often plan and roof are levelled.
        embedding: width of the embedding of time and condition.
        shift: s above; 1 leaves times as they are.
        solver: as of all paths; a step costs a pass of the U-Net, so the solver with one a step.
        steps: as of all paths.
        edges: weight of the edge term.
        decision: weight of the cross-entropy on which side of a half each voxel lies.
    """

    widths: tuple[int, ...] = (64, 128)
    depth: int = 2
    plan: int = 64
    fine: int = 16
    rounds: int = 2
    embedding: int = 128
    shift: float = Field(default=4.0, gt=0)
    solver: Literal["euler", "heun", "multistep", "shortcut"] = "multistep"
    steps: int = Field(default=16, ge=1)
    edges: float = 0.2
    decision: float = 0.2

    @model_validator(mode="after")
    def _takes_no_shortcuts(self) -> VoxelDiffusionConfig:
        if self.solver == "shortcut":
            raise ValueError(
                "solver = shortcut: over voxels no shortcuts are learnt; --space latent has them"
            )
        return self


class VoxelDiffusion(Paths[VoxelDiffusionConfig]):
    """Flow matching over voxels."""

    config_class: ClassVar[type[ModelConfig]] = VoxelDiffusionConfig
    rebuilt: ClassVar[int] = 8

    def __init__(self, config: VoxelDiffusionConfig) -> None:
        super().__init__(config)
        self.latent_shape = (1, *config.resolution)
        wanted = config.condition
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, config.embedding)
        self.time = TimeEmbedding(config.embedding)
        self.masks = MaskPatches(len(wanted.masks), config.patch, config.widths[0]) if wanted.masks else None
        self.net = UNet(config.resolution, config.patch, config.widths, config.depth, config.embedding)
        cells = cells_per_level(config.resolution, config.patch, len(config.widths))[0]
        self.head = MassHead(cells, config.patch, config.widths[0], config.plan, config.fine, config.rounds)

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """What separates the clean building that is expected from the one there is."""
        del player
        away = batch.noise(tuple(batch.x.shape[1:]), NOISE)
        t = self._shifted(batch.noise((), TIME).sigmoid())
        shown = torch.lerp(2 * batch.x - 1, away, t[:, None, None, None, None])
        terms = voxel_terms(self._clean(shown, t, self.told(batch.condition)), batch.x).unbind()
        return {
            "reconstruction": terms[0],
            "edges": self.config.edges * terms[2],
            "decision": self.config.decision * terms[3],
        }

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """The noise that a building is made from: the path, followed back."""
        return self.back(2 * x - 1, condition)

    def decode(self, z: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]: the path, followed as the settings say."""
        return _coverage(end(self.path(z, condition)))

    def trajectory(
        self, z: Float[Tensor, "b 1 x y z"], condition: Condition
    ) -> Iterator[Float[Tensor, "b 1 x y z"]]:
        """Coverage at each point of the path from noise to a building, both included."""
        return map(_coverage, self.path(z, condition))

    def told(self, condition: Condition) -> Asked:
        """Embedding of the attributes, and the masks' channels."""
        return asked(condition, self.attributes, self.masks)

    def velocity(
        self, x: Float[Tensor, "b 1 x y z"], t: Float[Tensor, " b"], step: Float[Tensor, " b"], told: Asked
    ) -> Float[Tensor, "b 1 x y z"]:
        """Velocity at t; a step's length is not heeded."""
        del step
        clean = 2 * self._clean(x, t, told).logits().sigmoid() - 1
        at = t[:, None, None, None, None]
        return torch.where(at < _NEAREST, -x, (x - clean) / at.clamp_min(_NEAREST))

    def times(self, steps: int) -> list[float]:
        """Times of some steps, shifted towards noise."""
        return self._shifted(torch.tensor(steps_to_data(steps))).tolist()

    def _clean(self, x: Float[Tensor, "b 1 x y z"], t: Float[Tensor, " b"], told: Asked) -> Mass:
        """The building that is expected."""
        # x_0 is nearly -1 in most places, so that its square is about one, as that of the noise is.
        scale = ((1 - t).square() + t.square()).rsqrt()
        embedding = told.embedding + self.time(t)
        return self.head(self.net(x * scale[:, None, None, None, None], embedding, told.extra))

    def _shifted(self, t: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        s = self.config.shift
        return s * t / (1 + (s - 1) * t)


def _coverage(x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b 1 x y z"]:
    return ((x + 1) / 2).clamp(0, 1)
