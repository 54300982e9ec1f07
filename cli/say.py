"""What the command line says: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import rich_click as click


def note(text: str) -> None:
    """Say how things go."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Say what looks wrong but stops nothing."""
    click.echo(click.style("warning: ", fg="yellow") + text, err=True)


def error(text: str) -> None:
    """Say why a command ends."""
    click.echo(click.style("error: ", fg="red", bold=True) + text, err=True)


def hint(command: str) -> None:
    """Name a command that makes sense next."""
    click.echo(click.style("next: ", dim=True) + command, err=True)


def result(values: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Give a command's result: a JSON object, or text for people."""
    click.echo(json.dumps(_plain(values), indent=2, ensure_ascii=False) if as_json else text)


def settings(values: Mapping[str, Any], as_json: bool) -> None:
    """Give what a command would do, a line a setting."""
    result(values, "\n".join(f"{key} = {value}" for key, value in values.items()), as_json)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns; the first row is their heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def times(resolution: Sequence[int]) -> str:
    """A resolution in words.

    >>> times((32, 32, 16))
    '32 x 32 x 16'
    """
    return " x ".join(map(str, resolution))


def _plain(value: Any) -> Any:
    """Values that JSON knows: paths as text, and no NaN, which is no JSON."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
