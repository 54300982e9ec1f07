"""3MF core specification (https://3mf.io/spec): an object for each closed body, in millimetres, for printing.

Triangles bear the material of their class. The archive has fixed dates, so that the same building gives the
same bytes.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from .materials import PALETTE, by_material
from .write import Body, Export

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MODEL = "3D/3dmodel.model"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PARTS = {
    "[Content_Types].xml": f"""{_XML}<Types xmlns="{_PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
""",
    "_rels/.rels": f"""{_XML}<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Target="/{_MODEL}" Id="model" Type="{_CORE.replace("core/2015/02", "2013/01")}/3dmodel"/>
</Relationships>
""",
}
_MATERIALS = 1
"""Id of the materials; objects follow."""


def encode(export: Export) -> bytes:
    """Give the archive.

    Raises:
        DataError: for a building that is not closed.
    """
    said = "; ".join(f"{key}: {value}" for key, value in export.extras.items())
    colours = "".join(
        f'<base name="{m.name}" displaycolor="#{"".join(f"{c:02X}" for c in m.bytes)}"/>'
        for m in PALETTE.values()
    )
    ids = range(_MATERIALS + 1, _MATERIALS + 1 + len(export.bodies))
    lines = [
        f'{_XML}<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}">',
        f'<metadata name="Title">{escape(export.name)}</metadata>',
        '<metadata name="Application">voxgen</metadata>',
        f'<metadata name="Description">{escape(said)}</metadata>',
        "<resources>",
        f'<basematerials id="{_MATERIALS}">{colours}</basematerials>',
        *(
            line
            for number, body in zip(ids, export.bodies, strict=True)
            for line in _object(export, body, number)
        ),
        "</resources>",
        "<build>",
        *(f'<item objectid="{number}"/>' for number in ids),
        "</build>",
        "</model>",
    ]
    parts = {**_PARTS, _MODEL: "\n".join(lines) + "\n"}
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def _object(export: Export, body: Body, number: int) -> list[str]:
    surface = body.solid.surface
    triangles, source = surface.triangles
    own = np.isin(source, np.concatenate(body.shells))
    used, corners = np.unique(triangles[own], return_inverse=True)
    labels = surface.labels[source[own]]
    material = np.zeros(len(labels), np.int64)
    for given, chosen in by_material(body.solid, labels):
        material[chosen] = list(PALETTE).index(given.name)
    # Above a metre of print bed the numbers are long; a ten-thousandth of a millimetre is kept.
    vertices = export.place(surface.vertices[used]).round(4) + 0.0
    return [
        f'<object id="{number}" name={quoteattr(body.name)} type="model" pid="{_MATERIALS}" pindex="0">',
        "<mesh><vertices>",
        *(f'<vertex x="{x:.4f}" y="{y:.4f}" z="{z:.4f}"/>' for x, y, z in vertices.tolist()),
        "</vertices><triangles>",
        *(
            f'<triangle v1="{a}" v2="{b}" v3="{c}" pid="{_MATERIALS}" p1="{m}"/>'
            for (a, b, c), m in zip(corners.reshape(-1, 3).tolist(), material.tolist(), strict=True)
        ),
        "</triangles></mesh></object>",
    ]
