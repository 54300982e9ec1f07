"""Normalizing flow over voxels: exactly invertible, with a latent of the building's own size.

    log p(x | c) = log N(f(x; c); 0, I) + log |det df/dx|               (Dinh et al. 2017)

Coverage has 65 levels. A level k stands for the interval [k, k + 1) / 65, in which a point is drawn uniformly
(dequantization, Theis et al. 2016); its logit is what f maps. The density found so bounds the probability of
the levels from below, so that bits a voxel are an upper bound. `encode` takes the middle of the interval, and
`decode` gives it back: rounded to levels, a building comes back voxel for voxel.

f works on patches as channels, at two scales: of what it has mixed at the first, half becomes noise by a
coupling that heeds the other half, which goes on at half the resolution (Kingma and Dhariwal 2018).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from ..geometry.grid import FULL
from ..nn.blocks import ResBlock, group_norm
from ..nn.conditioning import AttributeEmbedding, MaskPatches
from ..nn.invertible import Chain, Coupling, Invertible, Linear, affine
from ..nn.patches import Position, depth_to_space, space_to_depth
from ..nn.volume import cells_per_level
from .asked import Asked, asked
from .base import Batch, EncodingModel, ModelConfig
from .condition import Condition
from .flow import gaussian_log_density
from .noise import keyed_noise

LEVELS = FULL + 1
_MARGIN = 0.005
"""What is left free at both ends of the unit interval, so that logits stay finite."""

_SPREAD = 4.5
"""About the logit of air and of solid; logits are divided by it."""


class VoxelFlowConfig(ModelConfig):
    """Settings of the flow.

    Attributes:
        width: channels of each coupling's network.
        couplings: at each of the two scales.
        embedding: width of the condition's embedding.
        temperature: of the noise that buildings are drawn from; below 1 they are likelier and less diverse.
    """

    width: int = 96
    couplings: int = Field(default=4, ge=1)
    embedding: int = 64
    temperature: float = Field(default=1.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _choose_patch(cls, values: Any) -> Any:
        """Patches stay small whatever the grid: maps of all numbers of a patch grow with their square."""
        return values


class VoxelFlow(EncodingModel[VoxelFlowConfig]):
    """Normalizing flow over voxels."""

    config_class: ClassVar[type[ModelConfig]] = VoxelFlowConfig
    tunable: ClassVar[tuple[str, ...]] = ("temperature", *EncodingModel.tunable)

    def __init__(self, config: VoxelFlowConfig) -> None:
        super().__init__(config)
        self.latent_shape = (math.prod(config.resolution),)
        wanted = config.condition
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, config.embedding)
        self.masks = MaskPatches(len(wanted.masks), config.patch, config.width) if wanted.masks else None
        fine, _ = cells_per_level(config.resolution, config.patch, levels=2)
        self.map = TwoScales(config, config.patch**3, fine)

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """Upper bound of the bits a voxel."""
        del player
        within = torch.special.ndtr(batch.noise(tuple(batch.x.shape[1:])))
        bits = -self._log_prob(batch.x, within, batch.condition) / (math.log(2) * batch.x[0].numel())
        return {"bits": bits.mean()}

    def log_prob(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, " b"]:
        """Lower bound of the natural logarithm of the probability of coverage grids of 65 levels."""
        # One draw for all: how likely a building is must not depend on where in a list it stands.
        keys = torch.zeros(len(x), dtype=torch.int64)
        within = torch.special.ndtr(keyed_noise(keys, tuple(x.shape[1:]))).to(x)
        return self._log_prob(x, within, condition)

    def prior(self, condition: Condition, keys: Int64[Tensor, " b"]) -> Float[Tensor, "b n"]:
        """N(0, T^2)."""
        return self.config.temperature * super().prior(condition, keys)

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b n"]:
        """F of the middle of each level's interval."""
        y, _ = _logits(x, torch.full_like(x, 0.5))
        return self.map(space_to_depth(y, self.config.patch), self._asked(condition))[0]

    def decode(self, z: Float[Tensor, "b n"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]: f, inverted."""
        y = depth_to_space(self.map.inverse(z, self._asked(condition)), self.config.patch)
        unit = ((_SPREAD * y).sigmoid() - _MARGIN) / (1 - 2 * _MARGIN)
        return ((LEVELS * unit - 0.5) / FULL).clamp(0, 1)

    def _log_prob(
        self, x: Float[Tensor, "b 1 x y z"], within: Float[Tensor, "b 1 x y z"], condition: Condition
    ) -> Float[Tensor, " b"]:
        y, slope = _logits(x, within)
        z, determinant = self.map(space_to_depth(y, self.config.patch), self._asked(condition))
        # An interval is 1 / 65 wide.
        density = gaussian_log_density(z) + determinant + slope
        return density - x[0].numel() * math.log(LEVELS)

    def _asked(self, condition: Condition) -> Asked:
        return asked(condition, self.attributes, self.masks)


def _logits(
    x: Float[Tensor, "b 1 x y z"], within: Float[Tensor, "b 1 x y z"]
) -> tuple[Float[Tensor, "b 1 x y z"], Float[Tensor, " b"]]:
    """Logits of points within the levels' intervals, and the logarithm of the slope by which they rise."""
    unit = (torch.round(x * FULL) + within) / LEVELS
    a = _MARGIN + (1 - 2 * _MARGIN) * unit
    slope = math.log((1 - 2 * _MARGIN) / _SPREAD) - a.log() - (1 - a).log()
    return a.logit() / _SPREAD, slope.flatten(1).sum(dim=1)


class TwoScales(Invertible):
    """Couplings on the patch grid, half of it to noise, and couplings on the rest at half the resolution."""

    def __init__(self, config: VoxelFlowConfig, channels: int, cells: tuple[int, int, int]) -> None:
        super().__init__()
        self.cells, self.kept = cells, channels // 2
        x, y, z = cells
        coarse = (x // 2, y // 2, z // 2)
        self.fine = _chain(config, channels, cells, seed=0)
        self.release = Coupling(self.kept, CellNet(config, self.kept, 2 * self.kept, cells), affine)
        self.coarse = _chain(config, 8 * self.kept, coarse, seed=config.couplings)

    def forward(self, x: Float[Tensor, "b c *s"], told: Asked) -> tuple[Tensor, Float[Tensor, " b"]]:
        """Give the noise, flat, and the log-determinant."""
        h, one = self.fine(x, told)
        h, two = self.release(h, told)
        rest, three = self.coarse(space_to_depth(h[:, : self.kept], 2), told)
        return torch.cat([h[:, self.kept :].flatten(1), rest.flatten(1)], dim=1), one + two + three

    def inverse(self, y: Float[Tensor, "b n"], told: Asked) -> Tensor:
        """Give the patches of noise."""
        x0, y0, z0 = self.cells
        half = self.kept * x0 * y0 * z0
        free = y[:, :half].reshape(-1, self.kept, x0, y0, z0)
        rest = y[:, half:].reshape(-1, 8 * self.kept, x0 // 2, y0 // 2, z0 // 2)
        kept = depth_to_space(self.coarse.inverse(rest, told), 2)
        return self.fine.inverse(self.release.inverse(torch.cat([kept, free], dim=1), told), told)


class CellNet(nn.Module):
    """What a coupling does to the second part of each cell, as its surroundings' first parts and c say."""

    def __init__(self, config: VoxelFlowConfig, kept: int, answers: int, cells: tuple[int, int, int]) -> None:
        super().__init__()
        self.position = Position(cells)
        self.stem = nn.Conv3d(kept + Position.channels, config.width, 1)
        self.block = ResBlock(config.width, config.embedding)
        self.norm = group_norm(config.width)
        self.head = nn.Conv3d(config.width, answers, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, first: Float[Tensor, "b k x y z"], told: Asked) -> Float[Tensor, "b a x y z"]:
        """Give the coupling's parameters."""
        h = self.stem(self.position(first))
        if told.extra is not None:
            h = h + F.adaptive_avg_pool3d(told.extra, h.shape[2:])
        return self.head(F.silu(self.norm(self.block(h, told.embedding))))


def _chain(config: VoxelFlowConfig, channels: int, cells: tuple[int, int, int], seed: int) -> Chain:
    kept = channels // 2
    maps: list[Invertible] = []
    for n in range(config.couplings):
        net = CellNet(config, kept, 2 * (channels - kept), cells)
        maps += [Linear(channels, seed + n), Coupling(kept, net, affine)]
    return Chain(*maps)
