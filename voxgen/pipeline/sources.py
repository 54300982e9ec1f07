"""What is built from: files of the user's, and collections that make their buildings by number.

Both come as *batches*: pieces of work for one process, known by a fingerprint of what they hold, so that a
build that was killed finds the batches it had done. Licences and attributions are collected from a
`SOURCE.json` or an `ATTRIBUTION.txt` beside the files or in a folder above them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ..formats import Building, ReadOptions, SourceFile, expand, read_buildings
from ..geometry.mesh import Mesh
from ..words import counted
from .store import sha256_of

BATCH_FILES = 64
BATCH_BYTES = 1 << 18
"""A batch ends at so many files or bytes, whichever comes first: large files are batches of their own."""

BATCH_NUMBERS = 128
"""Buildings of a collection in one batch."""

PROVENANCE = "SOURCE.json"
"""File beside the models, with `licence` and `attribution`."""

ATTRIBUTION = "ATTRIBUTION.txt"
"""File beside the models whose whole text is the attribution."""

FOLDERS_ABOVE = 2
"""How far above a file its provenance is looked for."""


@dataclass(frozen=True)
class Origin:
    """A file or collection that buildings come from, with what is owed to its makers.

    Attributes:
        name: the file as the user wrote it, or the name of the collection.
        sha256: of the file, or of the collection's settings.
        licence: empty where nothing says it.
        attribution: empty where nothing says it.
    """

    name: str
    sha256: str
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Collection:
    """Buildings that are made by number, such as the procedural data set.

    Attributes:
        name: what the report calls their source.
        building: gives building `i`; a function of a module (or a partial of one), because it travels to
            other processes. The same number always gives the same building.
        count: how many are taken, from number 0 on.
        settings: what the function was set to, such as its seed; part of the fingerprint.
        licence: of the buildings.
        attribution: what to print where they are shipped.
    """

    name: str
    building: Callable[[int], Building]
    count: int
    settings: str = ""
    licence: str = ""
    attribution: str = ""

    @property
    def origin(self) -> Origin:
        """The collection as an origin."""
        told = f"{self.name}\n{self.settings}\n{self.count}"
        return Origin(self.name, _hash(told), self.licence, self.attribution)


@dataclass(frozen=True)
class Batch:
    """Work for one process: some files, or some numbers of a collection.

    Attributes:
        fingerprint: of what the batch holds.
        names: what the report calls the sources of its buildings, should all be lost.
        files: the files, for a batch of files.
        collection: the collection, for a batch of numbers.
        numbers: the numbers, first and one past the last.
    """

    fingerprint: str
    names: tuple[str, ...]
    files: tuple[SourceFile, ...] = ()
    collection: Collection | None = None
    numbers: tuple[int, int] = (0, 0)

    def buildings(self, options: ReadOptions) -> Iterator[Building]:
        """Give the buildings in order."""
        for file in self.files:
            yield from read_buildings(file, options)
        if self.collection is not None:
            for number in range(*self.numbers):
                yield _made(self.collection, number)

    def singles(self) -> list[Batch]:
        """Give each file or number as a batch of its own."""
        if self.collection is None:
            return [
                Batch(_hash(f"{self.fingerprint}\n{file.name}"), (file.name,), (file,)) for file in self.files
            ]
        return [
            Batch(_hash(f"{self.fingerprint}\n{n}"), self.names, (), self.collection, (n, n + 1))
            for n in range(*self.numbers)
        ]


@dataclass(frozen=True)
class Material:
    """All that a build reads.

    Attributes:
        batches: in the order of the sources.
        origins: by the name that rows of the report give as their source.
        notes: what was passed over.
    """

    batches: tuple[Batch, ...]
    origins: dict[str, Origin]
    notes: tuple[str, ...]

    def licence(self, source: str) -> str:
        """Give the licence of a row's source, empty where nothing says it."""
        return self.origins[source].licence if source in self.origins else ""


