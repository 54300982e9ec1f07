"""Drawings of a building to scale: floor plans and elevations, as SVG and DXF.

`floor_plans` and `elevations` give drawings of a building's elements, `drawing_svg` and `drawing_dxf` write
them on one sheet.
"""

from .drawing import Drawing
from .dxf import drawing_dxf
from .elevations import elevations
from .floor_plans import floor_plans
from .svg import drawing_svg

__all__ = ["Drawing", "drawing_dxf", "drawing_svg", "elevations", "floor_plans"]
