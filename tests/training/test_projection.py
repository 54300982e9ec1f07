"""Projection: gradient descent comes nearer than the encoder, and needs none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxgen.errors import UsageError
from voxgen.generator import Generator
from voxgen.geometry.grid import VoxelGrid
from voxgen.models.losses import iou as overlap
from voxgen.models.thesis import ThesisConfig, ThesisGAN
from voxgen.models.vae import VAE, VAEConfig
from voxgen.projection import project

SIDE = (16, 16, 16)


def vae() -> VAE:
    torch.manual_seed(0)
    body = {"widths": (8, 16), "plan": 8, "fine": 8, "depth": 1, "embedding": 8, "latent": 4}
    made = VAE(VAEConfig(resolution=SIDE, **body))
    for p in made.parameters():  # a decoder that heeds its latent
        p.data += 0.05 * torch.randn(p.shape)
    return made.eval()


def iou(a: VoxelGrid, b: VoxelGrid) -> float:
    return float((a.occupancy & b.occupancy).sum() / max(1, (a.occupancy | b.occupancy).sum()))


def test_a_sample_is_found_again_nearer_than_by_an_untrained_encoder() -> None:
    generator = Generator(vae(), 0.5, {})
    (made,) = generator.sample(1, seed=3)
    assert iou(generator.reconstruct(made, refine=60), made) > iou(generator.reconstruct(made), made)


def test_more_steps_never_make_it_worse_and_a_family_without_encoder_is_served() -> None:
    torch.manual_seed(0)
    gan = ThesisGAN(ThesisConfig(resolution=SIDE, width=4)).eval()
    x = torch.zeros(1, 1, *SIDE)
    x[..., 4:12, 4:12, :8] = 1
    nothing = gan.unconditional(1)
    found = [project(gan, x, nothing, n) for n in (0, 5, 20)]
    with torch.no_grad():
        near = [float(overlap(gan.decode(z, nothing), x)) for z in found]
    assert near == sorted(near)
    assert near[2] > near[0]
    generator = Generator(gan, 0.5, {})
    grid = VoxelGrid((x[0, 0].numpy() * 64).astype(np.uint8), 0.5)
    with pytest.raises(UsageError, match="cannot find one again"):
        generator.reconstruct(grid)
    assert generator.reconstruct(grid, refine=2).resolution == SIDE
    with pytest.raises(UsageError, match=r"0\.5 m"):
        generator.project(VoxelGrid(grid.coverage, 1.0))
