"""A building brought to a site and its wants: of all symmetries the best, shifted, stretched, and held.

Stretching by a few per cent is what an architect does with a type that nearly fits. The stretch is found by
asking again: measured, it is multiplied by what is wanted over what was got, until both agree or the bounds
are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ..geometry.grid import VoxelGrid
from ..geometry.measure import measure_grid, measure_plans
from .goal import Goal
from .hold import Held, as_coverage, hold
from .pose import ALONG_X, SYMMETRIES, Pose

STRETCH = 1.35
"""By which a building is made larger or smaller at most, along any axis."""

_CLOSE = 0.01
"""Misfit at which no more is tried."""

_ROUNDS = 4
_TRIED = 2
"""Symmetries that are looked at closely, of those that lie best."""

_PLANS = ("gross_floor_area", "footprint_area", "volume")
"""What a stretch of the plan alters; the first that is wanted decides."""

STRETCHED = ("height", *_PLANS)
"""Wants that a stretch alters smoothly."""


@dataclass(frozen=True)
class Fitted:
    """A building on its site.

    Attributes:
        grid: coverage in the site's coordinates.
        pose: how it was set there.
        held: what was changed so that the rules hold.
        lost: voxels that the rules took away.
        got: its measures by name, of plans and heights.
        misfit: weighted squares of what the wants are missed by, in tolerances, and of what was changed.
    """

    grid: VoxelGrid
    pose: Pose
    held: Held
    lost: Bool[np.ndarray, "x y z"]
    got: Mapping[str, float]
    misfit: float


def fit(x: Float[np.ndarray, "x y z"], goal: Goal) -> Fitted:
    """Set a building on a site.

    Args:
        x: its coverage in [0, 1].
        goal: what it is to be there.
    """
    if goal.still or not (x > 0.5).any():
        return _judged(Pose(), x, goal)
    room = goal.room
    lies = []
    for symmetry in range(ALONG_X if goal.oriented else SYMMETRIES):
        shift, wrong = room.places.best(Pose(symmetry).place(x, room.lay.resolution))
        # Symmetries that lie equally well come in their own order, whatever the last bits say.
        lies.append((round(wrong, 4), symmetry, shift))
    tried = [_stretched(x, Pose(symmetry, shift=shift), goal) for _, symmetry, shift in sorted(lies)[:_TRIED]]
    return min(tried, key=lambda one: one.misfit)


def _stretched(x: Float[np.ndarray, "x y z"], pose: Pose, goal: Goal) -> Fitted:
    """The best of some rounds of stretching, which alters no roof's form."""
    best = now = _judged(pose, x, goal)
    for _ in range(_ROUNDS):
        if best.misfit - goal.roof_misfit(best.got) < _CLOSE:
            break
        stretch = _closer(pose.stretch, now.got, goal.wanted)
        if np.allclose(stretch, pose.stretch, rtol=1e-3) or not now.got["volume"]:
            break
        pose = Pose(pose.symmetry, stretch)
        shift, _ = goal.room.places.best(pose.place(x, goal.room.lay.resolution))
        pose = Pose(pose.symmetry, stretch, shift)
        now = _judged(pose, x, goal)
        if now.misfit < best.misfit:
            best = now
    return best


def _closer(
    stretch: tuple[float, float, float], got: Mapping[str, float], wanted: Mapping[str, float]
) -> tuple[float, float, float]:
    sx, sy, sz = stretch
    if "height" in wanted and got["height"] > 0:
        sz *= wanted["height"] / got["height"]
    elif "storeys" in wanted and got["storeys"] > 0:
        sz *= wanted["storeys"] / got["storeys"]
    name = next((name for name in _PLANS if name in wanted), None)
    if name is not None and got[name] > 0:
        grown = np.sqrt(wanted[name] / got[name] / (sz / stretch[2] if name == "volume" else 1.0))
        sx, sy = sx * grown, sy * grown
    x, y, z = np.clip((sx, sy, sz), 1 / STRETCH, STRETCH).tolist()
    return x, y, z


def _judged(pose: Pose, x: Float[np.ndarray, "x y z"], goal: Goal) -> Fitted:
    room, lay = goal.room, goal.room.lay
    placed = pose.place(x, lay.resolution)
    kept, held = hold(placed, room.allowed, room.keep, goal.reach)
    grid = VoxelGrid(as_coverage(kept), lay.pitch, lay.origin, lay.yaw)
    got = _measures(grid, goal)
    changed = held.total / max(float(placed.sum()), 1.0)
    lost = (placed > 0.5) & ~grid.occupancy
    return Fitted(grid, pose, held, lost, got, goal.misfit(got) + (10 * changed) ** 2)


def _measures(grid: VoxelGrid, goal: Goal) -> dict[str, float]:
    """Plans and heights; compactness too where it is wanted, which takes a surface."""
    if "surface_to_volume" not in goal.wanted:
        return measure_plans(grid, goal.storey_height)
    measures = measure_grid(grid, goal.storey_height)
    return measures | {"surface_to_volume": measures["surface_area"] / max(measures["volume"], 1e-9)}
