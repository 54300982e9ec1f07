"""Families over the latents of an autoencoder: it learns first, then a network that makes its latents.

An autoencoder (`autoencoder.py`) learns first and then stands still (over latents: Rombach et al. 2022). What
the second network makes are the latents' principal components, each scaled to one: a spatial latent of many
hundred numbers varies in some dozens of directions, and in those a small network over vectors learns in
minutes: the training buildings are encoded once, each as it stands and once mirrored or turned, and from then
on a step costs what the small network costs. The network is told which of the two (non-leaking augmentation,
Karras et al. 2022): it learns from both, and makes buildings as they stand. Where masks are taught each step
encodes its own buildings, whose masks it knows.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import ClassVar, NamedTuple, TypeVar, final

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ..nn.conditioning import AttributeEmbedding
from ..nn.newton import moved_to
from ..nn.principal import PrincipalComponents
from ..nn.symmetry import SYMMETRIES, turn
from ..nn.windows import Windows
from .autoencoder import Autoencoder, AutoencoderConfig
from .base import Batch, EncodingModel, Known
from .condition import ORIGIN, Condition, ConditionConfig

_ROW, _WINDOW = 31, 30
"""Streams of noise of which encoded buildings a step sees, and where; the autoencoder draws from stream 0."""

_NEIGHBOURS = 16
"""Encoded buildings that shape the window around one."""

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
        window: how far from an encoded building the second network sees it, in deviations of its neighbours.
    """

    autoencoding: float = Field(default=0.65, ge=0, lt=1)
    directions: int = Field(default=64, ge=1)
    draws: int = Field(default=8, ge=1)
    window: float = Field(default=0.0, ge=0)


LatentConfigT = TypeVar("LatentConfigT", bound=LatentConfig)


class Encoded(NamedTuple):
    """Encoded buildings.

    Attributes:
        mean: means of q(z|x), as their principal components once these are known.
        spread: standard deviations of q(z|x), number by number.
        attributes: of the buildings, NaN where unknown.
        symmetry: under which each was encoded, 0 as it stands.
    """

    mean: Float[Tensor, "n k"]
    spread: Float[Tensor, "n d"]
    attributes: Float[Tensor, "n a"]
    symmetry: Int64[Tensor, " n"]


class LatentModel(EncodingModel[LatentConfigT]):
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
        self._known: Encoded | None = None
        self._windows: Windows | None = None

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
            self._known = self._windows = None
        elif not self.principal.fitted or (self._known is None and not self.config.condition.masks):
            # Also in a run that goes on, which finds its principal components in its state.
            standing = self._encoded(known())
            if not self.principal.fitted:
                self.principal.fit(standing.mean)
            if self.config.condition.masks:
                return
            both = zip(standing, self._encoded(_turned(known())), strict=True)
            self._known = self._reduced(Encoded(*(torch.cat(pair) for pair in both)))
            # Neighbours stand alike: what a window moves along must not turn a building.
            if self.config.window:
                self._windows = Windows.around(
                    self._known.mean, self._known.attributes, _NEIGHBOURS, self._known.symmetry
                )

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
        n = self.config.draws
        condition = batch.condition[torch.arange(len(batch.x)).repeat_interleave(n)]
        if self.training and self._known is not None:
            encoded, condition = self._drawn(self._known, condition, batch)
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
    def predict(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b a"]:
        """Attributes of buildings by their latents, in their own units."""
        return self.autoencoder.predict(self.autoencoder.moments(x)[0])

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

    def _drawn(self, known: Encoded, condition: Condition, batch: Batch) -> tuple[Encoded, Condition]:
        """Draw around encoded buildings by the batch's keys; of each is told what the condition tells."""
        n = self.config.draws
        share = torch.special.ndtr(batch.noise((n,), _ROW)).flatten()
        rows = (share * len(known.mean)).long().clamp_max(len(known.mean) - 1)
        encoded = Encoded(*(part[rows] for part in known))
        if self._windows is not None:
            noise = batch.noise((n, self._windows.neighbours), _WINDOW).flatten(0, 1)
            away = self.config.window * self._windows.draw(rows, noise)
            r = self.principal.rank
            encoded = encoded._replace(
                mean=encoded.mean + away[:, :r], attributes=encoded.attributes + away[:, r:]
            )
        told = encoded.attributes.where(~condition.attributes.isnan(), torch.nan)
        return encoded, replace(condition, attributes=told)

    @torch.no_grad()
    def _encoded(self, batches: Iterable[Batch]) -> Encoded:
        """Encode buildings, their means as whole latents."""
        device = self.principal.center.device
        parts = []
        for batch in batches:
            mu, logvar = self.autoencoder.moments(batch.x.to(device))
            spread = (0.5 * logvar).exp()
            standing = torch.zeros(len(mu), dtype=torch.int64)
            symmetry = (standing if batch.symmetry is None else batch.symmetry).to(device)
            attributes = batch.condition.attributes.to(device)
            parts.append(Encoded(mu.flatten(1), spread.flatten(1), attributes, symmetry))
        return Encoded(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _reduced(self, encoded: Encoded) -> Encoded:
        return encoded._replace(mean=self.principal.reduce(encoded.mean))


def _turned(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Give standing buildings mirrored or turned, under one symmetry after the other."""
    count = 0
    for batch in batches:
        symmetry = 1 + (count + torch.arange(len(batch.x), device=batch.x.device)) % (SYMMETRIES - 1)
        yield replace(batch, x=turn(batch.x, symmetry), symmetry=symmetry)
        count += len(batch.x)


class Told(nn.Module):
    """What a network over vectors is told of a condition: one embedding of attributes and coarse masks."""

    def __init__(self, wanted: ConditionConfig, width: int) -> None:
        super().__init__()
        self.attributes = AttributeEmbedding(wanted.center, wanted.scale, width)
        cells = math.prod(_MASK_CELLS) + 1
        self.masks = nn.Linear(len(wanted.masks) * cells, width) if wanted.masks else None
        self.symmetry = nn.Embedding(SYMMETRIES, width, padding_idx=0)
        nn.init.zeros_(self.symmetry.weight)

    def forward(
        self, condition: Condition, symmetry: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b e"]:
        """Embed what is asked: a building as it stands, or under its symmetries."""
        embedding = self.attributes(condition.attributes)
        if symmetry is not None:
            embedding = embedding + self.symmetry(symmetry)
        if self.masks is None:
            return embedding
        flag = condition.given.to(embedding.dtype)
        coarse = F.adaptive_avg_pool3d(condition.masks * flag[:, :, None, None, None], _MASK_CELLS)
        return embedding + self.masks(torch.cat([coarse.flatten(1), flag], dim=1))
