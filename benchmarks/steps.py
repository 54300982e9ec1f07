"""How many steps a diffusion needs: quality by solver and steps, of one trained model.

    python benchmarks/steps.py RUN --data S32 [-n 500] [--split validation] [--out steps]

Evaluations are what a step costs: `heun` takes two, the others one. `shortcut` follows mean velocities that
the model learnt for 1, 2, 4, 8 and 16 steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commands import head, row, voxgen

WAYS = (
    *(("shortcut", steps) for steps in (1, 2, 4, 8)),
    *(("euler", steps) for steps in (4, 8, 16, 32)),
    *(("multistep", steps) for steps in (4, 8, 16)),
    *(("heun", steps) for steps in (2, 4, 8, 20)),
)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("-n", "--count", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("steps"))
    args = parser.parse_args()
    print(head("solver, steps (evaluations)"))
    for solver, steps in WAYS:
        tuned = ("--set", f"solver={solver}", "--set", f"steps={steps}")
        words = ("--data", args.data, "--split", args.split, "--asked", "0", "-n", args.count)
        judged = voxgen("evaluate", args.run, *words, *tuned, "-o", args.out / f"{solver}-{steps}")
        evaluations = 2 * steps - 1 if solver == "heun" else steps
        label = f"{solver}, {steps} ({evaluations})"
        print(row(label, judged["scores"]["figures"]), flush=True)


if __name__ == "__main__":
    main()
