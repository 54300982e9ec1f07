"""What a sample can be asked for: a vector of attributes and spatial masks, each entry optional.

Attributes are in their own units (metres, square metres, counts, shares); NaN means *not asked*. Masks are
voxel grids (1 inside) with a flag that says whether each was given. One model serves with and without:
in training, entries are dropped out at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..config import Config
from ..errors import UsageError, nearest

ATTRIBUTES = (
    "height",
    "footprint_length",
    "footprint_width",
    "footprint_area",
    "gross_floor_area",
    "storeys",
    "pitched_share",
    "fill_ratio",
)
"""Names that can be asked for: metres, metres, metres, m2, m2, count, share of the roof plan steeper than
8 degrees, volume over footprint times height."""

ORIGIN = ("procedural",)
"""Where a building comes from, in data sets of both kinds: 1 if it was made by rule, 0 if it is real."""

ASKABLE = (*ATTRIBUTES, *ORIGIN)
"""All names that can be asked for."""

MASKS = ("footprint", "envelope")
"""Spatial masks: the plan to stand on (the same in every layer), and the volume to stay inside."""


class ConditionConfig(Config):
    """What a model was taught to be asked for.

    Attributes:
        attributes: names out of `ASKABLE`, in the order of the vector.
        center: mean of each attribute over the training set.
        scale: standard deviation of each attribute over the training set.
        masks: names out of `MASKS`.
        dropout: probability with which each entry is left out in training.
    """

    attributes: tuple[str, ...] = ()
    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    masks: tuple[str, ...] = ()
    dropout: float = 0.5


@dataclass(frozen=True)
class Condition:
    """What is asked of each sample of a batch.

    Attributes:
        attributes: (b, a) in the attribute's own unit, NaN where not asked.
        masks: (b, m, x, y, z) in [0, 1].
        given: (b, m) whether each mask is asked for.
    """

    attributes: Float[Tensor, "b a"]
    masks: Float[Tensor, "b m x y z"]
    given: Bool[Tensor, "b m"]

    @classmethod
    def nothing(cls, n: int, config: ConditionConfig, resolution: tuple[int, int, int]) -> Condition:
        """Ask nothing of `n` samples."""
        return cls(
            attributes=torch.full((n, len(config.attributes)), torch.nan),
            masks=torch.zeros(n, len(config.masks), *resolution),
            given=torch.zeros(n, len(config.masks), dtype=torch.bool),
        )

    @classmethod
    def asking(
        cls,
        n: int,
        config: ConditionConfig,
        resolution: tuple[int, int, int],
        attributes: Mapping[str, float] | None = None,
        masks: Mapping[str, Float[Tensor, "x y z"]] | None = None,
    ) -> Condition:
        """Ask the same of `n` samples, by name.

        Raises:
            UsageError: for a name that the model was not taught.
        """
        condition = cls.nothing(n, config, resolution)
        for name, value in (attributes or {}).items():
            condition.attributes[:, _position(name, config.attributes, "attribute")] = value
        for name, mask in (masks or {}).items():
            at = _position(name, config.masks, "mask")
            if tuple(mask.shape) != tuple(resolution):
                raise UsageError(f"mask {name!r} has shape {tuple(mask.shape)}, the model's is {resolution}")
            condition.masks[:, at] = mask
            condition.given[:, at] = True
        return condition

    def to(self, device: torch.device) -> Condition:
        """Give the condition on a device."""
        return Condition(self.attributes.to(device), self.masks.to(device), self.given.to(device))

    def __getitem__(self, index: slice | Tensor) -> Condition:
        """Give the condition of some samples."""
        return Condition(self.attributes[index], self.masks[index], self.given[index])

    def __len__(self) -> int:
        return len(self.attributes)


def _position(name: str, known: tuple[str, ...], kind: str) -> int:
    if name not in known:
        allowed = ", ".join(known) or "none"
        raise UsageError(f"this model knows no {kind} {name!r}{nearest(name, known)}; it knows: {allowed}")
    return known.index(name)
