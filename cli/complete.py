"""`voxgen complete`: whole buildings that a part becomes."""

from __future__ import annotations

from typing import Any

import rich_click as click

from .reworking import rework, rework_options


@click.command("complete", short_help="Whole buildings around a partial mass of your own.")
@rework_options
def command(**values: Any) -> None:
    """Make whole buildings that a partial mass is a part of; it stays as it is.

    On a plot, with limits and neighbours: voxgen sample --plot ... --keep FILE.
    """

    def make(generator: Any, building: Any, targets: Any, rules: Any) -> Any:
        from voxgen.design.edit import completed

        return completed(generator, building, targets, rules)

    rework("complete", {}, values, make)
