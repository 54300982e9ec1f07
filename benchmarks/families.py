"""Families with first weights, boxes to show them, and a whole training step: what timings share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from voxgen.models import family
from voxgen.models.base import Batch, GenerativeModel
from voxgen.models.condition import Condition, ConditionConfig

Size = tuple[int, int, int]


def make(name: str, recipe: str, size: Size) -> GenerativeModel[Any]:
    """A family, or one from outside as `module:Class`, with default settings and first weights."""
    cls = family(name, recipe)
    asked = ConditionConfig(attributes=("height", "footprint_area"), center=(8.0, 90.0), scale=(3.0, 60.0))
    torch.manual_seed(0)
    condition = asked if cls.conditional else ConditionConfig()
    return cls(cls.config_class.parse({"resolution": size, "condition": condition}))


def known(size: Size, asked: ConditionConfig, count: int, batch_size: int = 32) -> Iterator[Batch]:
    """Random boxes on the ground."""
    chance = torch.Generator().manual_seed(0)
    for first in range(0, count, batch_size):
        n = min(batch_size, count - first)
        x = torch.zeros(n, 1, *size)
        for one in x:
            a, b, c = ((0.1 + 0.4 * torch.rand(3, generator=chance)) * torch.tensor(size)).long().tolist()
            i, j = size[0] // 2, size[1] // 2
            one[0, i - a : i + a, j - b : j + b, : 2 * c] = 1
        condition = Condition.nothing(n, asked, size)
        values = torch.rand(condition.attributes.shape, generator=chance)
        condition.attributes.copy_(values)
        yield Batch(x, condition, first + torch.arange(n), 0.9)


def full_step(
    model: GenerativeModel[Any], dtype: torch.dtype | None, batch_size: int, progress: float
) -> Callable[[], None]:
    """A full step of a family: every player moves, penalties included.

    Args:
        model: the family with its first weights.
        dtype: of autocast; none where None.
        batch_size: buildings a step.
        progress: of the budget, which decides what a family does.
    """
    optimisers = {player: model.optimiser(player, 1e-3) for player in model.players()}
    chance = itertools.count()
    (boxes,) = known(model.config.resolution, model.config.condition, batch_size, batch_size)
    batch = replace(boxes, progress=progress)
    model.prepare(progress, lambda: [batch])

    def step() -> None:
        shown = replace(batch, chance=next(chance))
        for player, optimiser in optimisers.items():
            start, end = model.span(player)
            if not start <= progress < end:
                continue
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
                terms = list(model.loss(shown, player).values())
            if terms:
                optimiser.zero_grad(set_to_none=True)
                torch.stack(terms).sum().backward()
                optimiser.step()

    return step
