"""Sources to files: a folder, a file, a glob or a .zip becomes a list of files in a fixed order.

A `SourceFile` knows its bytes and its siblings (materials, buffers), is small, and travels to worker
processes. Archives are read in place and never unpacked to disk; a sibling is found only below the folder
of its file, in the archive or on disk. Hidden files are passed over; every other file is handed on with its
role, so that a report can account for all of them.
"""

from __future__ import annotations

import glob
import gzip
import os
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Literal, Protocol, cast, runtime_checkable
from urllib.parse import unquote, urlsplit

from ..errors import DataError, LimitError
from .limits import Limits
from .table import CONVERTERS, SIDE_SUFFIXES, format_of, how_to_convert, suffix_of

CHUNK = 1 << 20
ARCHIVE_ERRORS = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip
"""What Python's archive modules raise on damaged, encrypted or unknown content."""

_SPECIAL = "not a plain file but a folder, pipe or device; give one"

HIDDEN = {"__macosx", "thumbs.db", "desktop.ini"}
SNIFFED = {".json": re.compile(rb'"type"\s*:\s*"CityJSON'), ".xml": re.compile(rb"<(\w+:)?CityModel\b")}
"""Suffixes that buildings share with anything at all, and what a building's file says."""


@runtime_checkable
class Readable(Protocol):
    """An open binary file, be it on disk, in an archive or packed."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes."""
        ...


@dataclass(frozen=True)
class SourceFile:
    """A file on disk or in an archive.

    Attributes:
        path: the file, or the archive that holds it.
        member: name inside the archive, None for a file on disk.
        role: `building` is to be read; `side` belongs to another file or is no model (material, texture,
            notes); `unsupported` is of a format that is not read; `refused` cannot be read for another cause.
        reason: why a file is not read, and what helps.
    """

    path: Path
    member: str | None = None
    role: Literal["building", "side", "unsupported", "refused"] = "building"
    reason: str = ""

    @property
    def name(self) -> str:
        """The path as its user would write it, `archive.zip!member` inside archives; always with slashes."""
        return self.path.as_posix() + (f"!{self.member}" if self.member is not None else "")

    @property
    def suffix(self) -> str:
        """Suffix that tells the format: lower case, without `.gz`."""
        return suffix_of(self.member or self.path.name)

    @property
    def stem(self) -> str:
        """File name without suffixes of formats: `denhaag` of `tiles/denhaag.city.json.gz`."""
        name = PurePosixPath((self.member or self.path.name).replace("\\", "/")).name
        for suffix in (".gz", self.suffix, ".city"):
            if suffix and name.lower().endswith(suffix):
                name = name[: -len(suffix)]
        return name or "building"

    def read_bytes(self, limits: Limits) -> bytes:
        """Give the whole content, unzipped where it is `.gz`.

        Raises:
            LimitError: where the content is too long or unfolds like a bomb.
            DataError: where the file cannot be read, or is cut off or damaged as an archive.
        """
        name = (self.member or self.path.name).lower()
        with self._open(limits) as raw:
            data = _read(raw, limits, self.name)
        if name.endswith(".gz"):
            data = _gunzip(data, limits, self.name)
        return data

    def sibling(self, uri: str, limits: Limits) -> bytes:
        """Give the content of a file that this one refers to, such as a glTF buffer.

        Args:
            uri: relative, as written in the file; percent escapes are undone.
            limits: what it may cost.

        Raises:
            LimitError: where the URI is remote, absolute or leaves the file's folder.
            DataError: where no such file lies there.
        """
        parts = _confined(uri)
        if self.member is not None:
            folder = PurePosixPath(self.member).parent
            return replace(self, member=str(folder.joinpath(*parts))).read_bytes(limits)
        folder = self.path.parent.resolve()
        target = folder.joinpath(*parts).resolve()
        if not target.is_relative_to(folder):
            raise LimitError(f"{uri!r} leads out of the file's folder; put the file beside its model")
        return replace(self, path=target).read_bytes(limits)

    @contextmanager
    def on_disk(self, limits: Limits) -> Iterator[Path]:
        """Lend a path to the content, unzipped, for readers that know only paths; it vanishes afterwards."""
        with tempfile.TemporaryDirectory(prefix="voxgen-") as folder:
            path = Path(folder) / f"content{self.suffix}"
            path.write_bytes(self.read_bytes(limits))
            yield path

    @contextmanager
    def _open(self, limits: Limits) -> Iterator[Readable]:
        try:
            if self.member is None:
                if _is_special(self.path):
                    raise DataError(f"{self.name} is {_SPECIAL}")
                with self.path.open("rb") as file:
                    limits.check_bytes(os.fstat(file.fileno()).st_size, self.name)
                    yield file
            else:
                status = self.path.stat()
                archive = _archive(str(self.path), status.st_mtime_ns, status.st_size)
                info = archive.getinfo(self.member)
                limits.check_bytes(info.file_size, self.name)
                limits.check_ratio(info.file_size, info.compress_size, self.name)
                with archive.open(info) as file:
                    yield file
        except KeyError:
            raise DataError(f"{self.name} is missing from the archive; put it there") from None
        except FileNotFoundError:
            raise DataError(f"{self.name} is missing; put it beside the model that refers to it") from None
        except ARCHIVE_ERRORS as failure:
            raise DataError(f"{self.name} cannot be read: {failure}") from None

    def _says(self, words: re.Pattern[bytes]) -> bool:
        """Whether `words` are in the first MiB; a longer file is given the benefit of the doubt."""
        with self._open(Limits(file_bytes=1 << 62, ratio=1e9)) as raw:
            packed = (self.member or self.path.name).lower().endswith(".gz")
            stream = gzip.GzipFile(fileobj=cast(BinaryIO, raw)) if packed else raw
            head = stream.read(CHUNK)
        return len(head) == CHUNK or words.search(head) is not None


