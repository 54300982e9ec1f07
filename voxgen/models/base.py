"""The contract of all families.

A family is *a map from Gaussian noise to occupancy, trained as a game of one or more players*. `decode` is
deterministic and differentiable, so that "one seed, one building" is a law and whatever is written over
`decode` (constraints, editing, projection) holds for all families. `generate` is what sampling makes of a
latent that was drawn. Axes are always `b c x y z`.

All randomness inside `loss` comes from `batch.keys`, one integer a sample: the loss is a function of weights
and batch alone. Training therefore resumes exactly without any generator state, and two processes that share
a batch compute the gradient that one would, wherever a loss is a mean over samples.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..config import Config
from ..errors import UsageError
from ..nn.muon import Muon
from ..nn.symmetry import turn
from .condition import Condition, ConditionConfig
from .noise import keyed_noise


class ModelConfig(Config):
    """What every family's config holds.

    Attributes:
        resolution: voxels along x, y and z.
        patch: edge of the space-to-depth patches; chosen by the resolution where it is not given.
        condition: what the model can be asked for.
        feedback: how often a sample is asked again for what it missed (`voxgen/feedback.py`).
    """

    resolution: tuple[int, int, int] = (32, 32, 32)
    patch: int = 4
    condition: ConditionConfig = ConditionConfig()
    feedback: int = Field(default=2, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _choose_patch(cls, values: Any) -> Any:
        if isinstance(values, dict) and "patch" not in values and "resolution" in values:
            return {**values, "patch": patch_for(values["resolution"])}
        return values


def patch_for(resolution: Sequence[int]) -> int:
    """The smallest patch out of 4, 8 and 16 that leaves at most 2,048 cells and lets them be halved.

    Where none leaves so few, the largest that lets the cells be halved; 4 where none does.

    >>> patch_for((32, 32, 32)), patch_for((64, 64, 64)), patch_for((160, 160, 80))
    (4, 8, 8)
    """
    halvable = [p for p in (4, 8, 16) if all(int(n) % (2 * p) == 0 for n in resolution)]
    few = [p for p in halvable if math.prod(int(n) // p for n in resolution) <= 2048]
    return (few or halvable[-1:] or [4])[0]


@dataclass(frozen=True)
class Batch:
    """What a training step sees.

    Attributes:
        x: (b, 1, x, y, z) coverage in [0, 1].
        condition: what is asked, with dropout already applied.
        keys: (b,) an integer a sample and step, the source of all randomness in the loss.
        progress: share of the training budget used, in [0, 1]; schedules follow it.
        chance: an integer a step, the same for all processes that share the batch; 0 outside training.
        symmetry: (b,) under which plan symmetry x is shown (`nn/symmetry.py`); as it stands where None.
        known: all attributes as far as they are known, also those that are not asked; as asked where None.
        copy: (b,) which are stretched copies of other buildings; none where None.
    """

    x: Float[Tensor, "b 1 x y z"]
    condition: Condition
    keys: Int64[Tensor, " b"]
    progress: float = 0.0
    chance: int = 0
    symmetry: Int64[Tensor, " b"] | None = None
    known: Float[Tensor, "b a"] | None = None
    copy: Bool[Tensor, " b"] | None = None

    def to(self, device: torch.device) -> Batch:
        """Give the batch on a device; keys stay on the CPU, where noise is drawn."""
        symmetry = None if self.symmetry is None else self.symmetry.to(device)
        known = None if self.known is None else self.known.to(device)
        x, condition = self.x.to(device), self.condition.to(device)
        return replace(self, x=x, condition=condition, symmetry=symmetry, known=known)

    def __getitem__(self, index: slice) -> Batch:
        """Give some of the samples."""
        symmetry = None if self.symmetry is None else self.symmetry[index]
        known = None if self.known is None else self.known[index]
        copy = None if self.copy is None else self.copy[index]
        x, condition, keys = self.x[index], self.condition[index], self.keys[index]
        return replace(self, x=x, condition=condition, keys=keys, symmetry=symmetry, known=known, copy=copy)

    def standing(self) -> Batch:
        """Give the buildings, and the masks that are told of them, as they stand."""
        if self.symmetry is None:
            return self
        condition = replace(self.condition, masks=turn(self.condition.masks, self.symmetry))
        return replace(self, x=turn(self.x, self.symmetry), condition=condition, symmetry=None)

    def copied(self) -> Bool[Tensor, " b"]:
        """Tell which buildings are stretched copies of others."""
        return torch.zeros(len(self.x), dtype=torch.bool) if self.copy is None else self.copy

    def noise(self, shape: tuple[int, ...], stream: int = 0) -> Float[Tensor, "b ..."]:
        """Draw N(0, I) of `shape` for each sample; `stream` separates draws within a step."""
        return keyed_noise(self.keys, shape, stream).to(self.x.device)


ConfigT = TypeVar("ConfigT", bound=ModelConfig)


Known = Callable[[], Iterable[Batch]]
"""Training batches for the asking: buildings as they stand, with all attributes told."""


class GenerativeModel(nn.Module, ABC, Generic[ConfigT]):
    """One generative family. A class is abstract or final; methods marked final are written once, here."""

    config_class: ClassVar[type[ModelConfig]]
    conditional: ClassVar[bool] = True
    """Whether the family can be asked for anything; a published recipe may not."""
    fixed_learning_rate: ClassVar[bool] = False
    """Whether a recipe prescribes its learning rate, so that no schedule touches it."""
    clipped: ClassVar[bool] = True
    """Whether the loop may shorten gradients; a published recipe may not know of it."""
    begins_whole: ClassVar[bool] = True
    """Whether one of its class gives it all weights to begin with; else the autoencoder alone."""
    tunable: ClassVar[tuple[str, ...]] = ("feedback",)
    """Settings of the config that decide how is sampled, not what is learnt: they may change afterwards."""
    latent_shape: tuple[int, ...]

    def __init__(self, config: ConfigT) -> None:
        super().__init__()
        self.config = config

    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """The optimiser of a player; Muon unless a recipe prescribes another."""
        parameters = [p for p in self.players()[player].parameters() if p.requires_grad]
        return Muon(parameters, lr=learning_rate)

    @abstractmethod
    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """Terms of a player's loss, weights applied; their sum is minimised.

        An empty answer means that the player does not move in this step.
        """

    @abstractmethod
    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of latents; deterministic and differentiable."""

    def generate(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1] of latents that were drawn: as `decode`, which a family may better.

        Deterministic, but with no gradient to count on.
        """
        return self.decode(z, condition)

    def shared(self) -> nn.Module | None:
        """The autoencoder, which families share; None for a family without one."""
        return None

    @final
    def begin_from(self, other: GenerativeModel[Any]) -> None:
        """Take over the weights of a model of the same class, or its autoencoder where both hold one.

        What is fitted to data, such as a density, is left behind.

        Raises:
            UsageError: when the models share nothing, or differ in shape.
        """
        whole = type(other) is type(self) and self.begins_whole
        own, given = (self, other) if whole else (self.shared(), other.shared())
        if own is None or given is None:
            raise UsageError(
                f"a {type(self).__name__} cannot begin from a {type(other).__name__}: they share no part; "
                f"begin from a {type(self).__name__}"
                + (", or from a family that has its autoencoder, such as a vae" if self.shared() else "")
            )
        try:
            own.load_state_dict(given.state_dict())
        except RuntimeError:
            raise UsageError(
                "with these settings the networks have other shapes than those that they are to begin from; "
                "leave the settings of networks (widths, depth, latent, ...) as they are there"
            ) from None
        self.forget()

    def forget(self) -> None:
        """Leave behind what was fitted to data, as if nothing had been learnt of them."""

    def players(self) -> dict[str, nn.Module]:
        """The modules that are optimised in turn, in the order of their moves; one for most families."""
        return {"model": self}

    def span(self, player: str) -> tuple[float, float]:
        """From which to which share of the budget a player learns; its schedule is stretched over that."""
        del player
        return 0.0, 1.0

    def prior(self, condition: Condition, keys: Int64[Tensor, " b"]) -> Float[Tensor, "b ..."]:
        """Draw a latent for each entry of the condition by its key, on the CPU.

        N(0, I) unless a family fits something better; a fitted prior may heed what the condition asks.
        """
        del condition
        return keyed_noise(keys, self.latent_shape)

    def conclude(self, batches: Iterable[Batch]) -> None:
        """Fit what is fitted once the weights stand, such as a VAE's ex-post density, on training batches."""

    def prepare(self, progress: float, known: Known) -> None:
        """Get ready for a step; called before each, with training batches for the asking.

        For families whose later training rests on what `conclude` fits.
        """

    @final
    def unconditional(self, n: int) -> Condition:
        """A condition that asks nothing of `n` samples, on the model's device."""
        device = next(self.parameters()).device
        return Condition.nothing(n, self.config.condition, self.config.resolution).to(device)

    @final
    @torch.no_grad()
    def sample(
        self, keys: Int64[Tensor, " n"], condition: Condition | None = None, batch_size: int = 16
    ) -> Float[Tensor, "n 1 x y z"]:
        """Draw a building for each key as coverage in [0, 1]: `generate(prior(c), c)`, a few at a time."""
        n = len(keys)
        device = next(self.parameters()).device
        asked = self.unconditional(n) if condition is None else condition.to(device)
        z = self.prior(asked, keys).to(device)
        return torch.cat(
            [
                self.generate(z[i : i + batch_size], asked[i : i + batch_size]).float()
                for i in range(0, n, batch_size)
            ]
        )


