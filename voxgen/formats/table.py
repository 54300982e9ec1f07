"""The table of formats: what is read by which module, what is left to converters, what is no building.

A format is one module of this package with a function `read(file, options) -> Iterator[Building]`, named
here and imported on first use, so that the table costs nothing. A further format is one module and one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Format:
    """A format that voxgen reads.

    Attributes:
        name: as users call it.
        suffixes: lower case, with the dot; `.gz` may follow any of them.
        module: the module of `voxgen.formats` that holds its `read`.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str


READABLE = (
    Format("CityJSON", (".json", ".cityjson"), "cityjson"),
    Format("CityJSONSeq", (".jsonl", ".cityjsonl"), "cityjsonseq"),
    Format("CityGML", (".gml", ".citygml", ".xml"), "citygml"),
    Format("OBJ", (".obj",), "obj"),
    Format("STL", (".stl",), "stl"),
    Format("PLY", (".ply",), "ply"),
    Format("OFF", (".off",), "off"),
    Format("glTF", (".glb", ".gltf"), "gltf"),
    Format("3MF", (".3mf",), "threemf"),
    Format("COLLADA", (".dae",), "collada"),
    Format("IFC", (".ifc",), "ifc"),
    Format("3DM", (".3dm",), "rhino"),
    Format("point cloud", (".pcd", ".xyz", ".xyzn", ".xyzrgb", ".pts"), "pointcloud"),
)

_BLENDER = "export it from its program, or from Blender, as .glb or .obj"
_MINECRAFT = "export it as .obj with Mineways, Amulet or Blender's MCprep"
_CAD = "open it in FreeCAD (Part > create mesh from shape) and export .stl or .obj"
_ARCHIVE = "unpack it and give the folder (.zip is read as it is)"
_GIS = "take the 3D city model as CityJSON, for example with `citygml-tools to-cityjson` or QGIS"

CONVERTERS = {
    ".fbx": "convert it with Blender (File > Export > glTF), FBX2glTF or `assimp export in.fbx out.glb`",
    ".ifczip": "unpack it and give the .ifc inside",
    ".ifcxml": "convert it with ifcopenshell: `IfcConvert in.ifcxml out.glb`",
    ".schem": _MINECRAFT,
    ".schematic": _MINECRAFT,
    ".litematic": _MINECRAFT,
    ".nbt": _MINECRAFT,
    ".vox": "export it as .obj or .ply from MagicaVoxel",
    ".blend": "open it in Blender and export .glb, .obj or .ply (File > Export)",
    ".skp": "export it from SketchUp as .dae, .stl or .glb (File > Export > 3D Model)",
    ".rvt": "export it from Revit as .ifc",
    ".rfa": "export it from Revit as .ifc",
    ".pln": "export it from Archicad as .ifc",
    ".dwg": "export meshes from AutoCAD as .stl (STLOUT), or go by DXF and Blender",
    ".dxf": "open it in Blender or FreeCAD and export .obj or .stl",
    ".usd": "open it in Blender and export .glb",
    ".usda": "open it in Blender and export .glb",
    ".usdc": "open it in Blender and export .glb",
    ".usdz": "open it in Blender and export .glb",
    ".step": _CAD,
    ".stp": _CAD,
    ".iges": _CAD,
    ".igs": _CAD,
    ".brep": _CAD,
    ".fcstd": _CAD,
    ".3ds": "convert it with `assimp export in.3ds out.glb` or Blender",
    ".max": _BLENDER,
    ".c4d": _BLENDER,
    ".ma": _BLENDER,
    ".mb": _BLENDER,
    ".lwo": _BLENDER,
    ".abc": _BLENDER,
    ".x3d": _BLENDER,
    ".wrl": _BLENDER,
    ".amf": "save it as .3mf or .stl from a slicer",
    ".vtk": "save it as .ply or .stl from ParaView",
    ".vtp": "save it as .ply or .stl from ParaView",
    ".las": "convert it with PDAL: `pdal translate in.las out.ply`",
    ".laz": "convert it with PDAL: `pdal translate in.laz out.ply`",
    ".e57": "convert it with CloudCompare or PDAL: `pdal translate in.e57 out.ply`",
    ".b3dm": "convert it with 3d-tiles-tools: `3d-tiles-tools b3dmToGlb -i in.b3dm -o out.glb`",
    ".i3dm": "convert it with 3d-tiles-tools: `3d-tiles-tools i3dmToGlb -i in.i3dm -o out.glb`",
    ".fcb": "convert it with FlatCityBuf: `fcb deser -i in.fcb -o out.city.jsonl`",
    ".kmz": "unpack it (it is a .zip) and give the .dae inside",
    ".kml": _GIS,
    ".shp": _GIS,
    ".gpkg": _GIS,
    ".geojson": _GIS,
    ".7z": _ARCHIVE,
    ".rar": _ARCHIVE,
    ".tar": _ARCHIVE,
    ".tgz": _ARCHIVE,
    ".bz2": _ARCHIVE,
    ".xz": _ARCHIVE,
    ".zst": _ARCHIVE,
}
"""Formats that voxgen leaves to others, and what helps."""

_REFERRED = "mtl bin png jpg jpeg webp bmp gif tga tif tiff dds hdr exr ktx ktx2 svg prj wld tfw"
_KEPT_BESIDE = (
    "txt md rst pdf csv tsv xlsx html htm css js py ipynb toml yaml yml ini cfg log sh bat url lnk npz npy "
    "xsd meta import sha256 md5 asc bak"
)
SIDE_SUFFIXES = frozenset(f".{word}" for word in f"{_REFERRED} {_KEPT_BESIDE}".split())
"""Files that are no building and no failure: materials, textures, buffers, notes, tables."""


def suffix_of(name: str) -> str:
    """Give the suffix that tells the format, lower case, without a trailing `.gz`.

    >>> suffix_of("tile/denhaag.city.JSON.gz")
    '.json'
    """
    path = PurePosixPath(name.replace("\\", "/").lower())
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def format_of(name: str) -> Format | None:
    """Give the format that reads files of this name, or None."""
    suffix = suffix_of(name)
    return next((entry for entry in READABLE if suffix in entry.suffixes), None)


def all_suffixes() -> str:
    """Give what is read, in words."""
    return ", ".join(s for entry in READABLE for s in entry.suffixes) + ", each also as .gz, and .zip"


def how_to_convert(name: str) -> str:
    """Say why a file of this name is not read, and what helps."""
    suffix = suffix_of(name) or "no suffix"
    advice = CONVERTERS.get(suffix)
    if advice is None:
        return f"{suffix} is not a format that voxgen reads; it reads {all_suffixes()}"
    return f"{suffix} is not read by voxgen: {advice}"
