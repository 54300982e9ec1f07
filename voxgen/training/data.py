"""What training needs of a data set, and what a model must know of it before it is built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from ..errors import DataError, UsageError, nearest
from ..geometry.measure import STOREY_HEIGHT
from ..models.condition import ASKABLE, ATTRIBUTES, MASKS, ConditionConfig


@runtime_checkable
class TrainingData(Protocol):
    """A data set as training sees it: coverage grids of one resolution and pitch, split, with a table.

    `voxgen.pipeline.store.Dataset` is one; anything with these members is another.
    """

    @property
    def resolution(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        ...

    @property
    def pitch(self) -> float:
        """Edge of a voxel in metres."""
        ...

    @property
    def card(self) -> Mapping[str, Any]:
        """What the data are, as plain values: `licence`, `attribution`, `notes`, `files` with `sha256`."""
        ...

    def indices(self, split: str) -> Int[np.ndarray, " n"]:
        """Rows of `train`, `validation` or `test`."""
        ...

    def copies(self) -> Int[np.ndarray, " n"]:
        """Rows of stretched copies of training buildings, which only training sees; there may be none."""
        ...

    def coverage(self, indices: Int[np.ndarray, " n"]) -> UInt8[np.ndarray, "n x y z"]:
        """Coverage in 0..64 of some rows."""
        ...

    def attributes(self, names: Sequence[str]) -> Float[np.ndarray, "rows a"]:
        """Some columns of the table for all rows, NaN where unknown."""
        ...


def training_rows(data: TrainingData) -> Int[np.ndarray, " n"]:
    """Give the rows of the training split.

    Raises:
        DataError: when there is none.
    """
    rows = data.indices("train")
    if len(rows) == 0:
        raise DataError(
            f"the data set {data.card.get('name') or 'given'} has no training building: all of its buildings "
            "were dealt to validation and test; build it anew with a share for training (split.train) or of "
            "more buildings"
        )
    return rows


def condition_config(
    data: TrainingData,
    attributes: Sequence[str] = ATTRIBUTES,
    masks: Sequence[str] = MASKS,
    dropout: float = 0.5,
) -> ConditionConfig:
    """Give what a model is to be taught, standardised by the training split.

    Attributes that are unknown for every building are an error; ones that never vary get a scale of 1.

    Raises:
        UsageError: for a name that no model knows.
        DataError: for an attribute that the data do not have, or without a training building.
    """
    for given, allowed, kind in ((attributes, ASKABLE, "attribute"), (masks, MASKS, "mask")):
        for name in given:
            if name not in allowed:
                raise UsageError(
                    f"no {kind} {name!r}{nearest(name, allowed)}; choose from {', '.join(allowed)}"
                )
    if not attributes:
        return ConditionConfig(masks=tuple(masks), dropout=dropout)
    values = data.attributes(tuple(attributes))[training_rows(data)].astype(np.float64)
    known = np.isfinite(values)
    missing = [name for i, name in enumerate(attributes) if not known[:, i].any()]
    if missing:
        raise DataError(
            f"no training building has a value for {', '.join(missing)}; build the data set anew "
            "or leave these attributes out"
        )
    values = np.where(known, values, np.nan)
    spread = np.nanstd(values, axis=0)
    return ConditionConfig(
        attributes=tuple(attributes),
        center=tuple(np.nanmean(values, axis=0).tolist()),
        scale=tuple(np.where(spread > 1e-9, spread, 1.0).tolist()),
        masks=tuple(masks),
        dropout=dropout,
    )


def spread(rows: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " k"]:
    """Give so many of some rows, evenly spread, or all where they are fewer: rows lie source by source."""
    count = min(len(rows), count)
    return rows[np.arange(count) * len(rows) // max(1, count)]


def known_attributes(data: TrainingData, names: Sequence[str]) -> Float[np.ndarray, "rows a"]:
    """Give attributes of all rows, NaN where the data do not have one that a model knows."""
    columns = []
    for name in names:
        try:
            columns.append(data.attributes((name,))[:, 0])
        except UsageError:
            columns.append(None)
    count = max((len(column) for column in columns if column is not None), default=0)
    unknown = np.full(count, np.nan)
    return np.stack([unknown if column is None else column for column in columns], axis=1)


def storey_height(data: TrainingData) -> float:
    """Give the metres a storey by which floor areas and storeys of the data were measured."""
    return float((data.card.get("config") or {}).get("storey_height", STOREY_HEIGHT))


def fingerprint(data: TrainingData) -> str:
    """Give what tells two data sets apart: a hash over the checksums of their arrays, else over the card."""
    files = data.card.get("files") or {}
    arrays = {name: entry["sha256"] for name, entry in files.items() if name.endswith((".npy", ".npz"))}
    text = json.dumps(arrays or dict(data.card), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
