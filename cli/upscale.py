"""`voxgen upscale`: a block model in, buildings in the model's voxels out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.words import counted

from . import say
from .certifying import OriginalityOptions, novelty_of, originality_options, seen, write_certificates
from .exporting import ExportOptions, metadata_of, report, surface_of, write_buildings
from .inputs import grids_of, reading_of
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    read_options,
    seed_option,
    tune_option,
)
from .progress import Bar
from .sample import run_label, say_if_young

if TYPE_CHECKING:
    from voxgen.formats import ReadOptions
    from voxgen.generator import Generator
    from voxgen.geometry.grid import VoxelGrid

PAIRS = "seen-coarsely.png"


@click.command("upscale", short_help="Super-resolution: buildings that a block model stands for.")
@click.argument("run", type=RunName())
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("-n", "--count", type=click.IntRange(1), default=4, show_default=True, help="Buildings.")
@click.option(
    "--times",
    type=click.IntRange(2),
    default=2,
    show_default=True,
    help="Of a mesh: its voxels are so many of the model's long. Grids (.npz) have their own.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="From 0, as the model sees it, to 1, begun from any building of its size.",
)
@originality_options
@seed_option
@tune_option
@read_options
@export_options("obj,stl", reads=True)
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    file: Path,
    count: int,
    times: int,
    strength: float,
    seed: int,
    tuning: tuple[str, ...],
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Make buildings that a coarse block model stands for: seen through its voxels, they agree with it.

    FILE is a mesh, or a grid of voxgen's (.npz) whose voxels are 2, 4, ... of the model's long. Each building
    is told with its agreement: the IoU with the block model at the block model's voxels.
    """
    from voxgen.training.run import find_model

    originality = OriginalityOptions.taken(export)
    reading = reading_of(export)
    options = ExportOptions(**export)
    model, name = find_model(run), f"{file.stem}-upscaled"
    out = options.folder(name)
    if dry_run:
        values = {"model": model, "file": file, "count": count, "times": times, "strength": strength}
        values |= {"seed": seed, "originality": vars(originality), **vars(options), "out": out}
        say.settings(values, as_json)
        return
    from voxgen.design.upscale import AGREEING, agreement, coarseness, upscale
    from voxgen.export import distinct, file_name, mend, polyhedron_of
    from voxgen.generator import load
    from voxgen.geometry.grid import VoxelGrid, coarsened
    from voxgen.pictures import building_sheet, save_png

    generator = load(model, device=device, allow=allow).tuned(tuning)
    say_if_young(generator, run_label(run))
    known = originality.look(model, generator)
    rough = _rough(file, generator, times, reading)

    def new(grid: VoxelGrid) -> bool:
        mesh = polyhedron_of(grid, options.surface).to_mesh()
        return known is None or novelty_of(mesh, known) >= originality.least

    with Bar() as bar:
        accept = new if originality.least else None
        found = upscale(
            generator, rough, count, seed, strength, lambda share: bar.show(share, "made"), accept
        )
    if len(found) < count:
        say.warn(f"{len(found)} of {count} buildings are as new as {originality.least:g}")
    taken: set[str] = set()
    named = {distinct(file_name(f"{name}-s{seed}-{one.number:04d}"), taken): one for one in found}
    settings = options.settings(metadata_of(generator.card, run=run_label(run), seed=seed, rough=file.name))
    grids = {label: mend(one.grid)[0] if options.mend else one.grid for label, one in named.items()}
    agreed = {label: agreement(rough, grid) for label, grid in grids.items()}
    done = write_buildings(
        grids.items(),
        len(named),
        out,
        settings,
        f"{name}: {counted(len(named), 'building')}, seed {seed}",
        caption=lambda one: f"agrees to {agreed[one.name]:.3f}",
    )
    by = coarseness(generator, rough.pitch)
    coarsely = [VoxelGrid(coarsened(grid.occupancy, by), rough.pitch) for grid in grids.values()]
    captions = ["the block model", *(f"seen coarsely, IoU {value:.3f}" for value in agreed.values())]
    title = f"{name}, in the block model's voxels"
    save_png(building_sheet([rough, *coarsely], captions, title=title), out / PAIRS)
    agree = sum(value >= AGREEING for value in agreed.values())
    say.note(
        f"{agree} of {counted(len(found), 'building')} agree to {AGREEING:g} or more with the block model "
        f"(least {min(agreed.values()):.3f}); seen through its voxels in {out / PAIRS}"
    )
    values: dict[str, Any] = {"run": run_label(run), "seed": seed, "file": file}
    values["agreement"] = {label: round(value, 4) for label, value in agreed.items()}
    if known is not None:
        written = [(one.name, seen(surface_of(one, options.surface), known)) for one in done if one.files]
        title, chosen = f"{name}, and what was learnt", originality.least > 0
        values["originality"] = write_certificates(written, known, out, title, chosen=chosen)
    report(done, out, as_json, values)


def _rough(file: Path, generator: Generator, times: int, reading: ReadOptions) -> VoxelGrid:
    """The block model of a file; a mesh in voxels so many times as large as the model's.

    Raises:
        UsageError: for voxels that do not fit the model's.
        DataError: for a file without a building.
    """
    import numpy as np

    from voxgen.design.upscale import coarseness
    from voxgen.errors import DataError, UsageError
    from voxgen.formats.grid_file import SUFFIX
    from voxgen.geometry.grid import VoxelGrid, filled_box

    if file.suffix.lower() != SUFFIX:
        coarseness(generator, times * generator.pitch)
    x, y, z = (length // times for length in generator.resolution)
    grids = list(grids_of([str(file)], (x, y, z), times * generator.pitch, reading, whole=True))
    if len(grids) != 1:
        raise DataError(f"{file} holds {len(grids)} buildings; give a file with one")
    ((_, grid),) = grids
    by = coarseness(generator, grid.pitch)
    x, y, z = (length // by for length in generator.resolution)
    box = filled_box(grid.coverage > 0)
    part = grid.coverage[box]
    if any(n > most for n, most in zip(part.shape, (x, y, z), strict=True)):
        size = " x ".join(str(n) for n in part.shape)
        raise UsageError(
            f"{file} is {size} voxels of {grid.pitch:g} m; the model's grid holds {x} x {y} x {z}"
        )
    # In the middle of a grid as large as the model's, wherever it stood in its own.
    low = [(x - part.shape[0]) // 2, (y - part.shape[1]) // 2, 0]
    values = np.zeros((x, y, z), np.uint8)
    values[tuple(slice(at, at + n) for at, n in zip(low, part.shape, strict=True))] = part
    first = np.array([[cut.start - at for cut, at in zip(box, low, strict=True)]], np.float64)
    return VoxelGrid(values, grid.pitch, grid.to_world(first)[0], grid.yaw)