def gather(sources: Sequence[str | Path | Collection], options: ReadOptions) -> Material:
    """Find all files of the sources and cut them, and the collections, into batches.

    Raises:
        DataError: where a source names nothing at all.
    """
    batches: list[Batch] = []
    origins: dict[str, Origin] = {}
    # Remembered for this call only: an archive has many members, and files may change before the next.
    content, owed = cache(_content), cache(_owed)
    passed_over: Counter[str] = Counter()
    run: list[str | Path] = []

    def close_run() -> None:
        found = list(expand(run, options.limits)) if run else []
        passed_over.update(file.suffix or "no suffix" for file in found if file.role == "side")
        models = [file for file in found if file.role != "side"]
        for file in models:
            origins[file.name] = Origin(file.name, content(file.path)[1], *owed(file.path.parent))
        sized = [(file, content(file.path)[0]) for file in models]
        batches.extend(_cut(sized, origins))
        run.clear()

    for source in sources:
        if isinstance(source, Collection):
            close_run()
            origins[source.name] = source.origin
            batches.extend(_numbers(source))
        else:
            run.append(source)
    close_run()
    kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in passed_over.most_common())
    told = counted(passed_over.total(), "file")
    notes = (f"{told} passed over, being of a kind that holds no buildings: {kinds}",) if kinds else ()
    return Material(tuple(batches), origins, notes)


def file_name(source: str) -> str:
    """Give the last part of a source's name, which stays where its folder moves."""
    return source.replace("!", "/").rsplit("/", 1)[-1]


def _cut(files: Iterable[tuple[SourceFile, int]], origins: Mapping[str, Origin]) -> Iterator[Batch]:
    """Cut files, each with its length in bytes, into batches."""
    held: list[SourceFile] = []
    size = 0
    for file, length in files:
        if held and (len(held) == BATCH_FILES or size + length > BATCH_BYTES):
            yield _of_files(held, origins)
            held, size = [], 0
        held.append(file)
        size += length
    if held:
        yield _of_files(held, origins)


def _of_files(files: Sequence[SourceFile], origins: Mapping[str, Origin]) -> Batch:
    told = "\n".join(f"{file.name}\n{origins[file.name].sha256}" for file in files)
    return Batch(_hash(told), tuple(file.name for file in files), tuple(files))


def _numbers(collection: Collection) -> Iterator[Batch]:
    for first in range(0, collection.count, BATCH_NUMBERS):
        last = min(first + BATCH_NUMBERS, collection.count)
        # The count is left out: a larger collection begins with the smaller one's batches.
        told = f"{collection.name}\n{collection.settings}\n{first}\n{last}"
        yield Batch(_hash(told), (collection.name,), (), collection, (first, last))


def _made(collection: Collection, number: int) -> Building:
    try:
        return replace(collection.building(number), source=collection.name)
    except Exception as failure:  # one bad building must not end a run over ten thousand
        told = f"not made ({type(failure).__name__}: {failure})"
        return Building(str(number), collection.name, Mesh.of([], []), error=told)


def _content(path: Path) -> tuple[int, str]:
    try:
        return (path.stat().st_size, sha256_of(path)) if path.is_file() else (0, "")
    except OSError:
        return 0, ""  # reading it will say why


def _owed(folder: Path) -> tuple[str, str]:
    """Licence and attribution of the files in a folder, from the nearest folder that says anything."""
    for place in [folder.absolute(), *folder.absolute().parents][: FOLDERS_ABOVE + 1]:
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((place / PROVENANCE).read_text(encoding="utf-8"))
            if isinstance(told, dict):
                licence = str(told.get("licence") or told.get("license") or "")
                return licence, str(told.get("attribution") or licence)
        with contextlib.suppress(OSError, ValueError):
            return "", (place / ATTRIBUTION).read_text(encoding="utf-8").strip()
    return "", ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
