"""Buildings for a brief: drawn, set on the site, bent towards what is wanted, and chosen to differ.

More are drawn than are asked for, with the brief's wants as far as the model can be asked for them, and each
at proportions of its own. Each is set on the site (`fit`), the better ones are bent (`bend`) and set again,
and of those that meet the brief the ones are given that lie furthest apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..generator import CHUNK, Generator, keys_of, slerp
from ..geometry.grid import FULL, VoxelGrid, pack
from ..geometry.measure import measure
from ..geometry.placement import footprint_rectangle
from ..geometry.polyhedron import Polyhedron
from ..geometry.similarity import popcount_iou
from ..models.condition import ASKABLE, Condition
from .agree import by_full_name, in_full, refuse_contradictions
from .bend import bend
from .brief import Brief, Rules, Targets
from .exact import Proof, exact, proof
from .fit import STRETCHED, Fitted, fit
from .frame import Room, room_of, window_of
from .goal import Goal
from .pose import Pose
from .site import Site, site_of, within

DRAWN = 4
"""Buildings drawn for each one asked for."""

BENT = 2
"""Of these, how many are bent for each one asked for."""

_AGAIN, _CLOSE = 2, 0.1
"""How often a surface is made again for what it misses, and the misfit that is close enough."""

_SEEN = 1e-6
"""Share of a site beyond the grid that is worth no word."""

_PROPORTION = 1.25
"""By which a building's length over its width is changed at most, at chance, from the room's."""


@dataclass(frozen=True)
class Candidate:
    """A building drawn for a brief.

    Attributes:
        number: within the seed; with the seed, the model, the brief and whether it was bent it makes the same
            building again.
        made: coverage in [0, 1] as the model made it.
        fitted: as it is set on the site.
        asked: what the model was asked for.
        bent: whether its latent was bent.
    """

    number: int
    made: Float[np.ndarray, "x y z"]
    fitted: Fitted
    asked: Mapping[str, float]
    bent: bool

    @property
    def misfit(self) -> float:
        """What the wants are missed by, in squares of tolerances, and what was changed."""
        return self.fitted.misfit


@dataclass(frozen=True)
class Design:
    """A building for a brief, to be built.

    Attributes:
        candidate: what it is made of.
        surface: within the site to the last face.
        trimmed: m3 by which that differs from the surface of the grid.
        got: measures of the surface by name.
        proof: that it keeps the site.
        misfit: of the surface, as of candidates.
        met: whether all wants are met within their tolerances.
    """

    candidate: Candidate
    surface: Polyhedron
    trimmed: float
    got: Mapping[str, float]
    proof: Proof
    misfit: float
    met: bool


@dataclass(frozen=True)
class Near:
    """Where to draw: around known buildings, in place of from all that the model has learnt.

    Attributes:
        parents: their latents; of several, mixtures.
        strength: share of the way to a free draw, of which each building goes at least half.
    """

    parents: Float[Tensor, "k ..."]
    strength: float

    def moved(self, free: Float[Tensor, "1 ..."], chance: np.random.Generator) -> Float[Tensor, "1 ..."]:
        """Give a latent on the way from the parents to a free draw."""
        weights = torch.from_numpy(chance.dirichlet(np.ones(len(self.parents)))).to(free)
        start = torch.tensordot(weights, self.parents.to(free), dims=1)[None]
        # A mean of latents is shorter than these are.
        lengths = self.parents.flatten(1).norm(dim=1).to(free)
        start = start * ((weights @ lengths) / start.norm().clamp_min(1e-9))
        return slerp(start, free, self.strength * chance.uniform(0.5, 1.0))


class Designer:
    """Makes buildings for a site with a model of any family.

    Args:
        generator: the model.
        site: the site; see `of` for a brief's.
        room: the site in the model's voxels.
        targets: what is wanted.
        rules: what must hold.
        near: where to draw; then buildings stand as the model makes them, without being turned or stretched.
        notes: what there is to say of the site.

    Raises:
        UsageError: where what is wanted cannot be.
    """

    def __init__(
        self,
        generator: Generator,
        site: Site,
        room: Room,
        targets: Targets | None = None,
        rules: Rules | None = None,
        *,
        near: Near | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.generator = brisk(generator)
        self.site = site
        self.room = room
        self.wants = targets or Targets()
        self.near = near
        self.notes = list(notes)
        refuse_contradictions(self.wants, site)
        self.goal = Goal(
            room,
            in_full(self.wants, site),
            by_full_name(self.wants),
            self.wants.roof,
            self.wants.storey_height,
            (rules or Rules()).cantilever / room.lay.pitch,
            oriented=self.wants.orientation is not None,
            still=near is not None,
        )

    @classmethod
    def of(cls, generator: Generator, brief: Brief) -> Designer:
        """Give the designer for a brief.

        Raises:
            UsageError, DataError: where the brief cannot be met or its files not be used.
        """
        pitch, resolution = generator.pitch, generator.resolution
        whole = site_of(brief.site, resolution[2] * pitch)
        room = room_of(whole, resolution, pitch, brief.targets.orientation)
        window = window_of(replace(room.lay, resolution=resolution))
        site, notes = within(whole, window), list(whole.notes)
        if site.envelope.volume() < (1 - _SEEN) * whole.envelope.volume():
            x, y, _ = (n * pitch for n in resolution)
            notes.append(
                f"the site is larger than the model's grid of {x:g} x {y:g} m: built on is what lies in it"
            )
        return cls(generator, site, room, brief.targets, brief.rules, notes=notes)

    def designs(
        self,
        n: int,
        seed: int = 0,
        progress: Callable[[float, str], None] | None = None,
        accept: Callable[[VoxelGrid], bool] | None = None,
    ) -> list[Design]:
        """Give `n` buildings, or as many as there are, those that meet the brief first.

        Args:
            n: how many.
            seed: decides them.
            progress: is told the share that is done, and what is being done.
            accept: tells which buildings may be given, as they stand; all where left out.

        Raises:
            DataError: where not one of those drawn can stand on the site and is accepted.
        """
        tell = progress or (lambda *_: None)
        accepted = accept or (lambda _: True)
        drawn = []
        for first in range(0, DRAWN * n, CHUNK):
            tell(0.4 * first / (DRAWN * n), f"{first:,} of {DRAWN * n:,} drawn")
            drawn += self._drawn(range(first, min(first + CHUNK, DRAWN * n)), seed)
        found = [candidate for _, candidate in drawn]
        best = sorted(drawn, key=lambda one: one[1].misfit)[: BENT * n]
        for first in range(0, len(best), CHUNK):
            tell(0.4 + 0.6 * first / len(best), f"{first:,} of {len(best):,} bent")
            found += self._bent(best[first : first + CHUNK])
        standing = [one for one in _better(found) if accepted(one.fitted.grid)]
        taken = chosen(standing, n, lambda one: self.goal.met(one.fitted.got))
        numbers = {one.number for one in taken}
        rest = sorted((one for one in standing if one.number not in numbers), key=lambda one: one.misfit)
        built = (one for one in self._exact([*taken, *rest]) if accepted(one.candidate.fitted.grid))
        designs = list(islice(built, n))
        if not designs:
            less = "" if accept is None else ", ask for less novelty"
            raise DataError(
                f"none of {DRAWN * n} buildings drawn can stand on this site{' and is new' * bool(less)}; "
                f"ask for more, lower what must be kept free{less}, or take a model of smaller buildings"
            )
        return sorted(designs, key=lambda one: (not one.met, one.misfit))

    def _exact(self, candidates: Iterable[Candidate]) -> Iterator[Design]:
        """Candidates as they are to be built; those that cannot keep the site exactly are left out."""
        for candidate in candidates:
            best = now = self._built(candidate)
            wanted = dict(self.goal.wanted)
            for _ in range(_AGAIN):
                if now is None or now.misfit < _CLOSE:
                    break
                # A surface differs a little from its grid: by as much something else is asked of the fit.
                wanted |= {
                    name: wanted[name] * self.goal.wanted[name] / now.got[name]
                    for name in STRETCHED
                    if name in wanted
                }
                now = self._built(replace(candidate, fitted=fit(candidate.made, self.goal.wanting(wanted))))
                if best is None or (now is not None and now.misfit < best.misfit):
                    best = now
            if best is not None:
                yield best

    def _built(self, candidate: Candidate) -> Design | None:
        """A candidate's surface with all that is known of it; None where it does not keep the site."""
        try:
            surface, trimmed = exact(candidate.fitted.grid, self.site)
            found = proof(surface.to_mesh(), self.site)
        except DataError:
            return None
        if not found.holds:
            return None
        got = measure(surface.to_mesh(), self.wants.storey_height)
        got["surface_to_volume"] = got["surface_area"] / max(got["volume"], 1e-9)
        goal = self.goal
        return Design(candidate, surface, trimmed, got, found, goal.misfit(got), goal.met(got))

    def _drawn(self, numbers: Sequence[int], seed: int) -> list[tuple[tuple[Tensor, Condition], Candidate]]:
        """Buildings as they are drawn, each with its latent and what it was told."""
        generator = self.generator
        asks = [self.ask(seed, number) for number in numbers]
        keys = keys_of(seed, numbers[0], len(numbers))
        condition = _joined([generator.condition(ask) for ask in asks])
        if self.near is None:
            made, told = generator.answered(condition, keys)
            z = generator.drawn(told, keys)
        else:
            told, free = condition, generator.drawn(condition, keys)
            chances = (np.random.default_rng([seed, number]) for number in numbers)
            moved = [self.near.moved(free[i : i + 1], chance) for i, chance in enumerate(chances)]
            z = torch.cat(moved)
            made = generator.generate(z, told)
        found = []
        for i, (number, ask, grid) in enumerate(zip(numbers, asks, made, strict=True)):
            x = grid.coverage / FULL
            latent = z[i : i + 1], told[slice(i, i + 1)]
            found.append((latent, Candidate(number, x, fit(x, self.goal), ask, False)))
        return found

    def _bent(self, some: Sequence[tuple[tuple[Tensor, Condition], Candidate]]) -> list[Candidate]:
        # As many as go through a network at once whatever is left: others would round in another way.
        filled = [*some, *[some[-1]] * (CHUNK - len(some))]
        z = torch.cat([latent for (latent, _), _ in filled])
        condition = _joined([told for (_, told), _ in filled])
        poses: list[Pose] = [candidate.fitted.pose for _, candidate in filled]
        z = bend(self.generator.model, z, condition, poses, self.goal)
        made = self.generator.generate(z, condition)[: len(some)]
        return [
            replace(candidate, made=x, fitted=fit(x, self.goal), bent=True)
            for (_, candidate), x in zip(some, (grid.coverage / FULL for grid in made), strict=True)
        ]

    def ask(self, seed: int, number: int) -> dict[str, float]:
        """Give what the model is asked: the wants that it knows, and proportions that fit the room."""
        known = self.generator.model.config.condition.attributes
        asked = {name: value for name, value in self.goal.wanted.items() if name in known and name in ASKABLE}
        if self.wants.roof is not None:
            asked["pitched_share"] = 1.0 if self.wants.roof == "pitched" else 0.0
        asked |= self._extents(np.random.default_rng([seed, number]))
        asked["procedural"] = 0.0
        return {name: value for name, value in asked.items() if name in known}

    def _extents(self, chance: np.random.Generator) -> dict[str, float]:
        """Length and width in the room's proportions, changed a little."""
        filled = np.argwhere(self.room.allowed.max(axis=2) > 0.5).astype(np.float64)
        if len(filled) < 3:
            return {}
        rectangle = footprint_rectangle(np.concatenate([filled, filled + 1]) * self.room.lay.pitch)
        area = self.goal.wanted.get("footprint_area")
        if area is None and "gross_floor_area" in self.goal.wanted:
            height = self.goal.wanted.get("height", self.site.top)
            storeys = self.goal.wanted.get("storeys", max(1.0, round(height / self.wants.storey_height)))
            area = self.goal.wanted["gross_floor_area"] / storeys
        if area is None:
            return {}
        share = min(1.0, area / (rectangle.length * rectangle.width))
        turned = _PROPORTION ** chance.uniform(-1, 1)
        length = min(rectangle.length, rectangle.length * math.sqrt(share) * turned)
        width = min(rectangle.width, area / length)
        return {"footprint_length": max(length, width), "footprint_width": min(length, width)}


