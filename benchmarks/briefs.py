"""The briefs of the examples through all four families, and their files held against them by other code.

    python benchmarks/briefs.py [--context ../shared/data/nl_denhaag/original/denhaag.city.json.gz] [-n 4]

Each brief is given to each model that comes with voxgen, and the designs are written as OBJ, GLB, 3DM and
IFC4. Every file is read by trimesh, rhino3dm or ifcopenshell, and its solid is compared, by trimesh's
booleans, with an envelope that is built here anew from the brief: shapely for the plot and its setbacks,
half-spaces for the limits. Printed are the largest share of a solid that lies outside, in a void or in a
neighbour, the largest part of what must stay that is missing, and how many designs meet all that is wanted.
Without --context the brief that needs one is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import ifcopenshell.geom
import numpy as np
import rhino3dm
import shapely
import trimesh
from commands import voxgen

from voxgen.formats import ReadOptions, read_buildings

Solid = Any
"""A closed mesh of trimesh."""

# Libraries whose types say less than they give.
TRIMESH: Any = trimesh
RHINO: Any = rhino3dm
IFC: Any = ifcopenshell

BRIEFS = Path(__file__).parents[1] / "examples" / "briefs"
FORMATS = {"obj": ".obj", "glb": ".glb", "3dm": ".3dm", "ifc4": ".ifc"}
HIGHEST = 32.0
"""Metres that the models' buildings can be high."""

