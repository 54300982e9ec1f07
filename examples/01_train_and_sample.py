"""Train on a data set, sample new buildings, write them as OBJ with a contact sheet.

python examples/01_train_and_sample.py DATA_SET RUN OUT [MINUTES]

DATA_SET is what `voxgen data build` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

import voxgen
from voxgen.formats.write import write_mesh
from voxgen.geometry.repair import repair
from voxgen.geometry.surface import isosurface


def main(data: str, run: str, out: str, minutes: float = 10.0) -> None:
    """Train, sample, write."""
    config = voxgen.TrainConfig(minutes=minutes)
    for step in voxgen.train(run, data, "vae", config):
        if step.measured:
            print(f"{step.progress:4.0%}", dict(step.losses))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for i, grid in enumerate(voxgen.load(run).sample(8, seed=0)):
        mended, _ = repair(grid)
        mesh = isosurface(mended)
        if len(mesh.faces):
            write_mesh(folder / f"building-{i}.obj", mesh, name=f"building {i}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]) if len(sys.argv) > 4 else 10.0)
