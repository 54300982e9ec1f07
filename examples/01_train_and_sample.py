"""Train on a data set, sample new buildings, write them as OBJ and STL with a contact sheet.

python examples/01_train_and_sample.py DATA_SET RUN OUT [MINUTES]

DATA_SET is what `voxgen data build` made.
"""

from __future__ import annotations

import sys
from pathlib import Path

import voxgen
from voxgen.export import ExportSettings, export_grids
from voxgen.pictures import building_sheet, save_png


def main(data: str, run: str, out: str, minutes: float = 10.0) -> None:
    """Train, sample, write."""
    for step in voxgen.train(run, data, "vae", voxgen.TrainConfig(minutes=minutes)):
        if step.measured:
            losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
            print(f"{step.progress:4.0%}  step {step.step:,}  {losses}")
    grids = voxgen.load(run).sample(8, seed=0)
    named = [(f"building-{i}", grid) for i, grid in enumerate(grids)]
    done = list(export_grids(named, Path(out), ExportSettings(formats=("obj", "stl"))))
    captions = [f"{one.measures['height']:.1f} m" if one.files else "empty" for one in done]
    save_png(building_sheet([one.mesh or one.grid for one in done], captions), Path(out) / "sheet.png")
    print(f"{sum(bool(one.files) for one in done)} buildings in {out}, with sheet.png and buildings.csv")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3], *map(float, sys.argv[4:]))
