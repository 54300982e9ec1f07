"""Contact sheets: many pictures of one size, in rows, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..atomic import replacing
from ..errors import UsageError
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh
from .camera import span_of
from .faces import grid_faces
from .isometric import VIEW, paint, paint_mesh
from .palette import INK, PAPER, QUIET

_LINES = 3
"""Lines of a caption at most."""

_BREAKS = " .,;:/_-"


def save_png(image: Image.Image, path: Path) -> None:
    """Write a picture as PNG, whole or not at all, whatever the path's suffix."""
    with replacing(path) as beside:
        image.save(beside, format="PNG")


def save_gif(images: Sequence[Image.Image], path: Path, seconds: float = 3.0) -> None:
    """Write pictures of one size as an animated GIF that rests on the last one, whole or not at all."""
    shown = [image.convert("RGB") for image in images]
    pause = max(round(1000 * seconds / len(shown)), 40)
    pauses = [pause] * (len(shown) - 1) + [1500]
    with replacing(path) as beside:
        shown[0].save(beside, "GIF", save_all=True, append_images=shown[1:], duration=pauses, loop=0)


def contact_sheet(
    images: Sequence[Image.Image],
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
) -> Image.Image:
    """Give one picture of many in rows, all shown at the size of the first.

    Args:
        images: at least one.
        captions: one for each image, on up to three lines; what is longer loses its middle.
        columns: pictures in a row; by default about a square.
        title: above, on up to three lines, too.

    Raises:
        UsageError: for no images, no columns, or another number of captions than of images.
    """
    if not images:
        raise UsageError("a contact sheet of no images; give at least one")
    if captions is not None and len(captions) != len(images):
        raise UsageError(f"{len(captions)} captions for {len(images)} images; give one for each, or none")
    if columns is not None and columns < 1:
        raise UsageError(f"{columns} columns; a sheet has at least one")
    columns = min(columns or int(np.ceil(np.sqrt(len(images)))), len(images))
    rows = -(-len(images) // columns)
    width, height = images[0].size
    letter = max(width // 18, 10)
    border = max(width // 10, 8)
    font, large = ImageFont.load_default(letter), ImageFont.load_default(letter * 1.5)
    heading = _lines(title, large, columns * width) if title else []
    head = letter * (2 * len(heading) + 1) if heading else 0
    texts = [_lines(text, font, width - letter) for text in captions or ()]
    leading = letter * 5 // 4
    line = leading * max(map(len, texts)) + letter * 3 // 4 if texts else 0
    sheet = Image.new(
        "RGB", (2 * border + columns * width, 2 * border + head + rows * (height + line)), PAPER
    )
    draw = ImageDraw.Draw(sheet)
    for number, text in enumerate(heading):
        draw.text((border, border + 2 * letter * number), text, INK, large)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        x, y = border + column * width, border + head + row * (height + line)
        shown = image if image.size == (width, height) else image.resize((width, height))
        sheet.paste(shown.convert("RGB"), (x, y))
        for number, text in enumerate(texts[i] if texts else ()):
            draw.text((x + width // 2, y + height + number * leading), text, QUIET, font, anchor="mt")
    return sheet


def building_sheet(
    buildings: Sequence[VoxelGrid | Mesh],
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    size: int = 256,
) -> Image.Image:
    """Give a contact sheet of grids and meshes, all at one scale except the few that need more room."""
    seen = [one.vertices if isinstance(one, Mesh) else grid_faces(one)[0].reshape(-1, 3) for one in buildings]
    spans = [span_of(points, VIEW) for points in seen if len(points)]
    span = float(np.quantile(spans, 0.85)) if spans else None
    painted = [
        paint_mesh(one, size, span) if isinstance(one, Mesh) else paint(one, size, span) for one in buildings
    ]
    return contact_sheet(painted, captions, columns, title)


def _lines(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Break a caption into lines, after a blank or a mark where there is one, else anywhere."""
    rest = " ".join(text.split())
    lines: list[str] = []
    while rest and len(lines) < _LINES:
        fitting = _fitting(rest, font, width)
        if fitting < len(rest):
            marks = [k + 1 for k in range(fitting // 2, fitting) if rest[k] in _BREAKS]
            fitting = marks[-1] if marks else fitting
        lines.append(rest[:fitting].strip())
        rest = rest[fitting:].strip()
    if rest:
        # The end of an id tells it from its neighbours.
        tail = _fitting(rest[::-1], font, width - int(font.getlength("…")))
        lines[-1] = "…" + rest[len(rest) - tail :]
    return lines or [""]


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> int:
    """Count the first characters that fit a width, at least one."""
    low, high = 1, max(len(text), 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle]) <= width else (low, middle - 1)
    return low
