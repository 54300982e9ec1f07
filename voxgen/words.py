"""Numbers in sentences, and rows as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def counted(count: int, noun: str, several: str | None = None) -> str:
    """Give a number with its noun, in the plural where it is not one.

    >>> counted(1, "file"), counted(2000, "file"), counted(3, "axis", "axes")
    ('1 file', '2,000 files', '3 axes')
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    r"""Give rows as comma-separated values, a line each.

    >>> csv_text([("name", "height"), ("a, b", 3)])
    'name,height\n"a, b",3\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
