"""Symbols of drawings, sized in millimetres on paper: dimensions, levels, scale bar, north."""

from __future__ import annotations

import numpy as np

from .drawing import Drawing, Fill, Line, Pen, Text, Tone

TEXT = 2.5
"""Height of words in millimetres."""

SMALL = 1.8
"""Height of figures in millimetres."""


def paper(millimetres: float, scale: float) -> float:
    """Give a length on paper in metres of the building.

    >>> paper(2.5, 100.0)
    0.25
    """
    return millimetres * scale / 1000


def dimension(
    start: tuple[float, float], end: tuple[float, float], offset: float, scale: float
) -> tuple[list[Line], list[Text]]:
    """Give a dimension line from `start` to `end`, `offset` millimetres to its left, with oblique ticks."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
    left = np.array([-along[1], along[0]])
    here, there = a + left * paper(offset, scale), b + left * paper(offset, scale)
    over, gap = paper(1.5, scale), paper(1.5, scale)
    sign = 1.0 if offset >= 0 else -1.0
    tick = (along + left) * paper(1.0, scale)
    lines = [np.stack([here - along * over, there + along * over])]
    for foot, point in ((a, here), (b, there)):
        lines.append(np.stack([foot + sign * left * gap, point + sign * left * over]))
        lines.append(np.stack([point - tick, point + tick]))
    turn = float(np.degrees(np.arctan2(along[1], along[0])))
    # Figures are read from below and from the right.
    turn = turn - 180 if turn > 90 + 1e-6 else turn + 180 if turn <= -90 - 1e-6 else turn
    rise = np.array([-np.sin(np.radians(turn)), np.cos(np.radians(turn))])
    middle = (here + there) / 2 + rise * paper(0.8, scale)
    figure = f"{float(np.linalg.norm(b - a)):.2f}"
    text = Text(figure, (float(middle[0]), float(middle[1])), paper(SMALL, scale), "middle", turn)
    return [Line(points, Pen.DIMENSION) for points in lines], [text]


def level(
    x: float, height: float, zero: float, scale: float, words: str
) -> tuple[list[Line], list[Fill], list[Text]]:
    """Give a level mark at a height: a triangle on a short line, the level and what it is."""
    size = paper(1.6, scale)
    triangle = np.array([(x, height), (x - size, height + 1.4 * size), (x + size, height + 1.4 * size)])
    line = np.array([(x - 2 * size, height), (x + paper(22.0, scale), height)])
    figure = f"{height - zero:+.2f}" if abs(height - zero) > 5e-3 else "±0.00"
    at = (x + 1.6 * size, height + paper(0.8, scale))
    return (
        [Line(line, Pen.DIMENSION)],
        [Fill((triangle,), Tone.SOLID)],
        [Text(f"{figure}  {words}".rstrip(), at, paper(SMALL, scale))],
    )


def scale_bar(x: float, y: float, scale: float) -> Drawing:
    """Give a bar of about 50 mm in round metres, its lower left corner at a point."""
    step = next(
        s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if 5 * s >= paper(30.0, scale)
    )
    height = paper(1.5, scale)
    fills, texts, lines = [], [], []
    for n in range(5):
        x0, x1 = x + n * step, x + (n + 1) * step
        ring = np.array([(x0, y), (x1, y), (x1, y + height), (x0, y + height)])
        lines.append(Line(np.concatenate([ring, ring[:1]]), Pen.DIMENSION))
        if n % 2 == 0:
            fills.append(Fill((ring,), Tone.SOLID))
    for n in (0, 1, 5):
        words = f"{n * step:g}" + (" m" if n == 5 else "")
        texts.append(
            Text(words, (x + n * step, y + height + paper(1.0, scale)), paper(SMALL, scale), "middle")
        )
    return Drawing("scale", "", scale, tuple(lines), tuple(fills), tuple(texts))


def north(x: float, y: float, turn: float, scale: float) -> Drawing:
    """Give a north arrow around a point; north is `turn` degrees counter-clockwise from up."""
    radius = paper(6.0, scale)
    angles = np.linspace(0, 2 * np.pi, 49)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    turned = np.array([[c, s], [-s, c]])
    middle = np.array([x, y])
    circle = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    needle = (
        np.array([(0.0, radius), (-0.35 * radius, -0.8 * radius), (0.0, -0.5 * radius)]) @ turned + middle
    )
    other = np.array([(0.0, radius), (0.35 * radius, -0.8 * radius), (0.0, -0.5 * radius)]) @ turned + middle
    tip = np.array([0.0, radius + paper(2.2, scale)]) @ turned + middle
    return Drawing(
        "north",
        "",
        scale,
        (Line(circle, Pen.DIMENSION), Line(np.concatenate([other, other[:1]]), Pen.DIMENSION)),
        (Fill((needle,), Tone.SOLID),),
        (Text("N", (float(tip[0]), float(tip[1]) - paper(TEXT, scale) / 2), paper(TEXT, scale), "middle"),),
    )
