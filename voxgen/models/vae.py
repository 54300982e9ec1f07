"""Variational autoencoder over patches, with a spatial latent and an ex-post prior.

    L = -E_q(z|x) log p(x | z, c) + beta KL(q(z|x) || N(0, I))          (Kingma and Welling 2014)

The encoder is not told what is asked, c: a latent means the same whatever is asked of it, so that the fitted
prior serves with and without.

x is coverage, so the reconstruction is a soft-target cross-entropy; a soft Dice term keeps thin parts from
being averaged away. That loss hardly tells a coverage of .48 from one of .52, but occupied means over half:
along a wall that covers half a voxel, small errors become a ragged wall. A second, steeper cross-entropy on
which side of a half each voxel lies makes the model decide. A building is decoded as plan, roof and voids
(`nn/roof.py`), and the roof's height is compared on its own: through the voxels alone, a roof that is a few
voxels off feels no slope. beta is well under 1: a latent that is told precisely is rebuilt sharply, and
samples are drawn from a fitted prior anyway. Free bits (Kingma et al. 2016) keep latent channels from
switching off early. After training a density is fitted to the latents, and samples are drawn from it
(`density.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.conditioning import AttributeEmbedding, MaskPatches
from ..nn.roof import Mass, MassHead
from ..nn.volume import Contract, Expand, cells_per_level
from .base import Batch, EncodingModel, ModelConfig
from .condition import Condition
from .density import ParzenWindows

STEEPNESS = 4.0
"""How much steeper the decision between air and building is than coverage."""


class VAEConfig(ModelConfig):
    """Settings of the VAE.

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
        rank: principal components of the ex-post prior.
        windows: training buildings that the ex-post prior keeps, at most.
        neighbours: buildings that shape a window of the ex-post prior.
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
    rank: int = Field(default=128, ge=1)
    windows: int = Field(default=4096, ge=1)
    neighbours: int = Field(default=16, ge=2)

    @classmethod
    def of(cls, config: VAEConfig) -> VAEConfig:
        """Give the autoencoder's part of a config of a family that has one."""
        return cls(**{name: getattr(config, name) for name in cls.model_fields})


