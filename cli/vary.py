"""`voxgen vary`: more buildings like one, or between several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from .reworking import building_of, rework, rework_options


@click.command("vary", short_help="More like this: variations of your own building, or offspring of several.")
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="From 0, as the model sees the building, to 1, any other.",
)
@click.option(
    "--parents",
    "parents",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Further buildings to breed with; may be repeated.",
)
@rework_options
def command(strength: float, parents: tuple[Path, ...], **values: Any) -> None:
    """Make buildings near a given one, by a model; with --parents, mixtures of them."""

    def make(generator: Any, building: Any, targets: Any, rules: Any) -> Any:
        from voxgen.design.edit import existing, remade
        from voxgen.formats import ReadOptions

        others = [existing(building_of(file, ReadOptions()), generator).grid for file in parents]
        return remade(generator, building, None, strength, parents=others, targets=targets, rules=rules)

    rework("vary", {"strength": strength, "parents": [str(file) for file in parents]}, values, make)
