"""Adversarial family: a decoder that learns to rebuild, then plays against a critic from its own prior.

A generator that meets a critic from scratch loses at once on little compute. Here it is warmed up as a
VAE's decoder (VAE/GAN, Larsen et al. 2016). Then its encoder stands still, a density is fitted to the
encodings, and the game is played on draws from that prior, as they are decoded (samples then settle, see
`AutoencodingModel`); what is published fits it once more, to the averaged weights. Rebuilding stays as a
second loss, so that latents keep their meaning. The game is relativistic, each real paired with a made
building, with a zero-centred gradient penalty on both (R3GAN, Huang et al. 2024):

    critic     min E[softplus(D(G(z)) - D(x))] + gamma / 2 (E|grad D(x)|^2 + E|grad D(G(z))|^2)
    generator  min adversarial E[softplus(D(x) - D(G(z)))] + L_rebuild(x)

Penalties need a second backward pass, so they fall on one step in `every`, weighted up (Karras et al.
2020). What the critic sees is *decided* coverage: reals and fakes pass through one steep curve around a
half, which makes plain what the eye sees (ragged walls) and hides what it does not (softness, by which a
critic wins at once).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.critic import Critic, Judgement, Minibatch
from ..nn.principal import PrincipalComponents
from ..nn.symmetry import turn
from .autoencoder import Autoencoder, AutoencodingModel, posterior_draw
from .base import Batch, Known, ModelConfig
from .condition import Condition
from .vae import VAE, VAEConfig

_STEEPNESS = 3.0
_FURTHEST = 3.9
"""Logit of coverage 0.98; what lies beyond looks the same to the critic."""

_PRIOR = 16
"""Stream of noise of the game's draws, which take the next one too; rebuilding draws from stream 0."""


class GANConfig(VAEConfig):
    """Settings of the GAN: those of its autoencoder, and the game's.

    Attributes:
        critic_widths: channels of each level of the critic, fine to coarse.
        critic_depth: residual convolutions of the critic's finest level.
        minibatch: what the critic sees of the other buildings of a minibatch: their deviation, minibatch
            discrimination (Salimans et al. 2016), or nothing (`alone`).
        warm_up: share of the budget before the game starts.
        head_start: share of the budget in which the critic then learns alone, so that its verdicts mean
            something when the generator begins to heed them; such steps are cheap.
        adversarial: weight of the critic's verdict in the generator's loss.
        gamma: weight of the gradient penalties.
        every: steps between two penalties, in the mean; they weigh as much more.
        critic_rate: the critic's learning rate, as a multiple of the generator's.
        feature_matching: weight of feature matching (Salimans et al. 2016).
        smoothing: label smoothing of the critic (ibid.): the chance at which a pair counts as swapped.
    """

    critic_widths: tuple[int, ...] = (64, 128)
    critic_depth: int = 2
    minibatch: Minibatch = "deviation"
    warm_up: float = Field(default=0.5, ge=0, lt=1)
    head_start: float = Field(default=0.05, ge=0, lt=1)
    adversarial: float = Field(default=0.1, ge=0)
    gamma: float = Field(default=0.1, ge=0)
    every: int = Field(default=8, ge=1)
    critic_rate: float = Field(default=0.5, gt=0)
    feature_matching: float = Field(default=0.0, ge=0)
    smoothing: float = Field(default=0.0, ge=0, lt=0.5)

    @model_validator(mode="after")
    def _leaves_time_to_play(self) -> GANConfig:
        if self.warm_up + self.head_start >= 1:
            raise ValueError(
                f"warm_up = {self.warm_up:g} and head_start = {self.head_start:g} leave nothing of the "
                "budget for the game; their sum must be below 1"
            )
        return self


