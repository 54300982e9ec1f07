"""Designing to a brief beside rejection sampling: what is asked, got, and paid.

    python benchmarks/design.py --data ../shared/data [--briefs 100] [--models vae,gan,flow,diffusion] [-n 4]

A brief is made of a real building: its plot is the building's footprint two metres wider, with a setback of
one metre, a height limit a tenth above it; asked for are its gross floor area and its height, so that the
brief can be met. voxgen makes `-n` buildings for each. Rejection sampling draws from the same model for the
same time, with height, floor area and extents asked for (and asked again), moves each draw to where it lies
best, takes what lies inside to a hundredth of its volume, and counts the `-n` best.

Printed for each model: errors of height and gross floor area, of the surface that is exported, medians over
all designs; the share that meets both within 5 %; the share that keeps the site exactly, by booleans; the
mean pairwise distance (1 - IoU) of the designs over that of as many free samples; and the time of a design in
forward passes (a building through encoder and decoder, at a batch of 16). A pass is timed in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from voxelize import real_buildings, table

from voxgen.design.brief import Brief
from voxgen.design.exact import proof
from voxgen.design.hold import as_coverage
from voxgen.design.pose import ALONG_X, Pose
from voxgen.design.search import Designer
from voxgen.errors import DataError, UsageError
from voxgen.generator import CHUNK, Generator, load
from voxgen.geometry.footprint import footprint
from voxgen.geometry.grid import FULL, VoxelGrid, pack
from voxgen.geometry.measure import measure, measure_plans
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.similarity import popcount_iou
from voxgen.models.autoencoder import Autoencoder
from voxgen.pretrained import SHIPPED, names

WIDER, SETBACK = 2.0, 1.0
PITCH = 0.5
INSIDE = 0.99
PART = 16
"""Draws of rejection sampling that are made at once."""


def brief_of(mesh: Mesh) -> Brief | None:
    """A brief that the building itself meets; None where its footprint is in several pieces."""
    plot = footprint(mesh).buffer(WIDER, join_style="mitre").simplify(0.05)
    if plot.geom_type != "Polygon":
        return None
    got = measure(mesh)
    site = {"plot": plot.wkt, "setback": SETBACK, "height_limit": 1.1 * got["height"]}
    wanted = {name: got[name] for name in ("gross_floor_area", "height")}
    return Brief.parse({"site": site, "targets": wanted})


def forward_pass(generator: Generator) -> float:
    """Seconds of a building through encoder and decoder."""
    model = generator.model
    autoencoder = model.shared()
    if not isinstance(autoencoder, Autoencoder):
        raise SystemExit("a model without an autoencoder")
    x = torch.zeros(PART, 1, *generator.resolution)
    x[:, :, 20:44, 24:40, :20] = 1.0
    condition = model.unconditional(PART)
    took = []
    with torch.no_grad():
        for _ in range(5):
            started = time.perf_counter()
            autoencoder.logits(autoencoder.moments(x)[0], condition)
            took.append(time.perf_counter() - started)
    return statistics.median(took) / PART


def distance(bits: list[np.ndarray]) -> float:
    """Mean pairwise 1 - IoU."""
    if len(bits) < 2:
        return float("nan")
    stacked = np.stack(bits)
    alike = popcount_iou(stacked, stacked)[np.triu_indices(len(bits), 1)]
    return float(1 - alike.mean())


def errors(got: dict[str, float], wanted: Mapping[str, float]) -> dict[str, float]:
    return {name: abs(got[name] / value - 1) for name, value in wanted.items()}


def rejection(
    designer: Designer, seconds: float, count: int, seed: int
) -> tuple[int, int, list[dict[str, float]]]:
    """Draws, how many are taken, and the errors of the best of these."""
    generator, room = designer.generator, designer.room
    started, drawn, taken = time.perf_counter(), 0, []
    while time.perf_counter() - started < seconds:
        asked = designer.ask(seed, drawn)
        for grid in generator.sample(CHUNK, seed, first=drawn, attributes=asked):
            drawn += 1
            x = grid.coverage / FULL
            if not x.any():
                continue
            lies = []
            for symmetry in range(ALONG_X):
                shift, wrong = room.places.best(Pose(symmetry).place(x, room.lay.resolution))
                lies.append((wrong, symmetry, shift))
            wrong, symmetry, shift = min(lies)
            if wrong > (1 - INSIDE) * x.sum():
                continue
            y = Pose(symmetry, shift=shift).place(x, room.lay.resolution)
            placed = VoxelGrid(as_coverage(y), room.lay.pitch)
            taken.append(errors(measure_plans(placed, designer.wants.storey_height), designer.goal.wanted))
    best = sorted(taken, key=lambda missed: max(missed.values()))[:count]
    return drawn, len(taken), best


def row_of(model: str, briefs: list[Brief], count: int) -> dict[str, Any]:
    """All figures of a model."""
    generator = load(f"{SHIPPED}{model}")
    one = forward_pass(generator)
    free = [pack(grid.occupancy) for grid in generator.sample(64, 11, attributes={"procedural": 0.0})]
    unconstrained = distance(free)
    height, floors, met, holds, spread, passes, refused = [], [], [], [], [], [], 0
    rejected: list[dict[str, float]] = []
    acceptance = []
    for number, brief in enumerate(briefs):
        started = time.perf_counter()
        try:
            designer = Designer.of(generator, brief)
            designs = designer.designs(count, seed=number)
        except (DataError, UsageError) as failure:
            print(f"{model}, brief {number}: {failure}", flush=True)
            refused += 1
            continue
        took = time.perf_counter() - started
        passes.append(took / count / one)
        for design in designs:
            mesh = design.surface.to_mesh()
            missed = errors(dict(design.got), designer.goal.wanted)
            height.append(missed["height"])
            floors.append(missed["gross_floor_area"])
            met.append(max(missed.values()) <= 0.05)
            holds.append(proof(mesh, designer.site).holds)
        spread.append(distance([pack(one.candidate.fitted.grid.occupancy) for one in designs]))
        drawn, taken, best = rejection(designer, took, count, number)
        acceptance.append(taken / max(drawn, 1))
        rejected += best
    return {
        "model": model,
        "designs": len(height),
        "height": f"{np.median(height):.1%}",
        "floor area": f"{np.median(floors):.1%}",
        "both within 5 %": f"{np.mean(met):.0%}",
        "site kept exactly": f"{np.mean(holds):.1%}",
        "diversity": f"{np.nanmean(spread) / unconstrained:.2f}",
        "forward passes": f"{np.median(passes):.0f}",
        "refused": refused,
        "rejection: draws taken": f"{np.mean(acceptance):.0%}",
        "... buildings": len(rejected),
        "... height": f"{np.median([b['height'] for b in rejected]):.1%}",
        "... floor area": f"{np.median([b['gross_floor_area'] for b in rejected]):.1%}",
        "... both within 5 %": f"{np.mean([max(b.values()) <= 0.05 for b in rejected]):.0%}",
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--briefs", type=int, default=100)
    parser.add_argument("--models", default=",".join(names()))
    parser.add_argument("-n", "--count", type=int, default=4)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    made = (brief_of(mesh) for mesh in real_buildings(args.data, 2 * args.briefs, 7, PITCH))
    briefs = [brief for brief in made if brief is not None][: args.briefs]
    rows = [row_of(model, briefs, args.count) for model in args.models.split(",")]
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
