"""Names of thematic surfaces in CityGML, CityJSON and layer names -> `SurfaceClass`."""

from __future__ import annotations

from ..geometry.mesh import SurfaceClass

CLASSES = {
    "groundsurface": SurfaceClass.GROUND,
    "wallsurface": SurfaceClass.WALL,
    "interiorwallsurface": SurfaceClass.OTHER,
    "roofsurface": SurfaceClass.ROOF,
    "window": SurfaceClass.OPENING,
    "windowsurface": SurfaceClass.OPENING,
    "door": SurfaceClass.OPENING,
    "doorsurface": SurfaceClass.OPENING,
    "opening": SurfaceClass.OPENING,
    "outerfloorsurface": SurfaceClass.OUTER_FLOOR_OR_CEILING,
    "outerceilingsurface": SurfaceClass.OUTER_FLOOR_OR_CEILING,
    "closuresurface": SurfaceClass.CLOSURE,
}


def surface_class(name: str) -> SurfaceClass:
    """Give the class of a thematic surface by its type name; other for names that are no such type."""
    return CLASSES.get(name.lower(), SurfaceClass.OTHER)


def layer_class(name: str) -> SurfaceClass | None:
    """Give the class that an object, group or layer name says, None where it names something else.

    >>> layer_class("RoofSurface"), layer_class("Church")
    (<SurfaceClass.ROOF: 3>, None)
    """
    key = "".join(letter for letter in name.lower() if letter.isalpha())
    return CLASSES.get(key) or CLASSES.get(f"{key.removesuffix('s')}surface")
