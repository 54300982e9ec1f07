"""Training speed at 64^3: voxgen's default VAE and GAN beside two published-style peers, in one run.

    python benchmarks/train.py [--resolution 64] [--seconds 20] [--json out.json]

One step is all that one batch costs a family: forward, backward and optimiser of every player (for the GANs
one critic and one generator step). All families run in turn, interleaved and in the same dtype, on random
boxes; speed does not depend on the shapes. voxgen takes its default batch of 32, the peers one of 8, which
costs them no speed. What is counted is buildings of the data set that a model is shown.

The peers are those of `peers.py`: 3D-GAN, and a plain VAE whose first layer works on the one channel at full
resolution. 3D-GAN's discriminator never waits here, so that a step is a whole one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from families import full_step, make

from voxgen.models.gan import GANConfig
from voxgen.training.devices import bf16_pays

_WARM_UP, _GAME = "... its warm-up", "... its game"


def measure(resolution: int, seconds: float, dtype: torch.dtype | None) -> dict[str, float]:
    """Real buildings a second of each family, the median over interleaved rounds.

    A round of the GAN's game is as many steps as lie between two penalties. Half of its batch are real
    buildings that the critic is shown; the other half is invented. `voxgen gan` is a whole budget of time.
    """
    big, small, size = 32, 8, (resolution, resolution, resolution)
    game = GANConfig()

    def ours(name: str, progress: float) -> Callable[[], None]:
        return full_step(make(name, "default", size), dtype, big, progress)

    def peer(name: str) -> Callable[[], None]:
        return full_step(make(f"peers:{name}", "default", size), dtype, small, 0.5)

    rounds = {
        "voxgen vae": (ours("vae", 0.9), 1, big),
        _WARM_UP: (ours("gan", 0.1), 1, big),
        _GAME: (ours("gan", 0.9), game.every, game.every * (big // 2)),
        "3D-GAN (Wu 2016)": (peer("Eager3DGAN"), 1, small),
        "conv-stem VAE": (peer("ConvVAE"), 1, small),
    }
    for step, _, _ in rounds.values():
        step()
    rates: dict[str, list[float]] = {name: [] for name in rounds}
    stop = time.perf_counter() + seconds * len(rounds)
    while time.perf_counter() < stop or min(map(len, rates.values())) < 3:
        for name, (step, steps, buildings) in rounds.items():
            start = time.perf_counter()
            for _ in range(steps):
                step()
            rates[name].append(buildings / (time.perf_counter() - start))
    found = {name: statistics.median(values) for name, values in rates.items()}
    whole = game.warm_up * found[_WARM_UP] + (1 - game.warm_up) * found[_GAME]
    return {"voxgen vae": found.pop("voxgen vae"), "voxgen gan": whole, **found}


def main() -> None:
    """Print a Markdown table per dtype that the processor is fast in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20, help="per family and dtype")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for label, dtype in (("bf16 autocast", torch.bfloat16), ("float32", None)):
        if dtype is not None and not bf16_pays("cpu"):
            continue  # it would be emulated, and nothing trains so
        rates = measure(args.resolution, args.seconds, dtype)
        results[label] = rates
        print(f"\n{label}, {args.resolution}^3, {torch.get_num_threads()} threads\n")
        print("| family | buildings/s | x 3D-GAN | x conv-stem VAE |\n|---|---|---|---|")
        for name, rate in rates.items():
            wu, stem = rate / rates["3D-GAN (Wu 2016)"], rate / rates["conv-stem VAE"]
            print(f"| {name} | {rate:.1f} | {wu:.1f} | {stem:.1f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
