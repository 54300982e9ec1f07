"""What sampling costs beside training: 16 buildings at 64^3, in forward passes of the same networks.

    python benchmarks/sampling.py [--resolution 64] [--rounds 5] [--json out.json]

A training forward pass is that of the loss of 16 buildings, of every network that a sample needs. Models have
first weights, which cost what trained ones do; priors are fitted to 2,000 random boxes. Sampling is what
`voxgen sample` does once the model is loaded: latents by key, then `generate`, four at a time. A column of
its own is of samples that are asked for a height, and asked again for what they missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from families import known, make

from voxgen.generator import Generator
from voxgen.models.base import Batch, GenerativeModel

COUNT = 16
MODELS = {
    "vae": ("vae", "default", ()),
    "gan": ("gan", "default", ()),
    "flow": ("flow", "default", ()),
    "flow, over voxels": ("flow", "voxel", ()),
    "diffusion": ("diffusion", "default", ()),
    "diffusion, 4 shortcuts": ("diffusion", "default", ("solver=shortcut", "steps=4")),
    "diffusion, over voxels": ("diffusion", "voxel", ()),
}
ALLOWED = {"vae": 1.5, "gan": 1.5, "flow": 3.0, "diffusion": 25.0, "diffusion, 4 shortcuts": 5.0}


def seconds(action: Callable[[], Any]) -> float:
    """Wall-clock seconds that an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def forward(model: GenerativeModel[Any], batch: Batch) -> None:
    """A training forward pass of every network that a sample needs; a critic is none of them."""
    for player in model.players():
        if player not in ("critic", "generator"):  # a GAN's generator is its autoencoder's decoder
            model.loss(batch, player)


def measure(name: str, side: int, rounds: int) -> tuple[float, ...]:
    """Seconds of a forward pass, of sampling, and of sampling to an ask; medians over rounds."""
    family, recipe, settings = MODELS[name]
    size = (side, side, side)
    model = make(family, recipe, size)
    batches = list(known(size, model.config.condition, 2000))
    model.conclude(batches)
    # A family in which one network learns after the other is shown as at the end, with both at work.
    model.prepare(0.9, lambda: batches)
    (batch,) = known(size, model.config.condition, COUNT)
    generator = Generator(model.eval(), 0.5, {}).tuned(settings)
    actions = (
        lambda: forward(model, batch),
        lambda: generator.sample(COUNT),
        lambda: generator.sample(COUNT, attributes={"height": 9.0}),
    )
    for action in actions:
        action()
    return tuple(statistics.median(seconds(action) for _ in range(rounds)) for action in actions)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    side = args.resolution
    found = {}
    print(
        f"{COUNT} samples at {side}^3, {torch.get_num_threads()} threads, float32, medians of {args.rounds}\n"
    )
    print("| model | forward pass, s | sampling, s | ratio | allowed | asked for a height, s |")
    print("|---|---|---|---|---|---|")
    for name in MODELS:
        one, all_, asked = measure(name, side, args.rounds)
        found[name] = {"forward": one, "sampling": all_, "ratio": all_ / one, "asked": asked}
        allowed = f"{ALLOWED[name]:g}" if name in ALLOWED else ""
        print(f"| {name} | {one:.3f} | {all_:.3f} | {all_ / one:.2f} | {allowed} | {asked:.3f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
