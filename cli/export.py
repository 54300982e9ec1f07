"""`voxgen export`: grids, data sets and runs to meshes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from . import say
from .exporting import ExportOptions, report, write_buildings
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    seed_option,
)

if TYPE_CHECKING:
    from voxgen.geometry.grid import VoxelGrid


@click.command("export", short_help="Write grids, data sets or a run as meshes.")
@click.argument("sources", nargs=-1, required=True, type=RunName())
@click.option("-n", "--count", type=click.IntRange(1), help="Buildings at most; 16 of a run, else all.")
@seed_option
@export_options("obj,stl")
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    sources: tuple[str, ...],
    count: int | None,
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Write grids as meshes: .npz files and folders of them, data sets, or what a run makes."""
    options = ExportOptions(**export)
    paths = [path for source in sources for path in _expanded(Path(source))]
    if not paths:
        _refuse_several(sources)
        from .sample import make

        make(sources[0], count or 16, {}, seed, device, allow, dry_run, as_json, options)
        return
    out = options.folder(f"{Path(sources[0]).resolve().stem}-buildings")
    if dry_run:
        values = {"grids": len(paths), "count": count, **vars(options), "out": out}
        say.settings(values, as_json)
        return
    total = min(_count(paths), count or _count(paths))
    title = f"{Path(sources[0]).resolve().name}: {total} buildings"
    grids = (one for one, _ in zip(_grids(paths), range(total), strict=False))
    done = write_buildings(grids, total, out, options.settings({}), title)
    report(done, out, as_json, {"sources": list(sources)})


def _expanded(path: Path) -> list[Path]:
    """Grid files and data sets that a path names; none where it can only be a run."""
    from voxgen.formats.grid_file import SUFFIX
    from voxgen.pipeline.store import is_dataset

    if path.suffix.lower() == SUFFIX or is_dataset(path):
        return [path]
    return sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else []


def _refuse_several(sources: Sequence[str]) -> None:
    from voxgen.errors import UsageError

    if len(sources) > 1:
        raise UsageError(
            f"{', '.join(sources)}: no .npz grids and no data sets among them; a run is exported alone"
        )


def _count(paths: Sequence[Path]) -> int:
    from voxgen.pipeline.store import Dataset

    return sum(len(Dataset.open(path)) if path.is_dir() else 1 for path in paths)


def _grids(paths: Sequence[Path]) -> Iterator[tuple[str, VoxelGrid]]:
    from voxgen.formats.grid_file import read_grid
    from voxgen.pipeline.store import Dataset

    for path in paths:
        if path.is_dir():
            data = Dataset.open(path)
            yield from ((str(data.table["id"][i]), data.grid(i)) for i in range(len(data)))
        else:
            yield read_grid(path)
