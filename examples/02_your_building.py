"""Read a building of your own, see it as a model does, ask for new ones of its height, and walk to one.

python examples/02_your_building.py RUN BUILDING OUT

RUN is what `voxgen train` made, BUILDING a file that voxgen reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import voxgen
from voxgen.export import ExportSettings, export_grids
from voxgen.formats import read_buildings
from voxgen.geometry.placement import place
from voxgen.geometry.voxelize import voxelize


def main(run: str, building: str, out: str) -> None:
    """Read, reconstruct, ask, interpolate, write."""
    model = voxgen.load(run)
    first = next(read_buildings(building))
    if first.error is not None:
        sys.exit(f"{building}: {first.error}")
    lay = place(first.mesh, model.resolution, model.pitch)
    yours = voxelize(first.mesh, model.resolution, model.pitch, lay)
    height = float(first.mesh.extents[2])
    asked = model.sample(3, seed=0, attributes={"height": height})
    grids = {"yours": yours, "as-seen": model.reconstruct(yours)}
    grids |= {f"asked-{i}": grid for i, grid in enumerate(asked)}
    grids |= {f"way-{i}": grid for i, grid in enumerate(model.interpolate(yours, asked[0], 4))}
    for one in export_grids(list(grids.items()), Path(out), ExportSettings(formats=("glb",))):
        print(f"{one.name}: {one.measures['height']:.1f} m" if one.files else f"{one.name}: empty")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
