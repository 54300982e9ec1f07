"""`voxgen data build`: building files in, a data set out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from . import say
from .kernels import BUILDING, announce
from .options import Resolution, config_options, dry_run_option, json_option, read_options
from .progress import Bar, Stages


@click.command("build", short_help="Build a data set from building files.")
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "-o", "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write."
)
@click.option("--preset", help="Named settings: default, standard, standard64.")
@click.option("--resolution", type=Resolution(), help="Voxels along x, y and z: 32, or 160x160x80.")
@click.option("--pitch", type=float, help="Metres a voxel; by default so that 95 % of the buildings fit.")
@click.option("--fit", is_flag=True, help="Give each building the pitch at which it fills the grid.")
@click.option("--oversize", type=click.Choice(("reject", "clip")), help="What becomes of larger buildings.")
@click.option("--storey-height", type=float, help="Metres, to count storeys by.")
@click.option("--seed", type=int, help="Of the split into training, validation and test.")
@click.option("--overwrite", is_flag=True, help="Replace the data set that stands there by another one.")
@click.option("--workers", type=click.IntRange(1), help="Processes; one a core by default.")
@read_options
@config_options
@dry_run_option
@json_option
def command(
    sources: tuple[str, ...],
    out: Path,
    preset: str | None,
    resolution: tuple[int, int, int] | None,
    pitch: float | None,
    fit: bool,
    oversize: str | None,
    storey_height: float | None,
    seed: int | None,
    overwrite: bool,
    workers: int | None,
    file_unit: str | None,
    file_up: str | None,
    lod: float | None,
    split_objects: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build a data set from folders, files, globs and .zip archives.

    SOURCES may also be `massing`, the embedded procedural buildings, or `massing:5000`.
    The same command again goes on where a stopped one was; a data set of other sources or settings is
    replaced only with --overwrite.
    """
    given: dict[str, Any] = {
        "resolution": resolution and list(resolution),
        "pitch": pitch,
        "fit": fit or None,
        "oversize": oversize,
        "storey_height": storey_height,
        "split.seed": seed,
        "read.unit": file_unit,
        "read.up": file_up,
        "read.lod": lod,
        "read.split": split_objects or None,
    }
    config = _config(preset, config_file, given, overrides)
    if dry_run:
        values = {"sources": list(sources), "out": out, "config": config.model_dump(mode="json")}
        say.result(values, config.to_json(), as_json)
        return

    from voxgen.pipeline.build import build
    from voxgen.pipeline.command import command_line
    from voxgen.pipeline.store import Dataset

    from .embedded import collection, is_embedded

    material = [collection(source) if is_embedded(source) else source for source in sources]
    announce(BUILDING)
    try:
        with Bar() as bar:
            report = build(
                material,
                out,
                config,
                workers=workers,
                progress=Stages(bar),
                command=command_line(sources, out, config),
                overwrite=overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the work done is kept, and the same command goes on") from None
    values = {"out": out, "report": out / "report.csv", "counts": report.counts(), "notes": report.notes}
    say.result(
        values, f"{report.summary()}\n{out} is ready; a row for each building is in report.csv", as_json
    )
    say.hint(f"voxgen data sheet {out}")
    if len(Dataset.open(out).indices("train")):
        say.hint(f"voxgen train --data {out}")


def _config(
    preset: str | None, config_file: Path | None, given: dict[str, Any], overrides: tuple[str, ...]
) -> Any:
    from voxgen.errors import UsageError
    from voxgen.pipeline.config import BuildConfig

    if preset and config_file:
        raise UsageError("a preset and a config file both say all settings; give one of them")
    base = BuildConfig.from_toml(config_file) if config_file else BuildConfig.preset(preset or "default")
    # A pitch and --fit exclude each other; what is asked on the command line goes before the file's.
    if given["fit"] and given["pitch"] is None:
        base = base.model_copy(update={"pitch": None})
    if given["pitch"] is not None and not given["fit"]:
        base = base.model_copy(update={"fit": False})
    told = [f"{key}={_toml(value)}" for key, value in given.items() if value is not None]
    return base.with_overrides([*told, *overrides])


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
