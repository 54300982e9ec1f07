"""`voxgen data`: build, look at, draw and fetch data sets."""

from __future__ import annotations

from typing import ClassVar

import rich_click as click

from .lazy import LazyGroup


class Data(LazyGroup):
    """The commands about data sets."""

    lazy: ClassVar = {
        "build": "data_build",
        "info": "data_info",
        "sheet": "data_sheet",
        "known": "data_known",
        "fetch": "data_fetch",
    }


@click.group("data", cls=Data, short_help="Build, describe, draw and fetch data sets.")
def command() -> None:
    """Build a data set from building files, look at it, draw it, pack it; fetch open data."""
