"""Drawings side by side on one sheet: plans in the first rows, elevations below, titles under each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .drawing import Drawing, Line, Pen, Text
from .marks import TEXT, paper, scale_bar

_GAP = 18.0
_MARGIN = 12.0
_CAPTION = 12.0
_BLOCK = 22.0
"""Millimetres on paper: between drawings, to the frame, for a drawing's title, for the title block."""

Size = tuple[float, float]


@dataclass(frozen=True)
class Sheet:
    """A sheet.

    Attributes:
        drawing: all that is on it; its lower left corner is the origin.
        width, height: of the paper in metres of the building.
    """

    drawing: Drawing
    width: float
    height: float


def sheet(drawings: Sequence[Drawing], title: str, notes: str = "") -> Sheet:
    """Give drawings of one scale as a sheet, in the given order, so that it fits the smallest paper.

    Args:
        drawings: one or more.
        title: of the building.
        notes: a line more in the title block, such as credits.
    """
    scale = drawings[0].scale
    gap, margin, caption, block = (paper(mm, scale) for mm in (_GAP, _MARGIN, _CAPTION, _BLOCK))
    sizes = [(b[2] - b[0], b[3] - b[1] + caption) for b in (one.bounds for one in drawings)]
    rows = min(_arrangements(drawings, sizes, gap), key=lambda rows: _format(_extent(rows, sizes, gap)))
    width, height = _extent(rows, sizes, gap)
    width, height = max(width, paper(120.0, scale)) + 2 * margin, height + 2 * margin + block
    heights = [max(sizes[n][1] for n in row) for row in rows]
    placed = Drawing("sheet", title, scale)
    top = height - margin
    for row, high in zip(rows, heights, strict=True):
        left = margin
        for n in row:
            x0, y0, _, _ = drawings[n].bounds
            moved = drawings[n].moved(left - x0, top - high + caption - y0)
            words = Text(drawings[n].title, (left, top - high + caption / 4), paper(TEXT * 1.2, scale))
            placed = placed.and_more(moved).and_more(Drawing("", "", scale, texts=(words,)))
            left += sizes[n][0] + gap
        top -= high + gap
    return Sheet(placed.and_more(_block(title, notes, width, height, scale)), width, height)


def _arrangements(drawings: Sequence[Drawing], sizes: list[Size], gap: float) -> Iterator[list[list[int]]]:
    """Rows for each width that a sheet could have; another kind of drawing begins another row."""
    ends = np.cumsum([0.0, *(width + gap for width, _ in sizes)])
    for room in sorted({b - a for a, b in combinations(ends.tolist(), 2)}):
        rows: list[list[int]] = []
        kind = ""
        for number, one in enumerate(drawings):
            begins = one.name.partition("-")[0]
            used = sum(sizes[n][0] + gap for n in rows[-1]) if rows else 0.0
            if rows and begins == kind and used + sizes[number][0] <= room:
                rows[-1].append(number)
            else:
                rows.append([number])
            kind = begins
        yield rows


def _extent(rows: list[list[int]], sizes: list[Size], gap: float) -> Size:
    width = max(sum(sizes[n][0] for n in row) + gap * (len(row) - 1) for row in rows)
    return width, sum(max(sizes[n][1] for n in row) for row in rows) + gap * (len(rows) - 1)


def _format(extent: Size) -> float:
    """Height of the smallest sheet of ISO 216, lying, that would hold it."""
    return max(extent[0] / math.sqrt(2), extent[1])


def _block(title: str, notes: str, width: float, height: float, scale: float) -> Drawing:
    """The frame and the title block along the lower edge."""
    edge = paper(5.0, scale)
    frame = _rectangle(edge, edge, width - edge, height - edge)
    block = _rectangle(edge, edge, width - edge, paper(_BLOCK, scale))
    big = paper(4.0, scale)
    bar = scale_bar(0.0, 0.0, scale)
    x0, _, x1, _ = bar.bounds
    bar = bar.moved(width - 2 * edge - (x1 - x0) - paper(4.0, scale), 2 * edge)
    texts = (
        Text(title, (2 * edge, edge + paper(10.0, scale)), big),
        Text(f"1:{scale:g}   {notes}".rstrip(), (2 * edge, edge + paper(4.0, scale)), paper(TEXT, scale)),
    )
    return bar.and_more(Drawing("", "", scale, (Line(frame, Pen.FRAME), Line(block, Pen.FRAME)), (), texts))


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
