"""Voxelization side by side in one run: voxgen, trimesh, open3d and the exact winding number.

    python benchmarks/voxelize.py --data ../shared/data

draws real usable buildings with a seed and measures at 64^3: time a building from mesh to solid grid
(mending of the shell included; all are given the placed building, since no peer aligns, and one row adds
the alignment), IoU with the exact winding number at the voxel centres, IoU
with the analytic solid under each class of defect, and the way back from coverage to a surface. Tables
are Markdown. The slow peers run on the first buildings of the draw only; the table says how many. Times on
a busy machine vary; ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
from numba import njit
from solids import defects, inside_union, solid_parts

from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.open3d_loader import load_open3d
from voxgen.geometry.placement import Placement, place
from voxgen.geometry.surface import isosurface
from voxgen.geometry.voxelize import occupancy_bits, occupy, voxelize

RESOLUTION = 64


def real_buildings(data: Path, count: int, seed: int, pitch: float) -> list[Mesh]:
    """Draw usable buildings that fit the grid, in float64, with their parts."""
    found = []
    for path in sorted(data.glob("*/buildings.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            a = {
                name: arrays[name]
                for name in ("vertices", "faces", "v_offset", "f_offset", "face_part", "usable")
            }
        for i in np.flatnonzero(a["usable"]):
            v = a["vertices"][a["v_offset"][i] : a["v_offset"][i + 1]]
            rows = slice(a["f_offset"][i], a["f_offset"][i + 1])
            found.append(Mesh.of(v, a["faces"][rows], parts=a["face_part"][rows]))
    drawn = []
    for i in np.random.default_rng(seed).permutation(len(found)):
        if len(drawn) == count:
            break
        if place(found[i], RESOLUTION, pitch).fits:
            drawn.append(found[i])
    return drawn


def centres(resolution: int) -> np.ndarray:
    """Voxel centres of a cubic grid in index units."""
    axis = np.arange(resolution) + 0.5
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def in_grid(mesh: Mesh, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
    """Vertices in index units, and faces; what the peers are given."""
    return placement.to_index(mesh.vertices), mesh.faces


def by_trimesh(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Trimesh `voxelized().fill()`; its voxel centres are whole numbers, so the mesh moves by a half."""
    import trimesh

    filled = trimesh.Trimesh(points - 0.5, faces, process=True).voxelized(1.0).fill()  # pyright: ignore[reportOptionalMemberAccess]
    values = np.zeros((RESOLUTION,) * 3, bool)
    index = np.round(filled.points).astype(int)
    index = index[np.all((index >= 0) & (index < RESOLUTION), axis=1)]
    values[tuple(index.T)] = True
    return values


def by_open3d(points: np.ndarray, faces: np.ndarray, queries: Any) -> np.ndarray:
    """open3d `compute_occupancy` at the voxel centres."""
    o3d = load_open3d()
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(points.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32)))
    return scene.compute_occupancy(queries).numpy().reshape((RESOLUTION,) * 3) > 0.5


def by_winding_number(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Sum of exact solid angles (van Oosterom and Strackee 1983) at the voxel centres; inside over a half."""
    used = points[faces]
    low = np.clip(np.floor(used.min(axis=(0, 1))).astype(int) - 1, 0, RESOLUTION)
    high = np.clip(np.ceil(used.max(axis=(0, 1))).astype(int) + 1, 0, RESOLUTION)
    values = np.zeros((RESOLUTION,) * 3, bool)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inner = values[box]
    index = np.argwhere(np.ones(inner.shape, bool)) + low + 0.5
    values[box] = (np.abs(_solid_angles(index, np.ascontiguousarray(used))) > 2 * np.pi).reshape(inner.shape)
    return values


@njit(cache=True)
@no_type_check
def _solid_angles(queries, corners):
    total = np.zeros(queries.shape[0])
    for q in range(queries.shape[0]):
        x, y, z = queries[q]
        for f in range(corners.shape[0]):
            ax, ay, az = corners[f, 0, 0] - x, corners[f, 0, 1] - y, corners[f, 0, 2] - z
            bx, by, bz = corners[f, 1, 0] - x, corners[f, 1, 1] - y, corners[f, 1, 2] - z
            cx, cy, cz = corners[f, 2, 0] - x, corners[f, 2, 1] - y, corners[f, 2, 2] - z
            a = np.sqrt(ax * ax + ay * ay + az * az)
            b = np.sqrt(bx * bx + by * by + bz * bz)
            c = np.sqrt(cx * cx + cy * cy + cz * cz)
            det = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
            ab, bc, ca = ax * bx + ay * by + az * bz, bx * cx + by * cy + bz * cz, cx * ax + cy * ay + cz * az
            total[q] += 2 * np.arctan2(det, a * b * c + ab * c + bc * a + ca * b)
    return total


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union; 1 where both are empty."""
    either = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / either) if either else 1.0


def timed(run: Callable[[int], Any], count: int, rounds: int = 5) -> tuple[list[Any], float]:
    """Results of `run(i)`, and the mean milliseconds each took in the fastest of some rounds.

    The fastest round is what the code costs; the others add what else the machine did meanwhile.
    """
    run(0)
    results: list[Any] = []
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        results = [run(i) for i in range(count)]
        least = min(least, time.perf_counter() - start)
    return results, least / count * 1e3


