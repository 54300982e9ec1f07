"""From coverage back to planes, side by side in one run: planar, blocks, and iso-surface with simplification.

    python benchmarks/planar.py --data ../shared/data

draws real usable buildings with a seed, voxelizes each to coverage at 64^3, and gives the grid to each
method. It prints how many results are closed, 2-manifold and accepted by manifold3d, the IoU with the source
(at 128^3 by one sample a voxel, and exactly, by booleans, where the source is a solid for manifold3d), the
number of polygons beside the source's own (its coplanar triangles merged), triangles with an angle under half
a degree, and the cost. `--run` does the same without a source for samples of trained runs. Times on a busy
machine vary; ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from manifold3d import Error, Manifold
from manifold3d import Mesh as Flat
from voxelize import iou, real_buildings, table

from voxgen.geometry.blocks import block_polygons
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.placement import place
from voxgen.geometry.planar import planar
from voxgen.geometry.polyhedron import Polyhedron, coplanar
from voxgen.geometry.repair import repair
from voxgen.geometry.surface import isosurface
from voxgen.geometry.topology import topology
from voxgen.geometry.voxelize import occupy, voxelize

RESOLUTION = 64

SIMPLIFY = 0.3
"""Tolerance of the simplification in voxels, at which the peer did best."""

SAME_PLANE = 1.0
"""Degrees between the normals of neighbours that count as one polygon, for sources and results alike."""


def simplified(grid: VoxelGrid) -> Mesh:
    """The peer: iso-surface, then manifold3d's simplification; coplanar triangles are not merged."""
    flat = as_solid(isosurface(grid)).simplify(SIMPLIFY * grid.pitch).to_mesh()
    return Mesh.of(np.asarray(flat.vert_properties)[:, :3], np.asarray(flat.tri_verts))


def polygons(mesh: Mesh) -> int:
    """Faces of a mesh with neighbours in one plane merged."""
    return int(coplanar(mesh, SAME_PLANE, 1e-3).max()) + 1


def smallest_angle(mesh: Mesh) -> float:
    """Smallest angle of all triangles in degrees."""
    corners = mesh.triangles
    sides = np.sort(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2), axis=1)
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    sines = np.linalg.norm(np.cross(u, v), axis=1) / np.maximum(sides[:, 1] * sides[:, 2], 1e-30)
    return float(np.degrees(np.arcsin(np.clip(sines, 0, 1))).min())


def as_solid(mesh: Mesh) -> Manifold:
    return Manifold(Flat(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32)))


def sound(mesh: Mesh) -> tuple[bool, bool]:
    """Closed and 2-manifold by voxgen's count of edges, and accepted by manifold3d."""
    found = topology(mesh)
    return found.is_closed and found.is_oriented, as_solid(mesh).status() == Error.NoError


def bend(result: Polyhedron) -> float:
    """Largest distance in metres of a corner from its polygon's plane."""
    most = 0.0
    normals = result.area_vectors / np.maximum(result.areas, 1e-12)[:, None]
    for p in range(len(result)):
        away = np.concatenate(result.polygon(p)) @ normals[p]
        most = max(most, float(np.ptp(away)) / 2)
    return most


def exact_iou(one: Manifold, two: Manifold) -> float:
    both = (one ^ two).volume()
    return both / (one.volume() + two.volume() - both)


