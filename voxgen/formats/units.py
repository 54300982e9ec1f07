"""Unit and up axis of a file: what the user says, else what the file says, else a guess that is said aloud.

Guesses are for formats that say nothing. *Unit*: a building is some metres tall; where the numbers are
not, as metres, the unit is taken that makes it so. *Up*: of Y and Z, up is the one that most walls stand
along and in which the building rests on a flat base. Of real buildings that lie exactly along the axes this
evidence calls about one in a hundred wrongly, at other yaws nearly none; where it is weak, Z is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..geometry.relief import is_relief, looks_one_way
from ..geometry.triangulate import area_vectors_of_rings
from .assemble import PolygonSoup
from .options import ReadOptions, Up

METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "km": 1000.0, "ft": 0.3048, "in": 0.0254}
"""Length of each unit in metres."""

RHINO = {
    "m": "Meters", "dm": "Decimeters", "cm": "Centimeters", "mm": "Millimeters", "km": "Kilometers",
    "ft": "Feet", "in": "Inches",
}  # fmt: skip
"""What Rhino calls them."""

TALLEST = 500.0
TYPICAL = 8.0
SMALLEST = 2.0
"""Metres: taller than any building of a city model; a usual height; lower than any building."""

FARTHEST = 1e8
"""Metres beyond which a coordinate is an error; grids and Earth-centred ones stay below 1.3e7."""

CLEAR = 0.15
"""Difference of up-axis evidence that decides."""


@dataclass(frozen=True)
class Frame:
    """How a file's numbers become metres with Z up.

    Attributes:
        scale: metres per unit of the file.
        up: the file's up axis.
        warnings: what was guessed, and how to overrule it.
    """

    scale: float
    up: Up
    warnings: tuple[str, ...] = ()

    def place(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Give the points in metres, Z up."""
        if self.up == "y":
            points = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)
        with np.errstate(over="ignore"):
            return points * self.scale


def frame_of(
    points: Float[np.ndarray, "n 3"],
    options: ReadOptions,
    *,
    unit: float | None = None,
    up: Up | None = None,
    warnings: tuple[str, ...] = (),
) -> Frame:
    """Settle the frame of a file.

    Args:
        points: the file's finite vertices that are used, in its own unit and axes.
        options: what the user says; goes before all else.
        unit: metres per unit, where the file or its format says it.
        up: where the file, its format or its shape says it; Z otherwise.
        warnings: what was guessed so far.
    """
    up = options.up or up or "z"
    extents = np.ptp(points, axis=0) if len(points) else np.zeros(3)
    height = float(extents[1] if up == "y" else extents[2])
    if options.unit is not None:
        return Frame(METRES[options.unit], up, warnings)
    if unit is not None:
        return Frame(unit, up, warnings + _doubts(height * unit, "its unit says"))
    guess = _guess_unit(height)
    if guess != "m":
        said = f"unit guessed: {guess} ({height:.0f} units tall); overrule with --unit m"
        return Frame(METRES[guess], up, (*warnings, said))
    return Frame(1.0, up, warnings + _doubts(height, "taken as metres"))


def stated_up(header: str) -> Up | None:
    """Give the up axis that a file's comments state, as `up: y`, `up=z` or `Y-up`."""
    said = re.search(r"\bup(?:[ _-]?axis)?\s*[:=]\s*([yz])\b|\b([yz])[ _-]up\b", header, re.IGNORECASE)
    if said is None:
        return None
    return "y" if (said[1] or said[2]).lower() == "y" else "z"


def stated_unit(header: str) -> float | None:
    """Give the unit that a file's comments state, as `unit: mm` or `unit=ft`, in metres."""
    said = re.search(r"\bunits?\s*[:=]\s*([a-z]+)\b", header, re.IGNORECASE)
    return METRES.get(said[1].lower()) if said else None


def guess_up(soup: PolygonSoup, header: str = "") -> tuple[Up, tuple[str, ...]]:
    """Guess the up axis of a format that leaves it open, such as OBJ.

    Args:
        soup: the file's polygons, in its own axes.
        header: its leading comments; the name of Blender, which writes Y up unless told otherwise, counts.

    Returns:
        The axis, and a warning where the answer is not plain.
    """
    areas = area_vectors_of_rings(soup.vertices, soup.loops, soup.rings)[soup.polygons[:-1]]
    evidence = up_evidence(soup, areas, 2) - up_evidence(soup, areas, 1)
    if is_relief(areas, 1):
        return "y", ("up axis guessed: Y (all faces look along it); overrule with --up z",)
    if is_relief(areas, 2) or (looks_one_way(areas, 2) and not looks_one_way(areas, 1)):
        return "z", ()
    if "blender" in header.lower() and evidence < 2 * CLEAR:
        return "y", ("up axis guessed: Y (written by Blender); overrule with --up z",)
    if evidence < -CLEAR:
        return "y", ("up axis guessed: Y (walls and base lie so); overrule with --up z",)
    if evidence < CLEAR:
        return "z", ("up axis unclear, taken as Z; overrule with --up y",)
    return "z", ()


def up_evidence(soup: PolygonSoup, areas: Float[np.ndarray, "p 3"], axis: int) -> float:
    """Share of the surface that stands along `axis`, plus twice the share that lies flat at its low end.

    `areas` are the vectors of area of the polygons' outer rings.
    """
    sizes = np.diff(soup.rings)[soup.polygons[:-1]]
    if len(sizes) == 0 or sizes.min() < 3:
        return 0.0
    corners = soup.vertices[soup.loops]
    size = np.linalg.norm(areas, axis=1)
    along = np.maximum.reduceat(corners[:, axis], soup.rings[:-1])[soup.polygons[:-1]]
    low, high = corners[:, axis].min(), corners[:, axis].max()
    standing = np.abs(areas[:, axis]) < 0.05 * size
    resting = along <= low + 0.01 * (high - low)
    total = max(float(size.sum()), 1e-300)
    return float(size[standing].sum() + 2 * size[resting].sum()) / total


def _guess_unit(height: float) -> str:
    if height <= TALLEST:
        return "m"
    return min(("cm", "mm"), key=lambda unit: abs(np.log(height * METRES[unit] / TYPICAL)))


def _doubts(height: float, why: str) -> tuple[str, ...]:
    if 0 < height < SMALLEST:
        return (f"{height:.3g} m tall ({why}): a model to scale? overrule with --unit",)
    if height > TALLEST:
        return (f"{height:.0f} m tall ({why}): overrule with --unit",)
    return ()


def check_finite(points: Float[np.ndarray, "n 3"]) -> None:
    """Refuse vertices, in metres, that are no place on Earth.

    Raises:
        DataError: where a coordinate is NaN, infinite or farther than the Earth is wide.
    """
    wrong = ~np.isfinite(points).all(axis=1)
    if wrong.any():
        raise DataError(f"{int(wrong.sum())} of {len(points)} vertices are NaN or infinite; export it again")
    if len(points) and np.abs(points).max() > FARTHEST:
        raise DataError(
            f"coordinates reach {np.abs(points).max():.3g} m; at most {FARTHEST:.0e} are read: "
            "check the export and its unit"
        )
