"""Your own files as a data set: sources that exist, and a card that may lie beside them.

A file `card.toml` in the folder says what the data are and whose; its keys are those of `cards.Card`, all of
them optional here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from voxgen.errors import DataError, UsageError

from .cards import Card, packaged

CARD = "card.toml"
"""Name of the card in a folder."""

_GLOB = set("*?[")


def sources(paths: Sequence[str | Path]) -> list[Path]:
    """Give folders, files, globs and .zip archives as paths, having seen that they exist.

    Raises:
        UsageError: nothing was given.
        DataError: a path does not exist; the message says where it was looked for.
    """
    if not paths:
        raise UsageError("no sources were given; give a folder, a file, a glob or a .zip of building models")
    found = [Path(path).expanduser() for path in paths]
    for path in found:
        if not path.exists() and not _GLOB & set(str(path)):
            raise DataError(f"no file or folder at {path.absolute()}; check the spelling, or quote a glob")
    return found


def card(folder: str | Path) -> Card:
    """Give the card of a folder: what its `card.toml` says, and the general card where it says nothing.

    Raises:
        DataError: the `card.toml` is not valid TOML.
        UsageError: it has a key that cards do not have.
    """
    folder = Path(folder).expanduser()
    general = packaged("folder")
    # A drive's root has no name.
    said: dict[str, object] = {"title": folder.resolve().name or str(folder)}
    path = folder / CARD
    if path.is_file():
        try:
            said |= tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
            raise DataError(f"{path} is not valid TOML: {failure}; correct it or take it away") from None
    return Card.parse(general.model_dump() | said)
