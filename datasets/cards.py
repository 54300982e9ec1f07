"""Cards: what a data set is, whose it is, and what it is not good for. One TOML file each.

Attribution is part of the card because licences such as CC BY ask for it wherever the data, or models trained
on them, are shipped.
"""

from __future__ import annotations

import tomllib
from importlib import resources

from voxgen.config import Config


class Card(Config):
    """A data set's card.

    Attributes:
        title: name for people.
        description: what it holds.
        licence: SPDX identifier, or a sentence where there is none.
        attribution: text to print wherever the data or models trained on them are shipped.
        units: unit, axes and coordinate reference system.
        url: where it comes from.
        citation: how to cite it.
        limits: what it lacks or gets wrong.
    """

    title: str
    description: str
    licence: str
    attribution: str = ""
    units: str = ""
    url: str = ""
    citation: str = ""
    limits: tuple[str, ...] = ()


def packaged(name: str) -> Card:
    """Read a card that ships with voxgen; `name` is one of the table's."""
    text = resources.files(__package__ or "voxgen.datasets").joinpath(f"{name}.toml").read_text("utf-8")
    return Card.parse({k: v.strip() if isinstance(v, str) else v for k, v in tomllib.loads(text).items()})
