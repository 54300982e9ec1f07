"""Files that are either old or new, never half: written beside, forced to disk, then `os.replace`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"
"""How the names of files begin that are not finished; what a killed process leaves can be told by it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path`, with the same suffix, to write to.

    What was written there becomes `path` when the block ends, and vanishes when the block fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{PREFIX}{secrets.token_hex(4)}-{path.name}")
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically, with the same line ends on every platform."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder that is now ours alone."""
    for left in folder.glob(f"{PREFIX}*"):
        left.unlink(missing_ok=True)
