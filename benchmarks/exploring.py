"""Exploring from buildings of one's own: super-resolution, moves along attributes, ways between two.

    python benchmarks/exploring.py --data S64 [-n 24] [--models vae,gan,flow,diffusion]

Test buildings of a data set at the grid of the models that come with voxgen, which have not seen them.

upscale     each is seen in voxels twice as large, and two buildings are made that stand for it; beside it
            what voxels blown up to the model's size give
attributes  each is made 1.5 m higher and lower, 2 m longer and shorter: what is missed, and what moves along
interpolate the way between each and the next, eight buildings: how many are sound before any mending; beside
            it coverage faded from one to the other
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from voxgen.design.upscale import AGREEING, upscale
from voxgen.evaluation.facets import facets
from voxgen.evaluation.validity import sound
from voxgen.generator import Generator, load
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.measure import measure_grid
from voxgen.pipeline.store import Dataset

STEPS = 8
MOVES = {"height": 1.5, "footprint_length": 2.0}
HELD = {"height": "footprint_length", "footprint_length": "height"}


@dataclass
class Found:
    """What was measured of a model."""

    agreement: list[float] = field(default_factory=list)
    facets: list[float] = field(default_factory=list)
    missed: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MOVES})
    moved: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MOVES})
    stands: list[bool] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("-n", "--count", type=int, default=24, help="test buildings")
    parser.add_argument("--models", default="vae,gan,flow,diffusion")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    data = Dataset.open(args.data)
    rows = np.random.default_rng(args.seed).permutation(data.indices("test"))[: args.count]
    # As a user has them: in the middle of the grid, without a place in the world.
    grids = [VoxelGrid(data.grid(int(row)).values, data.pitch) for row in rows]
    roughs = [_coarse(grid) for grid in grids]
    real = float(np.median(facets(np.stack([grid.occupancy for grid in grids]))))
    blown = np.stack([np.kron(rough.occupancy, np.ones((2, 2, 2), bool)) for rough in roughs])
    faded = [sound(_faded(a, b)) for a, b in pairwise(grids)]
    found = {name: measured(load(f"pretrained:{name}"), grids, roughs) for name in args.models.split(",")}
    print(f"| {len(grids)} test buildings | {' | '.join(found)} | beside |")
    print("|---|" + "---|" * (len(found) + 1))
    _row("upscale: median agreement", [f"{np.median(one.agreement):.3f}" for one in found.values()], "")
    shares = [f"{np.mean(np.array(one.agreement) >= AGREEING):.0%}" for one in found.values()]
    _row(f"... {AGREEING:g} or more", shares, "asked: all")
    beside = f"blown up {np.median(facets(blown)):.0f}, themselves {real:.0f}"
    _row("... facets", [f"{np.median(one.facets):.0f}" for one in found.values()], beside)
    for name, by in MOVES.items():
        missed = [f"{np.mean(one.missed[name]):.2f} m" for one in found.values()]
        _row(f"{name} by {by:g} m either way: mean error", missed, "")
        moved = [f"{np.mean(one.moved[name]):.2f} m" for one in found.values()]
        _row(f"... {HELD[name]} moves along", moved, "")
    shares = [f"{np.mean(one.stands):.0%}" for one in found.values()]
    _row("interpolate: sound before mending", shares, f"faded {np.mean(np.concatenate(faded)):.0%}")
    _row("seconds", [f"{one.seconds:.0f}" for one in found.values()], "")


def measured(generator: Generator, grids: Sequence[VoxelGrid], roughs: Sequence[VoxelGrid]) -> Found:
    """Measure a model."""
    found, begun = Found(), time.perf_counter()
    for rough in roughs:
        made = upscale(generator, rough, 2, seed=1)
        found.agreement += [one.agreement for one in made]
        found.facets += facets(np.stack([one.grid.occupancy for one in made])).tolist()
    for grid in grids:
        has = measure_grid(grid)
        for name, by in MOVES.items():
            values = [has[name] - by, has[name] + by]
            got = [measure_grid(one) for one in generator.changed(grid, name, values)]
            found.missed[name] += [abs(one[name] - value) for one, value in zip(got, values, strict=True)]
            found.moved[name] += [abs(one[HELD[name]] - has[HELD[name]]) for one in got]
    for a, b in pairwise(grids):
        way = generator.interpolate(a, b, STEPS)
        found.stands += sound(np.stack([one.occupancy for one in way])).tolist()
    found.seconds = time.perf_counter() - begun
    return found


def _coarse(grid: VoxelGrid) -> VoxelGrid:
    """A building in voxels twice as large."""
    x, y, z = (n // 2 for n in grid.resolution)
    mean = grid.coverage.reshape(x, 2, y, 2, z, 2).mean(axis=(1, 3, 5))
    return VoxelGrid(np.round(mean).astype(np.uint8), 2 * grid.pitch)


def _faded(a: VoxelGrid, b: VoxelGrid) -> np.ndarray:
    """Coverage faded from one building to another."""
    ways = np.linspace(0, 1, STEPS)[:, None, None, None]
    return (1 - ways) * a.coverage + ways * b.coverage > 32


def _row(name: str, cells: Sequence[str], beside: str) -> None:
    print(f"| {name} | {' | '.join(cells)} | {beside} |", flush=True)


if __name__ == "__main__":
    main()
