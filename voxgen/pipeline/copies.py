"""Stretched copies of training buildings, as a build knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64

from ..geometry.placement import Placement
from .chunk import Candidate, Overview
from .config import BuildConfig
from .plan import Plan, Scale, filling
from .report import Row
from .split import SIDES


@dataclass(frozen=True)
class Copies:
    """Copies of candidates.

    Attributes:
        chunks: where all that were made are, one after the other.
        known: what is known of these.
        pitches: metres a voxel of each of these.
        at: (m,) which of these go in.
        of: (m,) the candidate that each of the m is a copy of.
    """

    chunks: tuple[Path, ...]
    known: Overview
    pitches: Float[np.ndarray, " all"]
    at: Int64[np.ndarray, " m"]
    of: Int64[np.ndarray, " m"]

    @classmethod
    def load(
        cls, chunks: Sequence[Path], of: Int64[np.ndarray, " m"], scale: Scale, config: BuildConfig
    ) -> Copies:
        """Give those of some chunks, all of which go in.

        Args:
            chunks: where they are.
            of: the candidate that each is a copy of.
            scale: of the data set.
            config: its settings.
        """
        known = Overview.join(Overview.load(path) for path in chunks)
        if config.fit:
            extents = np.array([stand.extents for stand in known.stands], np.float64).reshape(-1, 3)
            pitches = filling(extents, config.resolution)
        else:
            pitches = np.full(len(known.stands), scale.pitch)
        return cls(tuple(chunks), known, pitches, np.arange(len(of)), of)

    def only(self, wanted: Bool[np.ndarray, " m"]) -> Copies:
        """Give some of them."""
        return replace(self, at=self.at[wanted], of=self.of[wanted])

    def rows(self) -> list[Row]:
        """The rows of those that go in, as a report would have them."""
        return [self.known.rows[self.known.row_of[k]] for k in self.at.tolist()]

    def grids(self, resolution: tuple[int, int, int]) -> list[Placement]:
        """Where their grids lie."""
        return [self.known.stands[k].grid(resolution, float(self.pitches[k])) for k in self.at.tolist()]


@dataclass(frozen=True)
class Bounds:
    """How far buildings may be stretched.

    Attributes:
        most: largest factor along an axis; the smallest is its inverse.
        room: metres along x, y and z that a copy may take.
        height: metres that it must have.
        footprint: square metres that it must have.
    """

    most: float
    room: Float[np.ndarray, " 3"]
    height: float
    footprint: float

    @classmethod
    def of(cls, scale: Scale, config: BuildConfig) -> Bounds:
        """Those of a data set: a copy fits in its grid, and passes its filters as its building did."""
        if config.fit:
            return cls(config.stretch.most, np.full(3, np.inf), 0.0, 0.0)
        room = np.array(config.resolution) * scale.pitch
        return cls(config.stretch.most, room, config.filters.min_height, config.filters.min_footprint)

    def factors(self, name: str, candidate: Candidate) -> Float[np.ndarray, " 3"]:
        """Give how much a copy of some name is stretched along length, width and height.

        The name alone decides, within the bounds. What is longer than wide stays so: it lies along x.
        """
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        chance = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        drawn = self.most ** chance.uniform(-1, 1, 3)
        x, y, z = np.minimum(drawn, self.room / candidate.stand.extents)
        length, width, height = candidate.stand.extents
        if length >= width:
            y = min(y, x * length / width)
        if candidate.attributes["footprint_area"] * x * y < self.footprint:
            x, y = max(x, 1.0), max(y, 1.0)
        return np.array([x, y, max(z, self.height / height)])


def to_copy(
    plan: Plan, able: Bool[np.ndarray, " c"], config: BuildConfig
) -> tuple[Int64[np.ndarray, " k"], int]:
    """Give the candidates that are to be copied, and how often each.

    Args:
        plan: which candidates are kept, and for what.
        able: (c,) which of them may be copied: that have a surface, were not made by rule, and fit.
        config: of the build.
    """
    training = plan.kept[plan.split[plan.kept] == SIDES.index("train")]
    chosen = training[able[training]]
    room = max(0, config.stretch.enough - len(training))
    return chosen, min(config.stretch.copies, room // max(1, len(chosen)))
