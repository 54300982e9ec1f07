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
from .brief import Target
from .frame import Room
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


def fit(
    x: Float[np.ndarray, "x y z"],
    room: Room,
    wanted: Mapping[str, float],
    targets: Mapping[str, Target],
    *,
    reach: float,
    storey_height: float,
    oriented: bool = False,
    still: bool = False,
) -> Fitted:
    """Set a building on a site.

    Args:
        x: its coverage in [0, 1].
        room: the site.
        wanted: values in full, see `agree.in_full`.
        targets: their tolerances and weights, by the same names.
        reach: of a cantilever in voxels.
        storey_height: metres.
        oriented: whether the long side stays along x.
        still: whether it stays as it is, in the middle of the room.
    """
    if still or not (x > 0.5).any():
        return _judged(Pose(), x, room, wanted, targets, reach, storey_height)
    size = room.lay.resolution
    lies = []
    for symmetry in range(ALONG_X if oriented else SYMMETRIES):
        pose = Pose(symmetry)
        shift, wrong = room.places.best(pose.place(x, size))
        # Symmetries that lie equally well come in their own order, whatever the last bits say.
        lies.append((round(wrong, 4), symmetry, shift))
    tried = [
        _stretched(x, Pose(symmetry, shift=shift), room, wanted, targets, reach, storey_height)
        for _, symmetry, shift in sorted(lies)[:_TRIED]
    ]
    return min(tried, key=lambda one: one.misfit)


def _stretched(
    x: Float[np.ndarray, "x y z"],
    pose: Pose,
    room: Room,
    wanted: Mapping[str, float],
    targets: Mapping[str, Target],
    reach: float,
    storey_height: float,
) -> Fitted:
    """The best of some rounds of stretching."""
    best = now = _judged(pose, x, room, wanted, targets, reach, storey_height)
    for _ in range(_ROUNDS):
        if best.misfit < _CLOSE:
            break
        stretch = _closer(pose.stretch, now.got, wanted)
        if np.allclose(stretch, pose.stretch, rtol=1e-3) or not now.got["volume"]:
            break
        pose = Pose(pose.symmetry, stretch)
        shift, _ = room.places.best(pose.place(x, room.lay.resolution))
        pose = Pose(pose.symmetry, stretch, shift)
        now = _judged(pose, x, room, wanted, targets, reach, storey_height)
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


def _judged(
    pose: Pose,
    x: Float[np.ndarray, "x y z"],
    room: Room,
    wanted: Mapping[str, float],
    targets: Mapping[str, Target],
    reach: float,
    storey_height: float,
) -> Fitted:
    placed = pose.place(x, room.lay.resolution)
    kept, held = hold(placed, room.allowed, room.keep, reach)
    lay = room.lay
    grid = VoxelGrid(as_coverage(kept), lay.pitch, lay.origin, lay.yaw)
    got = _measures(grid, storey_height, wanted)
    changed = held.total / max(float(placed.sum()), 1.0)
    lost = (placed > 0.5) & ~grid.occupancy
    return Fitted(grid, pose, held, lost, got, misfit(got, wanted, targets) + (10 * changed) ** 2)


def _measures(grid: VoxelGrid, storey_height: float, wanted: Mapping[str, float]) -> dict[str, float]:
    """Plans and heights; compactness too where it is wanted, which takes a surface."""
    if "surface_to_volume" not in wanted:
        return measure_plans(grid, storey_height)
    measures = measure_grid(grid, storey_height)
    return measures | {"surface_to_volume": measures["surface_area"] / max(measures["volume"], 1e-9)}


def misfit(got: Mapping[str, float], wanted: Mapping[str, float], targets: Mapping[str, Target]) -> float:
    """Give the weighted squares of what wants are missed by, each in its tolerance."""
    total = 0.0
    for name, value in wanted.items():
        if name in got:
            target = targets[name]
            total += target.weight * ((got[name] - value) / (target.tolerance * value)) ** 2
    return total
