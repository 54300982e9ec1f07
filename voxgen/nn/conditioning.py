"""A condition as a network sees it: an embedding for FiLM, and channels on the patch grid for masks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from .patches import space_to_depth


class Standardised(nn.Module):
    """Knows attributes in deviations: what embeds them and what tells them share.

    Args:
        center: mean of each attribute.
        scale: standard deviation of each attribute.
    """

    def __init__(self, center: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        self.center: Tensor
        self.scale: Tensor
        self.register_buffer("center", torch.tensor(tuple(center), dtype=torch.float32), persistent=False)
        self.register_buffer("scale", torch.tensor(tuple(scale), dtype=torch.float32), persistent=False)

    def standard(self, attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b a"]:
        """Attributes in deviations, zero where unknown; odd ones count as very large, and no larger."""
        return ((attributes - self.center) / self.scale).nan_to_num(0.0).clamp(-8, 8)


class AttributeEmbedding(Standardised):
    """Embeds a vector of attributes in which NaN means *not asked*.

    Each attribute enters standardised, beside a flag that says whether it was asked.
    """

    def __init__(self, center: Sequence[float], scale: Sequence[float], width: int) -> None:
        super().__init__(center, scale)
        self.net = nn.Sequential(
            nn.Linear(max(1, 2 * len(center)), width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b e"]:
        """Give the embedding."""
        if not attributes.shape[1]:
            return self.net(attributes.new_ones(len(attributes), 1))
        asked = ~attributes.isnan()
        standard = self.standard(attributes)
        return self.net(torch.cat([standard, asked.to(standard.dtype)], dim=1))


class MaskPatches(nn.Module):
    """Turns spatial masks into channels on the patch grid; nothing at all for a mask that was not given."""

    def __init__(self, masks: int, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.conv = nn.Conv3d(masks * (patch**3 + 1), width, 1, bias=False)

    def forward(
        self, masks: Float[Tensor, "b m x y z"], given: Bool[Tensor, "b m"]
    ) -> Float[Tensor, "b c xp yp zp"]:
        """Give the channels."""
        flag = given.to(masks.dtype)[:, :, None, None, None]
        patches = space_to_depth(masks * flag, self.patch)
        flags = flag.expand(-1, -1, *patches.shape[2:])
        return self.conv(torch.cat([patches, flags], dim=1))


class AttributePredictor(Standardised):
    """Tells attributes by a latent; it learns where they are known.

    Args:
        latent_shape: of a latent.
        center: mean of each attribute.
        scale: standard deviation of each attribute.
        width: features in between.
    """

    def __init__(
        self, latent_shape: Sequence[int], center: Sequence[float], scale: Sequence[float], width: int = 128
    ) -> None:
        super().__init__(center, scale)
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(latent_shape), width), nn.SiLU(), nn.Linear(width, len(center))
        )

    def forward(self, z: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b a"]:
        """Give the attributes, in their own units."""
        return self.told(z) * self.scale + self.center

    def told(self, z: Float[Tensor, "b c x y z"]) -> Float[Tensor, "b a"]:
        """Give the attributes in deviations."""
        return self.net(z).float()

    def wanted(self, attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b a"]:
        """Give attributes in deviations, NaN where unknown."""
        return self.standard(attributes).where(~attributes.isnan(), torch.nan)

    def squared_error(self, z: Float[Tensor, "b c x y z"], known: Float[Tensor, "b a"]) -> Float[Tensor, ""]:
        """Squared error in standard deviations, none where unknown (NaN); mean of the batch."""
        gap = (self.told(z) - self.standard(known)) * ~known.isnan()
        return gap.square().mean()
