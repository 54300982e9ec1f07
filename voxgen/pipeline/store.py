"""A data set on disk: one folder with a card, packed occupancy, coverage, and a table of attributes.

    card.json        what it is made of: sources, settings, licences, counts, checksums of the other files
    coverage.npy     (n, x, y, z) uint8, share of each voxel filled in 64ths; memory-mapped
    occupancy.npy    (n, bytes) uint8, eight voxels a byte (`voxgen.geometry.grid.pack`); memory-mapped
    attributes.npz   one array a column, n rows
    report.csv       what became of every building of the sources

The n rows are the buildings and, after them, stretched copies of those for training.

A folder is written elsewhere and renamed when it is whole, so what stands at the path is always complete.
Nothing in it is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int64, Integer, Shaped, UInt8
from pydantic import Field, ValidationError

from ..atomic import replacing, write_text
from ..config import Config
from ..errors import DataError, UsageError, nearest
from ..geometry.grid import VoxelGrid
from ..words import counted
from .publish import recover
from .split import SIDES, STRETCHED

VERSION = 2
_READ = (1, VERSION)
"""Versions that are read; the first had no copies."""

CARD, COVERAGE, OCCUPANCY, ATTRIBUTES, REPORT = (
    "card.json",
    "coverage.npy",
    "occupancy.npy",
    "attributes.npz",
    "report.csv",
)
PLACE = ("id", "source", "split", "shape", "origin", "yaw", "pitch")
"""Columns that every table has, beside the attributes."""


class FileEntry(Config):
    """Size in bytes and checksum of a file."""

    bytes: int
    sha256: str


class SourceEntry(Config):
    """Where buildings come from.

    Attributes:
        name: the file as the user wrote it, or the name of a collection.
        sha256: of the file as it lies on disk; of its settings for a collection.
        buildings: how many it holds, accepted or not.
        accepted: how many are in the data set.
        licence: licence as the source says it, empty where it says none.
        attribution: what to print where the data, or models trained on them, are shipped.
    """

    name: str
    sha256: str
    buildings: int
    accepted: int
    licence: str = ""
    attribution: str = ""


class Card(Config):
    """What a data set is.

    Attributes:
        format: always `voxgen-dataset`.
        name: of the folder it was built as.
        version: of the format.
        voxgen: version that built it.
        created: time of the build, UTC, ISO 8601.
        command: what built it.
        count: number of buildings.
        stretched: number of stretched copies of training buildings, which come after the buildings.
        shapes: number of distinct shapes among them.
        splits: number of buildings on each side of the split.
        resolution: voxels along x, y and z.
        pitch: metres a voxel; the median where each building has its own.
        config: the settings, as given to `build`.
        sources: where the buildings come from.
        licence: the licences of the sources that gave buildings.
        attribution: what to print where the data, or models trained on them, are shipped.
        outcomes: how many buildings were accepted, and rejected for each reason.
        notes: what was chosen or is odd about the whole.
        files: checksums.
    """

    format: Literal["voxgen-dataset"] = "voxgen-dataset"
    version: int = VERSION
    name: str
    voxgen: str
    created: str
    command: str
    count: int
    stretched: int = 0
    shapes: int
    splits: dict[str, int]
    resolution: tuple[int, int, int]
    pitch: float
    config: dict[str, Any]
    sources: tuple[SourceEntry, ...]
    licence: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    outcomes: dict[str, int]
    notes: tuple[str, ...] = ()
    files: dict[str, FileEntry] = Field(default_factory=dict)


class Dataset:
    """A data set of voxel grids, read in place; open it with `Dataset.open`.

    Attributes:
        path: the folder.
        table: one array a column, n rows: `id`, `source`, `split` (position in `split.SIDES`, or
            `split.STRETCHED`), `shape`, `origin` (n, 3) and `yaw` and `pitch` of the grids in the world, and
            the attributes.
        occupancy_bits: (n, bytes) packed occupancy, memory-mapped.
    """

    def __init__(
        self,
        path: Path,
        card: Card,
        table: Mapping[str, Shaped[np.ndarray, "n ..."]],
        coverage: UInt8[np.ndarray, "n x y z"],
        occupancy_bits: UInt8[np.ndarray, "n bytes"],
    ) -> None:
        self.path = path
        self.table = table
        self.occupancy_bits = occupancy_bits
        self._card = card
        self._coverage = coverage

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Open a data set.

        Sizes are checked, contents are not: `verify` does that.

        Raises:
            DataError: no data set there, or one that is damaged, truncated or of another version.
        """
        folder = Path(path)
        recover(folder)
        card = _read_card(folder)
        for name, entry in card.files.items():
            size = (folder / name).stat().st_size if (folder / name).is_file() else -1
            if size != entry.bytes:
                found = (
                    "is missing" if size < 0 else f"has {size:,} bytes where the card says {entry.bytes:,}"
                )
                raise DataError(f"{folder / name} {found}; copy the data set again, or build it again")
        rows = card.count + card.stretched
        coverage = _mapped(folder / COVERAGE, (rows, *card.resolution))
        bits = _mapped(folder / OCCUPANCY, (rows, -(-int(np.prod(card.resolution)) // 8)))
        return cls(folder, card, _read_table(folder / ATTRIBUTES, rows), coverage, bits)

    def __len__(self) -> int:
        """Number of buildings; the table and the arrays have the rows of `copies` too."""
        return self._card.count

    def __repr__(self) -> str:
        x, y, z = self.resolution
        size = f"{x} x {y} x {z} voxels of {self.pitch:g} m"
        return f"Dataset({str(self.path)!r}: {counted(len(self), 'building')}, {size})"

    @property
    def card(self) -> dict[str, Any]:
        """What it is made of, as plain values: the fields of `Card`."""
        return self._card.model_dump(mode="json")

    @property
    def resolution(self) -> tuple[int, int, int]:
        """Voxels along x, y and z."""
        return self._card.resolution

    @property
    def pitch(self) -> float:
        """Metres a voxel."""
        return self._card.pitch

    def coverage(
        self, indices: Integer[np.ndarray, " b"] | Sequence[int] | slice
    ) -> UInt8[np.ndarray, "b x y z"]:
        """Give the coverage of some buildings, 0..64, as a copy in memory."""
        return np.array(self._coverage[indices])

    def grid(self, index: int) -> VoxelGrid:
        """Give one building's coverage where it stands in the world, in metres."""
        return VoxelGrid(
            np.array(self._coverage[index]),
            float(self.table["pitch"][index]),
            np.array(self.table["origin"][index], np.float64),
            float(self.table["yaw"][index]),
        )

    def indices(self, split: str) -> Int64[np.ndarray, " k"]:
        """Give the buildings of one side of the split: `train`, `validation` or `test`.

        Raises:
            UsageError: for another side.
        """
        if split not in SIDES:
            raise UsageError(f"no split {split!r}{nearest(split, SIDES)}; there are: {', '.join(SIDES)}")
        return np.flatnonzero(self.table["split"] == SIDES.index(split))

    def copies(self) -> Int64[np.ndarray, " k"]:
        """Give the rows of the stretched copies of training buildings; they come after all buildings."""
        return np.flatnonzero(self.table["split"] == STRETCHED)

    def attributes(self, names: Sequence[str]) -> Float[np.ndarray, "n k"]:
        """Give attributes of all rows by name, in their own units; NaN where unknown.

        Raises:
            UsageError: for a name that is no attribute of this data set.
        """
        known = self.attribute_names
        for name in names:
            if name not in known:
                raise UsageError(
                    f"no attribute {name!r}{nearest(name, known)}; there are: {', '.join(known)}"
                )
        columns = [self.table[name].astype(np.float64) for name in names]
        return np.stack(columns, axis=1) if columns else np.zeros((len(self.table["id"]), 0))

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Names that `attributes` knows."""
        return tuple(
            name
            for name, column in self.table.items()
            if name not in PLACE and column.ndim == 1 and column.dtype.kind in "fiu"
        )

    def verify(self) -> None:
        """Read all files and compare their checksums with the card.

        Raises:
            DataError: naming the first file that differs.
        """
        for name, entry in self._card.files.items():
            if sha256_of(self.path / name) != entry.sha256:
                raise DataError(
                    f"{self.path / name} is not what the card says (another checksum); "
                    "copy the data set again, or build it again"
                )


def is_dataset(folder: Path) -> bool:
    """Tell whether a folder is a data set of voxgen, of whatever version, whole or damaged."""
    return card_of(folder) is not None


def card_of(folder: Path) -> dict[str, Any] | None:
    """Give the card of a data set as it lies there, unchecked; None where there is none of voxgen's."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) and card.get("format") == "voxgen-dataset" else None


def create_arrays(folder: Path, count: int, resolution: tuple[int, int, int]) -> None:
    """Make the two arrays of `count` empty grids, for `write_rows` to fill; those that are there stay."""
    row_bytes = -(-int(np.prod(resolution)) // 8)
    for name, shape in ((COVERAGE, (count, *resolution)), (OCCUPANCY, (count, row_bytes))):
        if (folder / name).exists():
            continue
        with replacing(folder / name) as beside:
            array = np.lib.format.open_memmap(beside, mode="w+", dtype=np.uint8, shape=shape)
            array.flush()
            del array


def write_rows(
    folder: Path,
    rows: Integer[np.ndarray, " k"],
    coverage: UInt8[np.ndarray, "k x y z"],
    bits: UInt8[np.ndarray, "k bytes"],
) -> None:
    """Fill some rows of the arrays; several processes may fill different rows at once."""
    for name, values in ((COVERAGE, coverage), (OCCUPANCY, bits)):
        array = np.load(folder / name, mmap_mode="r+", allow_pickle=False)
        array[rows] = values
        array.flush()
        del array


def finish(folder: Path, table: Mapping[str, Shaped[np.ndarray, "n ..."]], card: Card) -> Card:
    """Write the table and, last of all, the card with the checksums of all files; gives that card."""
    with replacing(folder / ATTRIBUTES) as beside, beside.open("wb") as file:
        np.savez(file, allow_pickle=False, **table)
    files = {
        name: FileEntry(bytes=(folder / name).stat().st_size, sha256=sha256_of(folder / name))
        for name in (COVERAGE, OCCUPANCY, ATTRIBUTES, REPORT)
    }
    whole = card.model_copy(update={"files": files})
    write_text(folder / CARD, whole.to_json() + "\n")
    return whole


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_card(folder: Path) -> Card:
    if not folder.is_dir():
        raise DataError(f"no data set at {folder}; build one with `voxgen data build <files> -o {folder}`")
    path = folder / CARD
    if not path.is_file():
        raise DataError(
            f"{folder} is no data set, it has no {CARD}; build one with `voxgen data build {folder} -o NAME`"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.get("version")
        if values.get("format") != "voxgen-dataset":
            raise DataError(f"{path} is no card of a voxgen data set; is this the right folder?")
        if version not in _READ:
            raise DataError(
                f"{folder} is a data set of version {version}; this voxgen reads version {VERSION}: "
                "build it again"
            )
        return Card.model_validate(values)
    except (ValueError, AttributeError, ValidationError) as failure:
        raise DataError(
            f"{path} is damaged; copy the data set again, or build it again ({failure})"
        ) from None


def _mapped(path: Path, shape: tuple[int, ...]) -> UInt8[np.ndarray, "n ..."]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as failure:
        raise DataError(f"{path} cannot be read ({failure}); build the data set again") from None
    if array.shape != shape or array.dtype != np.uint8:
        raise DataError(
            f"{path} holds {array.dtype} {array.shape} where the card says uint8 {shape}; "
            "build the data set again"
        )
    return array


def _read_table(path: Path, count: int) -> dict[str, Shaped[np.ndarray, "n ..."]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            table = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as failure:
        raise DataError(f"{path} cannot be read ({failure}); build the data set again") from None
    lacking = [name for name in PLACE if name not in table]
    if lacking or any(column.ndim == 0 or len(column) != count for column in table.values()):
        raise DataError(
            f"{path} is not the table of {counted(count, 'building')} that the card says; build it again"
        )
    return table
