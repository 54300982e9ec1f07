"""Names of coordinate reference systems, and the ones whose coordinates are no metres."""

from __future__ import annotations

import re

from ..errors import DataError, UsageError

DEGREES = {"4326", "4979", "4258", "4937", "6697", "6668", "crs84", "crs84h"}
"""Reference systems whose coordinates are degrees."""

CODE = re.compile(r"(?:EPSG|CRS|OGC)[:/](?:[\d.]*[:/])*(CRS84h?|\d{4,6})", re.IGNORECASE)


def crs_name(given: str) -> str:
    """Give `EPSG:7415` for the URN, URL or OGC spelling of a reference system, else the text itself.

    Raises:
        DataError: where its coordinates are degrees.

    >>> crs_name("https://www.opengis.net/def/crs/EPSG/0/7415")
    'EPSG:7415'
    """
    code = CODE.search(given)
    if code and code[1].lower() in DEGREES:
        raise DataError(
            f"coordinates are degrees ({given[:80]}): reproject them to metres, for example with "
            "`cjio in.json reproject 7415 save out.json` or `citygml-tools reproject`"
        )
    return f"EPSG:{code[1]}" if code else given


def projected_crs(given: str) -> str:
    """Give `EPSG:7415` for a reference system that a building is to be placed in, its bare number included.

    Raises:
        UsageError: for one that is no EPSG code, or whose coordinates are degrees.

    >>> projected_crs("28992")
    'EPSG:28992'
    """
    text = f"EPSG:{given}" if given.isdigit() else given
    try:
        name = crs_name(text)
    except DataError:
        raise UsageError(
            f"{given}: its coordinates are degrees; give a projected system, in metres"
        ) from None
    if not re.fullmatch(r"EPSG:\d{4,6}", name):
        raise UsageError(f"{given!r} is no reference system; give its EPSG code, such as EPSG:28992")
    return name
