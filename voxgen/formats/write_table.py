"""The table of formats that voxgen writes; the modules named here are imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnsupportedFormatError, nearest
from ..extras import require


@dataclass(frozen=True)
class Writer:
    """A format that voxgen writes.

    Attributes:
        suffix: of its files.
        module: of `voxgen.formats`, with its `encode`.
        up: the axis that its standard points up; None where the user chooses.
        unit: the unit that its standard or its programs expect; None where the user chooses.
        beside: files of the same stem that go with it, suffix -> module.
        library: what it is written with, where that is no part of every installation.
        extra: the extra of voxgen that brings the library.
    """

    suffix: str
    module: str
    up: str | None = None
    unit: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    library: str = ""
    extra: str = ""

    def ready(self) -> None:
        """See that its library is installed.

        Raises:
            MissingExtraError: with the pip line, where it is not.
        """
        if self.library:
            require(self.library, self.extra, f"writing {self.suffix}")


WRITABLE = {
    "obj": Writer(".obj", "write_obj", beside={".mtl": "write_mtl"}),
    "stl": Writer(".stl", "write_stl"),
    "ply": Writer(".ply", "write_ply"),
    "glb": Writer(".glb", "write_glb", "y", "m"),
    "3mf": Writer(".3mf", "write_3mf", "z", "mm"),
    "3dm": Writer(".3dm", "write_3dm", "z", library="rhino3dm", extra="rhino"),
    "ifc4": Writer(".ifc", "write_ifc4", "z", "m", library="ifcopenshell", extra="ifc"),
    "ifc2x3": Writer(".ifc2x3.ifc", "write_ifc2x3", "z", "m", library="ifcopenshell", extra="ifc"),
    "cityjson": Writer(".city.json", "write_cityjson", "z", "m"),
    "step": Writer(".step", "write_step", "z", "mm"),
    "usd": Writer(".usda", "write_usd", "z", "m"),
}
"""Format -> its writer."""


def checked_format(given: str) -> str:
    """Give the format named by itself or its suffix, with or without dot, in any case.

    >>> checked_format(".OBJ")
    'obj'

    Raises:
        UnsupportedFormatError: for one that cannot be written.
    """
    name = given.lower().lstrip(".")
    by_suffix = {writer.suffix[1:]: key for key, writer in WRITABLE.items()}
    if name not in WRITABLE and name not in by_suffix:
        raise _unknown(given)
    return name if name in WRITABLE else by_suffix[name]


def format_of_path(path: Path) -> str:
    """Give the format of a file by the end of its name.

    Raises:
        UnsupportedFormatError: for one that cannot be written.
    """
    name = path.name.lower()
    fitting = [key for key, writer in WRITABLE.items() if name.endswith(writer.suffix)]
    if not fitting:
        raise _unknown(path.suffix)
    return max(fitting, key=lambda key: len(WRITABLE[key].suffix))


def _unknown(given: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"no writer for {given or 'a file without suffix'!r}{nearest(given.lower().lstrip('.'), WRITABLE)}; "
        f"write one of {', '.join(WRITABLE)}, and convert it in Blender or FreeCAD where another is needed"
    )
