"""Shapes dealt out to training, validation and test, by a hash of the seed and the building's id.

A shape (see `duplicates`) lies on one side only, that of its *first* member in the order of ids. The hash
alone decides, so a building keeps its side when the collection grows, and builds of the same sources at
different resolutions put it on the same side: shapes are formed from all buildings that pass the filters, at
fixed pitches, before any is left out for not fitting in the grid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from .config import SplitConfig

SIDES = ("train", "validation", "test")
"""The sides of a split, in the order of the codes that are stored."""

STRETCHED = len(SIDES)
"""Code that is stored for stretched copies of training buildings."""


def keys(ids: Sequence[str], files: Sequence[str]) -> list[str]:
    """Give each building the name that decides its side.

    The id alone where ids tell buildings apart, as in city models; the file's name goes before it where more
    than one in ten repeats, as with `Cube` in every file of a folder.

    Args:
        ids: each building's id in its file.
        files: the name of its file, without folders.
    """
    repeated = len(ids) - len(set(ids))
    if repeated * 10 <= len(ids):
        return list(ids)
    return [f"{file}/{name}" for file, name in zip(files, ids, strict=True)]


def leaders(shape_of: Int64[np.ndarray, " n"], names: Sequence[str]) -> Int64[np.ndarray, " n"]:
    """Give for each building the member of its shape whose name comes first, whatever order they came in.

    Args:
        shape_of: (n,) number of each building's shape.
        names: the keys of the buildings.
    """
    leader: dict[int, int] = {}
    for position, shape in enumerate(shape_of.tolist()):
        best = leader.setdefault(shape, position)
        if names[position] < names[best]:
            leader[shape] = position
    return np.array([leader[shape] for shape in shape_of.tolist()], np.int64)


def deal(shapes: Sequence[str], config: SplitConfig) -> Int64[np.ndarray, " n"]:
    """Give the side of each shape as a position in `SIDES`.

    Where a side that has a share would stay empty though there are enough shapes, the shape whose number lies
    nearest to that side's range moves over from a side that has several. Where there are fewer shapes than
    sides, they go to training first, then to validation, because nothing is learned without the first.

    Args:
        shapes: key of each shape's first member; equal keys get equal sides.
        config: the shares and the seed.
    """
    distinct = sorted(set(shapes))
    numbers = np.array([_number(key, config.seed) for key in distinct])
    shares = np.array([config.train, config.validation, config.test])
    upper = np.cumsum(shares)
    side = np.minimum(np.searchsorted(upper, numbers, side="right"), 2)
    side = _without_empty(side, numbers, shares, upper)
    at = {key: int(code) for key, code in zip(distinct, side, strict=True)}
    return np.array([at[key] for key in shapes], np.int64)


def _without_empty(
    side: Int64[np.ndarray, " n"],
    numbers: Float[np.ndarray, " n"],
    shares: Float[np.ndarray, " 3"],
    upper: Float[np.ndarray, " 3"],
) -> Int64[np.ndarray, " n"]:
    for empty in np.flatnonzero(shares > 0):
        counts = np.bincount(side, minlength=3)
        can_give = counts[side] > 1
        if not can_give.any():
            can_give = side > empty
        if counts[empty] or not can_give.any():
            continue
        centre = upper[empty] - shares[empty] / 2
        distance = np.where(can_give, np.abs(numbers - centre), np.inf)
        side[np.argmin(distance)] = empty
    return side


def _number(key: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}\n{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