class VAE(EncodingModel[VAEConfig]):
    """The VAE. Its latent is a coarse grid of `latent` channels, flattened nowhere but in the prior."""

    config_class: ClassVar[type[ModelConfig]] = VAEConfig

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
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
        size = config.latent * cells[-1][0] * cells[-1][1] * cells[-1][2]
        self.density = ParzenWindows(
            size, len(wanted.attributes), config.rank, config.windows, config.neighbours
        )

    def moments(
        self, x: Float[Tensor, "b 1 x y z"]
    ) -> tuple[Float[Tensor, "b c xc yc zc"], Float[Tensor, "b c xc yc zc"]]:
        """Mean and log-variance of q(z|x)."""
        h = self.encoder(x)
        mu, logvar = self.to_moments(h).float().chunk(2, dim=1)
        return mu, logvar.clamp(-12, 4)

    def logits(self, z: Float[Tensor, "b c xc yc zc"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Logits of coverage."""
        return self.mass(z, condition).logits()

    def mass(self, z: Float[Tensor, "b c xc yc zc"], condition: Condition) -> Mass:
        """The building as plan, roof and voids."""
        return self.head(self.decoder(z, *self._embed(condition)))

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """What it costs to rebuild a building, and KL in nats a voxel of the grid."""
        del player
        mu, logvar = self.moments(batch.x)
        z = posterior_draw(mu, logvar, batch)
        return {
            **self.rebuilding(z, batch),
            "kl": self.config.beta
            * min(1.0, 5 * batch.progress + 0.05)
            * self._kl(mu, logvar)
            / batch.x[0].numel(),
        }

    def rebuilding(self, z: Float[Tensor, "b ..."], batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Terms of what separates the decoded latents from the buildings of the batch."""
        mass = self.mass(z, batch.condition)
        logits, wanted = mass.logits(), roof_of(batch.x)
        return {
            "reconstruction": soft_bce(logits, batch.x),
            "dice": self.config.dice * soft_dice(logits, batch.x),
            "edges": self.config.edges * edge_difference(logits, batch.x),
            "decision": self.config.decision * decision_bce(logits, batch.x),
            "roof": self.config.roof * roof_difference(mass.roof, wanted),
            "slopes": self.config.slopes * slope_difference(mass.roof, wanted),
        }

    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b c xc yc zc"]:
        """Mean of q(z|x), whatever is asked."""
        del condition
        return self.moments(x)[0]

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]."""
        return self.logits(z, condition).sigmoid()

    def prior(self, condition: Condition, keys: Int64[Tensor, " b"]) -> Float[Tensor, "b ..."]:
        """Draw latents from the ex-post density, conditioned on the attributes that are asked."""
        return self.density.sample(condition.attributes, keys).reshape(-1, *self.latent_shape)

    @torch.no_grad()
    def conclude(self, batches: Iterable[Batch]) -> None:
        """Fit the ex-post prior to the means of q(z|x) over the training set.

        To the means, not to draws: an entry that the encoder leaves unused has variance one in the draws,
        as much as the entries that matter, and would take its share of the principal components.
        """
        latents, attributes = [], []
        for batch in batches:
            latents.append(self.encode(batch.x, batch.condition).flatten(1).cpu())
            attributes.append(batch.condition.attributes.cpu())
        self.density.fit(torch.cat(latents), torch.cat(attributes))

    def _kl(self, mu: Float[Tensor, "b c x y z"], logvar: Float[Tensor, "b c x y z"]) -> Float[Tensor, ""]:
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar)
        # Clamped for each sample: clamping the batch's mean would make the gradient depend on how processes
        # share the batch.
        return kl.clamp_min(self.config.free_bits).mean(dim=0).sum()

    def _embed(
        self, condition: Condition
    ) -> tuple[Float[Tensor, "b e"], Float[Tensor, "b c xp yp zp"] | None]:
        extra = None if self.masks is None else self.masks(condition.masks, condition.given)
        return self.attributes(condition.attributes), extra


def posterior_draw(
    mu: Float[Tensor, "b c x y z"], logvar: Float[Tensor, "b c x y z"], batch: Batch
) -> Float[Tensor, "b c x y z"]:
    """Draw from q(z|x) by the batch's keys (the reparametrisation of Kingma and Welling 2014)."""
    return mu + (0.5 * logvar).exp() * batch.noise(tuple(mu.shape[1:]))


def soft_bce(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy of coverage in nats a voxel, less its own entropy: a perfect answer costs nothing."""
    entropy = -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).mean()
    return F.binary_cross_entropy_with_logits(logits, x) - entropy


def decision_bce(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Cross-entropy in nats a voxel of being occupied, coverage over a half, under steeper logits."""
    return F.binary_cross_entropy_with_logits(STEEPNESS * logits, (x > 0.5).to(logits.dtype))


def soft_dice(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """One minus the Dice overlap of coverages, the mean over the batch (Milletari et al. 2016)."""
    p = logits.sigmoid().flatten(1)
    q = x.flatten(1)
    return (1 - 2 * (p * q).sum(1) / (p.square().sum(1) + q.square().sum(1) + 1e-6)).mean()


class Roof(NamedTuple):
    """The roof that a building has.

    Attributes:
        height: over each column in voxels.
        weight: how much each column counts: its largest share.
        layers: of the grid.
    """

    height: Float[Tensor, "b 1 x y"]
    weight: Float[Tensor, "b 1 x y"]
    layers: int


def roof_of(x: Float[Tensor, "b 1 x y z"]) -> Roof:
    """Give the roof of coverage.

    The height is what the coverage adds up to over the share, when voids are filled with what lies above.
    """
    filled = x.flip(-1).cummax(dim=-1).values
    share = filled[..., -1]
    return Roof(filled.sum(dim=-1) / share.clamp_min(0.05), share * (share > 0.2), x.shape[-1])


def roof_difference(roof: Float[Tensor, "b 1 x y"], wanted: Roof) -> Float[Tensor, ""]:
    """Absolute error of the roof over each building, as a share of the grid's height; mean of the batch."""
    return _weighed((roof - wanted.height).abs(), wanted.weight) / wanted.layers


def slope_difference(roof: Float[Tensor, "b 1 x y"], wanted: Roof) -> Float[Tensor, ""]:
    """Absolute error of the roof's steps between neighbouring columns, voxels a voxel; the mean of the batch.

    A roof is flat pieces. One that is off as a whole is wrong in each column once; one that is off by another
    amount in each column is ragged, and pays here too.
    """
    terms = []
    for axis in (2, 3):
        n = roof.shape[axis] - 1
        both = torch.minimum(wanted.weight.narrow(axis, 1, n), wanted.weight.narrow(axis, 0, n))
        terms.append(_weighed((roof.diff(dim=axis) - wanted.height.diff(dim=axis)).abs(), both))
    return torch.stack(terms).mean()


def _weighed(error: Float[Tensor, "b 1 x y"], weight: Float[Tensor, "b 1 x y"]) -> Float[Tensor, ""]:
    """Mean over each building's own columns, then over the batch, so that processes may share it."""
    area = weight.flatten(1).sum(dim=1).clamp_min(1.0)
    return ((error * weight).flatten(1).sum(dim=1) / area).mean()


def edge_difference(logits: Float[Tensor, "b 1 x y z"], x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, ""]:
    """Absolute difference of the steps between neighbouring voxels (Mathieu et al. 2016).

    Cross-entropy judges voxels one by one and hardly minds a ragged wall; along a straight one every step is
    zero, so here each spurious step costs.
    """
    p = logits.sigmoid()
    gaps = [(p.diff(dim=axis) - x.diff(dim=axis)).abs().mean() for axis in (2, 3, 4)]
    return torch.stack(gaps).mean()
