"""All figures of a set of buildings, each with its error, against one data set: how results are judged.

What compares two sets is taken over random subsets of equal size, one of the samples and one of the
reference; what looks at one set, over the subsets of the samples. Everything is done at occupancy over one
half; nothing is repaired first, except where a figure says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer
from pydantic import Field

from ..config import Config
from ..errors import DataError
from ..geometry.grid import pack, unpack
from ..pipeline.store import Dataset
from .descriptors import DESCRIPTORS, descriptors
from .distances import apart, centred
from .estimate import ROUNDS, Estimate, draws
from .facets import facets
from .frechet import frechet, marginals
from .nearest import Neighbours
from .occupancy import jensen_shannon
from .originality import copies, z_u
from .twins import without_twin
from .two_sample import from_distances
from .validity import repaired, validity

_CHUNK = 256


class DescriptorError(Config):
    """How far off a descriptor is, in the reference's standard deviations.

    Attributes:
        shift: of the mean.
        frechet: `shift^2` plus the squared difference of the standard deviations.
    """

    shift: Estimate
    frechet: Estimate


class Scores(Config):
    """What was found out about a set.

    Attributes:
        count: buildings in the set.
        figures: by the names of `voxgen.evaluation.table.FIGURES`; some sets have not all.
        descriptors: by the names of `DESCRIPTORS`.
    """

    count: int
    figures: dict[str, Estimate]
    descriptors: dict[str, DescriptorError] = Field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """A set that was judged.

    Attributes:
        scores: the figures.
        nearest: position of each building's nearest among what is learnt from, as `learnt` gives it.
        iou: their IoU, modulo the 8 symmetries of the plan.
    """

    scores: Scores
    nearest: Int64[np.ndarray, " n"]
    iou: Float[np.ndarray, " n"]


class Judge:
    """Judges sets of buildings against one data set.

    Args:
        train: occupancies of what is learnt from, the training buildings first, some at a time.
        reference: occupancies of buildings that no model has seen.
        size: of the subsets, the same for all sets that are set beside each other.
        rounds: subsets.
        seed: draws the subsets.
        kinds: of what is learnt from, a number each: a building's copies have its own. All differ where left
            out.
    """

    def __init__(
        self,
        train: Iterable[Bool[np.ndarray, "_ x y z"]],
        reference: Bool[np.ndarray, "m x y z"],
        size: int,
        rounds: int = ROUNDS,
        seed: int = 0,
        kinds: Integer[np.ndarray, " k"] | None = None,
    ) -> None:
        self.reference = reference
        self.size = size
        self.rounds = rounds
        self.seed = seed
        self.neighbours = Neighbours(train, kinds)
        self._held = centred(reference)
        self._bits = pack(self._held)
        self._apart = apart(self._bits, self._bits)
        self._descriptors = descriptors(reference)
        self._iou, self._nearest = self.neighbours.nearest(reference)

    @classmethod
    def of(cls, data: Dataset, size: int, split: str = "test", rounds: int = ROUNDS, seed: int = 0) -> Judge:
        """Judge against one side of a data set's split.

        Raises:
            UsageError: for an unknown side.
            DataError: when that side or the training side holds too few buildings.
        """
        rows = data.indices(split)
        if len(rows) < size:
            raise DataError(
                f"{data.path.name} has {len(rows)} {split} buildings, fewer than the {size} needed"
            )
        reference = np.concatenate(list(occupied(data, rows)))
        known = learnt(data)
        kinds = np.asarray(data.table["shape"])[known]
        return cls(occupied(data, known), reference, size, rounds, seed, kinds)

    def judge(
        self, samples: Bool[np.ndarray, "n x y z"], training: Integer[np.ndarray, " n"] | None = None
    ) -> Judged:
        """Judge a set.

        Args:
            samples: the set, as it stands.
            training: the positions in the training split that they were taken from, where they were; each is
                then compared with the other training buildings, and not with its own copies.

        Raises:
            DataError: when the set is smaller than the subsets, or of another resolution.
        """
        if samples.shape[1:] != self.reference.shape[1:]:
            raise DataError(
                f"samples of {samples.shape[1:]} voxels cannot be held against {self.reference.shape[1:]}"
            )
        chosen = draws(len(samples), len(self.reference), self.size, self.rounds, self.seed)
        own_kind = None if training is None else self.neighbours.kinds[training]
        iou, nearest = self.neighbours.nearest(samples, own_kind)
        stood, held = centred(samples), self._held
        own = pack(stood)
        gg, rr, gr = apart(own, own), self._apart, apart(own, self._bits)
        described = descriptors(samples)
        of_set = _OfSet(samples, iou)
        found: dict[str, list[float]] = defaultdict(list)
        shifts, marginal = [], []
        # A score in deviations grows with the root of how many are compared: told as of all.
        grown = np.sqrt(2 / self.size / (1 / len(samples) + 1 / len(self.reference)))
        for g, r in chosen:
            two = from_distances(gg[np.ix_(g, g)], rr[np.ix_(r, r)], gr[np.ix_(g, r)])
            found["nna"].append(two.nna)
            found["nna_generated"].append(two.nna_generated)
            found["nna_reference"].append(two.nna_reference)
            found["coverage"].append(two.coverage)
            found["mmd"].append(two.mmd)
            found["fd"].append(frechet(described[g], self._descriptors[r]))
            found["jsd"].append(jensen_shannon(stood[g], held[r]))
            found["z_u"].append(grown * z_u(1 - iou[g], 1 - self._iou[r]))
            for name, value in of_set.figures(g).items():
                found[name].append(value)
            shift, single = marginals(described[g], self._descriptors[r])
            shifts.append(shift)
            marginal.append(single)
        errors = {
            name: DescriptorError(shift=Estimate.of(shift), frechet=Estimate.of(own))
            for name, shift, own in zip(
                DESCRIPTORS, np.array(shifts).T.tolist(), np.array(marginal).T.tolist(), strict=True
            )
        }
        figures = {name: Estimate.of(values) for name, values in found.items()}
        return Judged(Scores(count=len(samples), figures=figures, descriptors=errors), nearest, iou)

    def judge_reference(self) -> Judged:
        """Say of the reference itself what can be said of one set."""
        found: dict[str, list[float]] = defaultdict(list)
        of_set = _OfSet(self.reference, self._iou)
        m = len(self.reference)
        for _, r in draws(m, m, self.size, self.rounds, self.seed):
            for name, value in of_set.figures(r).items():
                found[name].append(value)
        figures = {name: Estimate.of(values) for name, values in found.items()}
        return Judged(Scores(count=m, figures=figures), self._nearest, self._iou)


class _OfSet:
    """Figures that look at one set alone."""

    def __init__(self, samples: Bool[np.ndarray, "n x y z"], iou: Float[np.ndarray, " n"]) -> None:
        mended = repaired(samples)
        before, after = validity(samples), validity(mended)
        self._facets = facets(samples)
        self._facets_after = facets(mended)
        self._means = {
            "single": before.single,
            "grounded": before.grounded,
            "supported": before.supported,
            "single_repaired": after.single,
            "grounded_repaired": after.grounded,
            "supported_repaired": after.supported,
            "repaired": (mended != samples).any(axis=(1, 2, 3)),
            "empty": ~samples.any(axis=(1, 2, 3)),
            "unique": without_twin(samples),
            "copies": copies(iou),
            "nearest": iou,
        }

    def figures(self, chosen: Int64[np.ndarray, " k"]) -> dict[str, float]:
        """The figures of a subset."""
        return {
            "facets": float(np.median(self._facets[chosen])),
            "facets_repaired": float(np.median(self._facets_after[chosen])),
            **{name: float(values[chosen].mean()) for name, values in self._means.items()},
        }


def learnt(data: Dataset) -> Int64[np.ndarray, " k"]:
    """Rows of what a model learns from: the training buildings, then their stretched copies.

    Who gives one of the copies again has copied too, so originality is held against all of them.
    """
    return np.concatenate([data.indices("train"), data.copies()])


def occupied(data: Dataset, rows: Integer[np.ndarray, " k"]) -> Iterator[Bool[np.ndarray, "_ x y z"]]:
    """Occupancies of some buildings of a data set, a few hundred at a time."""
    for start in range(0, len(rows), _CHUNK):
        yield unpack(np.array(data.occupancy_bits[rows[start : start + _CHUNK]]), data.resolution)
