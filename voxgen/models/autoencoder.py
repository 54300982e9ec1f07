"""The autoencoder that the families share: buildings to a coarse grid of latents, and back.

    L = -E_q(z|x) log p(x | z, c) + beta KL(q(z|x) || N(0, I))          (Kingma and Welling 2014)

The encoder is not told what is asked, c: a latent means the same whatever is asked of it, so that what is
fitted to latents serves with and without. A building is decoded as plan, roof and voids (`nn/roof.py`) and
compared as `losses.py` says. beta is well under 1: a latent that is told precisely is rebuilt sharply, and
samples come from what is fitted to the latents anyway. Free bits (Kingma et al. 2016) keep latent channels
from switching off early.

A small network tells a building's attributes by its latent. It learns from the buildings whose attributes are
known, be they few, and the latents learn with it (semi-supervised learning, Kingma et al. 2014).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, TypeVar, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from ..nn.conditioning import AttributeEmbedding, AttributePredictor, MaskPatches
from ..nn.newton import moved_to
from ..nn.parts import over_parts
from ..nn.principal import PrincipalComponents
from ..nn.roof import SUREST, Mass, MassHead
from ..nn.volume import Contract, Expand, cells_per_level
from .asked import asked
from .base import Batch, EncodingModel, ModelConfig
from .condition import Condition
from .losses import Roof, roof_difference, roof_of, slope_difference
from .voxel_terms import voxel_terms

_DAMPING, _FURTHEST, _ROUNDS = 0.3, 8.0, 4
"""Of the move of a building to other attributes: slope of an attribute, in its deviations, from which on it
is met; how far a latent is moved at most, in deviations of its components; and in how many steps."""

_SURER = 2.0
"""By what the logits of coverage are multiplied before a made building is rebuilt."""

ConfigT = TypeVar("ConfigT", bound="AutoencoderConfig")


class AutoencoderConfig(ModelConfig):
    """Settings of the autoencoder.

    Attributes:
        widths: channels of each level, fine to coarse; level 0 lies on the patch grid.
        depth: residual blocks a level.
        plan: channels of the plan on the patch grid, from which walls and roof are read.
        fine: channels of the plan at full resolution.
        rounds: how often plan and roof are levelled along rows and columns.
        latent: channels of the spatial latent.
        embedding: width of the condition's embedding.
        beta: weight of the KL term.
        free_bits: nats that each number of the latent may carry for nothing.
        dice: weight of the soft Dice term.
        edges: weight of the edge term.
        decision: weight of the cross-entropy on which side of a half each voxel lies.
        roof: weight of the roof's height.
        slopes: weight of the roof's steps from column to column.
        prediction: weight of the error of predicted attributes.
        settle: how often a made building goes through the autoencoder once more, see `rebuilt`.
    """

    widths: tuple[int, ...] = (64, 128)
    depth: int = 2
    plan: int = 64
    fine: int = 16
    rounds: int = 2
    latent: int = 8
    embedding: int = 64
    beta: float = 0.1
    free_bits: float = 0.05
    dice: float = 0.1
    edges: float = 0.5
    decision: float = 1.0
    roof: float = 1.0
    slopes: float = 0.05
    prediction: float = 0.002
    settle: int = Field(default=1, ge=0)

    @classmethod
    def of(cls: type[ConfigT], config: AutoencoderConfig) -> ConfigT:
        """Give this part of the config of a family that holds more."""
        return cls(**{name: getattr(config, name) for name in cls.model_fields})


class Autoencoder(nn.Module):
    """Encoder, decoder, and what it costs to go through both.

    Args:
        config: the settings.

    Attributes:
        latent_shape: channels and cells of a latent.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        cells = cells_per_level(config.resolution, config.patch, len(config.widths))
        self.latent_shape = (config.latent, *cells[-1])
        wanted = config.condition
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, config.embedding)
        self.masks = MaskPatches(len(wanted.masks), config.patch, config.widths[0]) if wanted.masks else None
        self.encoder = Contract(config.resolution, config.patch, config.widths, config.depth)
        self.to_moments = nn.Conv3d(config.widths[-1], 2 * config.latent, 1)
        self.decoder = Expand(
            config.resolution, config.patch, config.latent, config.widths, config.depth, config.embedding
        )
        self.head = MassHead(
            cells[0], config.patch, config.widths[0], config.plan, config.fine, config.rounds
        )
        self.predictor = (
            AttributePredictor(self.latent_shape, wanted.center, wanted.scale) if wanted.attributes else None
        )

    def decoding(self) -> nn.ModuleList:
        """What a building is decoded by."""
        parts = (self.attributes, self.masks, self.decoder, self.head)
        return nn.ModuleList(part for part in parts if part is not None)

    def moments(
        self, x: Float[Tensor, "b 1 x y z"]
    ) -> tuple[Float[Tensor, "b c xc yc zc"], Float[Tensor, "b c xc yc zc"]]:
        """Mean and log-variance of q(z|x)."""
        mu, logvar = self.to_moments(self.encoder(x)).float().chunk(2, dim=1)
        return mu, logvar.clamp(-12, 4)

    def logits(self, z: Float[Tensor, "b c xc yc zc"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Logits of coverage."""
        return self.mass(z, condition).logits()

    def mass(self, z: Float[Tensor, "b c xc yc zc"], condition: Condition) -> Mass:
        """The building as plan, roof and voids."""
        return self.head(self.decoder(z, *asked(condition, self.attributes, self.masks)))

    @torch.no_grad()
    def rebuilt(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of made buildings after another way there and back.

        What is decoded from between the latents that were learnt is ragged; what the encoder then tells of it
        is a latent as those are, and walls come out straight. A chain of such steps goes to where buildings
        are dense (Bengio et al. 2013); here without noise, and few of them. Coverage is shown surer than it
        is, which makes fewer loose pieces; rounded to a grid, it would lose where within a voxel a roof lies.
        The building then stands on level ground, see `Mass.grounded`.
        """
        surer = (_SURER * torch.logit(x, eps=SUREST)).sigmoid()
        return self.mass(self.moments(surer)[0], condition).grounded().logits().sigmoid()

    def predict(self, z: Float[Tensor, "b c xc yc zc"]) -> Float[Tensor, "b a"]:
        """Attributes of the buildings of latents, in their own units."""
        return z.new_zeros(len(z), 0) if self.predictor is None else self.predictor(z)

    def loss(self, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """What it costs to rebuild and to describe a building, and KL in nats a voxel of the grid."""
        mu, logvar = self.moments(batch.x)
        terms = self.rebuilding(posterior_draw(mu, logvar, batch), batch)
        warm = min(1.0, 5 * batch.progress + 0.05)
        terms["kl"] = self.config.beta * warm * self._kl(mu, logvar) / batch.x[0].numel()
        if self.predictor is not None:
            known = batch.condition.attributes if batch.known is None else batch.known
            error = self.predictor.squared_error(mu, known)
            terms["attributes"] = self.config.prediction * error
        return terms

    def rebuilding(self, z: Float[Tensor, "b ..."], batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Terms of what separates the decoded latents from the buildings of the batch."""
        mass = self.mass(z, batch.condition)
        terms = voxel_terms(mass, batch.x).unbind()
        wanted = Roof(*over_parts(roof_of, batch.x))
        config = self.config
        return {
            "reconstruction": terms[0],
            "dice": config.dice * terms[1],
            "edges": config.edges * terms[2],
            "decision": config.decision * terms[3],
            "roof": config.roof * roof_difference(mass.roof, wanted) / config.resolution[2],
            "slopes": config.slopes * slope_difference(mass.roof, wanted),
        }

    def _kl(self, mu: Float[Tensor, "b c x y z"], logvar: Float[Tensor, "b c x y z"]) -> Float[Tensor, ""]:
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar)
        # Clamped for each sample: clamping the batch's mean would make the gradient depend on how processes
        # share the batch.
        return kl.clamp_min(self.config.free_bits).mean(dim=0).sum()


class AutoencodingModel(EncodingModel[ConfigT]):
    """A family over the autoencoder."""

    tunable: ClassVar[tuple[str, ...]] = ("settle", *EncodingModel.tunable)

    @abstractmethod
    def shared(self) -> Autoencoder:
        """The autoencoder."""

    @final
    def generate(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of latents that were drawn, settled."""
        return self.settled(self.decode(z, condition), condition)

    @final
    def settled(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Rebuild made buildings as often as the settings say."""
        for _ in range(self.config.settle):
            x = self.shared().rebuilt(x, condition)
        return x

    @final
    def predict(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b a"]:
        """Attributes of buildings by their latents, in their own units."""
        return self.shared().predict(self.shared().moments(x)[0])

    @abstractmethod
    def principal_components(self) -> PrincipalComponents:
        """The directions in which latents of buildings differ."""

    @final
    @torch.no_grad()
    def changed(
        self, x: Float[Tensor, "b 1 x y z"], attributes: Float[Tensor, "b a"]
    ) -> Float[Tensor, "b 1 x y z"]:
        """Buildings with other attributes, in [0, 1]: their latents moved to where these are told.

        The move is the shortest there is, measured in deviations of the principal components: what does not
        make a building higher stays as it is. Attributes that are NaN may become anything.
        """
        shared, principal = self.shared(), self.principal_components()
        latents = shared.moments(x)[0]
        begun = principal.reduce(latents.flatten(1))
        rest = latents.flatten(1) - principal.expand(begun)

        def at(components: Float[Tensor, "b r"]) -> Float[Tensor, "b c xc yc zc"]:
            return (principal.expand(components) + rest).reshape(latents.shape)

        if shared.predictor is not None:
            predictor = shared.predictor
            wanted = predictor.wanted(attributes)
            begun = moved_to(lambda c: predictor.told(at(c)), begun, wanted, _DAMPING, _FURTHEST, _ROUNDS)
        told = replace(self.unconditional(len(x)), attributes=attributes)
        return self.settled(shared.logits(at(begun), told).sigmoid(), told)


def posterior_draw(
    mu: Float[Tensor, "b c x y z"], logvar: Float[Tensor, "b c x y z"], batch: Batch
) -> Float[Tensor, "b c x y z"]:
    """Draw from q(z|x) by the batch's keys (the reparametrisation of Kingma and Welling 2014)."""
    return mu + (0.5 * logvar).exp() * batch.noise(tuple(mu.shape[1:]))
