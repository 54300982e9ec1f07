"""A condition as networks over grids hear it: an embedding of the attributes, and the masks as channels."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from ..nn.conditioning import AttributeEmbedding, MaskPatches
from .condition import Condition


class Asked(NamedTuple):
    """What a network heeds.

    Attributes:
        embedding: of the attributes.
        extra: channels of the masks on the patch grid; None without masks.
    """

    embedding: Float[Tensor, "b e"]
    extra: Float[Tensor, "b w x y z"] | None


def asked(condition: Condition, attributes: AttributeEmbedding, masks: MaskPatches | None) -> Asked:
    """Give what is asked, by a model's own embeddings."""
    extra = None if masks is None else masks(condition.masks, condition.given)
    return Asked(attributes(condition.attributes), extra)