class GAN(AutoencodingModel[GANConfig]):
    """The default adversarial family."""

    config_class: ClassVar[type[ModelConfig]] = GANConfig

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        self.generator = VAE(VAEConfig.of(config))
        self.latent_shape = self.generator.latent_shape
        self.critic = Critic(
            config.resolution, config.patch, config.critic_widths, config.critic_depth, config.minibatch
        )

    def players(self) -> dict[str, nn.Module]:
        """The autoencoder of the warm-up, then critic and decoder, in the order of their moves."""
        autoencoder = self.generator.autoencoder
        return {"autoencoder": autoencoder, "critic": self.critic, "generator": autoencoder.decoding()}

    def span(self, player: str) -> tuple[float, float]:
        """The warm-up comes to rest, and the game begins anew: first the critic, then both."""
        start = self.config.warm_up
        if player == "autoencoder":
            return 0.0, start
        return (start, 1.0) if player == "critic" else (start + self.config.head_start, 1.0)

    def shared(self) -> Autoencoder:
        """The generator's autoencoder."""
        return self.generator.autoencoder

    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """Muon, and for the critic AdamW without momentum, as games ask for, at a rate of its own."""
        if player != "critic":
            return super().optimiser(player, learning_rate)
        rate = learning_rate * self.config.critic_rate
        return torch.optim.AdamW(self.critic.parameters(), lr=rate, betas=(0.0, 0.99), weight_decay=0.0)

    def prepare(self, progress: float, known: Known) -> None:
        """Fit the prior that the game is played from when the warm-up is over, once."""
        if progress < self.config.warm_up:
            # A run that is given more time falls back into the warm-up, and its encodings move again.
            self.forget()
        elif not self.generator.density.fitted:
            self.conclude(known())

    def principal_components(self) -> PrincipalComponents:
        """Those of the encodings."""
        return self.generator.principal_components()

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The autoencoder's own loss, or the critic's part of the game, or the generator's."""
        if player == "autoencoder":
            return self.generator.autoencoder.loss(batch)
        return self._critic_loss(batch) if player == "critic" else self._generator_loss(batch)

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b ..."]:
        """The generator's latent of a building."""
        return self.generator.encode(x, condition)

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]."""
        return self.generator.decode(z, condition)

    def prior(self, condition: Condition, keys: Int64[Tensor, " b"]) -> Float[Tensor, "b ..."]:
        """Draw latents from the density of the encodings."""
        return self.generator.prior(condition, keys)

    def conclude(self, batches: Iterable[Batch]) -> None:
        """Fit the density of the encodings."""
        self.generator.conclude(batches)

    def forget(self) -> None:
        """Leave the prior behind."""
        self.generator.forget()

    @torch.no_grad()
    def realism(
        self, x: Float[Tensor, "b 1 x y z"], company: Float[Tensor, "m 1 x y z"]
    ) -> Float[Tensor, " b"]:
        """How real the critic finds each building among some real ones, higher is more real.

        The critic also looks at how much the buildings of a batch differ, so each is shown in the same
        company. Only differences mean something.
        """
        shown = [self.critic(decided(logits_of(torch.cat([one[None], company])))).verdict[0] for one in x]
        return torch.stack(shown) if shown else x.new_zeros(0)

    def _critic_loss(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        shown, invented = halves(batch)
        with torch.no_grad():
            fake = decided(self._invent(invented))
        real = decided(logits_of(shown.x))
        # All processes must agree on which steps are penalised; outside training none is.
        if (batch.chance + 1) % self.config.every:
            return {"relativistic": self._pairing(self.critic(fake), self.critic(real))}
        with torch.autocast(real.device.type, enabled=False):
            real, fake = real.float().requires_grad_(), fake.float().requires_grad_()
            on_real, on_fake = self.critic(real), self.critic(fake)
            penalty = squared_slope(on_real, real) + squared_slope(on_fake, fake)
            return {
                "relativistic": self._pairing(on_fake, on_real),
                "penalty": self.config.every * self.config.gamma / 2 * penalty,
            }

    def _generator_loss(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        rebuilt, invented = halves(batch)
        with torch.no_grad():
            z = posterior_draw(*self.generator.autoencoder.moments(rebuilt.x), rebuilt)
            real = self.critic(decided(logits_of(rebuilt.x)))
        terms = self.generator.autoencoder.rebuilding(z, rebuilt)
        made = self.critic(decided(self._invent(invented)))
        terms["adversarial"] = self.config.adversarial * relativistic(real, made)
        if self.config.feature_matching:
            gap = made.features.mean(dim=0) - real.features.mean(dim=0)
            terms["features"] = self.config.feature_matching * gap.square().mean()
        return terms

    def _pairing(self, fake: Judgement, real: Judgement) -> Float[Tensor, ""]:
        swapped = self.config.smoothing
        right = relativistic(fake, real)
        return right if not swapped else (1 - swapped) * right + swapped * relativistic(real, fake)

    def _invent(self, batch: Batch) -> Float[Tensor, "b 1 x y z"]:
        """Logits of buildings decoded from the prior, asked for nothing, under the symmetries of the batch.

        Real buildings are shown under theirs: which end is the higher one must not tell who made it.
        """
        density = self.generator.density
        nothing = self.unconditional(len(batch.x))
        z = density.sample(nothing.attributes, batch.keys, _PRIOR)
        logits = self.generator.autoencoder.logits(
            z.to(batch.x.device).reshape(-1, *self.latent_shape), nothing
        )
        return logits if batch.symmetry is None else turn(logits, batch.symmetry)


def decided(logits: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b 1 x y z"]:
    """Coverage after a steep curve around a half."""
    return (_STEEPNESS * logits.clamp(-_FURTHEST, _FURTHEST)).sigmoid()


def logits_of(x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b 1 x y z"]:
    """Logits of coverage, finite where a voxel is empty or full."""
    return torch.logit(x, eps=1e-3)


def relativistic(lower: Judgement, higher: Judgement) -> Float[Tensor, ""]:
    """What it costs that `higher` is not judged above `lower`, pair by pair.

    Zero where it is by far, log 2 where nothing tells them apart (Jolicoeur-Martineau 2019).
    """
    return F.softplus(lower.verdict - higher.verdict).mean()


def squared_slope(judgement: Judgement, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Squared norm of the gradient of a judgement, the mean over the batch (Mescheder et al. 2018)."""
    (slope,) = torch.autograd.grad(judgement.verdict.sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """Split a batch in two: a game needs as many buildings shown as invented, and no more of either.

    A batch of one serves as both; of an odd number the last one is left out.
    """
    n = len(batch.x) // 2
    return (batch[:n], batch[n : 2 * n]) if n else (batch, batch)
