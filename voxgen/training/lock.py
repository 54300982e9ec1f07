"""A run is trained by one process at a time: a lock that the system drops when its holder dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import UsageError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock at `path` inside the block.

    Raises:
        UsageError: when another process, or another part of this one, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            _lock(file)
        except OSError:
            raise UsageError(
                f"{path.parent} is being trained by another process; wait for it, stop it, "
                "or choose another name"
            ) from None
        yield


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the lock at `path` now."""
    if not path.is_file():
        return False
    try:
        with path.open("a+b") as file:
            _lock(file)
    except OSError:
        return True
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
