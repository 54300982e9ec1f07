"""What a user may say about their files; the rest is read from the file, or guessed and said aloud."""

from __future__ import annotations

from typing import Literal

from ..config import Config
from .limits import Limits

Unit = Literal["m", "dm", "cm", "mm", "km", "ft", "in"]
Up = Literal["z", "y"]


class ReadOptions(Config):
    """How building files are read.

    Attributes:
        lod: level of detail to take (2.2, or 2 for the finest of 2, 2.0 ... 2.3); the highest where None.
        unit: unit of the file's numbers; overrules what the file says and what its size suggests.
        up: the file's up axis; overrules what the file says and what its shape suggests.
        split: give each object or group of a file as a building of its own.
        limits: what one source may cost.
    """

    lod: float | None = None
    unit: Unit | None = None
    up: Up | None = None
    split: bool = False
    limits: Limits = Limits()
