"""A folder that is either the old or the new, whenever the writer is killed.

A file is replaced in one step by `os.replace`; a folder is not, on every platform. So the old one steps aside
under a hidden name, the new one takes its place, and the old one goes. Where the writer died between the
first two steps, `recover` brings the old one back; whatever opens such a folder calls it first.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ..errors import DataError


def publish(folder: Path, out: Path) -> None:
    """Give the finished `folder` the name `out`; what stood there goes once the new one is in place.

    Raises:
        DataError: if a folder can't be moved, as when another program holds its files open.
    """
    aside = _aside(out)
    recover(out)
    try:
        if out.exists():
            out.rename(aside)
        folder.rename(out)
    except OSError as failure:
        recover(out)
        raise DataError(
            f"cannot put the new data set at {out} ({failure.strerror}); close the programs that use the old "
            "one, or choose another name, and run the same command again: the work done is kept"
        ) from failure
    shutil.rmtree(aside, ignore_errors=True)


def recover(out: Path) -> None:
    """Bring back the old folder where a writer died before the new one was in place; else clear leftovers."""
    aside = _aside(out)
    if not aside.exists():
        return
    if out.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        # Another process may have recovered it in the meantime.
        with contextlib.suppress(FileNotFoundError):
            aside.rename(out)


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.old")
