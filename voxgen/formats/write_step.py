"""STEP AP214 (ISO 10303-21 and -214): a solid with planar faces for each body, in millimetres.

A building of several solids is an assembly of products, one for each. Written without a CAD kernel, as planar
polygons need none: vertices, straight edges that two faces share, and planes map one to one onto
`advanced_brep_shape_representation`, and the file is the same every time. Faces have the colours of their
classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from .materials import Material, by_material
from .write import Body, Export

_HEADER = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION({said},'2;1');
FILE_NAME({name},'1970-01-01T00:00:00',(''),(''),'voxgen','voxgen','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN {{ 1 0 10303 214 1 1 1 1 }}'));
ENDSEC;
DATA;
"""

_TOLERANCE = 1e-3
"""Millimetres within which faces and edges meet; surfaces keep to a micrometre."""


def encode(export: Export) -> bytes:
    """Give the file: ASCII text.

    Raises:
        DataError: for a building that is not closed.
    """
    file = _Records()
    context, application = _context(file), _application(file)
    styles: list[str] = []
    bodies: dict[str, list[str]] = {}
    for body in export.bodies:
        bodies.setdefault(body.solid.name, []).append(_body(file, export, body, styles))
    if len(bodies) == 1:
        _part(file, export.name, application, context, next(iter(bodies.values())))
    else:
        parts = [(name, *_part(file, name, application, context, solids)) for name, solids in bodies.items()]
        _assembly(file, export.name, application, context, parts)
    file.add(f"MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',({','.join(styles)}),{context})")
    said = ["written by voxgen", *(f"{key}: {value}" for key, value in export.extras.items())]
    header = _HEADER.format(said=f"({','.join(map(_text, said))})", name=_text(export.name))
    return (header + "".join(file.lines) + "ENDSEC;\nEND-ISO-10303-21;\n").encode("ascii")


@dataclass
class _Records:
    """The lines of the file, numbered from 1; equal ones of the same kind stand once."""

    lines: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)

    def add(self, record: str) -> str:
        """Add a record and give its reference."""
        self.lines.append(f"#{len(self.lines) + 1}={record};\n")
        return f"#{len(self.lines)}"

    def once(self, record: str) -> str:
        """Give the reference of a record, added where it is new."""
        if record not in self.known:
            self.known[record] = self.add(record)
        return self.known[record]


def _context(file: _Records) -> str:
    length = file.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))")
    angle = file.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
    solid = file.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
    accuracy = file.add(
        f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE({_TOLERANCE:E}),{length},'distance_accuracy_value','')"
    )
    return file.add(
        f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({accuracy}))"
        f"GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid}))REPRESENTATION_CONTEXT('',''))"
    )


def _application(file: _Records) -> str:
    application = file.add("APPLICATION_CONTEXT('automotive design')")
    standard = "'international standard','automotive_design',2000"
    file.add(f"APPLICATION_PROTOCOL_DEFINITION({standard},{application})")
    return application


def _product(file: _Records, name: str, application: str) -> str:
    """A product's definition."""
    context = file.once(f"PRODUCT_CONTEXT('',{application},'mechanical')")
    product = file.add(f"PRODUCT({_text(name)},{_text(name)},'',({context}))")
    file.add(f"PRODUCT_RELATED_PRODUCT_CATEGORY('part',$,({product}))")
    formation = file.add(f"PRODUCT_DEFINITION_FORMATION('','',{product})")
    design = file.once(f"PRODUCT_DEFINITION_CONTEXT('part definition',{application},'design')")
    return file.add(f"PRODUCT_DEFINITION('design','',{formation},{design})")


def _part(
    file: _Records, name: str, application: str, context: str, solids: Sequence[str]
) -> tuple[str, str]:
    """A product with a shape: its definition, and the representation of the shape."""
    items = ",".join([_origin(file), *solids])
    shape = file.add(f"ADVANCED_BREP_SHAPE_REPRESENTATION({_text(name)},({items}),{context})")
    return _with_shape(file, name, application, shape), shape


def _with_shape(file: _Records, name: str, application: str, shape: str) -> str:
    definition = _product(file, name, application)
    of_product = file.add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")
    file.add(f"SHAPE_DEFINITION_REPRESENTATION({of_product},{shape})")
    return definition


def _assembly(
    file: _Records, name: str, application: str, context: str, parts: Sequence[tuple[str, str, str]]
) -> None:
    """A product of products, each in its place: programs give solids the names of products alone."""
    origin = _origin(file)
    whole = file.add(f"SHAPE_REPRESENTATION({_text(name)},({origin}),{context})")
    definition = _with_shape(file, name, application, whole)
    for number, (part, of_part, shape) in enumerate(parts, start=1):
        use = file.add(
            f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('{number}',{_text(part)},'',{definition},{of_part},$)"
        )
        of_use = file.add(f"PRODUCT_DEFINITION_SHAPE('','',{use})")
        move = file.once(f"ITEM_DEFINED_TRANSFORMATION('','',{origin},{origin})")
        relation = file.add(
            f"(REPRESENTATION_RELATIONSHIP('','',{shape},{whole})"
            f"REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({move})SHAPE_REPRESENTATION_RELATIONSHIP())"
        )
        file.add(f"CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{of_use})")


