"""Scores as Markdown: a row a figure, a column a set, each cell the mean and its standard deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .conditions import ConditionError
from .estimate import Estimate
from .judge import Scores


@dataclass(frozen=True)
class Figure:
    """How a figure is shown.

    Attributes:
        label: what people call it.
        best: what it should be.
        digits: after the point.
    """

    label: str
    best: str
    digits: int = 3


FIGURES = {
    "nna": Figure("1-NNA", "0.5"),
    "nna_generated": Figure("... generated half", "0.5"),
    "nna_reference": Figure("... reference half", "0.5"),
    "coverage": Figure("COV", "up"),
    "mmd": Figure("MMD", "down"),
    "fd": Figure("FD, ten descriptors", "down", 2),
    "facets": Figure("facets, median", "as test", 1),
    "jsd": Figure("JSD of occupancy, bits", "down"),
    "bits": Figure("bits per voxel", "down", 4),
    "empty": Figure("empty", "0"),
    "single": Figure("single piece", "1"),
    "grounded": Figure("touches the ground", "1"),
    "supported": Figure("voxels with support", "1"),
    "repaired": Figure("changed by repair", "0"),
    "single_repaired": Figure("single piece, repaired", "1"),
    "grounded_repaired": Figure("touches the ground, repaired", "1"),
    "supported_repaired": Figure("voxels with support, repaired", "1"),
    "facets_repaired": Figure("facets, median, repaired", "as test", 1),
    "nearest": Figure("IoU with nearest training", "as test"),
    "copies": Figure("copies of training", "as test"),
    "z_u": Figure("Z_U", "0", 1),
    "unique": Figure("without a twin", "1"),
}
"""All figures that a judge gives, in the order of the table."""


def figures_table(sets: Mapping[str, Scores]) -> str:
    """Figures of sets; rows that no set has are left out."""
    rows = [
        [figure.label, figure.best, *(_cell(s.figures.get(name), figure.digits) for s in sets.values())]
        for name, figure in FIGURES.items()
        if any(name in s.figures for s in sets.values())
    ]
    counts = ["buildings", "", *(str(s.count) for s in sets.values())]
    return markdown([["figure", "best", *sets], counts, *rows])


def descriptors_table(sets: Mapping[str, Scores]) -> str:
    """How far each set's descriptors are off: shift of the mean, and own Fréchet distance in brackets."""
    shown = {name: s for name, s in sets.items() if s.descriptors}
    names = list(next(iter(shown.values())).descriptors) if shown else []
    rows = [
        [name]
        + [
            f"{s.descriptors[name].shift.mean:+.2f} ({s.descriptors[name].frechet.mean:.2f})"
            for s in shown.values()
        ]
        for name in names
    ]
    return markdown([["descriptor", *shown], *rows])


def conditions_table(models: Mapping[str, Mapping[str, ConditionError]]) -> str:
    """Median errors of what was asked: absolute, and relative in brackets, with both floors at the end."""
    shown = {name: errors for name, errors in models.items() if errors}
    names = list(dict.fromkeys(name for errors in shown.values() for name in errors))
    rows = []
    for name in names:
        one = next(errors[name] for errors in shown.values() if name in errors)
        row = [f"{name}, {one.unit}" if one.unit else name]
        for errors in shown.values():
            row += _asked(errors.get(name))
        rows.append([*row, f"{one.voxels.mean:.2f}"])
    heads = [
        head for name in shown for head in (name, f"{name}, asked for nothing", f"{name}, told by the latent")
    ]
    return markdown([["attribute", *heads, "the voxels alone"], *rows])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads well as text too; the first row is the heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(estimate: Estimate | None, digits: int) -> str:
    return "" if estimate is None else f"{estimate.mean:.{digits}f} ± {estimate.std:.{digits}f}"


def _asked(error: ConditionError | None) -> list[str]:
    if error is None:
        return ["", "", ""]
    share = "" if error.relative is None else f" ({error.relative.mean:.0%})"
    return [
        f"{error.absolute.mean:.2f}{share}",
        "" if error.unasked is None else f"{error.unasked.mean:.2f}",
        "" if error.told is None else f"{error.told.mean:.2f}",
    ]
