"""How original buildings are: the nearest that the model learnt from, in plain words, with a test of the set.

A building's IoU with its nearest says little by itself: garages are alike. So it stands beside the same of
real buildings that no model has seen, and the set is tested as Meehan et al. (2020) do (`originality.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ..errors import DataError
from ..geometry.grid import VoxelGrid
from ..words import csv_text
from .known import Known
from .originality import copies, z_u

_SURE = 0.01
"""Chance at which a set that copies nothing is said to copy."""


@dataclass(frozen=True)
class Certificate:
    """How original a building is.

    Attributes:
        iou: with the nearest known building, modulo the 8 symmetries of the plan.
        nearest: name of that building.
        at: its position, or that of its stretched copy, among the known ones.
        percentile: per cent of unseen real buildings that are nearer to what is known; None where there are
            none.
        copy: whether it is as good as the same.
    """

    iou: float
    nearest: str
    at: int
    percentile: float | None
    copy: bool

    @property
    def novelty(self) -> float:
        """Distance from the nearest known building: one less the IoU."""
        return 1 - self.iou

    def words(self) -> str:
        """Say it."""
        said = f"nearest training building {self.nearest}: IoU {self.iou:.2f}"
        if self.percentile is not None:
            said += f", more different than {self.percentile:.0f} % of real neighbours"
        return f"{said}; as good as a copy" if self.copy else said

    def values(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "nearest": self.nearest,
            "iou": round(self.iou, 4),
            "novelty": round(self.novelty, 4),
            "percentile": None if self.percentile is None else round(self.percentile, 1),
            "copy": self.copy,
        }


@dataclass(frozen=True)
class SetTest:
    """Whether buildings, taken together, lie nearer to what is known than unseen real ones do.

    Attributes:
        count: of the buildings.
        unseen: of real ones.
        z_u: z-score of the Mann-Whitney U; negative where they lie nearer.
        p: chance of one as low or lower where they do not.
        copies: how many are as good as the same as a known one.
    """

    count: int
    unseen: int
    z_u: float
    p: float
    copies: int

    def words(self) -> str:
        """Say it."""
        found = "nearer to the training buildings than unseen real ones are"
        if self.p >= _SURE:
            found = f"not shown to be {found}"
        return (
            f"{self.count} buildings against {self.unseen:,} unseen real ones: Z_U {self.z_u:.2f}, "
            f"p = {self.p:.2g}: {found}; {self.copies} as good as copies"
        )


def certify(grids: Sequence[VoxelGrid], known: Known) -> list[Certificate]:
    """Give a certificate for each building.

    Raises:
        DataError: for grids of another size than what is known, and for empty ones.
    """
    if not grids:
        return []
    for grid in grids:
        if not grid.occupancy.any():
            raise DataError("an empty building is like no other, and no less original for that; leave it out")
        known.check(grid.resolution, grid.pitch)
    iou, nearest = known.nearest(np.stack([grid.occupancy for grid in grids]))
    same = copies(iou)
    return [
        Certificate(
            float(value), known.names[int(at)], int(at), _percentile(float(value), known), bool(alike)
        )
        for value, at, alike in zip(iou, nearest, same, strict=True)
    ]


def set_test(certificates: Sequence[Certificate], known: Known) -> SetTest | None:
    """Test a set; None where there is nothing to test it with."""
    if not certificates or not len(known.unseen):
        return None
    z = z_u(np.array([one.novelty for one in certificates]), 1 - known.unseen)
    alike = sum(one.copy for one in certificates)
    return SetTest(len(certificates), len(known.unseen), z, float(norm.cdf(z)), alike)


def table(named: Sequence[tuple[str, Certificate]]) -> str:
    """Give certificates as CSV, a line a building."""
    columns = ("nearest", "iou", "novelty", "percentile", "copy")
    rows = [["name", *columns, "in words"]]
    for name, one in named:
        values = one.values()
        # What is None is written as nothing.
        rows.append([name, *(values[column] for column in columns), one.words()])
    return csv_text(rows)


def _percentile(iou: float, known: Known) -> float | None:
    if not len(known.unseen):
        return None
    return 100 * float(np.mean(known.unseen > iou))
