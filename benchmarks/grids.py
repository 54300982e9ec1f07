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

import torch
from families import Size, full_step, known, make

from voxgen.models import FAMILIES

SIZES = ((32, 32, 32), (64, 64, 64), (128, 128, 128), (160, 160, 80))


def case(name: str, recipe: str, size: Size, batch_size: int) -> dict[str, float]:
    """A step and four samples in this process."""
    model = make(name, recipe, size)
    model.conclude(known(size, model.config.condition, batch_size))
    step = full_step(model, None, batch_size, 0.9)
    step()
    started = time.perf_counter()
    step()
    took = time.perf_counter() - started
    started = time.perf_counter()
    model.eval().sample(torch.arange(4))
    sampling = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"step": took, "sampling": sampling, "peak": peak}


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
