"""Does a model make what it is asked for? Asked against got, attribute by attribute.

The attributes of a held-out building are asked for all at once, one building is made, and measured by
`geometry.measure.measure_grid`. Beside the error stand what measuring voxels instead of the file alone costs
(the held-out building's own grid), and what a model reaches that does not listen (samples asked for nothing).
The other way round, a model with an autoencoder tells the attributes of a held-out building by its latent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8

from ..config import Config
from ..generator import from_coverage, to_coverage
from ..geometry.grid import VoxelGrid
from ..geometry.measure import measure_grid
from ..keys import keys
from ..models.base import GenerativeModel, Predicting
from ..models.condition import Condition
from ..pipeline.build import Progress
from ..pipeline.store import Dataset
from ..training.data import known_attributes
from .estimate import ROUNDS, Estimate, draws, subset_size

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
    model: GenerativeModel[Any],
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
        model: a model; one that was taught no attributes gives nothing.
        data: what it was trained on.
        rows: held-out buildings, at least 3.
        unasked: coverage of samples that were asked for nothing.
        also: what is asked of all beside, by name, in the place of the buildings' own.
        rounds: subsets that each error is taken over.
        seed: draws latents and subsets.
        progress: told how many were made.
    """
    names = model.config.condition.attributes
    if not names:
        return {}
    asked, also = known_attributes(data, names)[rows], also or {}
    for name, value in also.items():
        asked[:, names.index(name)] = value
    made = _made(model, asked, seed, progress)
    told = _told(model, data.coverage(rows))
    at = [i for i, name in enumerate(names) if name in UNITS and name not in also]
    names, asked = [names[i] for i in at], asked[:, at]
    storey = float((data.card.get("config") or {}).get("storey_height", 3.0))
    got = measured(made, data.pitch, storey, names)
    own = measured(data.coverage(rows), data.pitch, storey, names)
    free = measured(unasked[: len(rows)], data.pitch, storey, names)
    found = {}
    for i, name in enumerate(names):
        by_latent = None if told is None else told[:, at[i]]
        error = _error(name, asked[:, i], got[:, i], own[:, i], free[:, i], by_latent, rounds, seed)
        if error is not None:
            found[name] = error
    return found


def measured(
    coverage: UInt8[np.ndarray, "n x y z"], pitch: float, storey_height: float, names: Sequence[str]
) -> Float[np.ndarray, "n a"]:
    """Measure attributes of grids by name, each in its own unit."""
    values = [measure_grid(VoxelGrid(grid, pitch), storey_height) for grid in coverage]
    return np.array([[of[name] for name in names] for of in values]).reshape(len(coverage), len(names))


def _made(
    model: GenerativeModel[Any], asked: Float[np.ndarray, "k a"], seed: int, progress: Progress | None
) -> UInt8[np.ndarray, "k x y z"]:
    config = model.config
    nothing = Condition.nothing(len(asked), config.condition, config.resolution)
    condition = Condition(torch.from_numpy(asked).float(), nothing.masks, nothing.given)
    drawn = torch.from_numpy(keys(seed, positions=np.arange(len(asked))))
    parts = []
    for start in range(0, len(asked), _PART):
        some = condition[start : start + _PART]
        parts.append(to_coverage(model.sample(drawn[start : start + _PART], some).cpu()))
        if progress is not None:
            progress("asking for buildings", start + len(some), len(asked))
    return np.concatenate(parts)


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

    def median(errors: Float[np.ndarray, " n"]) -> Estimate:
        n = len(errors)
        chosen = draws(n, n, subset_size(n), rounds, seed)
        return Estimate.of([float(np.median(errors[g])) for g, _ in chosen])

    apart = np.abs(got - asked)[known]
    wanted = np.abs(asked[known])
    positive = wanted > 1e-6
    k = min(len(free), len(asked))
    ignoring = np.abs(free[:k] - asked[:k])[known[:k]]
    return ConditionError(
        unit=UNITS.get(name, ""),
        asked=int(np.count_nonzero(known)),
        absolute=median(apart),
        relative=median(apart[positive] / wanted[positive]) if positive.mean() > 0.5 else None,
        voxels=median(np.abs(own - asked)[known]),
        unasked=median(ignoring) if len(ignoring) >= 3 else None,
        told=None if told is None else median(np.abs(told - asked)[known]),
    )
