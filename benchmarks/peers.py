"""Published-style peers as families from outside, so that voxgen trains and judges them like its own.

Written from the papers' descriptions, with their own optimisers and learning rates. None takes conditions.
`peers:Wu3DGAN` names the first; their samples come from a moving average of the weights, as of all families.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from voxgen.models.base import Batch, GenerativeModel, ModelConfig
from voxgen.models.condition import Condition
from voxgen.models.noise import keyed_noise


class Peer(GenerativeModel[ModelConfig]):
    """What the peers share: they take no conditions, and the loop leaves their rate and gradients alone."""

    config_class: ClassVar[type[ModelConfig]] = ModelConfig
    conditional: ClassVar[bool] = False
    fixed_learning_rate: ClassVar[bool] = True
    clipped: ClassVar[bool] = False
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)
    rates: ClassVar[dict[str, float]] = {"model": 1e-4}

    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """Adam, as published."""
        del learning_rate
        return torch.optim.Adam(self.players()[player].parameters(), self.rates[player], betas=self.betas)


class Wu3DGAN(Peer):
    """3D-GAN (Wu et al. 2016): z of 200, five 4x4x4 (transposed) convolutions, 512 to 64 channels.

    Adam at .0025 and 1e-5 with a momentum of .5; the discriminator moves only while it is right on less than
    80 % of the batch, as one process sees it.
    """

    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    rates: ClassVar[dict[str, float]] = {"discriminator": 1e-5, "generator": 2.5e-3}
    waits: ClassVar[float] = 0.8
    """Share of right verdicts over which the discriminator does not move."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.latent_shape = (200, 1, 1, 1)
        base = config.resolution[0] // 16
        widths = [512, 256, 128, 64]
        g: list[nn.Module] = [nn.ConvTranspose3d(200, 512, base), nn.BatchNorm3d(512), nn.ReLU()]
        for a, b in pairwise(widths):
            g += [nn.ConvTranspose3d(a, b, 4, 2, 1), nn.BatchNorm3d(b), nn.ReLU()]
        self.generator = nn.Sequential(*g, nn.ConvTranspose3d(64, 1, 4, 2, 1), nn.Sigmoid())
        d: list[nn.Module] = [nn.Conv3d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in pairwise(reversed(widths)):
            d += [nn.Conv3d(a, b, 4, 2, 1), nn.BatchNorm3d(b), nn.LeakyReLU(0.2)]
        self.discriminator = nn.Sequential(*d, nn.Conv3d(512, 1, base), nn.Flatten())

    def players(self) -> dict[str, nn.Module]:
        """Discriminator and generator."""
        return {"discriminator": self.discriminator, "generator": self.generator}

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """Binary cross-entropy of either player."""
        made = self.generator(batch.noise(self.latent_shape, 1))
        if player == "generator":
            verdict = self.discriminator(made).float()
            return {"game": F.binary_cross_entropy_with_logits(verdict, torch.ones_like(verdict))}
        real, fake = (
            self.discriminator((batch.x > 0.5).float()).float(),
            self.discriminator(made.detach()).float(),
        )
        if float(torch.cat([real > 0, fake < 0]).float().mean()) > self.waits:
            return {}
        yes = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        return {"game": yes + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))}

    @torch.no_grad()
    def conclude(self, batches: Iterable[Batch]) -> None:
        """Take the batch statistics anew, of the averaged weights: those in training were of others."""
        del batches
        for part in self.generator.modules():
            if isinstance(part, nn.BatchNorm3d):
                part.reset_running_stats()
                part.momentum = None  # their plain mean
        self.generator.train()
        for keys in torch.arange(512).split(32):
            self.generator(keyed_noise(keys, self.latent_shape, 1))
        self.generator.eval()

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Occupancy in [0, 1]."""
        del condition
        return self.generator(z).float()


class Eager3DGAN(Wu3DGAN):
    """3D-GAN whose discriminator never waits: for timing whole steps."""

    waits: ClassVar[float] = 1.0


class ConvVAE(Peer):
    """A plain convolutional VAE with a stem of 32 channels at full resolution, sampled from N(0, I)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.latent_shape = (128,)
        widths = [32, 64, 128, 256]
        layers: list[nn.Module] = [nn.Conv3d(1, 32, 3, padding=1), nn.SiLU()]
        for a, b in pairwise(widths):
            layers += [nn.Conv3d(a, b, 3, 2, 1), nn.SiLU(), nn.Conv3d(b, b, 3, padding=1), nn.SiLU()]
        self.encoder = nn.Sequential(*layers)
        side = config.resolution[0] // 8
        self.moments = nn.Linear(256 * side**3, 256)
        self.start = nn.Linear(128, 256 * side**3)
        layers = [nn.Unflatten(1, (256, side, side, side))]
        for a, b in pairwise(reversed(widths)):
            layers += [nn.ConvTranspose3d(a, b, 4, 2, 1), nn.SiLU(), nn.Conv3d(b, b, 3, padding=1), nn.SiLU()]
        self.decoder = nn.Sequential(*layers, nn.Conv3d(32, 1, 3, padding=1))

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """Negative evidence lower bound."""
        del player
        x = (batch.x > 0.5).float()
        mu, logvar = self.moments(self.encoder(x).flatten(1)).float().chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * batch.noise(self.latent_shape)
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        logits = self.decoder(self.start(z)).float()
        return {"bce": F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x), "kl": kl}

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Occupancy in [0, 1]."""
        del condition
        return self.decoder(self.start(z)).float().sigmoid()


class MonaiDDIM(Peer):
    """MONAI's DiffusionModelUNet (2.9M weights), trained on the noise and sampled by 25 steps of DDIM.

    Needs `pip install -e ".[benchmarks]"`.
    """

    rates: ClassVar[dict[str, float]] = {"model": 2.5e-5}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet  # pyright: ignore[reportMissingImports]
        from monai.networks.schedulers.ddim import DDIMScheduler  # pyright: ignore[reportMissingImports]
        from monai.networks.schedulers.ddpm import DDPMScheduler  # pyright: ignore[reportMissingImports]

        self.latent_shape = (1, *config.resolution)
        self.net = DiffusionModelUNet(
            spatial_dims=3,
            in_channels=1,
            out_channels=1,
            channels=(32, 64, 64),
            attention_levels=(False, False, True),
            num_head_channels=(0, 0, 64),
            num_res_blocks=1,
            norm_num_groups=16,
        )
        noise = {
            "num_train_timesteps": 1000,
            "schedule": "scaled_linear_beta",
            "beta_start": 5e-4,
            "beta_end": 0.0195,
        }
        self.training_noise = DDPMScheduler(**noise)
        self.sampling_noise = DDIMScheduler(**noise, clip_sample=False)

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """Squared error of the noise."""
        del player
        x = 2 * (batch.x > 0.5).float() - 1
        away = batch.noise(self.latent_shape)
        t = (torch.special.ndtr(batch.noise((), 1)) * 1000).long().clamp_max(999)
        shown = self.training_noise.add_noise(original_samples=x, noise=away, timesteps=t)
        return {"noise": F.mse_loss(self.net(shown, timesteps=t).float(), away)}

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Occupancy in [0, 1]."""
        del condition
        self.sampling_noise.set_timesteps(num_inference_steps=25)
        for t in self.sampling_noise.timesteps:
            # As it learnt: 500 samples of float32 would take half an hour.
            with torch.autocast(z.device.type, torch.bfloat16):
                away = self.net(z, timesteps=t.expand(len(z)))
            z, _ = self.sampling_noise.step(away.float(), int(t), z)
        return ((z + 1) / 2).clamp(0, 1).float()
