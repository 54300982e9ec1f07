"""What became of every building: one row each, accepted with warnings or rejected with the reason.

Nothing is lost in silence: what a source held stands here, and each reason says what would change it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..errors import DataError
from ..words import counted


class Reason(StrEnum):
    """Why a building is left out."""

    UNREADABLE = "unreadable"
    FORMAT = "unsupported format"
    NO_FACES = "no faces"
    TERRAIN = "terrain or flat"
    OPEN = "not closed"
    FOOTPRINTS = "several footprints"
    LOD = "level of detail too low"
    TOO_LARGE = "too large"
    TRIANGLES = "too many triangles"
    LOW = "too low"
    SMALL = "too small"
    GRID = "larger than the grid"
    EMPTY = "empty grid"
    DUPLICATE = "duplicate"


HINTS: dict[Reason, str] = {
    Reason.UNREADABLE: "the detail says what is wrong; export the file again, or leave it out",
    Reason.FORMAT: "convert it as the detail says, and give the converted file",
    Reason.NO_FACES: "export the building as a surface with faces, or as a point cloud",
    Reason.TERRAIN: "leave it out; where it is a building, check the up axis (--up), or export it with its "
    "walls and its floor",
    Reason.OPEN: "close the holes, or take open buildings too: --set filters.closed=false",
    Reason.FOOTPRINTS: "cut the model into single buildings, or take them as they are: "
    "--set filters.one_footprint=false",
    Reason.LOD: "use a finer model, or lower the limit: --set filters.min_lod=1",
    Reason.TOO_LARGE: "check the unit (--unit), read each object as a building (--split-objects), "
    "or raise the limit: --set filters.max_extent=1000",
    Reason.TRIANGLES: "simplify the model, or lift the limit: --set filters.max_triangles=none",
    Reason.LOW: "check the unit and the up axis (--unit, --up), or lower the limit: "
    "--set filters.min_height=0",
    Reason.SMALL: "check the unit (--unit), or lower the limit: --set filters.min_footprint=0",
    Reason.GRID: "raise --pitch or --resolution, cut what sticks out (--oversize clip), or give each its own "
    "scale (--fit)",
    Reason.EMPTY: "the building is thinner than half a voxel: lower --pitch",
    Reason.DUPLICATE: "one of each shape is kept; all of them are with --set duplicates.keep=all",
}
"""What to do about each reason."""

COLUMNS = (
    "source",
    "id",
    "status",
    "reason",
    "detail",
    "warnings",
    "length_m",
    "width_m",
    "height_m",
    "triangles",
)
"""Columns of the CSV file."""


_OVERRULE = "; overrule with "
"""What the warning of a guess, such as of the unit, has before the option that settles it."""

_BETWEEN = re.compile(f"; (?!{_OVERRULE.removeprefix('; ')})")
"""What lies between two warnings in the CSV file."""


@dataclass(frozen=True)
class Row:
    """What became of one building.

    Attributes:
        source: the file as the user would write it, or the name of a collection.
        id: the building's name in it; empty where the file as a whole could not be read.
        reason: why it is left out; None where it is accepted.
        detail: the reason in this case, with figures.
        warnings: what is odd about it, one short phrase each.
        size: length, width and height in metres; zeros where unknown.
        triangles: number of triangles.
    """

    source: str
    id: str
    reason: Reason | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    triangles: int = 0

    @property
    def status(self) -> str:
        """`accepted` or `rejected`."""
        return "accepted" if self.reason is None else "rejected"

    def to_plain(self) -> dict[str, Any]:
        """Give it as values that JSON knows."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Row:
        """Give back what `to_plain` gave."""
        length, width, height = values["size"]
        return cls(
            source=values["source"],
            id=values["id"],
            reason=None if values["reason"] is None else Reason(values["reason"]),
            detail=values["detail"],
            warnings=tuple(values["warnings"]),
            size=(length, width, height),
            triangles=values["triangles"],
        )


