"""3DBAG, the buildings of the Netherlands: tiles of CityJSON by bounding box or by id.

Layout, as published at data.3dbag.nl: `<base>/api/BAG3D/wfs` is the tile index, and
`<base>/<release>/tiles/9/444/728/9-444-728.city.json.gz` is a tile. Files are kept in a cache, one folder a
release, with the text of the attribution beside them, and are not fetched twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from voxgen.atomic import write_text
from voxgen.cache import cache_folder
from voxgen.config import Config
from voxgen.errors import DataError, UsageError

from .cards import packaged
from .download import Patience, client, fetch
from .threedbag_index import Tile, bounding_box, release, tile_id, tile_named, tiles_in

ATTRIBUTION = "ATTRIBUTION.txt"
"""File in the cache that says whose the tiles are."""


class ThreeDBagConfig(Config):
    """Where 3DBAG is had from.

    Attributes:
        base_url: of the server, or of a mirror with the same layout.
        version: release to take, as `v20250903`; the one that the index tells of where none is given. With a
            release, tiles named by id need no index, and are checked by gzip's CRC instead of the checksum.
        cache: folder for the files; by default `VOXGEN_CACHE`, or the user's cache folder.
        max_tiles: how many tiles a bounding box may need, lest a slip of the pen fetches a province.
        patience: retries and time limits.
    """

    base_url: str = "https://data.3dbag.nl"
    version: str | None = None
    cache: Path | None = None
    max_tiles: int = Field(default=25, ge=1)
    patience: Patience = Patience()

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give an address such as https://data.3dbag.nl")
        return value.rstrip("/")

    @field_validator("version")
    @classmethod
    def _is_release(cls, value: str | None) -> str | None:
        return None if value is None else release(value)


def find(
    *,
    bbox: Sequence[float] | None = None,
    tiles: Sequence[str] = (),
    config: ThreeDBagConfig | None = None,
) -> list[Tile]:
    """Find the tiles that meet a bounding box, or that have the ids given, each once.

    Args:
        bbox: xmin, ymin, xmax, ymax in RD New (EPSG:28992), metres.
        tiles: ids such as `9/444/728` or `9-444-728`.
        config: where to look.

    Raises:
        UsageError: neither or both were given, a value has the wrong form, or too many tiles are needed.
        DataError: the index has no such tile, or does not answer.
    """
    config = config or ThreeDBagConfig()
    if (bbox is None) == (not tiles):
        raise UsageError("give either a bounding box or tile ids of 3DBAG, such as --tile 9/444/728")
    names = list(dict.fromkeys(tile_id(name) for name in tiles))
    box = None if bbox is None else bounding_box(bbox)
    if box is None and config.version is not None:
        return [Tile(name, config.version) for name in names]
    service = f"{config.base_url}/api/BAG3D/wfs"
    with client(config.patience) as web:
        if box is None:
            found = [tile_named(web, service, name, config.patience) for name in names]
        else:
            found = tiles_in(web, service, box, config.patience)
    if not found:
        raise DataError(f"3DBAG has no tiles in {box}; give xmin, ymin, xmax, ymax on Dutch land in RD New")
    if len(found) > config.max_tiles:
        raise UsageError(
            f"that needs {len(found)} tiles, more than {config.max_tiles}; make the bounding box smaller, "
            "or raise max_tiles"
        )
    return [_of_release(tile, config.version) for tile in found]


def download(tiles: Sequence[Tile], config: ThreeDBagConfig | None = None) -> Iterator[Path]:
    """Fetch tiles one after the other, giving the path of each file when it is there and sound.

    A file that is in the cache already is given at once. Files are never half written.

    Raises:
        DataError: a tile is not on the server, or could not be had; those before it are kept.
    """
    config = config or ThreeDBagConfig()
    cache = (config.cache or cache_folder()).expanduser() / "3dbag"
    with client(config.patience) as web:
        for tile in tiles:
            # Checked again: a tile may have been made by hand.
            tile = Tile(tile_id(tile.id), release(tile.version), tile.sha256)
            folder = cache / tile.version
            url = f"{config.base_url}/{tile.path}"
            path = fetch(web, url, folder / tile.file_name, config.patience, tile.sha256)
            if not (folder / ATTRIBUTION).is_file():
                write_text(folder / ATTRIBUTION, packaged("threedbag").attribution + "\n")
            yield path


def sources(
    *,
    bbox: Sequence[float] | None = None,
    tiles: Sequence[str] = (),
    config: ThreeDBagConfig | None = None,
) -> list[Path]:
    """Find and fetch tiles: the files to build a data set from. Arguments and errors as of `find`."""
    return list(download(find(bbox=bbox, tiles=tiles, config=config), config))


def _of_release(tile: Tile, version: str | None) -> Tile:
    # The index knows the checksums of its own release only.
    return tile if version in (None, tile.version) else Tile(tile.id, version)
