"""Every family on every size of grid: a training step, four samples, and the peak of memory.

    python benchmarks/grids.py [--batch 8] [--only 64x64x64]

Each case runs in a process of its own, so that its peak is its own: a full step of every player on random
boxes, then four samples. Default settings, with attributes; seconds are of the second step.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch

from voxgen.models import FAMILIES, family
from voxgen.models.base import Batch, GenerativeModel
from voxgen.models.condition import Condition, ConditionConfig

SIZES = ((32, 32, 32), (64, 64, 64), (128, 128, 128), (160, 160, 80))
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


def case(name: str, recipe: str, size: Size, batch_size: int) -> dict[str, float]:
    """A step and four samples in this process."""
    model = make(name, recipe, size)
    asked = model.config.condition
    (batch,) = known(size, asked, batch_size, batch_size)
    model.conclude([batch])
    model.prepare(0.9, lambda: [batch])
    optimisers = {player: model.optimiser(player, 1e-3) for player in model.players()}
    took = []
    for _ in range(2):
        started = time.perf_counter()
        for player, optimiser in optimisers.items():
            terms = list(model.loss(batch, player).values())
            if terms:
                optimiser.zero_grad(set_to_none=True)
                torch.stack(terms).sum().backward()
                optimiser.step()
        took.append(time.perf_counter() - started)
    started = time.perf_counter()
    model.eval().sample(torch.arange(4))
    sampling = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"step": took[-1], "sampling": sampling, "peak": peak}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--only", help="one size, as 160x160x80")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        name, recipe, told = args.case.split(",")
        x, y, z = map(int, told.split("x"))
        print(json.dumps(case(name, recipe, (x, y, z), args.batch)))
        return
    print("| model | grid | a step, s | four samples, s | peak, GiB |\n|---|---|---|---|---|")
    for size in SIZES:
        told = "x".join(map(str, size))
        if args.only not in (None, told):
            continue
        for name, recipes in FAMILIES.items():
            for recipe in recipes:
                command = [
                    sys.executable,
                    __file__,
                    "--batch",
                    str(args.batch),
                    "--case",
                    f"{name},{recipe},{told}",
                ]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                label = name if recipe == "default" else f"{name} ({recipe})"
                if done.returncode:
                    print(f"| {label} | {told} | failed: {done.stderr.strip().splitlines()[-1][:60]} | | |")
                    continue
                one = json.loads(done.stdout)
                print(
                    f"| {label} | {told} | {one['step']:.2f} | {one['sampling']:.2f} | {one['peak']:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
