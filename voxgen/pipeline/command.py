"""The command line that remakes a data set: its sources, and every setting that is not a preset's."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..config import flat, setting
from .config import PRESETS, BuildConfig

_OPTIONS = {
    "pitch": "--pitch",
    "oversize": "--oversize",
    "storey_height": "--storey-height",
    "split.seed": "--seed",
    "read.unit": "--unit",
    "read.up": "--up",
    "read.lod": "--lod",
}
_SWITCHES = {"fit": "--fit", "read.split": "--split-objects"}


def command_line(sources: Sequence[str], out: str | Path, config: BuildConfig) -> str:
    """Give the shortest `voxgen data build` that makes a data set with these settings.

    Args:
        sources: as the user wrote them.
        out: folder of the data set.
        config: the settings; a config file is not named, since it may change.
    """
    ways = [list(_words(name, config)) for name in PRESETS]
    return shlex.join(["voxgen", "data", "build", *sources, "-o", str(out), *min(ways, key=len)])


def _words(preset: str, config: BuildConfig) -> Iterator[str]:
    """Options that lead from a preset to a config."""
    if preset != "default":
        yield from ("--preset", preset)
    base, wanted = (dict(flat(one.model_dump(mode="json"))) for one in (BuildConfig.preset(preset), config))
    for key, value in wanted.items():
        if value == base[key]:
            continue
        if key == "resolution":
            yield from ("--resolution", "x".join(map(str, value[:1] if len(set(value)) == 1 else value)))
        elif key in _SWITCHES and value:
            yield _SWITCHES[key]
        elif key in _OPTIONS and value is not None:
            yield from (_OPTIONS[key], str(value))
        else:
            yield from ("--set", setting(key, value))
