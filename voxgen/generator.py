"""A trained model as a tool: seeds, grids and metres in, grids in metres out.

One seed, one building: sample `i` of a seed grows from the key of (seed, i) alone, however many are asked for
at once. Networks are run on a fixed number of samples at a time, filled up where fewer are asked, because
matrix products of another size round differently.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from . import checkpoint
from .errors import DataError, UsageError, nearest
from .feedback import closest
from .geometry.grid import FULL, VoxelGrid
from .geometry.measure import STOREY_HEIGHT, measure_grids
from .keys import keys
from .models.autoencoder import AutoencodingModel
from .models.base import EncodingModel, GenerativeModel, Predicting, Stepwise
from .models.condition import Condition
from .projection import project

CHUNK = 4
"""Samples that go through a network at once."""

_PROJECTION = 60
"""Steps of gradient descent for the latent of a building where a family has no encoder."""

_PLAN = ("footprint_length", "footprint_width", "footprint_area")

HELD = {
    "height": (*_PLAN, "pitched_share"),
    "footprint_length": ("height", "footprint_width", "pitched_share"),
    "footprint_width": ("height", "footprint_length", "pitched_share"),
    "footprint_area": ("height", "storeys", "pitched_share"),
    "gross_floor_area": (*_PLAN, "pitched_share"),
    "storeys": (*_PLAN, "pitched_share"),
    "pitched_share": (*_PLAN, "height"),
    "fill_ratio": ("height", "footprint_length", "footprint_width"),
}
"""What is held where an attribute is changed: all but what follows from it."""

Masks = Mapping[str, Shaped[np.ndarray, "x y z"]]


class Generator:
    """Makes buildings with a trained model.

    Args:
        model: the model, ready to sample.
        pitch: edge of a voxel in metres.
        card: what is known of the model (`voxgen.checkpoint.read_card`).
    """

    def __init__(self, model: GenerativeModel[Any], pitch: float, card: Mapping[str, Any]) -> None:
        self.model = model
        self.pitch = pitch
        self.card = card

    @property
    def resolution(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        return self.model.config.resolution

    @property
    def storey_height(self) -> float:
        """Metres by which floor areas and storeys were counted when it learnt of them."""
        return float(self.card.get("storey_height", STOREY_HEIGHT))

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        first: int = 0,
        attributes: Mapping[str, float] | None = None,
        masks: Masks | None = None,
    ) -> list[VoxelGrid]:
        """Make buildings; what a building misses of sizes that are asked is asked for again (`feedback.py`).

        Args:
            n: how many.
            seed: decides them; the same seed gives the same buildings on the same machine.
            first: number of the first one within the seed.
            attributes: what to ask for, by name, in metres, square metres, counts and shares.
            masks: where to build, by name: 1 inside.

        Returns:
            Coverage grids, centred on the origin, on the ground at z = 0.

        Raises:
            UsageError: for a name the model was not taught, or a mask of another shape.
        """
        if n < 0 or first < 0:
            raise UsageError(f"n = {n} and first = {first}: both count buildings, from 0")
        asked = self.condition(attributes, masks)
        return [
            grid
            for some in keys_of(seed, first, n).split(CHUNK)
            for grid in self.answer(asked[torch.zeros(len(some), dtype=torch.int64)], some)
        ]

    def answer(self, condition: Condition, keys: Int64[Tensor, " n"]) -> list[VoxelGrid]:
        """Make a building for each entry of a condition, by its key, as `sample` does.

        Args:
            condition: on the CPU.
            keys: as `keys_of` gives them, or any other integers.
        """
        return self.answered(condition, keys)[0]

    def answered(self, condition: Condition, keys: Int64[Tensor, " n"]) -> tuple[list[VoxelGrid], Condition]:
        """Give buildings as `answer` does, and the condition that each was told in the end."""
        known = condition.attributes

        def telling(attributes: Float[np.ndarray, "n a"]) -> Condition:
            return replace(condition, attributes=torch.from_numpy(attributes).to(known.dtype))

        def make(attributes: Float[np.ndarray, "n a"]) -> list[VoxelGrid]:
            told = telling(attributes)
            return self.generate(self.drawn(told, keys), told)

        config, storey = self.model.config, self.storey_height
        names, scale = config.condition.attributes, config.condition.scale
        made, told = closest(make, known.double().numpy(), names, scale, storey, config.feedback)
        return made, telling(told)

    def drawn(self, condition: Condition, keys: Int64[Tensor, " n"]) -> Float[Tensor, "n ..."]:
        """Give the latent of each key under a condition with one entry for each, or one for all."""
        # One by one: products of matrices of another size round differently.
        rows = [slice(i, i + 1) for i in range(len(keys))]
        each = [self.model.prior(condition[at] if len(condition) > 1 else condition, keys[at]) for at in rows]
        return torch.cat(each) if each else torch.zeros(0, *self.model.latent_shape)

    def tuned(self, settings: Iterable[str]) -> Generator:
        """Give the same model with other settings of sampling, as `steps=8`; the weights are shared.

        Raises:
            UsageError: for a setting that is no setting of sampling, and values that are not allowed.
        """
        asked = list(settings)
        for item in asked:
            name = item.partition("=")[0].strip()
            if name not in self.model.tunable:
                known = ", ".join(self.model.tunable) or "none"
                raise UsageError(
                    f"{name!r} is no setting of how a {type(self.model).__name__} is sampled"
                    f"{nearest(name, self.model.tunable)}; there are: {known}"
                )
        model = copy.copy(self.model)
        model.config = model.config.with_overrides(asked)
        return Generator(model, self.pitch, self.card)

    def latents(
        self, n: int, seed: int = 0, *, first: int = 0, condition: Condition | None = None
    ) -> Float[Tensor, "n ..."]:
        """Give the latents that `sample` starts from, on the CPU; `condition` holds one entry for all."""
        asked = self.condition() if condition is None else condition
        return self.drawn(asked, keys_of(seed, first, n))

    def decode(self, z: Float[Tensor, "n ..."], condition: Condition | None = None) -> list[VoxelGrid]:
        """Give what latents stand for; `condition` holds one entry for each, or one for all."""
        return self._grids(self.model.decode, z, condition)

    def generate(self, z: Float[Tensor, "n ..."], condition: Condition | None = None) -> list[VoxelGrid]:
        """Give the buildings that are made of drawn latents; `condition` is as for `decode`."""
        return self._grids(self.model.generate, z, condition)

    def encode(self, grid: VoxelGrid) -> Float[Tensor, "1 ..."]:
        """Give the latent of a building.

        Raises:
            UsageError: when the model cannot encode, or the grid is of another resolution or pitch.
        """
        model = self._encoder()
        self.check(grid)
        return _in_chunks(model.encode, self._input(grid), self.condition(), model)

    @torch.no_grad()
    def find(self, grid: VoxelGrid) -> Float[Tensor, "1 ..."]:
        """Give the latent of a building: as the encoder finds it, or gradient descent where there is none.

        Raises:
            UsageError: when the grid is of another resolution or pitch.
        """
        return self.encode(grid) if isinstance(self.model, EncodingModel) else self.project(grid, _PROJECTION)

    def project(self, grid: VoxelGrid, steps: int = 100) -> Float[Tensor, "1 ..."]:
        """Give the latent whose building comes closest to a given one, by gradient descent over `decode`.

        Args:
            grid: the building.
            steps: of the descent.

        Raises:
            UsageError: when the grid is of another resolution or pitch.
        """
        self.check(grid)
        x = self._input(grid)
        return project(self.model, x, self.condition().to(x.device), steps).cpu()

    def predict(self, grid: VoxelGrid) -> dict[str, float]:
        """Tell the attributes of a building by its latent; nothing for a model that cannot.

        Raises:
            UsageError: when the grid is of another resolution or pitch.
        """
        if not isinstance(self.model, Predicting):
            return {}
        self.check(grid)
        with torch.no_grad():
            (told,) = self.model.predict(self._input(grid)).tolist()
        return dict(zip(self.model.config.condition.attributes, told, strict=True))

    def changed(self, grid: VoxelGrid, attribute: str, values: Sequence[float]) -> list[VoxelGrid]:
        """Give a building with one attribute changed, for each value of it; what need not follow is held.

        Its latent is moved to where the autoencoder tells these values, by as little as that takes, and what
        is then missed of sizes is asked for again (`feedback.py`).

        Args:
            grid: the building.
            attribute: that is changed.
            values: of it, in its own unit.

        Raises:
            UsageError: for a model without the autoencoder, an attribute that it was not taught, and as
                `find`.
        """
        model = self.model
        if not isinstance(model, AutoencodingModel):
            raise UsageError(
                f"a {type(model).__name__} knows no attributes of a building by its latent; take a vae, gan, "
                "flow or diffusion over latents"
            )
        self.check(grid)
        config, storey = model.config, self.storey_height
        names, scale = config.condition.attributes, config.condition.scale
        known = [name for name in names if name in HELD]
        if attribute not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"no attribute {attribute!r}{nearest(attribute, known)}; there are: {there}")
        if not len(values):
            return []
        held = [name for name in names if name in HELD[attribute]]
        asked = np.full((len(values), len(names)), np.nan)
        asked[:, [names.index(name) for name in held]] = measure_grids([grid], held, storey)[0]
        asked[:, names.index(attribute)] = values
        x = self._input(grid)

        def make(attributes: Float[np.ndarray, "n a"]) -> list[VoxelGrid]:
            told = torch.from_numpy(attributes).to(x)
            parts = [model.changed(x, told[i : i + 1]).cpu() for i in range(len(told))]
            return [
                VoxelGrid(one, grid.pitch, grid.origin, grid.yaw) for one in to_coverage(torch.cat(parts))
            ]

        return closest(make, asked, names, scale, storey, config.feedback)[0]

    def trajectory(
        self, seed: int = 0, *, number: int = 0, attributes: Mapping[str, float] | None = None
    ) -> list[VoxelGrid]:
        """Give a building of a seed as it comes from noise: one grid at each step, the building last.

        Raises:
            UsageError: when the model does not go step by step; as `sample`.
        """
        model = self.model
        if not isinstance(model, Stepwise):
            raise UsageError(
                f"a {type(model).__name__} makes a building at once; a diffusion goes step by step: "
                "voxgen train --model diffusion"
            )
        asked = self.condition(attributes)
        _, asked = self.answered(asked, keys_of(seed, number, 1))
        z = self.latents(1, seed, first=number, condition=asked)
        (steps,) = _in_chunks(lambda z, c: torch.stack([*model.trajectory(z, c)], dim=1), z, asked, model)
        return [self._grid(values) for values in to_coverage(steps)]

    def check(self, grid: VoxelGrid) -> None:
        """Refuse a grid that the model was not made for.

        Raises:
            UsageError: when it is of another resolution or pitch.
        """
        self.check_size(grid.resolution, grid.pitch)

    def check_size(self, resolution: tuple[int, int, int], pitch: float) -> None:
        """Refuse grids of another size than the model knows.

        Args:
            resolution: voxels along x, y and z.
            pitch: edge of a voxel in metres.

        Raises:
            UsageError: when they are of another resolution or pitch.
        """
        if resolution != self.resolution or not np.isclose(pitch, self.pitch, rtol=1e-3):
            raise UsageError(
                f"grids of {_times(resolution)} voxels of {pitch:g} m, but the model knows "
                f"{_times(self.resolution)} voxels of {self.pitch:g} m; voxelize the buildings so: "
                f"--resolution {'x'.join(map(str, self.resolution))} --pitch {self.pitch:g}"
            )

    def reconstruct(self, grid: VoxelGrid, refine: int = 0) -> VoxelGrid:
        """Give a building as the model sees it, in the place of the original.

        Args:
            grid: the building.
            refine: steps of `project` that improve on what the encoder gives; from 1 on no encoder is needed.

        Raises:
            UsageError: as `encode`.
        """
        (made,) = self.decode(self.project(grid, refine) if refine else self.encode(grid))
        return VoxelGrid(made.values, grid.pitch, grid.origin, grid.yaw)

    def interpolate(self, a: VoxelGrid | int, b: VoxelGrid | int, n: int, seed: int = 0) -> list[VoxelGrid]:
        """Give `n` buildings on the way from one to another, both included, all as `generate` makes them.

        Args:
            a: a grid, or the number of a sample of the seed.
            b: the same for the end.
            n: at least 2.
            seed: of samples given by number.

        Raises:
            UsageError: as `find`, or for fewer than two.
        """
        if n < 2:
            raise UsageError(f"n = {n}: a way has a beginning and an end, so ask for at least 2")
        start, end = (
            self.find(at) if isinstance(at, VoxelGrid) else self.latents(1, seed, first=at) for at in (a, b)
        )
        return self.generate(torch.cat([slerp(start, end, i / (n - 1)) for i in range(n)]))

    def condition(
        self, attributes: Mapping[str, float] | None = None, masks: Masks | None = None
    ) -> Condition:
        """Give a condition with one entry, by name.

        Raises:
            UsageError: for a name the model was not taught, a mask of another shape, or no finite number.
        """
        for name, value in (attributes or {}).items():
            if not np.isfinite(value):
                raise UsageError(f"{name} = {value}: ask for a number, or leave it out to ask nothing")
        volumes = {k: torch.from_numpy(np.array(mask, np.float32)) for k, mask in (masks or {}).items()}
        config = self.model.config
        return Condition.asking(1, config.condition, config.resolution, attributes, volumes)

    def _encoder(self) -> EncodingModel[Any]:
        if not isinstance(self.model, EncodingModel):
            raise UsageError(
                f"a {type(self.model).__name__} makes buildings but cannot find one again; "
                "use a family that encodes, such as vae, or gradient descent: voxgen reconstruct --refine 100"
            )
        return self.model

    def _input(self, grid: VoxelGrid) -> Float[Tensor, "1 1 x y z"]:
        return from_coverage(grid.coverage[None].copy()).to(next(self.model.parameters()).device)

    def _grids(
        self,
        make: Callable[[Float[Tensor, "b ..."], Condition], Float[Tensor, "b 1 x y z"]],
        z: Float[Tensor, "n ..."],
        condition: Condition | None,
    ) -> list[VoxelGrid]:
        asked = self.condition() if condition is None else condition
        return [self._grid(values) for values in to_coverage(_in_chunks(make, z, asked, self.model))]

    def _grid(self, values: Shaped[np.ndarray, "x y z"]) -> VoxelGrid:
        x, y, _ = values.shape
        return VoxelGrid(values, self.pitch, np.array([-x * self.pitch / 2, -y * self.pitch / 2, 0.0]))


def load(name: str | Path, *, device: str = "cpu", allow: Collection[str] = ()) -> Generator:
    """Give the generator of a run.

    Args:
        name: a run's name or folder, or a model file.
        device: where to compute, such as cpu, cuda or mps.
        allow: families from outside voxgen, as `package.module:Class`, whose code may be imported.

    Raises:
        UsageError: when there is no such run, or its model's family is not allowed.
        DataError: when the model file is damaged.
    """
    from .training.run import find_model

    path = find_model(name)
    model = checkpoint.load(path, allow=allow)
    card = checkpoint.read_card(path)
    for what, default in (("pitch", None), ("storey_height", STOREY_HEIGHT)):
        metres = card.get(what, default)
        if not isinstance(metres, int | float) or not 0 < metres < float("inf"):
            raise DataError(f"{path}: its {what} is {metres!r}, not a number of metres; the file is damaged")
    try:
        model = model.to(torch.device(device))
    except (RuntimeError, AssertionError) as failure:
        raise UsageError(f"device {device!r} cannot be used ({failure}); try cpu") from None
    return Generator(model, float(card["pitch"]), card)


def keys_of(seed: int, first: int, n: int) -> Int64[Tensor, " n"]:
    """Give the keys of some samples of a seed, by the number of the first."""
    return torch.from_numpy(keys(seed, positions=np.arange(first, first + n)))


def slerp(a: Float[Tensor, "1 ..."], b: Float[Tensor, "1 ..."], t: float) -> Float[Tensor, "1 ..."]:
    """Interpolate on the arc between two latents, and their lengths linearly.

    High-dimensional Gaussian latents lie on a shell; the straight line between two leaves it (Shoemake 1985).
    """
    if t in (0.0, 1.0):
        return (a, b)[int(t)]
    length_a, length_b = a.norm(), b.norm()
    cosine = (a * b).sum() / (length_a * length_b).clamp_min(1e-12)
    angle = torch.arccos(cosine.clamp(-1, 1))
    # Parallel latents have no arc, opposite ones no single arc; the straight line serves for both.
    if angle < 1e-3 or angle > torch.pi - 1e-3 or length_a < 1e-6 or length_b < 1e-6:
        return torch.lerp(a, b, t)
    direction = torch.sin((1 - t) * angle) * a / length_a + torch.sin(t * angle) * b / length_b
    return direction / torch.sin(angle) * torch.lerp(length_a, length_b, t)


def from_coverage(coverage: Shaped[np.ndarray, "n x y z"]) -> Float[Tensor, "n 1 x y z"]:
    """A model's input in [0, 1] of coverage in 0..64; the inverse of `to_coverage`."""
    return torch.from_numpy(coverage).float().div_(FULL)[:, None]


def to_coverage(x: Float[Tensor, "n 1 x y z"]) -> Shaped[np.ndarray, "n x y z"]:
    """Coverage in 0..64 of a model's output in [0, 1], rounded."""
    return (x[:, 0].clamp(0, 1) * FULL).round().to(torch.uint8).numpy()


@torch.no_grad()
def _in_chunks(
    run: Callable[[Float[Tensor, "n ..."], Condition], Float[Tensor, "n ..."]],
    x: Float[Tensor, "n ..."],
    condition: Condition,
    model: GenerativeModel[Any],
) -> Float[Tensor, "n ..."]:
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(x), CHUNK):
        rows = torch.arange(start, start + CHUNK).clamp_max(len(x) - 1)
        asked = condition[rows if len(condition) > 1 else torch.zeros_like(rows)]
        parts.append(run(x[rows].to(device), asked.to(device)).float().cpu()[: len(x) - start])
    return torch.cat(parts) if parts else x.new_zeros(0, 1, *model.config.resolution)


def _times(resolution: tuple[int, int, int]) -> str:
    return " x ".join(str(n) for n in resolution)
