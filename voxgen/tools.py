"""Design tools: the formats each opens best, in which unit and up axis where a format leaves them open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """What a design tool is given.

    Attributes:
        formats: as `ExportSettings` takes them.
        unit: of formats that leave it open.
        up: the axis that points up, in formats that leave it open.
    """

    formats: tuple[str, ...]
    unit: str = "m"
    up: str = "z"


TOOLS = {
    "rhino": Tool(("3dm",)),
    "revit": Tool(("ifc2x3",)),
    "blender": Tool(("glb",)),
    "sketchup": Tool(("glb", "ifc4")),
    "freecad": Tool(("step",)),
    "qgis": Tool(("cityjson",)),
    "print": Tool(("3mf", "stl"), unit="mm"),
}
"""Tool -> what it is given; `print` is a slicer."""
