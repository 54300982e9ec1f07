"""What FreeCAD finds in files: run by the system's Python, for which its modules are made.

python in_freecad.py OUT.json FILE...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FREECAD = Path("/usr/share/freecad")
sys.path += ["/usr/lib/freecad-python3/lib", "/usr/lib/freecad/lib", "/usr/lib/python3/dist-packages"]
sys.path += [str(FREECAD / folder) for folder in ("Mod/Arch", "Mod/Draft", "Ext")]
import FreeCAD  # noqa: E402
import Import  # noqa: E402
import Mesh  # noqa: E402

MILLIMETRES = 1000.0
"""In a metre; FreeCAD's own unit."""

STRUCTURE = ("Project", "Site", "Building", "Building Storey")


def of_solids(things: list) -> dict:
    """Bounds and the rest of all solids of some objects."""
    solids = [solid for thing in things for solid in thing.Shape.Solids]
    boxes = [solid.BoundBox for solid in solids]
    low, high = (
        [pick(getattr(box, f"{axis}{end}") for box in boxes) / MILLIMETRES for axis in "XYZ"]
        for pick, end in ((min, "Min"), (max, "Max"))
    )
    return {
        "low": low,
        "high": high,
        "names": [thing.Label for thing in things],
        "closed": all(solid.isValid() and solid.isClosed() for solid in solids),
        "volume": sum(solid.Volume for solid in solids) / MILLIMETRES**3,
    }


def of_step(path: str) -> dict:
    """Solids of a STEP file."""
    # Links are shown by a program with windows, which is not running.
    FreeCAD.ParamGet("User parameter:BaseApp/Preferences/Mod/Import").SetBool("UseLinkGroup", False)
    document = FreeCAD.newDocument()
    Import.insert(path, document.Name)
    shapes = [t for t in document.Objects if t.isDerivedFrom("Part::Feature") and t.Shape.Solids]
    return of_solids([t for t in shapes if not t.OutList])


def speak_as_before() -> None:
    """Give ifcopenshell's settings the names that they had when this FreeCAD was made."""
    import ifcopenshell
    import ifcopenshell.geom

    serialized = ifcopenshell.ifcopenshell_wrapper.SERIALIZED
    now = {
        "brep": ("iterator-output", serialized),
        "sewn": ("reorient-shells", True),
        "world": ("use-world-coords", True),
    }

    class Settings(ifcopenshell.geom.settings):
        USE_BREP_DATA, SEW_SHELLS, USE_WORLD_COORDS = now
        DISABLE_OPENING_SUBTRACTIONS = APPLY_LAYERSETS = INCLUDE_CURVES = "none"

        def set(self, name: str, value: object) -> None:
            if name != "none":
                super().set(*now.get(name, (name, value)))

    ifcopenshell.geom.settings = Settings


def of_ifc(path: str) -> dict:
    """Products of an IFC file with a body, as FreeCAD's importer makes them."""
    speak_as_before()
    import importIFC

    document = importIFC.open(path)
    made = [t for t in document.Objects if hasattr(t, "Shape") and t.Shape.Solids]
    products = [t for t in made if getattr(t, "IfcType", STRUCTURE[0]) not in STRUCTURE]
    return of_solids(products)


def of_mesh(path: str) -> dict:
    """Triangles of a mesh, whose numbers FreeCAD takes as they are."""
    mesh = Mesh.Mesh(path)
    mesh.removeDuplicatedPoints()
    box = mesh.BoundBox
    return {
        "low": [box.XMin, box.YMin, box.ZMin],
        "high": [box.XMax, box.YMax, box.ZMax],
        "closed": mesh.isSolid() and not mesh.hasNonManifolds(),
        "volume": mesh.Volume,
    }


def measure(path: str) -> dict:
    """Give bounds, names, whether solids are closed, and their volume, in metres."""
    if path.endswith(".step"):
        return of_step(path)
    return of_ifc(path) if path.endswith(".ifc") else of_mesh(path)


def main() -> None:
    """Measure all files."""
    out, *paths = sys.argv[1:]
    found = {}
    for path in paths:
        try:
            found[path] = measure(path)
        except Exception as failure:  # whatever the tool says is the finding
            found[path] = {"error": f"{type(failure).__name__}: {failure}"}
        for name in list(FreeCAD.listDocuments()):
            FreeCAD.closeDocument(name)
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
