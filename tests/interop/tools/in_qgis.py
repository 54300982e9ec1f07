"""What QGIS finds in files: PLY as a mesh layer, DXF as a vector layer.

QT_QPA_PLATFORM=offscreen python in_qgis.py OUT.json FILE...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append("/usr/lib/python3/dist-packages")
from qgis.core import QgsApplication, QgsMesh, QgsMeshLayer, QgsVectorLayer


def of_mesh(path: str) -> dict:
    """Bounds of a mesh layer."""
    layer = QgsMeshLayer(path, "mesh", "mdal")
    if not layer.isValid():
        return {"error": "no valid mesh layer"}
    mesh = QgsMesh()
    layer.dataProvider().populateMesh(mesh)
    points = [mesh.vertex(i) for i in range(mesh.vertexCount())]
    corners = [(point.x(), point.y(), point.z()) for point in points]
    return {
        "low": [min(axis) for axis in zip(*corners, strict=True)],
        "high": [max(axis) for axis in zip(*corners, strict=True)],
    }


def of_drawing(path: str) -> dict:
    """Bounds and layers of a drawing."""
    layer = QgsVectorLayer(path, "drawing", "ogr")
    if not layer.isValid():
        return {"error": "no valid vector layer"}
    box = layer.extent()
    return {
        "low": [box.xMinimum(), box.yMinimum()],
        "high": [box.xMaximum(), box.yMaximum()],
        "names": sorted({str(feature["Layer"]) for feature in layer.getFeatures()}),
    }


def main() -> None:
    """Open all files."""
    out, *paths = sys.argv[1:]
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    found = {}
    for path in paths:
        try:
            found[path] = of_drawing(path) if path.endswith(".dxf") else of_mesh(path)
        except Exception as failure:  # whatever the tool says is the finding
            found[path] = {"error": f"{type(failure).__name__}: {failure}"}
    Path(out).write_text(json.dumps(found), encoding="utf-8")
    application.exitQgis()


if __name__ == "__main__":
    main()