@runtime_checkable
class Stepwise(Protocol):
    """A family that makes buildings step by step, and can show the way."""

    def trajectory(
        self, z: Float[Tensor, "b ..."], condition: Condition
    ) -> Iterator[Float[Tensor, "b 1 x y z"]]:
        """Coverage at each step from noise to a building, both included."""
        ...


@runtime_checkable
class Predicting(Protocol):
    """A family that tells the attributes of a building."""

    def predict(self, x: Float[Tensor, "b 1 x y z"]) -> Float[Tensor, "b a"]:
        """Attributes of coverage in [0, 1], in their own units and the order of the config."""
        ...


@runtime_checkable
class Judging(Protocol):
    """A family that judges how real buildings look."""

    def realism(
        self, x: Float[Tensor, "b 1 x y z"], company: Float[Tensor, "m 1 x y z"]
    ) -> Float[Tensor, " b"]:
        """How real each building looks among some real ones, higher is more real; only differences count."""
        ...


class EncodingModel(GenerativeModel[ConfigT]):
    """A family that can also find the latent of a given building."""

    most_reconstructed: ClassVar[int] = 4096
    """Most buildings that a report rebuilds: few where the way back and forth takes many passes."""

    @abstractmethod
    def encode(self, x: Float[Tensor, "b 1 x y z"], condition: Condition) -> Float[Tensor, "b ..."]:
        """Latents of coverage in [0, 1]; deterministic."""

    @final
    def reconstruct(
        self, x: Float[Tensor, "b 1 x y z"], condition: Condition | None = None
    ) -> Float[Tensor, "b 1 x y z"]:
        """`decode(encode(x))`."""
        asked = self.unconditional(len(x)) if condition is None else condition
        return self.decode(self.encode(x, asked), asked)
