"""What `voxgen edit`, `vary` and `complete` share: a model, a building of one's own, and designs of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from . import say
from .briefing import WANTS, want_options
from .certifying import OriginalityOptions, originality_options
from .designing import design, model_of, ready
from .exporting import ExportOptions
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
from .sample import run_label, say_if_young

if TYPE_CHECKING:
    from voxgen.design.brief import Rules, Targets
    from voxgen.design.edit import Existing
    from voxgen.design.search import Designer
    from voxgen.formats import ReadOptions
    from voxgen.generator import Generator
    from voxgen.geometry.mesh import Mesh

F = TypeVar("F", bound=Callable[..., Any])

Make = Callable[["Generator", "Existing", "Targets", "Rules"], "Designer"]
"""Gives the designer of a building."""


def rework_options(function: F) -> F:
    """Which model and building, how many, what is wanted, and how they are written."""
    for option in (
        click.argument("file", type=click.Path(dir_okay=False, path_type=Path)),
        click.argument("run", type=RunName()),
        json_option,
        dry_run_option,
        allow_option,
        device_option,
        export_options("obj,stl", reads=True),
        read_options,
        tune_option,
        seed_option,
        originality_options,
        want_options,
        click.option("-n", "--count", type=click.IntRange(1), default=4, show_default=True, help="Designs."),
    ):
        function = option(function)
    return function


def rework(what: str, said: dict[str, Any], values: dict[str, Any], make: Make) -> None:
    """Read the building, make its designs and write them.

    Args:
        what: the command's name.
        said: its own options, for lineage.
        values: of `rework_options`.
        make: gives the designer.

    Raises:
        UsageError, DataError: for a building or options that cannot be used.
    """
    from voxgen.design.brief import Rules, Targets
    from voxgen.design.edit import existing
    from voxgen.generator import load
    from voxgen.training.run import find_model

    from .inputs import reading_of

    run, file, count, seed = (values.pop(name) for name in ("run", "file", "count", "seed"))
    device, allow, dry_run, as_json = (values.pop(name) for name in ("device", "allow", "dry_run", "as_json"))
    wanted = {name: values.pop(name) for name in ("gfa", "height", "storeys", "roof_form")}
    targets = Targets.parse({WANTS[name]: value for name, value in wanted.items() if value is not None})
    cantilever = values.pop("cantilever")
    rules = Rules() if cantilever is None else Rules(cantilever=cantilever)
    reading = reading_of(values)
    tuning = values.pop("tuning")
    originality = OriginalityOptions.taken(values)
    options = ExportOptions(**values)
    ready(options)
    mesh = building_of(file, reading)
    out = options.folder(f"{file.stem}-{what}")
    made = {
        "made_by": what,
        "model": model_of(run),
        "settings": list(tuning),
        "parents": [{"file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}],
        "options": said,
        "targets": targets.model_dump(mode="json", exclude_none=True),
        "rules": rules.model_dump(mode="json"),
    }
    if dry_run:
        told = {**made, "count": count, "seed": seed, "out": out, "originality": vars(originality)}
        say.settings(told, as_json)
        return
    generator = load(run, device=device, allow=allow).tuned(tuning)
    say_if_young(generator, run_label(run))
    known = originality.look(find_model(run), generator)
    designer = make(generator, existing(mesh, generator), targets, rules)
    name = f"{file.stem}-{what}"
    design(designer, name, count, seed, options, out, as_json, made, known, originality.least)


def building_of(file: Path, reading: ReadOptions) -> Mesh:
    """Give the one building of a file.

    Raises:
        DataError: for none, several, or one that cannot be used.
    """
    from voxgen.errors import DataError
    from voxgen.formats import read_buildings

    buildings = list(read_buildings(file, reading))
    for building in buildings:
        if building.error is not None:
            raise DataError(f"{file}: {building.id}: {building.error}")
        for warning in building.warnings:
            say.warn(f"{file}: {warning}")
    if len(buildings) != 1:
        raise DataError(f"{file} holds {len(buildings)} buildings; give a file with one")
    return buildings[0].mesh
