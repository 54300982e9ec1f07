"""DXF R2018 by ezdxf: the sheet in model space at the building's size, a layer for each pen.

Lengths are metres or millimetres of the building; words and symbols are sized for the drawing's scale, which
is what to plot it at. Line widths and dashes are those of the pens.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..extras import require
from .drawing import Drawing, Pen, Tone
from .sheet import sheet

Unit = Literal["m", "mm"]

_TEXT_LAYER = "text"
_STYLE = "voxgen"


def drawing_dxf(drawings: Sequence[Drawing], title: str, notes: str = "", unit: Unit = "m") -> str:
    """Give drawings as one sheet.

    Args:
        drawings: of one scale.
        title: of the building.
        notes: a line more in the title block.
        unit: of the file's numbers.

    Raises:
        MissingExtraError: where ezdxf is not installed.
    """
    ezdxf = require("ezdxf", "cad", "writing .dxf")
    page = sheet(drawings, title, notes)
    factor = 1000.0 if unit == "mm" else 1.0
    fixed = ezdxf.options.write_fixed_meta_data_for_testing
    ezdxf.options.write_fixed_meta_data_for_testing = True  # the same building gives the same file
    try:
        document = ezdxf.new("R2018", setup=False)
        document.units = ezdxf.units.MM if unit == "mm" else ezdxf.units.M
        document.header["$LTSCALE"] = page.drawing.scale / 1000 * factor
        document.header["$LWDISPLAY"] = 1
        _tables(document)
        space = document.modelspace()

        def there(points: Float[np.ndarray, "_ 2"]) -> list[tuple[float, float]]:
            return [(round(x * factor, 6), round(y * factor, 6)) for x, y in points.tolist()]

        for fill in page.drawing.fills:
            hatch = space.add_hatch(color=ezdxf.const.BYLAYER, dxfattribs={"layer": fill.tone.layer})
            for n, ring in enumerate(fill.rings):
                flags = ezdxf.const.BOUNDARY_PATH_EXTERNAL if n == 0 else ezdxf.const.BOUNDARY_PATH_OUTERMOST
                hatch.paths.add_polyline_path(there(ring), is_closed=True, flags=flags)
        for line in page.drawing.lines:
            closed = len(line.points) > 3 and np.allclose(line.points[0], line.points[-1])
            points = there(line.points[:-1] if closed else line.points)
            space.add_lwpolyline(points, close=closed, dxfattribs={"layer": line.pen.layer})
        for text in page.drawing.texts:
            made = space.add_text(
                text.words,
                height=text.height * factor,
                rotation=text.turn,
                dxfattribs={"layer": _TEXT_LAYER, "style": _STYLE},
            )
            align = {"start": "LEFT", "middle": "CENTER", "end": "RIGHT"}[text.anchor]
            at = (text.at[0] * factor, text.at[1] * factor)
            made.set_placement(at, align=ezdxf.enums.TextEntityAlignment[align])
        require("ezdxf.zoom", "cad", "writing .dxf").extents(space)
        stream = io.StringIO()
        document.write(stream)
        return stream.getvalue()
    finally:
        ezdxf.options.write_fixed_meta_data_for_testing = fixed


def _tables(document) -> None:
    """The layers, line types and the one style of words."""
    document.styles.add(_STYLE, font="arial.ttf")
    for pen in Pen:
        layer = document.layers.add(pen.layer)
        layer.color = _colour(pen.colour)
        layer.dxf.lineweight = round(pen.width * 100)
        if pen.dashes:
            dash, gap = pen.dashes
            document.linetypes.add(f"voxgen-{pen.layer}", [dash + gap, dash, -gap])
            layer.dxf.linetype = f"voxgen-{pen.layer}"
    for tone in Tone:
        document.layers.add(tone.layer).color = _colour(tone.colour)
    document.layers.add(_TEXT_LAYER)


def _colour(colour: tuple[int, int, int]) -> int:
    """The colour's number: 7, which is black on white and white on black, or 8, a grey that shows on both."""
    return 7 if max(colour) < 64 else 8