def _origin(file: _Records) -> str:
    return file.once(f"AXIS2_PLACEMENT_3D('',{_point(file, np.zeros(3))},$,$)")


def _body(file: _Records, export: Export, body: Body, styles: list[str]) -> str:
    surface = body.solid.surface
    points = export.place(surface.vertices)
    colours = dict[int, Material]()
    for material, chosen in by_material(body.solid, surface.labels):
        colours |= dict.fromkeys(np.flatnonzero(chosen).tolist(), material)
    vertices: dict[int, str] = {}
    edges: dict[tuple[int, int], str] = {}
    shells = []
    for shell in body.shells:
        faces = []
        for polygon in shell.tolist():
            rings = [ring.tolist() for ring in surface.outlines(polygon)]
            face = _face(file, points, rings, surface.area_vectors[polygon], vertices, edges)
            styles.append(_style(file, face, colours[polygon]))
            faces.append(face)
        shells.append(file.add(f"CLOSED_SHELL('',({','.join(faces)}))"))
    if len(shells) == 1:
        return file.add(f"MANIFOLD_SOLID_BREP({_text(body.name)},{shells[0]})")
    voids = [file.add(f"ORIENTED_CLOSED_SHELL('',*,{shell},.T.)") for shell in shells[1:]]
    return file.add(f"BREP_WITH_VOIDS({_text(body.name)},{shells[0]},({','.join(voids)}))")


def _face(
    file: _Records,
    points: Float[np.ndarray, "v 3"],
    rings: Sequence[list[int]],
    normal: Float[np.ndarray, " 3"],
    vertices: dict[int, str],
    edges: dict[tuple[int, int], str],
) -> str:
    bounds = []
    for number, ring in enumerate(rings):
        sides = []
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
            low, high = min(a, b), max(a, b)
            for v in (low, high):
                if v not in vertices:
                    vertices[v] = file.add(f"VERTEX_POINT('',{_point(file, points[v])})")
            if (low, high) not in edges:
                along = points[high] - points[low]
                vector = file.add(f"VECTOR('',{_direction(file, along)},1.)")
                line = file.add(f"LINE('',{_point(file, points[low])},{vector})")
                edges[low, high] = file.add(f"EDGE_CURVE('',{vertices[low]},{vertices[high]},{line},.T.)")
            sides.append(file.add(f"ORIENTED_EDGE('',*,*,{edges[low, high]},.{'T' if a == low else 'F'}.)"))
        loop = file.add(f"EDGE_LOOP('',({','.join(sides)}))")
        bounds.append(file.add(f"FACE_{'' if number else 'OUTER_'}BOUND('',{loop},.T.)"))
    first = np.array(rings[0])
    along = points[np.roll(first, -1)] - points[first]
    longest = along[int(np.argmax(np.linalg.norm(along, axis=1)))]
    axes = f"{_direction(file, normal)},{_direction(file, longest)}"
    placement = file.add(f"AXIS2_PLACEMENT_3D('',{_point(file, points[first[0]])},{axes})")
    plane = file.add(f"PLANE('',{placement})")
    return file.add(f"ADVANCED_FACE('',({','.join(bounds)}),{plane},.T.)")


def _style(file: _Records, face: str, material: Material) -> str:
    r, g, b = material.colour
    colour = file.once(f"COLOUR_RGB('{material.name}',{r:.3f},{g:.3f},{b:.3f})")
    fill = file.once(f"FILL_AREA_STYLE_COLOUR('',{colour})")
    filled = file.once(f"FILL_AREA_STYLE('',({fill}))")
    area = file.once(f"SURFACE_STYLE_FILL_AREA({filled})")
    side = file.once(f"SURFACE_SIDE_STYLE('',({area}))")
    usage = file.once(f"SURFACE_STYLE_USAGE(.BOTH.,{side})")
    style = file.once(f"PRESENTATION_STYLE_ASSIGNMENT(({usage}))")
    return file.add(f"STYLED_ITEM('',({style}),{face})")


def _point(file: _Records, point: Float[np.ndarray, " 3"]) -> str:
    return file.once(f"CARTESIAN_POINT('',({_numbers(point)}))")


def _direction(file: _Records, vector: Float[np.ndarray, " 3"]) -> str:
    return file.once(f"DIRECTION('',({_numbers(vector / np.linalg.norm(vector), 12)}))")


def _numbers(values: Float[np.ndarray, " 3"], digits: int = 7) -> str:
    return ",".join(f"{value:.{digits}f}" for value in (values.round(digits) + 0.0).tolist())


def _text(value: object) -> str:
    """A string as ISO 10303-21 quotes it, in ASCII."""
    quoted = str(value).replace("\\", "\\\\").replace("'", "''")
    return "'" + re.sub(r"[^ -~]", lambda c: f"\\X4\\{ord(c[0]):08X}\\X0\\", quoted) + "'"
