"""Super-resolution: buildings in a model's voxels that a block model of coarser ones stands for.

A draw that was asked for the block model's sizes goes part of the way to the building that the model sees in
it, and its latent is then moved until, averaged over the coarse voxels, it looks as they do (`projection.py`;
posterior sampling by the latent, as PULSE of Menon et al. 2020). What the model cannot make so is corrected
voxel by voxel, and seen through the model once more where that still agrees. So several buildings stand for
one block model: alike from afar, each with walls and roofs as the model knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..errors import DataError, UsageError
from ..feedback import HEARD
from ..generator import CHUNK, Generator, from_coverage, keys_of, slerp
from ..geometry.grid import FULL, VoxelGrid, coarsened
from ..geometry.measure import measure_grids
from ..models.base import EncodingModel
from ..projection import brought_near
from .search import brisk

AGREEING = 0.9
"""IoU with the block model, seen through its voxels, from which a building stands for it."""

_STEPS, _RATE = 24, 0.1
"""Of gradient descent: how many, and how long, in deviations of a latent."""

_DRAWN = 2
"""Buildings made for each one asked for."""


@dataclass(frozen=True)
class Upscaled:
    """A building that stands for a block model.

    Attributes:
        grid: in the model's voxels, where the block model stands.
        number: within the seed.
        agreement: IoU with the block model, seen through its voxels.
    """

    grid: VoxelGrid
    number: int
    agreement: float


def coarseness(generator: Generator, pitch: float) -> int:
    """Give how many of a model's voxels lie along the edge of one of a pitch.

    Raises:
        UsageError: when that is no whole number from 2 up that divides the model's grid.
    """
    ratio = pitch / generator.pitch
    by = round(ratio)
    whole = by >= 2 and abs(ratio - by) <= 1e-3 * by
    if not whole or any(n % by for n in generator.resolution):
        divisors = [n for n in range(2, 33) if not any(length % n for length in generator.resolution)]
        fit = ", ".join(f"{n * generator.pitch:g}" for n in divisors[:4])
        raise UsageError(
            f"voxels of {pitch:g} m are no whole number of the model's ({generator.pitch:g} m), or do not "
            f"divide its grid of {generator.resolution}; take {fit} m"
        )
    return by


def upscale(
    generator: Generator,
    rough: VoxelGrid,
    n: int,
    seed: int = 0,
    strength: float = 0.5,
    progress: Callable[[float], None] | None = None,
    accept: Callable[[VoxelGrid], bool] | None = None,
) -> list[Upscaled]:
    """Give buildings that a block model stands for, the most agreeing first.

    Args:
        generator: the model, of any family.
        rough: the block model, in voxels a whole number of times as large as the model's, in a grid as large.
        n: how many.
        seed: decides them.
        strength: from 0, the building that the model sees in it, to 1, any of its size, to begin from.
        progress: is told the share that is done.
        accept: tells which buildings may be given; all where left out.

    Raises:
        UsageError: for voxels that do not fit the model's, a strength outside 0 to 1, and several of none.
        DataError: for an empty block model, one in a grid of another size, and where no building is accepted.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"strength = {strength}; give a share from 0 (as it is seen) to 1 (any of its size)")
    if strength == 0 and n > 1:
        raise UsageError(f"n = {n} of no strength would be one building; ask for 1, or for some strength")
    by = coarseness(generator, rough.pitch)
    size = tuple(n // by for n in generator.resolution)
    if rough.resolution != size:
        raise DataError(f"a block model of {rough.resolution} voxels of {rough.pitch:g} m; needed are {size}")
    if not rough.occupancy.any():
        raise DataError("the block model is empty; there is nothing to stand for")
    made: list[Upscaled] = []
    drawn = 0
    for some in _made(_Rough(brisk(generator), rough, by, strength), _DRAWN * n, seed):
        made += [one for one in some if accept is None or accept(one.grid)]
        drawn += len(some)
        if progress is not None:
            progress(drawn / (_DRAWN * n))
    if not made:
        raise DataError(f"none of {drawn} buildings made is accepted; ask for less novelty, or another seed")
    # Of those that agree each is as good: the first ones of the seed, so that they differ as draws do.
    agreeing = [one for one in made if one.agreement >= AGREEING]
    rest = sorted((one for one in made if one.agreement < AGREEING), key=lambda one: -one.agreement)
    return sorted([*agreeing, *rest][:n], key=lambda one: -one.agreement)


def agreement(rough: VoxelGrid, grid: VoxelGrid) -> float:
    """Give the IoU of a building with a block model, seen through the block model's voxels."""
    seen = coarsened(grid.occupancy, grid.resolution[0] // rough.resolution[0])
    return float((seen & rough.occupancy).sum() / max(1, (seen | rough.occupancy).sum()))


@dataclass(frozen=True)
class _Rough:
    """A block model, and the model that is to make buildings of it."""

    generator: Generator
    grid: VoxelGrid
    by: int
    strength: float

    def seen(self) -> VoxelGrid:
        """The block model in the model's voxels, its steps smoothed."""
        coverage = torch.from_numpy(self.grid.coverage.astype(np.float32))[None, None] / FULL
        fine = F.interpolate(coverage, scale_factor=self.by, mode="trilinear")[0, 0]
        values = np.round(fine.numpy() * FULL).astype(np.uint8)
        return VoxelGrid(values, self.generator.pitch)

    def asked(self) -> dict[str, float]:
        """Its sizes, as far as the model can be asked for them."""
        known = [name for name in HEARD if name in self.generator.model.config.condition.attributes]
        values = measure_grids([self.grid], known)[0]
        return {name: float(v) for name, v in zip(known, values, strict=True) if np.isfinite(v)}

    def best(self, tried: Iterable[VoxelGrid]) -> tuple[float, VoxelGrid]:
        """The first of some buildings that agrees; else the one that agrees most, corrected."""
        found = []
        for grid in tried:
            found.append((agreement(self.grid, grid), grid))
            if found[-1][0] >= AGREEING:
                return found[-1]
        corrected = self.corrected(max(found, key=lambda one: one[0])[1])
        if isinstance(self.generator.model, EncodingModel):
            # As the model sees it, walls are straight again.
            seen = self.generator.reconstruct(corrected)
            if agreement(self.grid, seen) >= AGREEING:
                return agreement(self.grid, seen), seen
        return agreement(self.grid, corrected), corrected

    def corrected(self, grid: VoxelGrid) -> VoxelGrid:
        """A building whose coarse voxels are filled or emptied where the block model's are."""
        wrong = coarsened(grid.occupancy, self.by) != self.grid.occupancy
        fill = np.where(self.grid.occupancy, FULL, 0).astype(np.uint8)
        cells = np.ones((self.by,) * 3, np.uint8)
        values = np.where(np.kron(wrong, cells) > 0, np.kron(fill, cells), grid.coverage)
        return VoxelGrid(values.astype(np.uint8), grid.pitch, grid.origin, grid.yaw)


def _made(rough: _Rough, n: int, seed: int) -> Iterator[list[Upscaled]]:
    generator, by = rough.generator, rough.by
    condition = generator.condition(rough.asked())
    seen = generator.find(rough.seen())
    wanted = from_coverage(rough.grid.coverage[None].copy())
    for first in range(0, n, CHUNK):
        keys = keys_of(seed, first, CHUNK)
        free = generator.drawn(condition, keys)
        begun = torch.cat([slerp(seen, free[i : i + 1], _way(rough, seed, first + i)) for i in range(CHUNK)])
        told = condition[torch.zeros(CHUNK, dtype=torch.int64)]

        def averaged(x: Float[Tensor, "n 1 x y z"]) -> Float[Tensor, "n 1 i j k"]:
            return F.avg_pool3d(x, by)

        device = next(generator.model.parameters()).device
        many = wanted.expand(CHUNK, -1, -1, -1, -1).to(device)
        moved = brought_near(
            generator.model, begun.to(device), told.to(device), many, averaged, _STEPS, _RATE
        )
        z = moved.cpu()
        # What settling straightens may have drifted; then the building stays as it was decoded.
        pairs = zip(generator.generate(z, told), generator.decode(z, told), strict=True)
        found = []
        for i, pair in enumerate(pairs):
            value, grid = rough.best(pair)
            placed = VoxelGrid(grid.values, grid.pitch, rough.grid.origin, rough.grid.yaw)
            found.append(Upscaled(placed, first + i, value))
        yield found[: n - first]


def _way(rough: _Rough, seed: int, number: int) -> float:
    """How far a draw goes from what is seen, at least half of the strength."""
    return float(rough.strength * np.random.default_rng([seed, number]).uniform(0.5, 1.0))
