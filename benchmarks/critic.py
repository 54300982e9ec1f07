"""What a critic must be shown to tell made buildings from real ones: counts of each patch, or the voxels.

    python benchmarks/critic.py --of pretrained:vae --data S64 [--seconds 60]

Each critic learns alone, for the same time, against the same draws of a model, unsettled, and is then asked
about validation buildings and fresh draws: the share of pairs in which it finds the real one more real.
Half is a coin's. The peer is what critics of 3D-GANs are made of: strided convolutions over the voxels.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch import nn

from voxgen import load
from voxgen.models.gan import decided, logits_of, relativistic
from voxgen.nn.critic import Critic, Judgement
from voxgen.pipeline.store import Dataset
from voxgen.training.data import spread

BATCH, JUDGED = 16, 256


class OverVoxels(nn.Module):
    """Strided convolutions over the voxels."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in ((1, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv3d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(4 * width, 1)

    def forward(self, x: torch.Tensor) -> Judgement:
        """Judge coverage in [0, 1]."""
        features = self.layers(x * 2 - 1).mean(dim=(2, 3, 4))
        return Judgement(self.last(features).flatten().float(), features.float())


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--of", required=True, help="run or model whose draws are to be found out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--draws", type=int, default=1024, help="that a critic learns from")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each critic")
    args = parser.parse_args()
    data, generator = Dataset.open(args.data), load(args.of).tuned(["settle=0"])
    asked = {"procedural": 0.0} if "procedural" in generator.model.config.condition.attributes else {}
    grids = generator.sample(args.draws + JUDGED, seed=0, attributes=asked)
    made = np.stack([grid.coverage for grid in grids])
    real, unseen = data.indices("train"), spread(data.indices("validation"), JUDGED)
    print("| critic sees | steps | pairs told right |\n|---|---|---|")
    torch.manual_seed(0)
    seeing = Critic(generator.resolution, generator.model.config.patch, (64, 128), 2, "alone")
    for name, critic in (("counts of each patch", seeing), ("voxels", OverVoxels())):
        rng = np.random.default_rng(0)
        optimiser = torch.optim.AdamW(critic.parameters(), lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0)
        begun, steps = time.monotonic(), 0
        while time.monotonic() - begun < args.seconds:
            shown = seen(data.coverage(rng.choice(real, BATCH, replace=False)))
            fake = seen(made[rng.choice(args.draws, BATCH, replace=False)])
            with torch.autocast("cpu", torch.bfloat16):
                loss = relativistic(critic(fake), critic(shown))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
        with torch.no_grad():
            higher, lower = (
                torch.cat([critic(seen(part)).verdict for part in np.array_split(grids, len(grids) // BATCH)])
                for grids in (data.coverage(unseen), made[args.draws :])
            )
        right = float((higher[:, None] > lower[None]).float().mean())
        print(f"| {name} | {steps} | {right:.2f} |", flush=True)


def seen(coverage: np.ndarray) -> torch.Tensor:
    """What the game shows of stored coverage, of 64ths."""
    x = torch.from_numpy(coverage).float()[:, None] / 64
    return decided(logits_of(x))


if __name__ == "__main__":
    main()
