"""The tile index of 3DBAG: which tiles there are, which release they are of, and their checksums.

The index is layer `BAG3D:tiles` of a Web Feature Service (OGC WFS 2.0.0). Tiles are leaves of a quadtree that
is split by the number of buildings, so their ids, such as `9/444/728`, cannot be computed from coordinates.
Of what the server says only three things are taken, each by its exact form: the id, the release in the
download link, and the checksum. No path or address that it sends is ever used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from voxgen.errors import DataError, UsageError

from .download import Patience, text

PAGE = 100
"""Tiles a request."""

EXTENT = (-10_000.0, 285_000.0, 300_000.0, 640_000.0)
"""xmin, ymin, xmax, ymax around the Netherlands in RD New, metres."""

_ID = re.compile(r"(\d{1,2})[/-](\d{1,6})[/-](\d{1,6})", re.ASCII)
_VERSION = re.compile(r"v\d{8}", re.ASCII)
_LINKED_VERSION = re.compile(r"/(v\d{8})/tiles/", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LARGEST = 32 << 20


@dataclass(frozen=True)
class Tile:
    """One tile of a release.

    Attributes:
        id: level, column and row, as `9/444/728`.
        version: release, as `v20250903`.
        sha256: of the gzipped CityJSON, in lower-case hex; None where it is not known.
    """

    id: str
    version: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        """Name of the gzipped CityJSON file."""
        return f"{self.id.replace('/', '-')}.city.json.gz"

    @property
    def path(self) -> str:
        """Path under the base URL."""
        return f"{self.version}/tiles/{self.id}/{self.file_name}"


def tile_id(given: str) -> str:
    """Give a tile id with slashes, from `9/444/728` or `9-444-728`.

    Raises:
        UsageError: it has another form.
    """
    match = _ID.fullmatch(given.strip())
    if match is None:
        raise UsageError(f"{given!r} is no 3DBAG tile; ids have the form 9/444/728 or 9-444-728")
    return "/".join(match.groups())


def release(given: str) -> str:
    """Give a release as it stands in paths.

    Raises:
        UsageError: it has another form than `v20250903`.
    """
    if _VERSION.fullmatch(given) is None:
        raise UsageError(f"{given!r} is no 3DBAG release; they are named by date, as v20250903")
    return given


def bounding_box(given: Sequence[float]) -> tuple[float, float, float, float]:
    """Check a bounding box: xmin, ymin, xmax, ymax in RD New, metres.

    Raises:
        UsageError: not four finite numbers, empty, or not in the Netherlands.
    """
    if len(given) != 4 or not all(math.isfinite(value) for value in given):
        raise UsageError(f"the bounding box {tuple(given)} is not xmin, ymin, xmax, ymax; give four numbers")
    xmin, ymin, xmax, ymax = (float(value) for value in given)
    if xmin >= xmax or ymin >= ymax:
        raise UsageError(
            f"the bounding box {tuple(given)} is empty; give xmin, ymin, xmax, ymax in that order"
        )
    if xmax < EXTENT[0] or xmin > EXTENT[2] or ymax < EXTENT[1] or ymin > EXTENT[3]:
        degrees = max(map(abs, given)) <= 180
        hint = "these look like degrees: turn them into RD New first" if degrees else "it is outside"
        raise UsageError(
            f"the bounding box {tuple(given)} has no 3DBAG buildings: {hint}. x runs from 0 to 280000 "
            "and y from 300000 to 620000 m in RD New (EPSG:28992)"
        )
    return xmin, ymin, xmax, ymax


def tiles_in(
    web: httpx.Client, service: str, bbox: tuple[float, float, float, float], patience: Patience
) -> list[Tile]:
    """Ask for the tiles that meet a bounding box, in the order of their ids.

    Raises:
        DataError: the index does not answer, or answers what it should not.
    """
    corners = ",".join(f"{value:.3f}" for value in bbox)
    return _query(web, service, {"bbox": f"{corners},urn:ogc:def:crs:EPSG::28992"}, patience)


def tile_named(web: httpx.Client, service: str, name: str, patience: Patience) -> Tile:
    """Ask for one tile by its id.

    Raises:
        DataError: there is no such tile, or the index does not answer as it should.
    """
    equal = f"<fes:ValueReference>tile_id</fes:ValueReference><fes:Literal>{tile_id(name)}</fes:Literal>"
    wanted = (
        '<fes:Filter xmlns:fes="http://www.opengis.net/fes/2.0">'
        f"<fes:PropertyIsEqualTo>{equal}</fes:PropertyIsEqualTo></fes:Filter>"
    )
    found = [tile for tile in _query(web, service, {"filter": wanted}, patience) if tile.id == tile_id(name)]
    if not found:
        raise DataError(
            f"3DBAG has no tile {name}; ids are shown on the map of https://3dbag.nl/en/download, "
            "or give a bounding box instead"
        )
    return found[0]


def _query(web: httpx.Client, service: str, where: dict[str, str], patience: Patience) -> list[Tile]:
    tiles: dict[str, Tile] = {}
    for start in range(0, 100 * PAGE, PAGE):
        # Paging over a layer without a primary key needs a stated order.
        params = {
            "service": "WFS",
            "version": "2.0.0",
            "request": "GetFeature",
            "typeNames": "BAG3D:tiles",
            "outputFormat": "application/json",
            "srsName": "EPSG:28992",
            "sortBy": "tile_id",
            "count": str(PAGE),
            "startIndex": str(start),
            **where,
        }
        features = _features(text(web, service, params, patience, _LARGEST), service)
        known = len(tiles)
        tiles.update((tile.id, tile) for tile in _tiles(features))
        # A server that does not page sends the same tiles for ever.
        if len(features) < PAGE or len(tiles) == known:
            break
    return [tiles[name] for name in sorted(tiles)]


def _features(answer: str, service: str) -> list[object]:
    try:
        features = json.loads(answer)["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        features = None
    if not isinstance(features, list):
        raise DataError(
            f"{service} did not answer with a list of tiles but with {answer[:120]!r}; "
            "check the base URL, or try again later"
        )
    return features


def _tiles(features: list[object]) -> Iterator[Tile]:
    for feature in features:
        row = feature.get("properties") if isinstance(feature, dict) else None
        row = row if isinstance(row, dict) else {}
        name = _ID.fullmatch(str(row.get("tile_id")))
        version = _LINKED_VERSION.search(str(row.get("cj_download")))
        checksum = str(row.get("cj_sha256")).lower()
        # A tile without CityJSON has no link; there is nothing to fetch.
        if name is not None and version is not None:
            sound = _SHA256.fullmatch(checksum) is not None
            yield Tile("/".join(name.groups()), version[1], checksum if sound else None)