def compare(meshes: list[Mesh], pitch: float, slow: int) -> list[dict[str, Any]]:
    """Time every method and hold it against the exact winding number."""
    lays = [place(mesh, RESOLUTION, pitch) for mesh in meshes]
    inputs = [in_grid(mesh, lay) for mesh, lay in zip(meshes, lays, strict=True)]
    exact, exact_ms = timed(lambda i: by_winding_number(*inputs[i]), len(meshes), rounds=1)
    queries = load_open3d().core.Tensor(centres(RESOLUTION).astype(np.float32))
    methods: list[tuple[str, Callable[[int], Any], int]] = [
        ("voxgen, packed occupancy", lambda i: occupancy_bits(meshes[i], lays[i]), len(meshes)),
        (
            "voxgen, packed occupancy, with alignment",
            lambda i: occupancy_bits(meshes[i], place(meshes[i], RESOLUTION, pitch)),
            len(meshes),
        ),
        ("voxgen, occupancy", lambda i: occupy(meshes[i], RESOLUTION, pitch, lays[i]).values, len(meshes)),
        (
            "voxgen, coverage",
            lambda i: voxelize(meshes[i], RESOLUTION, pitch, lays[i]).occupancy,
            len(meshes),
        ),
        (
            "voxgen, numpy twin",
            lambda i: occupy(meshes[i], RESOLUTION, pitch, lays[i], engine="numpy").values,
            slow,
        ),
        ("open3d `compute_occupancy`", lambda i: by_open3d(*inputs[i], queries), slow),
        ("trimesh `voxelized().fill()`", lambda i: by_trimesh(*inputs[i]), slow),
    ]
    rows = []
    for name, run, count in methods:
        results, ms = timed(run, count)
        if name.startswith("voxgen, packed"):
            shape = (RESOLUTION,) * 3
            results = [np.unpackbits(bits, bitorder="little").reshape(shape).view(bool) for bits in results]
        agreement = [iou(a, b) for a, b in zip(results, exact, strict=False)]
        rows.append(
            {
                "method": name,
                "ms": ms,
                "buildings": count,
                "iou": float(np.mean(agreement)),
                "least": min(agreement),
            }
        )
    rows.append(
        {"method": "exact winding number", "ms": exact_ms, "buildings": len(meshes), "iou": 1.0, "least": 1.0}
    )
    for row in rows:
        row["ratio"] = row["ms"] / rows[0]["ms"]
    return rows


def defect_classes(seeds: int) -> list[dict[str, Any]]:
    """IoU with the analytic solid under each class of defect, beside the exact winding number's."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in range(seeds):
        inside = inside_union(solid_parts(seed))
        for name, mesh in defects(seed).items():
            lay = place(mesh, RESOLUTION, float(mesh.extents.max()) / (RESOLUTION - 2))
            grid = occupy(mesh, RESOLUTION, lay.pitch, lay)
            truth = inside(grid.to_world(centres(RESOLUTION))).reshape(grid.resolution)
            found[name].append((iou(grid.values, truth), iou(by_winding_number(*in_grid(mesh, lay)), truth)))
    return [
        {
            "defect": name,
            "solids": len(pairs),
            "least": min(p[0] for p in pairs),
            "mean": float(np.mean([p[0] for p in pairs])),
            "winding number": float(np.mean([p[1] for p in pairs])),
        }
        for name, pairs in found.items()
    ]


def round_trip(meshes: list[Mesh], pitch: float) -> dict[str, float]:
    """Mesh to coverage to surface: IoU with the source at twice the resolution, and the volume's error."""
    agreement, errors, seconds = [], [], []
    isosurface(VoxelGrid(np.ones((2, 2, 2), np.bool_)))
    for mesh in meshes:
        grid = voxelize(mesh, RESOLUTION, pitch)
        start = time.perf_counter()
        surface = isosurface(grid)
        seconds.append(time.perf_counter() - start)
        fine = place(mesh, 2 * RESOLUTION, pitch / 2)
        source = occupy(mesh, 2 * RESOLUTION, pitch / 2, fine).values
        agreement.append(iou(source, occupy(surface, 2 * RESOLUTION, pitch / 2, fine).values))
        errors.append(abs(surface.volume / mesh.volume - 1))
    return {
        "buildings": len(meshes),
        "median iou": float(np.median(agreement)),
        "5th percentile iou": float(np.percentile(agreement, 5)),
        "median volume error": float(np.median(errors)),
        "95th percentile volume error": float(np.percentile(errors, 95)),
        "surface ms": float(np.mean(seconds) * 1e3),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table."""

    def shown(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(shown(row[name]) for name in head) + " |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description="Voxelization benchmark; prints Markdown tables.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of */buildings.npz")
    parser.add_argument("--count", type=int, default=300, help="real buildings drawn")
    parser.add_argument("--slow", type=int, default=30, help="of these, for the slow peers")
    parser.add_argument("--pitch", type=float, default=0.5, help="voxel edge in metres")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    given = parser.parse_args()
    meshes = real_buildings(given.data, given.count, given.seed, given.pitch)
    if not meshes:
        raise SystemExit(f"no usable buildings under {given.data}; name the folder with --data")
    slow = min(given.slow, len(meshes))
    triangles = int(np.median([len(mesh.faces) for mesh in meshes]))
    print(
        f"## {len(meshes)} real buildings at {RESOLUTION}^3, {given.pitch} m, median {triangles} triangles\n"
    )
    speed = compare(meshes, given.pitch, slow)
    print(table(speed) + "\n")
    by_name = {row["method"]: row["ratio"] for row in speed}
    print(
        f"- {by_name['trimesh `voxelized().fill()`']:.0f} times trimesh, "
        f"{by_name['open3d `compute_occupancy`']:.0f} times open3d (their means over {slow} buildings)\n"
    )
    print("## Defects: IoU with the analytic solid\n")
    broken = defect_classes(30)
    print(table(broken) + "\n")
    print("## Round trip: mesh, coverage, surface\n")
    trip = round_trip(meshes, given.pitch)
    print(table([trip]))
    if given.json:
        figures = {"speed": speed, "defects": broken, "round trip": trip}
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
