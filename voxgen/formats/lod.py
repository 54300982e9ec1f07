"""Which level of detail of a building to take (levels after Biljecki et al. 2016, https://3d.bk.tudelft.nl/lod).

A building may be given several times over, coarse to fine, and its parts need not all have the same levels.
Taking one level for the whole keeps it whole; the coarser geometry of the building itself describes what its
parts describe better, and is left out then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DataError
from .building import NO_GEOMETRY, ONLY_FOOTPRINT


@dataclass(frozen=True)
class Candidate:
    """A geometry that may be taken.

    Attributes:
        member: the building or part that it describes.
        lod: its level, None where the file does not say.
        geometry: as the reader knows it.
        solid: whether it is a solid, which goes before surfaces of the same level.
    """

    member: str
    lod: float | None
    geometry: Any
    solid: bool = False


def choose(
    candidates: Sequence[Candidate], root: str, wanted: float | None
) -> tuple[list[Candidate], tuple[str, ...]]:
    """Choose one level of detail for a building and its parts.

    Args:
        candidates: all geometries of the building and its parts.
        root: the building itself.
        wanted: level asked for; a whole number also stands for its finest refinement (2 for 2.2).

    Returns:
        The geometries to take, and a warning where parts differ in level.

    Raises:
        DataError: where the building has no geometry, only footprints, or not the level asked for.
    """
    if not candidates:
        raise DataError(NO_GEOMETRY)
    levels = {_level(candidate) for candidate in candidates}
    if wanted is None:
        best = max(levels)
        if best < 1:
            raise DataError(ONLY_FOOTPRINT)
    else:
        matching = {
            level for level in levels if level == wanted or (wanted % 1 == 0 and level // 1 == wanted)
        }
        if not matching:
            found = ", ".join(f"{level:g}" for level in sorted(levels))
            raise DataError(f"no LoD {wanted:g}; this building has {found}")
        best = max(matching)

    chosen: list[Candidate] = []
    coarser: set[float] = set()
    for member in dict.fromkeys(candidate.member for candidate in candidates):
        own = [c for c in candidates if c.member == member]
        level = max((_level(c) for c in own if 1 <= _level(c) <= best or _level(c) == best), default=None)
        if level is None:
            continue
        if level < best:
            if member == root:
                continue
            coarser.add(level)
        at_level = [c for c in own if _level(c) == level]
        solids = [c for c in at_level if c.solid]
        chosen.extend(solids or at_level)
    warnings = ()
    if coarser:
        found = ", ".join(f"{level:g}" for level in sorted(coarser))
        warnings = (f"parts differ in LoD: {best:g}, some only {found}",)
    return chosen, warnings


def _level(candidate: Candidate) -> float:
    """The level; geometry that does not say counts as the coarsest body."""
    return 1.0 if candidate.lod is None else candidate.lod
