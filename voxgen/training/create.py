"""A model for a data set: its config filled from the data, its first weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ..errors import UsageError
from ..models import family
from ..models.base import GenerativeModel, ModelConfig
from ..models.condition import ATTRIBUTES, ConditionConfig
from .data import TrainingData, condition_config


def model_config(
    data: TrainingData,
    name: str,
    recipe: str = "default",
    overrides: Iterable[str] = (),
    attributes: Sequence[str] = ATTRIBUTES,
    masks: Sequence[str] = (),
) -> ModelConfig:
    """Give the config of a family for a data set.

    Args:
        data: gives the resolution, and the statistics of the attributes.
        name: the family.
        recipe: which of its recipes.
        overrides: `key=value` for keys of the family's config.
        attributes: what the model is taught to be asked for; nothing for a recipe that takes no conditions.
        masks: the same for spatial masks.

    Raises:
        UsageError: for an unknown family, recipe, key, attribute or mask.
    """
    cls = family(name, recipe)
    condition = condition_config(data, attributes, masks) if cls.conditional else ConditionConfig()
    return cls.config_class(resolution=data.resolution, condition=condition).with_overrides(overrides)


def continued_config(
    start: GenerativeModel[Any], name: str, recipe: str, overrides: Iterable[str]
) -> ModelConfig:
    """Give the config of a family that begins from a trained model: what both know is as it is there.

    Raises:
        UsageError: for an unknown family, recipe or key.
    """
    cls = family(name, recipe).config_class
    known = start.config.model_dump()
    return cls.parse({key: known[key] for key in cls.model_fields if key in known}).with_overrides(overrides)


def create_model(
    config: ModelConfig,
    name: str,
    recipe: str = "default",
    seed: int = 0,
    start: GenerativeModel[Any] | None = None,
) -> GenerativeModel[Any]:
    """Give a model with the first weights of a seed, as far as it does not begin from another's.

    Args:
        config: of the family.
        name: the family.
        recipe: which of its recipes.
        seed: of first weights.
        start: a trained model that it begins from.

    Raises:
        UsageError: when the config does not fit together, as a resolution that the patches do not divide, or
            the model cannot begin from the other.
    """
    cls = family(name, recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = cls(config)
        except ValueError as failure:
            raise UsageError(f"this {name} cannot be built: {failure}") from None
    if start is not None:
        model.begin_from(start)
    return model
