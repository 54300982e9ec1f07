"""Reads whole files; importable by the processes that tests start."""

from __future__ import annotations

from voxgen.formats import Building, read_buildings
from voxgen.formats.source import SourceFile


def buildings_of(file: SourceFile) -> list[Building]:
    """All buildings of a file."""
    return list(read_buildings(file))
