"""Adversarial autoencoder-generator: a decoder that first learns to rebuild, then plays against a critic.

A generator that meets a critic from scratch loses at once on little compute. Here it is warmed up as the
decoder of a VAE; then a critic judges decodings of latents *between* the encodings of two buildings, which
have no original to be compared with, while reconstruction fades (VAE/GAN, Larsen et al. 2016; adversarially
constrained interpolation, Berthelot et al. 2019):

    critic     max E[min(0, D(x) - 1)] + E[min(0, -D(G(z)) - 1)]         hinge (Lim and Ye 2017)
    generator  max E[D(G(z))] - r(t) L_vae(x)

Reals are coverage, soft like the fakes: on binary reals a critic wins by softness alone. Both sides see the
same fading instance noise (Soenderby et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.critic import Critic
from .base import Batch, EncodingModel, ModelConfig
from .condition import Condition
from .vae import VAE, VAEConfig


class GANConfig(VAEConfig):
    """Settings of the GAN: those of its autoencoder, and the game's.

    Attributes:
        critic_widths: channels of each level of the critic, fine to coarse.
        critic_depth: residual blocks a level of the critic.
        warm_up: share of the budget before the game starts.
        adversarial: weight of the critic's verdict in the generator's loss.
        reconstruction: weight of reconstruction at the end of the game; it fades from 1.
        feature_matching: weight of feature matching (Salimans et al. 2016).
        smoothing: one-sided smoothing (Salimans et al. 2016): what the margin for reals is lowered by.
        instance_noise: standard deviation of the noise on both sides at the start of the game.
    """

    critic_widths: tuple[int, ...] = (48, 96, 96)
    critic_depth: int = 1
    warm_up: float = 0.4
    adversarial: float = 0.02
    reconstruction: float = 0.3
    feature_matching: float = 0.0
    smoothing: float = 0.0
    instance_noise: float = 0.1


class GAN(EncodingModel[GANConfig]):
    """The default adversarial family."""

    config_class: ClassVar[type[ModelConfig]] = GANConfig

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        shared = {name: getattr(config, name) for name in VAEConfig.model_fields}
        self.generator = VAE(VAEConfig(**shared))
        self.latent_shape = self.generator.latent_shape
        self.critic = Critic(config.resolution, config.patch, config.critic_widths, config.critic_depth)

    def players(self) -> dict[str, nn.Module]:
        """Critic and generator, in the order of their moves."""
        return {"critic": self.critic, "generator": self.generator}

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The critic's hinge, or the generator's verdict and reconstruction."""
        if player == "critic":
            return self._critic_loss(batch)
        if batch.progress < self.config.warm_up:
            return self.generator.loss(batch)
        rebuilt, invented = halves(batch)
        fade = self._fade(batch.progress)
        terms = {name: fade * term for name, term in self.generator.loss(rebuilt).items()}
        verdicts, features = self.critic.judge(self._blur(self._between(invented), invented, stream=2))
        terms["adversarial"] = -self.config.adversarial * _whole_and_cells(verdicts).mean()
        if self.config.feature_matching:
            with torch.no_grad():
                target = self.critic.judge(self._blur(rebuilt.x, rebuilt, stream=3))[1]
            gap = features.mean(0) - target.mean(0)
            terms["features"] = self.config.feature_matching * gap.square().mean()
        return terms

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b ..."]:
        """The generator's latent of a building."""
        return self.generator.encode(x, condition)

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]."""
        return self.generator.decode(z, condition)

    def prior(self, condition: Condition, generator: torch.Generator | None = None) -> Float[Tensor, "b ..."]:
        """Draw latents from the density of the encodings."""
        return self.generator.prior(condition, generator)

    def conclude(self, batches: Iterable[Batch]) -> None:
        """Fit the density of the encodings."""
        self.generator.conclude(batches)

    @torch.no_grad()
    def realism(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, " b"]:
        """How real the critic finds each building; only differences mean something."""
        return self.critic(x)[:, 0]

    def _critic_loss(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        # The critic starts a little ahead, so that its first verdicts mean something.
        if batch.progress < self.config.warm_up - 0.05:
            return {}
        shown, invented = halves(batch)
        with torch.no_grad():
            fake = self._between(invented)
        real = self.critic(self._blur(shown.x, shown, stream=4))
        made = self.critic(self._blur(fake, invented, stream=5))
        margin = 1 - self.config.smoothing
        hinge = _whole_and_cells(F.relu(margin - real)).mean() + _whole_and_cells(F.relu(1 + made)).mean()
        return {"critic": hinge}

    def _between(self, batch: Batch) -> Float[Tensor, "b 1 x y z"]:
        """Decode latents between the encodings of the batch's buildings."""
        with torch.no_grad():
            mu, logvar = self.generator.moments(batch.x, batch.condition)
            z = mu + (0.5 * logvar).exp() * batch.noise(self.latent_shape, stream=6)
            share = torch.special.ndtr(batch.noise((1, 1, 1, 1), stream=7))
            z = torch.lerp(z, z.roll(1, dims=0), share)
        nothing = self.unconditional(len(z))
        return self.generator.decode(z, nothing)

    def _blur(self, x: Float[Tensor, "b 1 x y z"], batch: Batch, stream: int) -> Float[Tensor, "b 1 x y z"]:
        left = (1 - batch.progress) / (1 - self.config.warm_up)
        return x + self.config.instance_noise * min(1.0, left) * batch.noise(tuple(x.shape[1:]), stream)

    def _fade(self, progress: float) -> float:
        game = (progress - self.config.warm_up) / (1 - self.config.warm_up)
        return 1 + (self.config.reconstruction - 1) * min(1.0, 2 * game)


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """Split a batch in two: a game needs as many buildings shown as invented, and no more of either.

    A batch of one serves as both.
    """
    n = len(batch.x)
    first, second = (slice(0, n // 2), slice(n // 2, n)) if n > 1 else (slice(0, 1), slice(0, 1))
    return batch[first], batch[second]


def _whole_and_cells(verdicts: Float[Tensor, "b verdicts"]) -> Float[Tensor, " b"]:
    """The verdict on the whole and the mean verdict on the cells, in equal parts."""
    return verdicts[:, 0] + verdicts[:, 1:].mean(dim=1)
