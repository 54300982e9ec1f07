"""Buildings to export: real ones, procedural ones, and shapes that are hard on writers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from voxgen.datasets import massing

from voxgen.export import Exported, ExportSettings, export_grids, polyhedron_of
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.placement import place
from voxgen.geometry.polyhedron import Polyhedron
from voxgen.geometry.voxelize import voxelize

PITCH = 0.75
RESOLUTION = 32
COLLECTIONS = ("nl_denhaag", "de_nrw", "nl_3dbag_amsterdam", "nl_3dbag_limburg")


def hard_grid(name: str) -> VoxelGrid:
    """A drawn shape."""
    v = np.zeros((20, 16, 12), bool)
    if name == "voxel":
        v[5, 5, 0] = True
    elif name == "full":
        v[:] = True
    elif name == "sheet":
        v[2:18, 7, :9] = True
    elif name == "courtyard":
        v[2:17, 2:14, :6] = True
        v[6:12, 6:10, :6] = False
        v[2:6, 2:14, :9] = True
    elif name == "cavity":
        v[2:17, 2:14, :9] = True
        v[5:12, 5:11, 3:6] = False
    elif name == "pieces":
        v[1:8, 2:14, :6] = True
        v[9:17, 2:9, :8] = True  # a gap of one voxel
        v[9:12, 12:14, 7:9] = True  # in the air
    elif name == "slot":
        v[2:17, 2:14, :7] = True
        v[9, 2:14, 2:7] = False
    return VoxelGrid(v, 0.6)


HARD = ("voxel", "full", "sheet", "courtyard", "cavity", "pieces", "slot")


def massing_grid(index: int) -> VoxelGrid:
    return _grid(massing.building(index, seed=5).mesh)


def real_grid(shared: Path, collection: str, number: int) -> VoxelGrid | None:
    """The n-th closed building of a collection that fits the grid."""
    folder = shared / "data" / collection
    if not folder.is_dir():
        return None
    source = np.load(folder / "buildings.npz", allow_pickle=False)
    for i in np.flatnonzero(source["watertight"])[number::7]:
        v = slice(*source["v_offset"][i : i + 2])
        f = slice(*source["f_offset"][i : i + 2])
        mesh = Mesh.of(source["vertices"][v], source["faces"][f])
        if place(mesh, RESOLUTION, PITCH).fits and mesh.extents[2] > 4:
            return _grid(mesh)
    return None


def _grid(mesh: Mesh) -> VoxelGrid:
    return voxelize(mesh, RESOLUTION, PITCH)


CASES = [
    *((f"massing-{i}", surface) for i in range(2) for surface in ("planar", "blocks", "smooth")),
    *((f"{name}-{i}", "planar") for name in COLLECTIONS for i in range(2)),
    *((f"{COLLECTIONS[0]}-0", surface) for surface in ("blocks", "smooth")),
    *((name, "blocks") for name in HARD),
    ("courtyard", "planar"),
    ("pieces", "smooth"),
]


@dataclass(frozen=True)
class Case:
    """What is exported.

    Attributes:
        grid: its voxels.
        settings: how, formats left out.
    """

    grid: VoxelGrid
    settings: ExportSettings

    def write(self, out: Path, *formats: str, **more: Any) -> Exported:
        """Write it in some formats."""
        (done,) = export_grids([("house", self.grid)], out, replace(self.settings, formats=formats, **more))
        return done

    def surface(self, done: Exported) -> Polyhedron:
        """The surface that was written, on the ground."""
        surface = polyhedron_of(done.grid, self.settings.surface)
        floor = surface.vertices[surface.loops, 2].min() if self.settings.mend else 0.0
        return surface.moved(surface.vertices - [0.0, 0.0, floor])