def chosen(candidates: Sequence[Candidate], n: int, met: Callable[[Candidate], bool]) -> list[Candidate]:
    """Give `n` of some buildings: of those that meet the brief the ones furthest apart, then the nearest."""
    order = sorted(candidates, key=lambda candidate: candidate.misfit)
    good = [candidate for candidate in order if met(candidate)]
    if len(good) <= n:
        rest = [candidate for candidate in order if not met(candidate)]
        return [*good, *rest][:n]
    bits = np.stack([pack(candidate.fitted.grid.occupancy) for candidate in good])
    alike = popcount_iou(bits, bits)
    taken = [0]
    nearest = alike[0].copy()
    while len(taken) < n:
        nearest[taken] = np.inf
        taken.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, alike[taken[-1]])
    return [good[i] for i in sorted(taken)]


def _better(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The better one of each number: as it was drawn, or bent."""
    best: dict[int, Candidate] = {}
    for candidate in candidates:
        known = best.get(candidate.number)
        if candidate.fitted.grid.occupancy.any() and (known is None or candidate.misfit < known.misfit):
            best[candidate.number] = candidate
    return list(best.values())


def brisk(generator: Generator) -> Generator:
    """The same model, a diffusion by four shortcuts unless it was told how to go: a bend goes all the way."""
    config = generator.model.config
    fields = type(config).model_fields
    told = any(
        getattr(config, name, None) != fields[name].default for name in ("solver", "steps") if name in fields
    )
    if told or not getattr(config, "shortcuts", 0):
        return generator
    return generator.tuned(("solver=shortcut", "steps=4"))


def _joined(conditions: Sequence[Condition]) -> Condition:
    return Condition(
        torch.cat([one.attributes for one in conditions]),
        torch.cat([one.masks for one in conditions]),
        torch.cat([one.given for one in conditions]),
    )
