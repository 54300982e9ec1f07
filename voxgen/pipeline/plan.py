"""What goes into a data set, decided from all candidates at once: the pitch, the shapes, the split.

Shapes are compared at fixed pitches, whatever the data set's: at 2 m a voxel all houses are alike.
Buildings are *merged* where they are one shape at the coarsest of these pitches that is not coarser than the
data set's, and *kept on one side* where they are one shape at any of them, whether or not they fit in the
grid. So data sets of the same sources put every building on the same side, and nothing leaks between
resolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int64

from .config import BuildConfig, SplitConfig
from .duplicates import Columns, components
from .report import Reason, Row
from .sources import file_name
from .split import SIDES, deal, keys, leaders

FITTING = 0.95
"""Share of the buildings that fit at a pitch that is chosen from the data."""

STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 10.0)
"""Round numbers in each decade, of which the chosen pitch is one."""

SLACK = 1e-6
"""Relative excess at which a building still fits, as in `voxgen.geometry.placement`."""


@dataclass(frozen=True)
class Scale:
    """Metres a voxel.

    Attributes:
        pitch: of the data set.
        each: (c,) of each candidate; the same everywhere unless each fills the grid.
        fits: (c,) whether each lies inside the grid.
        notes: what was chosen.
    """

    pitch: float
    each: Float[np.ndarray, " c"]
    fits: Bool[np.ndarray, " c"]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a data set will hold.

    Attributes:
        rows: the report; a row each for the c candidates.
        kept: positions of the candidates that go in.
        shape: (c,) number of each candidate's shape.
        split: (c,) side of each candidate, a position in `SIDES`.
        leader: (c,) key of the first of each candidate's family, which decides its side.
    """

    rows: tuple[Row, ...]
    kept: Int64[np.ndarray, " k"]
    shape: Int64[np.ndarray, " c"]
    split: Int64[np.ndarray, " c"]
    leader: tuple[str, ...]


def choose_scale(extents: Float[np.ndarray, "c 3"], config: BuildConfig) -> Scale:
    """Settle the pitch: as given, or from the data.

    Args:
        extents: size of each candidate along the grid's axes, metres.
        config: resolution, pitch, fit.
    """
    resolution = np.array(config.resolution)
    each = filling(extents, config.resolution)
    if config.fit:
        pitch = float(np.median(each))
        note = f"each building fills the grid; pitches of {each.min():.3g} to {each.max():.3g} m"
        return Scale(pitch, each, np.ones(len(each), np.bool_), (note,))
    notes: tuple[str, ...] = ()
    pitch = config.pitch
    if pitch is None:
        # The pitch at which the 95 % smallest fit, not one between two buildings.
        pitch = _round_up(float(np.quantile(each, FITTING, method="inverted_cdf")))
        x, y, z = resolution * pitch
        notes = (f"pitch chosen from the data: {pitch:g} m, a grid of {x:g} x {y:g} x {z:g} m",)
    fits = each <= pitch * (1 + SLACK)
    return Scale(pitch, np.full(len(extents), pitch), fits, notes)


def filling(extents: Float[np.ndarray, "c 3"], resolution: tuple[int, int, int]) -> Float[np.ndarray, " c"]:
    """Give the pitch at which each building fills the grid, metres."""
    return np.maximum((extents / np.array(resolution)).max(axis=1), 1e-9)


def comparison_pitches(scale: Scale, config: BuildConfig) -> tuple[float, ...]:
    """Give the pitches at which shapes are compared, the one for merging first; 0 means all at one size."""
    if config.fit:
        return (0.0,)
    pitches = sorted(set(config.duplicates.pitches))
    merging = max((pitch for pitch in pitches if pitch <= scale.pitch * (1 + SLACK)), default=pitches[0])
    return (merging, *(pitch for pitch in pitches if pitch != merging))


def decide(
    rows: Sequence[Row],
    comparisons: Sequence[Columns],
    scale: Scale,
    config: BuildConfig,
    procedural: Bool[np.ndarray, " c"] | None = None,
) -> Plan:
    """Decide which candidates go in, which are one shape, and on which side each lies.

    Args:
        rows: of the candidates.
        comparisons: their grids at each of `comparison_pitches`.
        scale: of the candidates.
        config: duplicates, split, and what becomes of buildings larger than the grid.
        procedural: which of them were made by rule. Such a one is never the same shape as a real one, so that
            at a given pitch the real ones are merged and dealt as they are without them.
    """
    if procedural is not None:
        comparisons = [columns.apart(procedural) for columns in comparisons]
    names = keys([row.id for row in rows], [file_name(row.source) for row in rows])
    shape = components(comparisons[:1], config.duplicates.threshold)
    families = components(comparisons, config.duplicates.threshold)
    leader = tuple(names[first] for first in leaders(families, names))
    split = deal(leader, config.split)

    enters = scale.fits | (config.oversize == "clip")
    if config.duplicates.keep == "one":
        # Of those that fit the first speaks for its shape, so that a shape is not lost with a larger twin.
        inside = np.flatnonzero(enters)
        speaker = inside[leaders(shape[inside], [names[k] for k in inside])]
    else:
        inside = speaker = np.flatnonzero(enters)
    told = list(rows)
    for k in np.flatnonzero(~scale.fits).tolist():
        told[k] = _too_large(rows[k], scale, config)
    for k, other in zip(inside.tolist(), speaker.tolist(), strict=True):
        if other != k:
            detail = f"the same shape as {rows[other].id} in {rows[other].source}"
            told[k] = replace(told[k], reason=Reason.DUPLICATE, detail=detail)
    return Plan(tuple(told), inside[speaker == inside], shape, split, leader)


def with_training(plan: Plan, config: SplitConfig) -> Plan:
    """Give a plan that can be trained on: where nothing kept lies in training, what is kept is dealt anew.

    That happens only to a handful of shapes, of which those dealt to training did not fit in the grid.
    """
    if config.train == 0 or (plan.split[plan.kept] == SIDES.index("train")).any():
        return plan
    split = plan.split.copy()
    split[plan.kept] = deal([plan.leader[k] for k in plan.kept], config)
    return replace(plan, split=split)


def _too_large(row: Row, scale: Scale, config: BuildConfig) -> Row:
    x, y, z = (count * scale.pitch for count in config.resolution)
    length, width, height = row.size
    told = f"{length:.1f} x {width:.1f} x {height:.1f} m in a grid of {x:g} x {y:g} x {z:g} m"
    if config.oversize == "clip":
        return replace(row, warnings=(*row.warnings, f"clipped: {told}"))
    return replace(row, reason=Reason.GRID, detail=told)


def _round_up(pitch: float) -> float:
    decade = 10.0 ** np.floor(np.log10(max(pitch, 1e-9)))
    # A hair above a step is that step: rounding in the last digits must not coarsen the whole data set.
    return next(float(f"{decade * step:.6g}") for step in STEPS if decade * step * (1 + SLACK) >= pitch)
