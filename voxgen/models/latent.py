"""Families over the latents of an autoencoder: it learns first, then a network that makes its latents.

An autoencoder (`autoencoder.py`) learns first and then stands still (over latents: Rombach et al. 2022). What
the second network makes are the latents' principal components, each scaled to one: a spatial latent of many
hundred numbers varies in some dozens of directions, and in those a small network over vectors learns in
minutes: the training buildings and their stretched copies are encoded once, as they stand, and from then on
a step costs what the small network costs. In minutes it could also learn them by heart; so each is seen
anywhere in a window along its neighbours (vicinal risk, Chapelle et al. 2000; windows as in `density.py`).
Where masks are taught each step encodes its own buildings, whose masks it knows.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ClassVar, NamedTuple, TypeVar, final

import torch
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.conditioning import AttributeEmbedding
from ..nn.newton import moved_to
from ..nn.principal import PrincipalComponents
from .autoencoder import Autoencoder, AutoencoderConfig, AutoencodingModel
from .base import Batch, Known
from .condition import ORIGIN, Condition, ConditionConfig
from .density import deviations, filled, neighbours, width_of

_ROW = 31
"""Stream of noise of which encoded buildings a step sees; the autoencoder draws from stream 0."""

_WINDOW, _NEIGHBOURS = 35, 16
"""Stream of noise of where in its window a building is seen; how many others shape a window."""

_RATE = 0.5
"""Learning rate of the second network, as a multiple of the autoencoder's. AdamW moves it: Muon's iterations
would cost more than the small network itself."""

_DAMPING, _FURTHEST = 0.1, 3.0
"""Of the move of a draw to what is asked: slope of an attribute, in its deviations, from which on it is met;
and how far a draw is moved at most, in deviations of the components."""

_MASK_CELLS = (8, 8, 4)
"""Masks are told to the second network as coarsely as this; the decoder sees them whole."""


class LatentConfig(AutoencoderConfig):
    """Settings of the autoencoder, and of what comes after it.

    Attributes:
        autoencoding: share of the budget in which the autoencoder learns, before the second network does.
        directions: principal components that are generated.
        draws: encoded buildings in a step for each building of its batch.
        window: width of what is seen of each, as a multiple of a VAE's windows (`density.py`); 0 for points.
    """

    autoencoding: float = Field(default=0.65, ge=0, lt=1)
    directions: int = Field(default=64, ge=1)
    draws: int = Field(default=8, ge=1)
    window: float = Field(default=0.5, ge=0)


LatentConfigT = TypeVar("LatentConfigT", bound=LatentConfig)


class Encoded(NamedTuple):
    """Encoded buildings.

    Attributes:
        mean: means of q(z|x), as their principal components once these are known.
        spread: standard deviations of q(z|x), number by number.
        attributes: of the buildings, NaN where unknown.
        copy: which are stretched copies of others.
    """

    mean: Float[Tensor, "n k"]
    spread: Float[Tensor, "n d"]
    attributes: Float[Tensor, "n a"]
    copy: Bool[Tensor, " n"]


class Windows(NamedTuple):
    """Encoded buildings, and the neighbours that shape a window around each.

    Attributes:
        encoded: the buildings.
        nearest: rows of each and its neighbours.
        attributes: of the buildings, the unknown ones as the neighbours have them.
        width: at which draws lie as far from all buildings as different ones from each other.
    """

    encoded: Encoded
    nearest: Int64[Tensor, "n k"]
    attributes: Float[Tensor, "n a"]
    width: float

    @classmethod
    def around(cls, encoded: Encoded) -> Windows:
        """Find the neighbours."""
        nearest = neighbours(encoded.mean, _NEIGHBOURS + 1)
        width = width_of(encoded.mean.cpu(), nearest.cpu(), ~encoded.copy.cpu())
        return cls(encoded, nearest, filled(encoded.attributes, nearest), width)

    def drawn(self, rows: Int64[Tensor, " b"], noise: Float[Tensor, "b k"], width: float = 1.0) -> Encoded:
        """Give buildings somewhere in windows so many times as wide, with attributes that go with that."""
        at, near = Encoded(*(part[rows] for part in self.encoded)), self.nearest[rows]

        def along(points: Float[Tensor, "n d"]) -> Float[Tensor, "b d"]:
            return self.width * width * (noise[:, None] @ deviations(points, near))[:, 0]

        return at._replace(
            mean=at.mean + along(self.encoded.mean), attributes=at.attributes + along(self.attributes)
        )


class LatentModel(AutoencodingModel[LatentConfigT]):
    """A family whose second player, named `maker`, turns noise into components of latents and back.

    One that begins from another takes over the autoencoder: components are those of the data that it learns
    from, and the second network learns them anew, which takes minutes.
    """

    begins_whole: ClassVar[bool] = False

    maker: ClassVar[str]
    """What the second player is called."""

    def __init__(self, config: LatentConfigT) -> None:
        super().__init__(config)
        self.autoencoder = Autoencoder(AutoencoderConfig.of(config))
        self.principal = PrincipalComponents(math.prod(self.autoencoder.latent_shape), config.directions)
        self.latent_shape = (self.principal.rank,)
        self._known: Windows | None = None

    @abstractmethod
    def making(self) -> nn.Module:
        """The second network."""

    @abstractmethod
    def latent_loss(
        self, encoded: Encoded, condition: Condition, noise: Callable[[int, int], Float[Tensor, "n k"]]
    ) -> Float[Tensor, ""]:
        """What the second network learns from encoded buildings.

        Args:
            encoded: n of them.
            condition: what is asked of each.
            noise: (k, stream) -> N(0, I) of k numbers for each.
        """

    @abstractmethod
    def to_components(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """Components of the latents that noise becomes."""

    @abstractmethod
    def to_noise(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """The noise that becomes these components."""

    @final
    def shared(self) -> Autoencoder:
        """The autoencoder."""
        return self.autoencoder

    @final
    def principal_components(self) -> PrincipalComponents:
        """What the second network makes."""
        return self.principal

    @final
    def players(self) -> dict[str, nn.Module]:
        """The autoencoder, then the second network."""
        return {"autoencoder": self.autoencoder, self.maker: self.making()}

    @final
    def span(self, player: str) -> tuple[float, float]:
        """One after the other."""
        end = self.config.autoencoding
        return (0.0, end) if player == "autoencoder" else (end, 1.0)

    @final
    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """Muon for the autoencoder, AdamW for the second network."""
        if player == "autoencoder":
            return super().optimiser(player, learning_rate)
        return torch.optim.AdamW(
            self.making().parameters(), lr=_RATE * learning_rate, betas=(0.9, 0.99), weight_decay=1e-2
        )

    @final
    def prepare(self, progress: float, known: Known) -> None:
        """Find the latents' directions when the autoencoder has learnt, and encode what is known."""
        if progress < self.config.autoencoding:
            # A run that is given more time falls back, and its encodings move again.
            self.principal.fitted.zero_()
            self._known = None
        elif not self.principal.fitted or (self._known is None and not self.config.condition.masks):
            # Also in a run that goes on, which finds its principal components in its state.
            standing = self._encoded(known())
            if not self.principal.fitted:
                self.principal.fit(standing.mean)
            if not self.config.condition.masks:
                self._known = Windows.around(self._reduced(standing))

    @final
    def conclude(self, batches: Iterable[Batch]) -> None:
        """Find the principal components where they are not yet: early samples are a Gaussian's."""
        if not self.principal.fitted:
            self.principal.fit(self._encoded(batches).mean)

    @final
    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The autoencoder's loss, or that of the second network."""
        if player == "autoencoder":
            return self.autoencoder.loss(batch)
        if not self.principal.fitted:
            return {}
        known = self._known if self.training else None
        if known is None:
            # The autoencoder learns from mirrored and turned ones too; what is made is to stand as data do.
            batch = batch.standing()
        n = self.config.draws
        condition = batch.condition[torch.arange(len(batch.x)).repeat_interleave(n)]
        if known is not None:
            encoded, condition = self._drawn(known, condition, batch)
        else:
            shown = self._reduced(self._encoded([batch]))
            encoded = Encoded(*(part.repeat_interleave(n, dim=0) for part in shown))

        def noise(size: int, stream: int) -> Float[Tensor, "n k"]:
            return batch.noise((n, size), stream).flatten(0, 1)

        return {self.maker: self.latent_loss(encoded, condition, noise)}

    @final
    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b r"]:
        """The noise that a building is made from."""
        latents = self.autoencoder.moments(x)[0].flatten(1)
        return self.to_noise(self.principal.reduce(latents), condition)

    @final
    def decode(self, z: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of noise."""
        return self.building(self.meeting(self.to_components(z, condition), condition), condition)

    @final
    def meeting(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b r"]:
        """Components moved to where the autoencoder tells the attributes that are asked.

        The second network hears what is asked and comes near it; what is left is a small move.
        """
        predictor = self.autoencoder.predictor
        if predictor is None or not len(components):
            return components
        # Sizes and shares can be told by a latent; who made a building, or what a mask leaves, cannot.
        wanted = predictor.wanted(condition.attributes)
        wanted = wanted.masked_fill(condition.given.any(dim=1, keepdim=True), torch.nan)
        names = self.config.condition.attributes
        for name in ORIGIN:
            if name in names:
                wanted[:, names.index(name)] = torch.nan
        if bool(wanted.isnan().all()):
            return components

        def told(at: Tensor) -> Tensor:
            return predictor.told(self.principal.expand(at).reshape(-1, *self.autoencoder.latent_shape))

        return moved_to(told, components, wanted, _DAMPING, _FURTHEST)

    @final
    def building(self, components: Float[Tensor, "b r"], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of the components of latents."""
        latents = self.principal.expand(components).reshape(-1, *self.autoencoder.latent_shape)
        return self.autoencoder.logits(latents, condition).sigmoid()

    def _drawn(self, known: Windows, condition: Condition, batch: Batch) -> tuple[Encoded, Condition]:
        """Choose encoded buildings by the batch's keys; of each is told what the condition tells."""
        n, count = self.config.draws, len(known.nearest)
        share = torch.special.ndtr(batch.noise((n,), _ROW)).flatten()
        rows = (share * count).long().clamp_max(count - 1)
        where = batch.noise((n, known.nearest.shape[1]), _WINDOW).flatten(0, 1)
        encoded = known.drawn(rows, where, self.config.window)
        told = encoded.attributes.where(~condition.attributes.isnan(), torch.nan)
        return encoded, replace(condition, attributes=told)

    @torch.no_grad()
    def _encoded(self, batches: Iterable[Batch]) -> Encoded:
        """Encode buildings, their means as whole latents."""
        device = self.principal.center.device
        parts = []
        for batch in batches:
            mu, logvar = self.autoencoder.moments(batch.x.to(device))
            attributes = batch.condition.attributes.to(device)
            copy = batch.copied().to(device)
            parts.append(Encoded(mu.flatten(1), (0.5 * logvar).exp().flatten(1), attributes, copy))
        return Encoded(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _reduced(self, encoded: Encoded) -> Encoded:
        return encoded._replace(mean=self.principal.reduce(encoded.mean))


class Told(nn.Module):
    """What a network over vectors is told of a condition: one embedding of attributes and coarse masks."""

    def __init__(self, wanted: ConditionConfig, width: int) -> None:
        super().__init__()
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, width)
        cells = math.prod(_MASK_CELLS) + 1
        self.masks = nn.Linear(len(wanted.masks) * cells, width) if wanted.masks else None

    def forward(self, condition: Condition) -> Float[Tensor, "b e"]:
        """Embed what is asked."""
        embedding = self.attributes(condition.attributes)
        if self.masks is None:
            return embedding
        flag = condition.given.to(embedding.dtype)
        coarse = F.adaptive_avg_pool3d(condition.masks * flag[:, :, None, None, None], _MASK_CELLS)
        return embedding + self.masks(torch.cat([coarse.flatten(1), flag], dim=1))
