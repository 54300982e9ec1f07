"""IFC4 (ISO 16739-1): see `ifc_file`; a place in the world is an IfcMapConversion to an IfcProjectedCRS."""

from __future__ import annotations

import math

from .ifc_file import IfcFile
from .write import Export


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for a building that is not closed.
    """
    file = IfcFile(export, "IFC4")
    context = file.context()
    project = file.project(context)
    place = export.model.georeference
    if place is not None:
        easting, northing, height = map(float, place.at)
        file.add(
            "IfcMapConversion",
            context,
            file.add("IfcProjectedCRS", place.crs),
            easting,
            northing,
            height,
            math.cos(place.yaw),
            math.sin(place.yaw),
            1.0,
        )
    _, building = file.building(project, context)
    file.said(building, "Qto_BuildingBaseQuantities")
    return file.encode()
