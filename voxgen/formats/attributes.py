"""Attributes of city objects as plain values, with a common name beside the source's own.

Producers name the same thing differently: CityGML's `yearOfConstruction` is `oorspronkelijkbouwjaar` in
3DBAG. The common names are `year`, `roof_type`, `function`, `storeys` and `measured_height`; codes stay the
source's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

COMMON = {
    "year": ("yearOfConstruction", "oorspronkelijkbouwjaar", "oorspronkelijk_bouwjaar", "bouwjaar"),
    "roof_type": ("roofType", "b3_dak_type", "dak_type"),
    "function": ("function", "gebruiksdoel"),
    "storeys": ("storeysAboveGround", "b3_bouwlagen", "numberOfFloors"),
    "measured_height": ("measuredHeight",),
}


def plain(attributes: Any) -> dict[str, str | int | float | bool]:
    """Give the scalar attributes that say something, and lists of scalars joined by commas."""
    kept: dict[str, str | int | float | bool] = {}
    for key, value in attributes.items() if isinstance(attributes, Mapping) else ():
        if isinstance(value, list) and value and all(isinstance(item, (str, int, float)) for item in value):
            value = ",".join(map(str, value))
        if isinstance(value, (str, int, float)) and value != "":
            kept[str(key)] = value
    return kept


def merged(own: Mapping[str, Any], parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Give a building's attributes with those its parts agree on, and the common names.

    Where parts differ, a common name gets the value that most of them have, the first of them on a tie.
    """
    joined: dict[str, Any] = dict(own)
    parts = list(parts)
    by_key = {key: Counter(part[key] for part in parts if key in part) for part in parts for key in part}
    for key, values in by_key.items():
        if key not in joined and values.total() == len(parts) and len(values) == 1:
            joined[key] = next(iter(values))
    for name, spellings in COMMON.items():
        for spelling in spellings:
            if spelling in joined:
                joined.setdefault(name, joined[spelling])
            elif spelling in by_key:
                joined.setdefault(name, by_key[spelling].most_common(1)[0][0])
    return joined