AROUND = 40.0
"""Metres around the plot in which neighbours are looked at."""


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--context", type=Path, help="CityJSON of The Hague for the infill")
    parser.add_argument("-n", "--count", type=int, default=4)
    parser.add_argument("--brief", default="*", help="its name; all where left out")
    parser.add_argument("--models", default="vae,gan,flow,diffusion")
    parser.add_argument("--out", type=Path, help="folder to keep the designs in")
    args = parser.parse_args()
    out = args.out or Path(tempfile.mkdtemp())
    print(
        "| brief | model | designs | met | files | closed | outside, of the solid | of what stays, missing |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for brief in sorted(BRIEFS.glob(f"{args.brief}.toml")):
        said = tomllib.loads(brief.read_text(encoding="utf-8"))
        needs = "clear" in said["site"]
        if needs and args.context is None:
            continue
        for model in args.models.split(","):
            folder = out / f"{brief.stem}-{model}"
            words = ["sample", "--pretrained", model, "-n", args.count, "--brief", brief, "--seed", 1]
            words += ["-f", ",".join(FORMATS), "-o", folder, "--originality"]
            words += ["--context", args.context] if needs else []
            done = voxgen(*words)
            lineage = json.loads((folder / "designs.json").read_text(encoding="utf-8"))
            offset = np.array(lineage["offset"])
            allowed, keep = envelope(said["site"], offset, args.context if needs else None)
            outside, missing, files, closed = 0.0, 0.0, 0, 0
            for design in done["designs"]:
                for form, suffix in FORMATS.items():
                    solid = read(folder / f"{design['name']}{suffix}", form)
                    files += 1
                    if solid is None:
                        continue
                    closed += 1
                    outside = max(outside, volume(minus(solid, allowed)) / solid.volume)
                    if keep is not None:
                        missing = max(missing, volume(minus(keep, solid)) / keep.volume)
            met = sum(design["met"] for design in done["designs"])
            stays = "" if keep is None else f"{missing:.1e}"
            cells = (brief.stem, model, len(done["designs"]), met, files, closed, f"{outside:.1e}", stays)
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def envelope(site: dict[str, Any], offset: np.ndarray, context: Path | None) -> tuple[Solid, Solid | None]:
    """Build what may be built, and what must be, from a brief as it is written."""
    plot = shapely.from_wkt(site["plot"])
    points = np.array(plot.exterior.coords)[:-1] - offset[:2]
    count = len(points)
    setback = site.get("setback", 0)
    each = setback if isinstance(setback, list) else [setback] * count
    polygon = shapely.Polygon(points)
    for i, metres in enumerate(each):
        if metres:
            edge = shapely.LineString([points[i], points[(i + 1) % count]])
            # Straight, as long as the edge: what is nearer to it than that, and not past its ends.
            polygon = polygon.difference(edge.buffer(metres, cap_style="flat"))
    solid = TRIMESH.creation.extrude_polygon(polygon, site.get("height_limit", HIGHEST))
    for plane in site.get("plane", ()):
        a, b = points[plane["edge"]], points[(plane["edge"] + 1) % count]
        along = (b - a) / np.linalg.norm(b - a)
        inward = np.array([-along[1], along[0]])
        rise = math.tan(math.radians(plane["slope"]))
        normal = np.array([*(rise * inward), -1.0])
        at = np.array([*a, plane["height"]])
        solid = TRIMESH.intersections.slice_mesh_plane(solid, normal, at, cap=True)
    if "envelope" in site:
        solid = TRIMESH.boolean.intersection([solid, load(BRIEFS / site["envelope"], offset)])
    for void in site.get("void", ()):
        solid = minus(solid, load(BRIEFS / void, offset))
    if context is not None:
        for neighbour in neighbours(context, polygon, offset):
            solid = minus(solid, neighbour)
    kept = [load(BRIEFS / name, offset) for name in site.get("keep", ())]
    return solid, TRIMESH.boolean.union(kept) if kept else None


def neighbours(path: Path, polygon: Any, offset: np.ndarray) -> list[Solid]:
    """Closed buildings around a plot that stay: less than half of them stands on it."""
    around, found = polygon.buffer(AROUND), []
    for building in read_buildings(path, ReadOptions()):
        if building.error is not None:
            continue
        mesh = TRIMESH.Trimesh(building.mesh.vertices - offset, building.mesh.faces, process=True)
        plan = shapely.convex_hull(shapely.MultiPoint(mesh.vertices[:, :2]))
        on_it = plan.intersection(polygon).area
        if plan.intersects(around) and on_it <= 0.5 * plan.area and mesh.is_volume:
            found.append(mesh)
    return found


def load(path: Path, offset: np.ndarray) -> Solid:
    """A mesh of the brief."""
    mesh = TRIMESH.load(path, force="mesh")
    mesh.apply_translation(-offset)
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    return mesh


def read(path: Path, form: str) -> Solid | None:
    """The solid of a file, Z up, in metres; None where its library finds none that is closed."""
    if form == "3dm":
        parts = [thing.Geometry for thing in RHINO.File3dm.Read(str(path)).Objects]
        meshes = [part for part in parts if isinstance(part, RHINO.Mesh)]
        if len(meshes) != 1:
            raise SystemExit(f"{path}: {len(meshes)} meshes")
        vertices = [(v.X, v.Y, v.Z) for v in meshes[0].Vertices]
        faces = [
            f for q in meshes[0].Faces for f in ((q[0], q[1], q[2]), (q[0], q[2], q[3])) if len(set(f)) == 3
        ]
        mesh = TRIMESH.Trimesh(vertices, faces, process=True)
    elif form == "ifc4":
        file = IFC.open(str(path))
        settings = IFC.geom.settings()
        settings.set("use-world-coords", True)
        shapes = []
        for product in file.by_type("IfcProduct"):
            if product.Representation is not None:
                shape = IFC.geom.create_shape(settings, product).geometry
                faces = np.array(shape.faces).reshape(-1, 3)
                shapes.append(TRIMESH.Trimesh(np.array(shape.verts).reshape(-1, 3), faces, process=True))
        if len(shapes) != 1:
            raise SystemExit(f"{path}: {len(shapes)} shapes")
        (mesh,) = shapes
    else:
        mesh = TRIMESH.load(path, force="mesh")
        if form == "glb":
            mesh.apply_transform(TRIMESH.transformations.rotation_matrix(math.pi / 2, [1, 0, 0]))
    # Corners at one place are one, at the first of some precisions that closes it: readers round otherwise.
    for digits in (8, 6, 5, 4, 3):
        one = mesh.copy()
        one.merge_vertices(merge_norm=True, merge_tex=True, digits_vertex=digits)
        if one.is_watertight:
            return one
    return None


def minus(a: Solid, b: Solid) -> Solid:
    """What of one solid does not lie in another."""
    return TRIMESH.boolean.difference([a, b])


def volume(mesh: Solid) -> float:
    return abs(float(mesh.volume)) if len(mesh.faces) else 0.0


if __name__ == "__main__":
    main()
