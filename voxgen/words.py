"""Numbers in sentences."""

from __future__ import annotations


def counted(count: int, noun: str, several: str | None = None) -> str:
    """Give a number with its noun, in the plural where it is not one.

    >>> counted(1, "file"), counted(2000, "file"), counted(3, "axis", "axes")
    ('1 file', '2,000 files', '3 axes')
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
