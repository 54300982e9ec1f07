"""Does a model keep to the masks that it is given? Those of held-out buildings, one building made for each.

Of a footprint: 1 - IoU of the plan that was asked and the plan that was made. Of an envelope, a random volume
around the held-out building (`training/masks.py`): the share of what was made that lies outside.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float32, Integer, UInt8

from ..generator import Generator
from ..geometry.grid import HALF
from ..models.condition import Condition
from ..pipeline.build import Progress
from ..pipeline.store import Dataset
from ..training.masks import mask_of
from .conditions import ConditionError, answers
from .estimate import ROUNDS, median


def mask_errors(
    generator: Generator,
    data: Dataset,
    rows: Integer[np.ndarray, " k"],
    unasked: UInt8[np.ndarray, "n x y z"],
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, ConditionError]:
    """Ask for the masks of held-out buildings, each mask by itself.

    Args:
        generator: of a model; one that was taught no masks gives nothing.
        data: what it was trained on.
        rows: held-out buildings, at least 3.
        unasked: coverage of samples that were asked for nothing.
        rounds: subsets that each error is taken over.
        seed: draws latents, envelopes and subsets.
        progress: told how many were made.
    """
    found = {}
    for name in generator.model.config.condition.masks:
        coverage = zip(rows.tolist(), data.coverage(rows), strict=True)
        masks = [mask_of(name, one, np.random.default_rng((seed, row))) for row, one in coverage]
        made = answers(generator, _asking(generator, name, masks), seed, progress)
        off = [_off(name, mask, grid.occupancy) for mask, grid in zip(masks, made, strict=True)]
        free = [_off(name, mask, grid > HALF) for mask, grid in zip(masks, unasked, strict=False)]
        found[f"{name} mask"] = ConditionError(
            unit="",
            asked=len(off),
            absolute=median(np.array(off), rounds, seed),
            relative=None,
            voxels=median(np.zeros(len(off)), rounds, seed),
            unasked=median(np.array(free), rounds, seed) if len(free) >= 3 else None,
        )
    return found


def _asking(generator: Generator, name: str, masks: list[Float32[np.ndarray, "x y z"]]) -> Condition:
    config = generator.model.config
    nothing = Condition.nothing(len(masks), config.condition, config.resolution)
    at = config.condition.masks.index(name)
    nothing.masks[:, at] = torch.from_numpy(np.stack(masks))
    nothing.given[:, at] = True
    return nothing


def _off(name: str, mask: Float32[np.ndarray, "x y z"], made: Bool[np.ndarray, "x y z"]) -> float:
    inside = mask > 0
    if name == "footprint":
        plan, wanted = made.any(axis=2), inside[:, :, 0]
        return 1 - np.count_nonzero(plan & wanted) / max(1, np.count_nonzero(plan | wanted))
    return np.count_nonzero(made & ~inside) / max(1, np.count_nonzero(made))
