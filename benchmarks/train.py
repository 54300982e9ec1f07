"""Training speed at 64^3: voxgen's default VAE and GAN beside two published-style peers, in one run.

    python benchmarks/train.py [--resolution 64] [--seconds 20] [--json out.json]

One step is all that one batch costs a family: forward, backward and optimiser of every player (for the GANs
one critic and one generator step). All families run in turn, interleaved and in the same dtype, on random
boxes; speed does not depend on the shapes. voxgen takes its default batch of 32, the peers one of 8, which
costs them no speed. What is counted is buildings of the data set that a model is shown.

Peers, written from the papers' descriptions:
- 3D-GAN (Wu et al. 2016): z of 200, five 4x4x4 (transposed) convolutions, 512 to 64 channels, batch norm.
- conv-stem VAE: a plain convolutional VAE whose first layer works on the single channel at full resolution.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voxgen.models import family
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.gan import GANConfig
from voxgen.training.devices import bf16_pays

_WARM_UP, _GAME = "... its warm-up", "... its game"


class Wu3DGAN(nn.Module):
    """3D-GAN at 64^3 as published: generator and discriminator mirror each other."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        base = resolution // 16
        widths = [512, 256, 128, 64]
        g: list[nn.Module] = [nn.ConvTranspose3d(200, 512, base), nn.BatchNorm3d(512), nn.ReLU()]
        for a, b in pairwise(widths):
            g += [nn.ConvTranspose3d(a, b, 4, 2, 1), nn.BatchNorm3d(b), nn.ReLU()]
        self.generator = nn.Sequential(*g, nn.ConvTranspose3d(64, 1, 4, 2, 1))
        d: list[nn.Module] = [nn.Conv3d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in pairwise(reversed(widths)):
            d += [nn.Conv3d(a, b, 4, 2, 1), nn.BatchNorm3d(b), nn.LeakyReLU(0.2)]
        self.discriminator = nn.Sequential(*d, nn.Conv3d(512, 1, base), nn.Flatten())

    def loss(self, x: Tensor, player: str) -> Tensor:
        """Binary cross-entropy of either player."""
        made = self.generator(torch.randn(len(x), 200, 1, 1, 1)).sigmoid()
        if player == "generator":
            verdict = self.discriminator(made)
            return F.binary_cross_entropy_with_logits(verdict, torch.ones_like(verdict))
        real, fake = self.discriminator(x), self.discriminator(made.detach())
        return F.binary_cross_entropy_with_logits(
            real, torch.ones_like(real)
        ) + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


class ConvStemVAE(nn.Module):
    """A plain convolutional VAE with a stem of 32 channels at full resolution."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        widths = [32, 64, 128, 256]
        layers: list[nn.Module] = [nn.Conv3d(1, 32, 3, padding=1), nn.SiLU()]
        for a, b in pairwise(widths):
            layers += [nn.Conv3d(a, b, 3, 2, 1), nn.SiLU(), nn.Conv3d(b, b, 3, padding=1), nn.SiLU()]
        self.encoder = nn.Sequential(*layers)
        side = resolution // 8
        self.moments = nn.Linear(256 * side**3, 256)
        self.start = nn.Linear(128, 256 * side**3)
        layers = [nn.Unflatten(1, (256, side, side, side))]
        for a, b in pairwise(reversed(widths)):
            layers += [nn.ConvTranspose3d(a, b, 4, 2, 1), nn.SiLU(), nn.Conv3d(b, b, 3, padding=1), nn.SiLU()]
        self.decoder = nn.Sequential(*layers, nn.Conv3d(32, 1, 3, padding=1))

    def loss(self, x: Tensor, player: str) -> Tensor:
        """Negative evidence lower bound."""
        del player
        mu, logvar = self.moments(self.encoder(x).flatten(1)).chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        logits = self.decoder(self.start(z))
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x) + kl


def boxes(n: int, resolution: int) -> Tensor:
    """Random boxes on the ground."""
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(n, 1, resolution, resolution, resolution)
    for i in range(n):
        a, b, c = (torch.rand(3, generator=generator) * 0.4 * resolution + 2).long().tolist()
        middle = resolution // 2
        x[i, 0, middle - a : middle + a, middle - b : middle + b, : 2 * c] = 1
    return x


def voxgen_step(
    name: str, resolution: int, dtype: torch.dtype | None, batch_size: int, progress: float
) -> Callable[[], None]:
    """A full step of one of voxgen's families with default settings, conditions and penalties included.

    Args:
        name: of the family.
        resolution: voxels a side.
        dtype: of autocast; none where None.
        batch_size: buildings a step.
        progress: of the budget, which decides what a family does.
    """
    cls = family(name)
    condition = ConditionConfig(
        attributes=("height", "footprint_area"), center=(8.0, 90.0), scale=(3.0, 60.0), masks=("footprint",)
    )
    torch.manual_seed(0)
    model = cls(cls.config_class.parse({"resolution": (resolution,) * 3, "condition": condition}))
    optimisers = {player: model.optimiser(player, 1e-3) for player in model.players()}
    asked = Condition.nothing(batch_size, condition, (resolution, resolution, resolution))
    chance = itertools.count()
    batch = Batch(boxes(batch_size, resolution), asked, torch.arange(batch_size), progress)
    model.prepare(progress, lambda: [batch])

    def step() -> None:
        shown = replace(batch, chance=next(chance))
        for player, optimiser in optimisers.items():
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
                terms = list(model.loss(shown, player).values())
            if terms:
                optimiser.zero_grad(set_to_none=True)
                torch.stack(terms).sum().backward()
                optimiser.step()

    return step


def peer_step(
    model: Wu3DGAN | ConvStemVAE, resolution: int, dtype: torch.dtype | None, batch_size: int
) -> Callable[[], None]:
    """A full step of a peer."""
    if isinstance(model, Wu3DGAN):
        players: dict[str, nn.Module] = {"discriminator": model.discriminator, "generator": model.generator}
    else:
        players = {"model": model}
    optimisers = {p: torch.optim.Adam(m.parameters(), 1e-4, betas=(0.5, 0.999)) for p, m in players.items()}
    x = boxes(batch_size, resolution)

    def step() -> None:
        for player, optimiser in optimisers.items():
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
                loss = model.loss(x, player)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()

    return step


def measure(resolution: int, seconds: float, dtype: torch.dtype | None) -> dict[str, float]:
    """Real buildings a second of each family, the median over interleaved rounds.

    A round of the GAN's game is as many steps as lie between two penalties. Half of its batch are real
    buildings that the critic is shown; the other half is invented. `voxgen gan` is a whole budget of time.
    """
    big, small = 32, 8
    game = GANConfig()

    def ours(name: str, progress: float) -> Callable[[], None]:
        return voxgen_step(name, resolution, dtype, big, progress)

    rounds = {
        "voxgen vae": (ours("vae", 0.9), 1, big),
        _WARM_UP: (ours("gan", 0.1), 1, big),
        _GAME: (ours("gan", 0.9), game.every, game.every * (big // 2)),
        "3D-GAN (Wu 2016)": (peer_step(Wu3DGAN(resolution), resolution, dtype, small), 1, small),
        "conv-stem VAE": (peer_step(ConvStemVAE(resolution), resolution, dtype, small), 1, small),
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
