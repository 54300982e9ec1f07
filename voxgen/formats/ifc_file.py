"""What IFC2X3 and IFC4 share: a project with site, building and storeys, bodies as products, properties.

A body is an extrusion (IfcExtrudedAreaSolid over an IfcPolyline) where its solid is one, else a faceted
boundary (IfcFacetedBrep): the two forms that Revit, ArchiCAD and viewers all read. A cavity is taken away as
a body of its own, since readers that know no IfcFacetedBrepWithVoids, ifcopenshell's kernel among them, would
drop the building. Identifiers come from names and dates are fixed, so that the same building gives the
same file.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..geometry.polyhedron import NO_STOREY
from ..geometry.solid import MASS, Extrusion, Storey
from .materials import Material, material_of
from .write import Body, Export

_CLASSES = {MASS: "IfcBuildingElementProxy", "wall": "IfcWall", "slab": "IfcSlab", "roof": "IfcRoof"}
"""Kind of a solid -> IFC class; others are proxies too."""

_QUANTITIES = {
    "height": ("IfcQuantityLength", "Height"),
    "footprint_area": ("IfcQuantityArea", "FootprintArea"),
    "gross_floor_area": ("IfcQuantityArea", "GrossFloorArea"),
    "volume": ("IfcQuantityVolume", "GrossVolume"),
}
"""Measures that the standard has quantities for; others are properties."""

_NAMESPACE = uuid.UUID("5d1f5b0e-5d63-5e1c-9a44-7b0c1a2f8e30")
_EPOCH = "1970-01-01T00:00:00"


@dataclass
class IfcFile:
    """A file as it is built.

    Attributes:
        export: the building.
        schema: `IFC2X3` or `IFC4`.
        history: what each rooted object gives as owner history; None in IFC4.
    """

    export: Export
    schema: Literal["IFC2X3", "IFC4"]
    history: Any = None
    _styles: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open an empty file with a header."""
        import ifcopenshell

        self.file = ifcopenshell.file(schema=self.schema)
        header = self.file.header
        header.file_description.description = ("ViewDefinition [CoordinationView_V2.0]",)
        if self.schema == "IFC4":
            header.file_description.description = ("ViewDefinition [ReferenceView_V1.2]",)
        header.file_name.name = self.export.name
        header.file_name.time_stamp = _EPOCH
        header.file_name.originating_system = header.file_name.preprocessor_version = "voxgen"

    def add(self, kind: str, *values: Any, **named: Any) -> Any:
        """Add an instance."""
        return self.file.create_entity(kind, *values, **named)

    def root(self, kind: str, key: str, **named: Any) -> Any:
        """Add a rooted instance, identified by the building's name, its kind and a key."""
        from ifcopenshell.guid import compress

        identity = uuid.uuid5(_NAMESPACE, f"{self.export.name}/{kind}/{key}")
        return self.add(kind, GlobalId=compress(identity.hex), OwnerHistory=self.history, **named)

    def point(self, values: Iterable[float]) -> Any:
        """Add a point, in metres to a micrometre."""
        return self.add("IfcCartesianPoint", [round(float(value), 6) + 0.0 for value in values])

    def placement(self, z: float = 0.0) -> Any:
        """Add axes at a height."""
        return self.add("IfcAxis2Placement3D", self.point((0.0, 0.0, z)))

    def context(self, north: Sequence[float] | None = None) -> Any:
        """Add the model's context."""
        direction = self.add("IfcDirection", [float(v) for v in north]) if north else None
        return self.add(
            "IfcGeometricRepresentationContext",
            ContextType="Model",
            CoordinateSpaceDimension=3,
            Precision=1e-5,
            WorldCoordinateSystem=self.placement(),
            TrueNorth=direction,
        )

    def project(self, context: Any) -> Any:
        """Add the project, in metres."""
        units = [
            self.add("IfcSIUnit", UnitType=kind, Name=name)
            for kind, name in (
                ("LENGTHUNIT", "METRE"),
                ("AREAUNIT", "SQUARE_METRE"),
                ("VOLUMEUNIT", "CUBIC_METRE"),
                ("PLANEANGLEUNIT", "RADIAN"),
            )
        ]
        return self.root(
            "IfcProject",
            "",
            Name=self.export.name,
            RepresentationContexts=[context],
            UnitsInContext=self.add("IfcUnitAssignment", units),
        )

    def building(self, project: Any, context: Any) -> tuple[Any, Any]:
        """Add site, building, storeys and all bodies; give site and building."""
        site, building = (
            self.root(kind, "", Name=name, CompositionType="ELEMENT")
            for kind, name in (("IfcSite", "Site"), ("IfcBuilding", self.export.name))
        )
        site.ObjectPlacement = self.add("IfcLocalPlacement", None, self.placement())
        building.ObjectPlacement = self.add("IfcLocalPlacement", site.ObjectPlacement, self.placement())
        storeys = self.export.model.storeys or (Storey("Ground floor", 0.0, 0.0),)
        levels = [self._storey(building, storey, number) for number, storey in enumerate(storeys)]
        for whole, parts in ((project, [site]), (site, [building]), (building, levels)):
            self.root("IfcRelAggregates", whole.is_a(), RelatingObject=whole, RelatedObjects=parts)
        products: dict[int, list[Any]] = {}
        for body in self.export.bodies:
            at = body.solid.storey if body.solid.storey != NO_STOREY else 0
            products.setdefault(at, []).append(self._product(body, levels[at], context))
        for at, found in products.items():
            self.root(
                "IfcRelContainedInSpatialStructure",
                str(at),
                RelatedElements=found,
                RelatingStructure=levels[at],
            )
        return site, building

    def properties(self, objects: Sequence[Any], name: str, values: Mapping[str, Any]) -> None:
        """Add a property set, none without values; numbers, texts and truths keep their kinds."""
        if not values:
            return
        listed = [self.add("IfcPropertySingleValue", k, None, self._value(v)) for k, v in values.items()]
        self._define(
            objects, self.root("IfcPropertySet", self._key(objects, name), Name=name, HasProperties=listed)
        )

    def said(self, building: Any, quantities: str) -> None:
        """Add what is known of the building: quantities under the schema's name, measures, metadata."""
        measures = self.export.model.measures
        known = [
            self.add(kind, name, None, None, float(measures[key]))
            for key, (kind, name) in _QUANTITIES.items()
            if key in measures
        ]
        if known:
            key = self._key([building], quantities)
            self._define([building], self.root("IfcElementQuantity", key, Name=quantities, Quantities=known))
        others = {k: float(v) for k, v in measures.items() if k not in _QUANTITIES}
        self.properties([building], "Voxgen_Measures", others)
        self.properties([building], "Voxgen_Source", dict(self.export.model.metadata))

    def encode(self) -> bytes:
        """Give the file."""
        return self.file.to_string().encode()

    def _storey(self, building: Any, storey: Storey, number: int) -> Any:
        local = self.add("IfcLocalPlacement", building.ObjectPlacement, self.placement(storey.elevation))
        return self.root(
            "IfcBuildingStorey",
            str(number),
            Name=storey.name,
            ObjectPlacement=local,
            CompositionType="ELEMENT",
            Elevation=float(storey.elevation),
        )

    def _product(self, body: Body, storey: Any, context: Any) -> Any:
        solid = body.solid
        level = float(storey.Elevation)
        if solid.extrusion is not None and body.whole:
            form, item = "SweptSolid", self._extrusion(solid.extrusion, level)
        else:
            form, item = "CSG" if len(body.shells) > 1 else "Brep", self._brep(body, level)
        self._style(item, material_of(solid))
        shape = self.add("IfcShapeRepresentation", context, "Body", form, [item])
        kind = _CLASSES.get(solid.kind, _CLASSES[MASS])
        product = self.root(
            kind,
            body.name,
            Name=body.name,
            ObjectType=solid.kind,
            ObjectPlacement=self.add("IfcLocalPlacement", storey.ObjectPlacement, self.placement()),
            Representation=self.add("IfcProductDefinitionShape", None, None, [shape]),
        )
        if kind == "IfcRoof" and self.schema == "IFC2X3":
            product.ShapeType = "NOTDEFINED"
        elif kind == "IfcSlab":
            product.PredefinedType = "BASESLAB" if solid.attributes.get("role") == "ground" else "FLOOR"
        self.properties([product], "Voxgen_Element", solid.attributes)
        return product

    def _extrusion(self, extrusion: Extrusion, level: float) -> Any:
        outer, *holes = (
            self.add("IfcPolyline", [self.point(p) for p in (*ring, ring[0])]) for ring in extrusion.rings
        )
        if holes:
            profile = self.add("IfcArbitraryProfileDefWithVoids", "AREA", None, outer, holes)
        else:
            profile = self.add("IfcArbitraryClosedProfileDef", "AREA", None, outer)
        up = self.add("IfcDirection", [0.0, 0.0, 1.0])
        foot = self.placement(extrusion.base - level)
        return self.add("IfcExtrudedAreaSolid", profile, foot, up, float(extrusion.height))

    def _brep(self, body: Body, level: float) -> Any:
        surface = body.solid.surface
        points: dict[int, Any] = {}

        def loop(ring: np.ndarray) -> Any:
            for v in ring.tolist():
                if v not in points:
                    points[v] = self.point(surface.vertices[v] - np.array([0.0, 0.0, level]))
            return self.add("IfcPolyLoop", [points[v] for v in ring.tolist()])

        def face(polygon: int, inside: bool) -> Any:
            outer, *holes = (loop(ring[::-1] if inside else ring) for ring in surface.outlines(polygon))
            bounds = [self.add("IfcFaceOuterBound", outer, True)]
            return self.add("IfcFace", bounds + [self.add("IfcFaceBound", hole, True) for hole in holes])

        def solid(number: int) -> Any:
            faces = [face(polygon, number > 0) for polygon in body.shells[number].tolist()]
            return self.add("IfcFacetedBrep", self.add("IfcClosedShell", faces))

        item = solid(0)
        for number in range(1, len(body.shells)):
            item = self.add("IfcBooleanResult", "DIFFERENCE", item, solid(number))
        return item

    def _style(self, item: Any, material: Material) -> None:
        if material.name not in self._styles:
            colour = self.add("IfcColourRgb", None, *map(float, material.colour))
            shading = self.add("IfcSurfaceStyleShading", colour)
            style = self.add("IfcSurfaceStyle", material.name, "BOTH", [shading])
            if self.schema == "IFC2X3":
                style = self.add("IfcPresentationStyleAssignment", [style])
            self._styles[material.name] = style
        self.add("IfcStyledItem", item, [self._styles[material.name]])

    def _value(self, value: Any) -> Any:
        kinds: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
            (bool, "IfcBoolean", bool),
            (int, "IfcInteger", int),
            (float, "IfcReal", float),
        )
        for kind, name, cast in kinds:
            if isinstance(value, kind):
                return self.add(name, cast(value))
        return self.add("IfcText", str(value))

    def _define(self, objects: Sequence[Any], definition: Any) -> None:
        key = self._key(objects, definition.Name)
        self.root(
            "IfcRelDefinesByProperties",
            key,
            RelatedObjects=list(objects),
            RelatingPropertyDefinition=definition,
        )

    @staticmethod
    def _key(objects: Sequence[Any], name: str) -> str:
        return "/".join([name, *(str(one.GlobalId) for one in objects)])
