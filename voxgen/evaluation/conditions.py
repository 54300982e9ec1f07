"""Does a model make what it is asked for? Asked against got, attribute by attribute.

The attributes of a held-out building are asked for all at once, one building is made, and measured by
`geometry.measure.measure_grid`. Beside the error stand what measuring voxels instead of the file alone costs
(the held-out building's own grid), and what a model reaches that does not listen (samples asked for nothing).
The other way round, a model with an autoencoder tells the attributes of a held-out building by its latent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8

from ..config import Config
from ..generator import Generator, from_coverage, keys_of
from ..geometry.grid import VoxelGrid
from ..geometry.measure import measure_grids
from ..models.base import GenerativeModel, Predicting
from ..models.condition import Condition
from ..pipeline.build import Progress
from ..pipeline.store import Dataset
from ..training.data import known_attributes, storey_height
from .estimate import ROUNDS, Estimate, median

UNITS = {
    "height": "m",
    "footprint_length": "m",
    "footprint_width": "m",
    "footprint_area": "m2",
    "gross_floor_area": "m2",
    "storeys": "",
    "pitched_share": "",
    "fill_ratio": "",
}
"""Of each attribute that can be asked for and measured; counts and shares have none."""

_PART = 16


class ConditionError(Config):
    """How far what was got lies from what was asked.

    Attributes:
        unit: of the attribute.
        asked: buildings for which it was asked.
        absolute: median absolute error, in the unit.
        relative: median of the error over what was asked, where that is not 0; None where it mostly is.
        voxels: median absolute error of the held-out buildings' own grids.
        unasked: median absolute error of samples that were asked for nothing; None where there are none.
        told: median absolute error of what the model tells of the held-out buildings by their latents; None
            for a model that tells nothing.
    """

    unit: str
    asked: int
    absolute: Estimate
    relative: Estimate | None
    voxels: Estimate
    unasked: Estimate | None
    told: Estimate | None = None


def condition_errors(
    generator: Generator,
    data: Dataset,
    rows: Integer[np.ndarray, " k"],
    unasked: UInt8[np.ndarray, "n x y z"],
    *,
    also: Mapping[str, float] | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, ConditionError]:
    """Ask for the attributes of held-out buildings.

    Args:
        generator: of a model; one that was taught no attributes gives nothing.
        data: what it was trained on.
        rows: held-out buildings, at least 3.
        unasked: coverage of samples that were asked for nothing.
        also: what is asked of all beside, by name, in the place of the buildings' own.
        rounds: subsets that each error is taken over.
        seed: draws latents and subsets.
        progress: told how many were made.
    """
    model = generator.model
    names = model.config.condition.attributes
    if not names:
        return {}
    asked, also = known_attributes(data, names)[rows], also or {}
    for name, value in also.items():
        asked[:, names.index(name)] = value
    nothing = Condition.nothing(len(asked), model.config.condition, model.config.resolution)
    condition = replace(nothing, attributes=torch.from_numpy(asked).float())
    made = answers(generator, condition, seed, progress)
    told = _told(model, data.coverage(rows))
    at = [i for i, name in enumerate(names) if name in UNITS and name not in also]
    names, asked = [names[i] for i in at], asked[:, at]
    storey = storey_height(data)
    got = measure_grids(made, names, storey)
    own, free = (
        measure_grids((VoxelGrid(grid, data.pitch) for grid in coverage), names, storey)
        for coverage in (data.coverage(rows), unasked[: len(rows)])
    )
    found = {}
    for i, name in enumerate(names):
        by_latent = None if told is None else told[:, at[i]]
        error = _error(name, asked[:, i], got[:, i], own[:, i], free[:, i], by_latent, rounds, seed)
        if error is not None:
            found[name] = error
    return found


def answers(
    generator: Generator, condition: Condition, seed: int, progress: Progress | None = None
) -> list[VoxelGrid]:
    """Make a building of a seed for each entry of a condition."""
    drawn = keys_of(seed, 0, len(condition))
    made: list[VoxelGrid] = []
    for start in range(0, len(condition), _PART):
        made += generator.answer(condition[start : start + _PART], drawn[start : start + _PART])
        if progress is not None:
            progress("asking for buildings", len(made), len(condition))
    return made


def _told(
    model: GenerativeModel[Any], coverage: UInt8[np.ndarray, "k x y z"]
) -> Float[np.ndarray, "k a"] | None:
    if not isinstance(model, Predicting):
        return None
    device = next(model.parameters()).device
    x = from_coverage(coverage)
    with torch.no_grad():
        return torch.cat([model.predict(part.to(device)).cpu() for part in x.split(_PART)]).numpy()


def _error(
    name: str,
    asked: Float[np.ndarray, " k"],
    got: Float[np.ndarray, " k"],
    own: Float[np.ndarray, " k"],
    free: Float[np.ndarray, " n"],
    told: Float[np.ndarray, " k"] | None,
    rounds: int,
    seed: int,
) -> ConditionError | None:
    known = np.isfinite(asked)
    if np.count_nonzero(known) < 3:
        return None

    apart = np.abs(got - asked)[known]
    wanted = np.abs(asked[known])
    positive = wanted > 1e-6
    k = min(len(free), len(asked))
    ignoring = np.abs(free[:k] - asked[:k])[known[:k]]
    return ConditionError(
        unit=UNITS.get(name, ""),
        asked=int(np.count_nonzero(known)),
        absolute=median(apart, rounds, seed),
        relative=median(apart[positive] / wanted[positive], rounds, seed) if positive.mean() > 0.5 else None,
        voxels=median(np.abs(own - asked)[known], rounds, seed),
        unasked=median(ignoring, rounds, seed) if len(ignoring) >= 3 else None,
        told=None if told is None else median(np.abs(told - asked)[known], rounds, seed),
    )
