"""The hidden folder beside a data set in which it is built: what is done so far, one file a piece of work.

Its files are named by what went into them, so a build that was killed, started again, finds what still
holds and does the rest. A lock that ends with its process keeps two builds of one data set apart.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from .publish import publish, recover


class Workplace:
    """Where the data set at `out` is built; get it from `workplace`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.root = _hidden(out, "build")

    def folder(self, stage: str, fingerprint: str) -> Path:
        """Give the folder of a stage under these settings, made where it is not there yet."""
        path = self.root / f"{stage}-{fingerprint[:16]}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self, folder: Path) -> None:
        """Put a finished folder in the data set's place, and clear all else."""
        publish(folder, self.out)
        self.clear()

    def clear(self) -> None:
        """Remove the work done, of which nothing is needed any more."""
        shutil.rmtree(self.root, ignore_errors=True)


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Workplace]:
    """Lend the workplace of a data set, for one process at a time.

    Raises:
        DataError: where another process is building the same data set, or nothing can be written there.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = _hidden(out, "lock").open("a+b")
    except OSError as failure:
        raise DataError(f"cannot write beside {out} ({failure.strerror}); choose another place") from None
    path = _hidden(out, "lock")
    with lock:
        # A process that has just finished may have removed the file that was opened here.
        if not _locked(lock.fileno()) or not _still_there(path, lock.fileno()):
            raise DataError(f"another process is building {out}; wait for it, or choose another name")
        recover(out)
        try:
            yield Workplace(out)
        finally:
            # On Windows an open file stays; it is harmless, and the next build takes it over.
            with contextlib.suppress(OSError):
                path.unlink()


def _hidden(out: Path, what: str) -> Path:
    return out.with_name(f".{out.name}.{what}")


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
