"""Building files and grid files as grids, one by one; what cannot be used is told and passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxgen.errors import DataError
from voxgen.words import counted

from . import say

if TYPE_CHECKING:
    from voxgen.formats import Building, ReadOptions
    from voxgen.generator import Generator
    from voxgen.geometry.grid import VoxelGrid


def reading_of(values: dict[str, Any]) -> ReadOptions:
    """Take the values of `options.read_options` out of a command's, and give how files are read."""
    from voxgen.formats import ReadOptions

    names = {"file_unit": "unit", "file_up": "up", "lod": "lod", "split_objects": "split"}
    return ReadOptions.parse({name: values.pop(option) for option, name in names.items()})


def grids_of(
    sources: Sequence[str],
    resolution: tuple[int, int, int],
    pitch: float | None,
    options: ReadOptions,
    *,
    whole: bool = False,
) -> Iterator[tuple[str, VoxelGrid]]:
    """Give name and coverage of every building in some files, folders, globs or archives.

    Args:
        sources: as the user wrote them; .npz files are grids already and pass as they are.
        resolution: voxels along x, y and z.
        pitch: metres a voxel; None gives each building the one at which it fills the grid.
        options: how files are read.
        whole: whether a building that is larger than the grid is passed over, in the place of being cut.

    Raises:
        DataError: when a source names nothing, or no building could be used.
    """
    from voxgen.errors import DataError
    from voxgen.formats import expand, read_buildings
    from voxgen.formats.grid_file import SUFFIX, read_grid

    used = seen = 0
    files = [Path(source) for source in sources if source.lower().endswith(SUFFIX)]
    for path in files:
        seen, used = seen + 1, used + 1
        yield read_grid(path)
    rest = [source for source in sources if not source.lower().endswith(SUFFIX)]
    for file in expand(rest, options.limits):
        for building in read_buildings(file, options):
            seen += 1
            grid = _grid(building, resolution, pitch, whole)
            if grid is not None:
                used += 1
                yield building.id, grid
    if not used:
        what = f"none of {counted(seen, 'building')} could be used" if seen else "no building files"
        raise DataError(f"{what} in {', '.join(map(str, sources))}; the lines above say why")


def _grid(
    building: Building, resolution: tuple[int, int, int], pitch: float | None, whole: bool
) -> VoxelGrid | None:
    import numpy as np

    from voxgen.errors import DataError
    from voxgen.geometry.placement import place
    from voxgen.geometry.voxelize import voxelize, voxelize_points

    name = f"{building.id} in {building.source}"
    if building.error is not None:
        say.warn(f"{name}: {building.error}")
        return None
    for warning in building.warnings:
        say.warn(f"{name}: {warning}")
    try:
        if building.points is not None:
            if pitch is None:
                pitch = float((np.ptp(building.points, axis=0) / resolution).max()) * 1.02
            return voxelize_points(building.points, resolution, pitch)
        lay = place(building.mesh, resolution, pitch or 1.0)
        if pitch is None:
            lay = place(building.mesh, resolution, float((lay.extents / resolution).max()))
        if not lay.fits:
            size = " x ".join(f"{metres:.1f}" for metres in lay.extents)
            if whole:
                box = " x ".join(f"{n * lay.pitch:g}" for n in resolution)
                say.warn(f"{name}: {size} m is larger than the grid of {box} m, and is passed over")
                return None
            say.warn(
                f"{name}: {size} m is larger than the grid and was cut; raise the pitch or the resolution"
            )
        return voxelize(building.mesh, resolution, lay.pitch, lay)
    except DataError as failure:
        say.warn(f"{name}: {failure}")
        return None


def building_given(told: str, generator: Generator, reading: ReadOptions) -> VoxelGrid | int:
    """Give the number of a sample, or the first building of a file in a model's voxels.

    Raises:
        DataError: for a file without one.
    """
    if told.isdecimal():
        return int(told)
    for _, grid in grids_of([told], generator.resolution, generator.pitch, reading, whole=True):
        return grid
    raise DataError(f"no building in {told}")


def stored(path: Path) -> list[Path]:
    """Grid files and data sets that a path names; none where it can only be a run."""
    from voxgen.formats.grid_file import SUFFIX
    from voxgen.pipeline.store import is_dataset

    if path.suffix.lower() == SUFFIX or is_dataset(path):
        return [path]
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else []


def refuse_several(sources: Sequence[str]) -> None:
    """Refuse several sources of which none is stored: a run is given alone.

    Raises:
        UsageError: for more than one.
    """
    from voxgen.errors import UsageError

    if len(sources) > 1:
        raise UsageError(
            f"{', '.join(sources)}: no .npz grids and no data sets among them; a run is given alone"
        )


def stored_grids(paths: Sequence[Path], most: int | None) -> tuple[int, Iterator[tuple[str, VoxelGrid]]]:
    """Give the grids of some files and data sets with their names, and before how many there are.

    Args:
        paths: as `stored` gives them.
        most: how many to give at most; all where None.
    """
    from voxgen.formats.grid_file import read_grid
    from voxgen.pipeline.store import Dataset

    holders = [Dataset.open(path) if path.is_dir() else path for path in paths]
    there = sum(1 if isinstance(holder, Path) else len(holder) for holder in holders)

    def grids() -> Iterator[tuple[str, VoxelGrid]]:
        for holder in holders:
            if isinstance(holder, Path):
                yield read_grid(holder)
            else:
                yield from ((str(holder.table["id"][i]), holder.grid(i)) for i in range(len(holder)))

    total = there if most is None else min(there, most)
    return total, islice(grids(), total)
