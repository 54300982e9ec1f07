"""USD as text (https://openusd.org): a mesh for each solid, with the material of each class, in metres, Z up.

The text form needs no library to write. Polygons stay whole where a fan of triangles fills them; subdivision
is off, which USD would otherwise round all edges with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np

from ..geometry.fans import fans
from ..geometry.solid import Solid
from .materials import PALETTE, Material, by_material
from .write import Export


def encode(export: Export) -> bytes:
    """Give the file: UTF-8 text."""
    root = _identifier(export.name)
    said = "".join(f"        string {_text(k)} = {_text(v)}\n" for k, v in export.extras.items())
    lines = [
        "#usda 1.0",
        "(",
        f"    defaultPrim = {_text(root)}",
        "    metersPerUnit = 1",
        f'    upAxis = "{export.up.upper()}"',
        '    doc = "written by voxgen"',
        ")",
        "",
        f'def Xform "{root}" (',
        '    kind = "component"',
        "    customData = {",
        f"{said}    }}",
        ")",
        "{",
    ]
    taken: set[str] = set()
    for solid in export.model.solids:
        lines += _mesh(export, solid, _distinct(_identifier(solid.name), taken), root)
    lines.append('    def Scope "Materials"\n    {')
    for material in PALETTE.values():
        lines += _material(material, root)
    return ("\n".join([*lines, "    }", "}"]) + "\n").encode()


def _mesh(export: Export, solid: Solid, name: str, root: str) -> list[str]:
    surface = solid.surface
    faces, of_face = [], []
    for polygon in range(len(surface)):
        found = fans(surface, polygon)
        faces += found
        of_face += [polygon] * len(found)
    points = export.place(surface.vertices)
    low, high = points.min(axis=0), points.max(axis=0)
    lines = [
        f'    def Mesh "{name}" (',
        '        prepend apiSchemas = ["MaterialBindingAPI"]',
        "        customData = {",
        f"            string kind = {_text(solid.kind)}",
        *(f"            string {_text(k)} = {_text(v)}" for k, v in solid.attributes.items()),
        "        }",
        "    )",
        "    {",
        f"        float3[] extent = [{_vectors([low, high])}]",
        f"        int[] faceVertexCounts = [{', '.join(str(len(face)) for face in faces)}]",
        f"        int[] faceVertexIndices = [{', '.join(str(c) for face in faces for c in face)}]",
        f"        normal3f[] normals = [{_vectors(export.turn(surface.normals)[of_face])}] (",
        '            interpolation = "uniform"',
        "        )",
        f"        point3f[] points = [{_vectors(points)}]",
        '        uniform token subdivisionScheme = "none"',
        '        uniform token subsetFamily:materialBind:familyType = "partition"',
    ]
    for material, chosen in by_material(solid, surface.labels[of_face]):
        lines += [
            f'        def GeomSubset "{material.name}" (',
            '            prepend apiSchemas = ["MaterialBindingAPI"]',
            "        )",
            "        {",
            '            uniform token elementType = "face"',
            '            uniform token familyName = "materialBind"',
            f"            int[] indices = [{', '.join(map(str, np.flatnonzero(chosen).tolist()))}]",
            f"            rel material:binding = </{root}/Materials/{material.name}>",
            "        }",
        ]
    return [*lines, "    }"]


def _material(material: Material, root: str) -> list[str]:
    colour = ", ".join(f"{c:.4f}" for c in material.linear)
    path = f"/{root}/Materials/{material.name}"
    return [
        f'        def Material "{material.name}"',
        "        {",
        f"            token outputs:surface.connect = <{path}/surface.outputs:surface>",
        '            def Shader "surface"',
        "            {",
        '                uniform token info:id = "UsdPreviewSurface"',
        f"                color3f inputs:diffuseColor = ({colour})",
        "                float inputs:roughness = 0.9",
        "                token outputs:surface",
        "            }",
        "        }",
    ]


def _vectors(values: Iterable[np.ndarray]) -> str:
    return ", ".join(f"({x:.6f}, {y:.6f}, {z:.6f})" for x, y, z in np.asarray(list(values)).round(6) + 0.0)


def _identifier(name: str) -> str:
    """A name as USD's paths take it: letters, digits and underscores, no digit first."""
    kept = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{kept}" if kept[:1].isdigit() else kept


def _distinct(name: str, taken: set[str]) -> str:
    number, tried = 2, name
    while tried in taken or tried == "Materials":
        tried, number = f"{name}_{number}", number + 1
    taken.add(tried)
    return tried


def _text(value: object) -> str:
    """A string in USD's quotes, which escapes as JSON does."""
    return json.dumps(str(value), ensure_ascii=False)
