"""SVG 1.1 in millimetres of paper: what is 1 m in the building is 1000 mm / scale on paper."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from jaxtyping import Float

from .drawing import Drawing, Fill, Pen, Text, Tone
from .sheet import sheet

_FONT = "Helvetica, Arial, sans-serif"

_CAPITALS = 0.72
"""Height of capitals over the size of the font."""


def drawing_svg(drawings: Sequence[Drawing], title: str, notes: str = "") -> str:
    """Give drawings as one sheet; a group for each pen, fills first.

    Args:
        drawings: of one scale.
        title: of the building.
        notes: a line more in the title block.
    """
    page = sheet(drawings, title, notes)
    to_paper = 1000 / page.drawing.scale
    width, height = page.width * to_paper, page.height * to_paper

    def points(ring: Float[np.ndarray, "_ 2"]) -> str:
        return " ".join(f"{x * to_paper:.3f},{height - y * to_paper:.3f}" for x, y in ring.tolist())

    body = [f'<rect width="{width:.3f}" height="{height:.3f}" fill="#fff"/>']
    for tone in Tone:
        found = [fill for fill in page.drawing.fills if fill.tone is tone]
        if found:
            body.append(
                f'<g id="{tone.layer}" fill="{_colour(tone.colour)}" fill-rule="evenodd" stroke="none">'
            )
            body += [f'<path d="{_path(fill, points)}"/>' for fill in found]
            body.append("</g>")
    for pen in Pen:
        lines = [line for line in page.drawing.lines if line.pen is pen]
        if lines:
            dashes = f' stroke-dasharray="{" ".join(f"{d:g}" for d in pen.dashes)}"' if pen.dashes else ""
            body.append(
                f'<g id="{pen.layer}" fill="none" stroke="{_colour(pen.colour)}" stroke-width="{pen.width:g}"'
                f'{dashes} stroke-linecap="round" stroke-linejoin="round">'
            )
            body += [f'<polyline points="{points(line.points)}"/>' for line in lines]
            body.append("</g>")
    body.append(f'<g id="text" font-family="{_FONT}" fill="#000">')
    body += [_text(text, to_paper, height) for text in page.drawing.texts]
    body.append("</g>")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.3f}mm" height="{height:.3f}mm" '
        f'viewBox="0 0 {width:.3f} {height:.3f}">'
    )
    about = f"<title>{escape(title)}, 1:{page.drawing.scale:g}</title>"
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, about, *body, "</svg>", ""])


def _path(fill: Fill, points) -> str:
    return " ".join(f"M{points(ring)}Z" for ring in fill.rings)


def _text(text: Text, to_paper: float, height: float) -> str:
    x, y = text.at[0] * to_paper, height - text.at[1] * to_paper
    turn = f' transform="rotate({-text.turn:g} {x:.3f} {y:.3f})"' if text.turn else ""
    size = text.height * to_paper / _CAPITALS
    return (
        f'<text x="{x:.3f}" y="{y:.3f}" font-size="{size:.2f}" text-anchor={quoteattr(text.anchor)}{turn}>'
        f"{escape(text.words)}</text>"
    )


def _colour(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
