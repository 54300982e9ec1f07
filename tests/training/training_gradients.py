"""First gradients of small models, computed by as many processes as a Fabric has."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from training_toys import ToyData, toy

from voxgen.models.diffusion import Diffusion, DiffusionConfig
from voxgen.models.gan import GAN, GANConfig
from voxgen.models.thesis import ThesisConfig, ThesisGAN
from voxgen.models.vae import VAE, VAEConfig
from voxgen.training.batches import Batches
from voxgen.training.data import condition_config
from voxgen.training.players import Player

DATA = ToyData()
CONDITION = condition_config(DATA, ("height",), ("footprint", "envelope"))


def build(name: str):
    """A small model of a family, with the first weights of seed 0."""
    torch.manual_seed(0)
    size = {"resolution": DATA.resolution, "patch": 2, "condition": CONDITION}
    body = {"widths": (8, 16), "depth": 1, "plan": 8, "fine": 8, "latent": 4, "embedding": 8}
    if name == "vae":
        return VAE(VAEConfig(**size, **body))
    if name == "gan":
        return GAN(GANConfig(**size, **body, critic_widths=(8, 8)))
    if name == "diffusion":
        model = Diffusion(DiffusionConfig(**size, **body, directions=8, field_width=16, field_depth=2))
        batches = Batches(DATA, CONDITION, 8, 0)
        model.prepare(0.9, lambda: batches.known(32))
        return model
    if name == "thesis":
        return ThesisGAN(ThesisConfig(resolution=DATA.resolution, width=4, latent=8))
    return toy(DATA)


def gradients(fabric: Fabric, folder: str, names: list[str]) -> None:
    """Write each model's first gradients, as every process has them after averaging."""
    torch.set_num_threads(1)
    for name in names:
        model = build(name)
        batches = Batches(DATA, model.config.condition, 8, 0, fabric.global_rank, fabric.world_size)
        for player_name in model.players():
            player = Player(player_name, model, 1e-3)
            player.gradient(batches.at(0, 0.9), fabric)
            own = {str(i): p.grad for i, p in enumerate(player.parameters) if p.grad is not None}
            path = Path(folder) / f"{name}-{player_name}-{fabric.world_size}-{fabric.global_rank}.safetensors"
            save_file(own, path)
    if fabric.world_size > 1:
        # Without it a thread of gloo may outlive the interpreter, which then aborts, now and then.
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