def expand(sources: Sequence[str | Path], limits: Limits | None = None) -> Iterator[SourceFile]:
    """Give the files of folders (with their subfolders), files, globs and .zip archives.

    The order is that of the sources, sorted by path inside each, whatever the file system's; a file that two
    sources name comes once. What is wrong with one file or archive is said in its `reason`, and the others
    still come.

    Raises:
        DataError: at once, where a source names nothing at all.
    """
    limits = limits or Limits()
    roots = [root for source in sources for root in _roots(source)]
    return _unique(file for root in roots for file in _walk(root, limits))


def _roots(source: str | Path) -> list[Path]:
    path = Path(source)
    if path.exists():
        return [path]
    # Path.glob takes no absolute patterns.
    matches = sorted(glob.glob(str(source), recursive=True))  # noqa: PTH207
    if not matches:
        raise DataError(f"no file, folder or pattern {str(source)!r}; check the path")
    return [Path(match) for match in matches if not _hidden(Path(match).name)]


def _walk(root: Path, limits: Limits) -> Iterator[SourceFile]:
    if not root.is_dir():
        yield from _classify(SourceFile(root), limits)
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not _hidden(name))
        for name in sorted(files):
            if not _hidden(name):
                yield from _classify(SourceFile(Path(folder) / name), limits)


def _is_special(path: Path) -> bool:
    """Whether a path is no plain file; a pipe or device would be waited for without end."""
    return path.exists() and not path.is_file()


def _classify(file: SourceFile, limits: Limits) -> Iterator[SourceFile]:
    if file.member is None and _is_special(file.path):
        yield replace(file, role="refused", reason=_SPECIAL)
    elif file.suffix == ".zip":
        if file.member is None:
            yield from _members(file, limits)
        else:
            yield replace(
                file, role="refused", reason="an archive inside an archive; unpack it and give the folder"
            )
    elif format_of(file.name) is not None:
        # What calls itself a city model is read, to be told where it is none.
        words = None if ".city." in file.name.lower() else SNIFFED.get(file.suffix)
        try:
            side = words is not None and not file._says(words)
        except DataError:
            side = False
        yield replace(file, role="side") if side else file
    elif file.suffix in CONVERTERS:
        yield replace(file, role="unsupported", reason=how_to_convert(file.name))
    elif file.suffix in SIDE_SUFFIXES or not file.suffix:
        yield replace(file, role="side")
    else:
        yield replace(file, role="unsupported", reason=how_to_convert(file.name))


def _members(file: SourceFile, limits: Limits) -> Iterator[SourceFile]:
    try:
        status = file.path.stat()
        infos = _archive(str(file.path), status.st_mtime_ns, status.st_size).infolist()
        infos = [info for info in infos if not info.is_dir()]
        if len(infos) > limits.archive_members:
            raise LimitError(
                f"{len(infos):,} members; at most {limits.archive_members:,} are read from one archive"
            )
        total = sum(info.file_size for info in infos)
        if total > limits.archive_bytes:
            raise LimitError(f"unpacks to {total:,} bytes; at most {limits.archive_bytes:,} are read")
        limits.check_ratio(total, status.st_size, "the archive")
    except (LimitError, *ARCHIVE_ERRORS) as failure:
        yield replace(file, role="refused", reason=f"archive not read: {failure}")
        return
    for info in sorted(infos, key=lambda info: info.filename):
        member = replace(file, member=info.filename)
        if _leaves(info):
            reason = (
                f"{info.filename!r} leads out of the archive; pack it without absolute paths, .. or links"
            )
            yield replace(member, role="refused", reason=reason)
        elif not any(_hidden(part) for part in PurePosixPath(info.filename).parts):
            yield from _classify(member, limits)


def _leaves(info: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    drive = PureWindowsPath(info.filename).drive
    return path.is_absolute() or bool(drive) or ".." in path.parts or stat.S_ISLNK(info.external_attr >> 16)


def _confined(uri: str) -> list[str]:
    path = unquote(uri).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    remote = urlsplit(uri).scheme or path.startswith("/") or "\0" in path
    if remote or not parts or ".." in parts or PureWindowsPath(path).drive:
        raise LimitError(
            f"{uri[:80]!r} is remote or leads out of the file's folder; "
            "put the file beside the model and name it alone"
        )
    return parts


def _hidden(name: str) -> bool:
    return (name.startswith(".") and name not in (".", "..")) or name.lower() in HIDDEN


def _unique(files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    seen: set[tuple[Path, str | None]] = set()
    for file in files:
        key = (file.path.absolute(), file.member)
        if key not in seen:
            seen.add(key)
            yield file


@lru_cache(maxsize=1)
def _archive(path: str, _mtime: int, _size: int) -> zipfile.ZipFile:
    """The archive most recently read, kept open: opening one costs time in proportion to its members."""
    return zipfile.ZipFile(path)


def _read(stream: Readable, limits: Limits, name: str, packed: int | None = None) -> bytes:
    out = BytesIO()
    while chunk := stream.read(CHUNK):
        out.write(chunk)
        limits.check_bytes(out.tell(), name)
        if packed is not None:
            limits.check_ratio(out.tell(), packed, name)
    return out.getvalue()


def _gunzip(data: bytes, limits: Limits, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            return _read(stream, limits, name, packed=len(data))
    except ARCHIVE_ERRORS as failure:
        raise DataError(f"{name} is cut off or damaged as .gz ({failure}); fetch it again") from None