@dataclass(frozen=True)
class Report:
    """What became of all buildings of a build.

    Attributes:
        rows: one a building, in the order of the sources.
        notes: what concerns the data set as a whole, such as the pitch that was chosen.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> list[Row]:
        """Rows of the buildings that are in the data set."""
        return [row for row in self.rows if row.reason is None]

    @property
    def rejected(self) -> list[Row]:
        """Rows of the buildings that are not."""
        return [row for row in self.rows if row.reason is not None]

    def counts(self) -> dict[str, int]:
        """How many buildings were accepted, and how many rejected for each reason, most frequent first."""
        by_reason = Counter(str(row.reason) for row in self.rejected)
        return {"accepted": len(self.accepted)} | dict(by_reason.most_common())

    def write_csv(self, path: Path) -> None:
        """Write the rows as UTF-8 CSV, whole or not at all."""
        # Names of files and buildings may hold what is no text (lone surrogates); it is written as escapes.
        with (
            replacing(path) as beside,
            beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in self.rows:
                reason = "" if row.reason is None else str(row.reason)
                sizes = [f"{metres:.3f}" if metres else "" for metres in row.size]
                warnings = "; ".join(row.warnings)
                writer.writerow(
                    [row.source, row.id, row.status, reason, row.detail, warnings, *sizes, row.triangles]
                )

    @classmethod
    def read_csv(cls, path: Path) -> Report:
        """Give back the rows that `write_csv` wrote, sizes to the millimetre, without the notes.

        Raises:
            DataError: the file is none that `write_csv` wrote.
        """
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return cls(tuple(map(_of_csv, csv.DictReader(file))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as failure:
            raise DataError(f"{path} is no report of a build ({failure}); build the data set again") from None

    def summary(self) -> str:
        """Give a few lines for the screen: counts, guesses, each reason with an example and what to do."""
        lines = [f"{len(self.accepted):,} of {counted(len(self.rows), 'building')} accepted"]
        lines += _guesses(self.rows)
        for warning, count in _kinds(self.accepted).most_common(8):
            lines.append(f"  {count:,} with a warning: {warning}")
        for name, count in self.counts().items():
            if name == "accepted":
                continue
            reason = Reason(name)
            example = next(row for row in self.rejected if row.reason is reason)
            lines.append(f"{count:,} rejected: {reason}")
            lines.append(f"  for example {_named(example)}")
            lines.append(f"  {HINTS[reason]}")
        return "\n".join([*lines, *self.notes])


def _of_csv(values: Mapping[str, str]) -> Row:
    length, width, height = (float(values[name] or 0) for name in ("length_m", "width_m", "height_m"))
    return Row(
        source=values["source"],
        id=values["id"],
        reason=Reason(values["reason"]) if values["reason"] else None,
        detail=values["detail"],
        warnings=tuple(filter(None, _BETWEEN.split(values["warnings"]))),
        size=(length, width, height),
        triangles=int(values["triangles"]),
    )


def _kinds(rows: Sequence[Row]) -> Counter[str]:
    """Count the kinds of warnings; figures, and what follows a colon or a bracket, are a building's own."""
    told = ({_kind(warning) for warning in row.warnings if _OVERRULE not in warning} for row in rows)
    return Counter(kind for kinds in told for kind in kinds)


def _guesses(rows: Sequence[Row]) -> list[str]:
    """Say what was guessed of the files, also of those rejected: a wrong guess spoils all that follows."""
    examples: dict[tuple[str, str], Row] = {}
    sources: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for warning in row.warnings:
            guess, found, option = warning.partition(_OVERRULE)
            if found:
                kind = guess.partition(" (")[0], option
                examples.setdefault(kind, row)
                sources.setdefault(kind, set()).add(row.source)
    return [
        f"  {guess} for {counted(len(sources[guess, option]), 'file')}, for example "
        f"{_called(example)}; overrule with {option}"
        for (guess, option), example in examples.items()
    ]


def _kind(warning: str) -> str:
    return re.sub(r"\d[\d.,]*", "some", re.split(r":| \(", warning)[0]).strip()


def _named(row: Row) -> str:
    return f"{_called(row)}: {row.detail}" if row.detail else _called(row)


def _called(row: Row) -> str:
    return f"{row.id} in {row.source}" if row.id else row.source