def compare(meshes: list[Mesh], pitch: float) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Every method on every building; times are the faster of two rounds."""
    grids = [voxelize(mesh, RESOLUTION, pitch) for mesh in meshes]
    lays = [place(mesh, 2 * RESOLUTION, pitch / 2) for mesh in meshes]
    packed = [
        np.packbits(occupy(mesh, 2 * RESOLUTION, pitch / 2, lay).values)
        for mesh, lay in zip(meshes, lays, strict=True)
    ]
    own = np.array([polygons(mesh) for mesh in meshes])
    solids = [as_solid(mesh) for mesh in meshes]
    notes: Counter[str] = Counter()
    methods: list[tuple[str, Callable[[VoxelGrid], Polyhedron | Mesh]]] = [
        ("planar", planar),
        ("blocks", block_polygons),
        ("iso-surface + simplify", simplified),
    ]
    rows = []
    for name, method in methods:
        method(grids[0])
        seconds = np.full(len(grids), np.inf)
        results: list[Polyhedron | Mesh] = []
        for _ in range(2):
            results = []
            for n, grid in enumerate(grids):
                start = time.perf_counter()
                made = method(grid)
                mesh = made.to_mesh() if isinstance(made, Polyhedron) else made
                seconds[n] = min(seconds[n], time.perf_counter() - start)
                results.append(made)
        figures: list[tuple[float, ...]] = []
        for made, source, lay, bits, solid in zip(results, meshes, lays, packed, solids, strict=True):
            mesh = made.to_mesh() if isinstance(made, Polyhedron) else made
            count = len(made) if isinstance(made, Polyhedron) else polygons(mesh)
            closed, accepted = sound(mesh)
            fine = np.unpackbits(bits).reshape((2 * RESOLUTION,) * 3).view(np.bool_)
            likeness = iou(fine, occupy(mesh, 2 * RESOLUTION, pitch / 2, lay).values)
            known = solid.status() == Error.NoError and abs(solid.volume() / source.volume - 1) < 1e-3
            exact = exact_iou(solid, as_solid(mesh)) if known else np.nan
            flat = bend(made) if isinstance(made, Polyhedron) else np.nan
            angle = smallest_angle(mesh)
            figures.append((closed, accepted, likeness, exact, count, angle, flat, len(mesh.faces)))
            if name == "planar" and isinstance(made, Polyhedron):
                notes.update(note.lstrip("0123456789 ") for note in made.notes)
        closed, accepted, likeness, exact, count, angle, flat, triangles = np.array(figures).T
        rows.append(
            {
                "method": name,
                "closed, 2-manifold": f"{closed.mean():.1%}",
                "manifold3d accepts": f"{accepted.mean():.1%}",
                "IoU 128^3, median": float(np.median(likeness)),
                "5th percentile": float(np.percentile(likeness, 5)),
                "exact IoU, median": float(np.nanmedian(exact)),
                "exact IoU known for": int(np.isfinite(exact).sum()),
                "5th percentile, exact": float(np.nanpercentile(exact, 5)),
                "polygons, median": float(np.median(count)),
                "to the source's, median": float(np.median(count / own)),
                "95th percentile, ratio": float(np.percentile(count / own, 95)),
                "triangles, median": float(np.median(triangles)),
                "with an angle < 0.5 deg": f"{(angle < 0.5).mean():.1%}",
                "off plane, 99th percentile mm": float(np.nanpercentile(flat * 1e3, 99))
                if np.isfinite(flat).any()
                else float("nan"),
                "ms": float(seconds.mean() * 1e3),
            }
        )
    for row in rows:
        row["cost to iso + simplify"] = row["ms"] / rows[-1]["ms"]
    return rows, notes


def gable() -> int:
    """Polygons of a gable house after mesh, coverage and planes."""
    from solids import Part

    outline = np.array([[0.0, 0.0], [11.3, 0.0], [11.3, 7.7], [0.0, 7.7]])
    return len(planar(voxelize(Part(outline, 0.0, 5.2, 8.9).mesh(), RESOLUTION, 0.5)))


def samples(run: str, count: int) -> list[dict[str, Any]]:
    """Closedness and polygon counts of generated buildings."""
    import voxgen

    grids = [repair(grid)[0] for grid in voxgen.load(run).sample(count, seed=0)]
    grids = [grid for grid in grids if grid.occupancy.any()]
    rows = []
    methods = (("planar", planar), ("blocks", block_polygons), ("iso-surface + simplify", simplified))
    for name, method in methods:
        made = [method(grid) for grid in grids]
        meshes = [one.to_mesh() if isinstance(one, Polyhedron) else one for one in made]
        counts = [
            len(one) if isinstance(one, Polyhedron) else polygons(mesh)
            for one, mesh in zip(made, meshes, strict=True)
        ]
        good = [all(sound(mesh)) for mesh in meshes]
        again = [
            iou(grid.occupancy, occupy_like(mesh, grid)) for grid, mesh in zip(grids, meshes, strict=True)
        ]
        said = [made_of.notes for made_of in made if isinstance(made_of, Polyhedron)]
        fallen = sum(any("given as blocks" in note for note in notes) for notes in said)
        rows.append(
            {
                "method": name,
                "samples": len(grids),
                "closed, 2-manifold, accepted": f"{np.mean(good):.1%}",
                "polygons, median": float(np.median(counts)),
                "IoU with its voxels, median": float(np.median(again)),
                "given as blocks": fallen,
            }
        )
    return rows


def occupy_like(mesh: Mesh, grid: VoxelGrid) -> np.ndarray:
    from voxgen.geometry.placement import Placement

    lay = Placement(grid.origin, grid.yaw, grid.pitch, grid.resolution, mesh.extents)
    return occupy(mesh, grid.resolution, grid.pitch, lay).values


def turned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a figure, one column a method: narrow enough to read."""
    names = [name for name in rows[0] if name != "method"]
    return [{"figure": name, **{row["method"]: row[name] for row in rows}} for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description="From coverage to planes; prints Markdown tables.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of */buildings.npz")
    parser.add_argument("--count", type=int, default=500, help="real buildings drawn")
    parser.add_argument("--pitch", type=float, default=0.5, help="voxel edge in metres")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", action="append", default=[], help="a trained run to sample; may be repeated")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    given = parser.parse_args()
    meshes = real_buildings(given.data, given.count, given.seed, given.pitch)
    if not meshes:
        raise SystemExit(f"no usable buildings under {given.data}; name the folder with --data")
    rows, notes = compare(meshes, given.pitch)
    own = np.median([polygons(mesh) for mesh in meshes])
    print(f"## {len(meshes)} buildings at {RESOLUTION}^3, {given.pitch} m; sources have {own:.0f} polygons\n")
    print(table(turned(rows)) + "\n")
    print(f"- a gable house comes back as {gable()} polygons")
    print(f"- notes of planar: {dict(notes) or 'none'}")
    figures: dict[str, Any] = {"buildings": rows, "notes": notes}
    for run in given.run:
        print(f"\n## Samples of {run}\n")
        figures[run] = samples(run, 64)
        print(table(turned(figures[run])))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
