"""IFC2X3 TC1: see `ifc_file`; what Revit opens with all its geometry.

The schema has no map conversion: a place in the world stands in the property sets ePSet_MapConversion and
ePSet_ProjectedCRS of project and site (buildingSMART, User guide for geo-referencing in IFC), and grid north
in the context.
"""

from __future__ import annotations

import math
from typing import Any

from .ifc_file import IfcFile
from .write import Export


def encode(export: Export) -> bytes:
    """Give the file.

    Raises:
        DataError: for a building that is not closed.
    """
    file = IfcFile(export, "IFC2X3")
    file.history = _history(file)
    place = export.model.georeference
    context = file.context((math.sin(place.yaw), math.cos(place.yaw)) if place else None)
    project = file.project(context)
    site, building = file.building(project, context)
    if place is not None:
        easting, northing, height = place.at
        conversion = {
            "Eastings": easting,
            "Northings": northing,
            "OrthogonalHeight": height,
            "XAxisAbscissa": math.cos(place.yaw),
            "XAxisOrdinate": math.sin(place.yaw),
            "Scale": 1.0,
        }
        file.properties([project, site], "ePSet_MapConversion", conversion)
        file.properties([project, site], "ePSet_ProjectedCRS", {"Name": place.crs})
    file.said(building, "BaseQuantities")
    return file.encode()


def _history(file: IfcFile) -> Any:
    """Who wrote it, as every object of this schema has to say."""
    organisation = file.add("IfcOrganization", Name="voxgen")
    person = file.add("IfcPerson", FamilyName="voxgen")
    owner = file.add("IfcPersonAndOrganization", person, organisation)
    program = file.add("IfcApplication", organisation, "1", "voxgen", "voxgen")
    return file.add(
        "IfcOwnerHistory", OwningUser=owner, OwningApplication=program, ChangeAction="ADDED", CreationDate=0
    )
