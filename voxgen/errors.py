"""The errors a user can act on.

Every message says what was given, what is allowed and what to do next. The command line turns each class
into its exit code: 0 ok, 1 failed, 2 usage, 3 bad data, 4 missing extra.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VoxgenError(Exception):
    """Base of all errors that voxgen raises on purpose."""

    exit_code = 1


class UsageError(VoxgenError):
    """An option, name or value that is not among the allowed ones."""

    exit_code = 2


class DataError(VoxgenError):
    """A file or folder that cannot be used as it is."""

    exit_code = 3


class UnsupportedFormatError(DataError):
    """A file format that voxgen does not read or write; the message names a converter."""


class LimitError(DataError):
    """Input that exceeds a safety limit (size, ratio, depth) or tries to leave its folder."""


class MissingExtraError(VoxgenError):
    """An optional dependency is not installed; the message carries the pip line."""

    exit_code = 4


def nearest(given: str, allowed: Iterable[str]) -> str:
    """Give a hint such as `, did you mean 'height'?`, or nothing where no name is close.

    >>> nearest("hight", ["height", "storeys"])
    ", did you mean 'height'?"
    """
    close = difflib.get_close_matches(given, list(allowed), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
