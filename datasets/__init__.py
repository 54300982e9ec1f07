"""Data sets: a card (TOML) and a recipe (Python) each.

A recipe is a module, imported when asked for. One that makes buildings has `generate(n, seed)`, an iterator
of `Building`; one that finds or fetches files has `sources(...)`, a list of paths to build from.

>>> from voxgen import datasets
>>> datasets.available()
('folder', 'massing', 'threedbag')
>>> datasets.card("massing").licence
'CC0-1.0'
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from voxgen.errors import UsageError, nearest

if TYPE_CHECKING:
    from .cards import Card

_NAMES = ("folder", "massing", "threedbag")


def available() -> tuple[str, ...]:
    """Names of the data sets, in alphabetical order."""
    return _NAMES


def card(name: str) -> Card:
    """Give a data set's card.

    Raises:
        UsageError: no data set has that name; the message has the nearest.
    """
    from .cards import packaged

    return packaged(_known(name))


def load(name: str) -> ModuleType:
    """Import a data set's recipe.

    Raises:
        UsageError: no data set has that name; the message has the nearest.
    """
    return import_module(f".{_known(name)}", __package__)


def _known(name: str) -> str:
    if name not in _NAMES:
        raise UsageError(
            f"there is no data set {name!r}{nearest(name, _NAMES)}; known: {', '.join(_NAMES)}. "
            "For your own files give their folder"
        )
    return name
