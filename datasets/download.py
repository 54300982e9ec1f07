"""One file over HTTP, whole or not at all: retries, goes on where it was cut off, checksum.

The bytes gather in a file beside the target, named `.writing-….part`, and take the target's name only when
the length, and the checksum or gzip's own CRC, are right. What a failed run leaves is that part, which the
next run goes on from (RFC 9110, range requests); what it holds is trusted only once the whole is checked.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx

from voxgen.atomic import PREFIX
from voxgen.config import Config
from voxgen.errors import DataError, LimitError

_CHUNK = 1 << 16


class Patience(Config):
    """How long to bear with a server.

    Attributes:
        retries: further attempts after the first.
        backoff: seconds before the first of them; doubles each time, up to a minute.
        timeout: seconds that the server may be silent.
        deadline: seconds that one attempt may take, for servers that drip.
        largest: bytes that a file may have.
    """

    retries: int = 4
    backoff: float = 1.0
    timeout: float = 30.0
    deadline: float = 1800.0
    largest: int = 2 << 30


class _Passing(Exception):  # noqa: N818 - not an error yet: another attempt may do
    """A fault that may pass."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def client(patience: Patience) -> httpx.Client:
    """Give an HTTP client that follows no redirects: a file comes from where it was asked for, or not."""
    return httpx.Client(
        timeout=patience.timeout, headers={"User-Agent": "voxgen", "Accept-Encoding": "identity"}
    )


def fetch(web: httpx.Client, url: str, path: Path, patience: Patience, sha256: str | None = None) -> Path:
    """Give `path`, downloaded from `url` unless it is there already and sound.

    Without a checksum the file must be gzip, whose own CRC and length are checked.

    Raises:
        DataError: the file is not on the server, every attempt failed, or the disk refuses it.
        LimitError: it is larger than `patience.largest`.
    """
    if path.exists() and _fault(path, sha256, patience) is None:
        return path
    part = path.with_name(f"{PREFIX}{path.name}.part")

    def attempt() -> None:
        _append(web, url, part, patience)
        if (fault := _fault(part, sha256, patience)) is not None:
            part.unlink(missing_ok=True)
            raise _Passing(fault)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _persist(attempt, url, patience)
    except LimitError:
        part.unlink(missing_ok=True)
        raise
    except OSError as fault:
        raise DataError(
            f"{path} could not be written: {fault}; free the room or choose another cache"
        ) from None
    return path


def text(web: httpx.Client, url: str, params: dict[str, str], patience: Patience, largest: int) -> str:
    """Give a small text from a server.

    Raises:
        DataError: every attempt failed.
        LimitError: it is longer than `largest` bytes.
    """
    got = bytearray()

    def attempt() -> None:
        got.clear()
        with web.stream("GET", url, params=params) as response:
            _check_status(response)
            for chunk in response.iter_bytes(_CHUNK):
                got.extend(chunk)
                if len(got) > largest:
                    raise LimitError(f"{url} sent more than {largest:,} bytes; ask for less at a time")

    _persist(attempt, url, patience)
    return got.decode("utf-8", "replace")


def _persist(attempt: Callable[[], None], url: str, patience: Patience) -> None:
    reason = ""
    for number in range(patience.retries + 1):
        try:
            return attempt()
        except _Passing as fault:
            reason, asked = str(fault), fault.wait
        except httpx.TimeoutException:
            reason, asked = f"no answer within {patience.timeout:g} s", 0.0
        except httpx.RemoteProtocolError as fault:
            reason, asked = f"cut off ({fault})", 0.0
        except httpx.HTTPError as fault:
            reason, asked = str(fault) or type(fault).__name__, 0.0
        if number < patience.retries:
            time.sleep(min(60.0, max(asked, patience.backoff * 2**number)))
    raise DataError(
        f"{url} could not be had in {patience.retries + 1} attempts; the last failed with: {reason}. "
        "Check the connection and run the same command again; what has arrived is kept"
    )


def _append(web: httpx.Client, url: str, part: Path, patience: Patience) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    started = time.monotonic()
    with web.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            # Nothing is left to come, or the part is of another file: the check that follows tells.
            return
        _check_status(response)
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _Passing("the server sent another range than asked for")
        have = have if goes_on else 0
        length = response.headers.get("Content-Length", "")
        _check_size(url, have + (int(length) if length.isdigit() else 0), patience)
        with part.open("ab" if goes_on else "wb") as file:
            # Raw, or a server that calls a .gz file gzip-encoded would have it unpacked on the way; and as it
            # comes, because what is gathered into larger chunks is lost when the connection breaks.
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                _check_size(url, have, patience)
                if time.monotonic() - started > patience.deadline:
                    raise _Passing(f"not done after {patience.deadline:g} s")


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        wait = response.headers.get("Retry-After", "")
        raise _Passing(f"the server says {status}", float(wait) if wait.isdigit() else 0.0)
    if status == httpx.codes.NOT_FOUND:
        raise DataError(
            f"{response.url} is not on the server (404); check the tile, the version and the base URL"
        )
    if response.is_redirect:
        raise DataError(
            f"{response.url} has moved to {response.headers.get('Location', 'elsewhere')}; "
            "if you trust that place, give it as the base URL"
        )
    if status not in (200, 206):
        raise DataError(f"{response.url} was refused ({status}); check the base URL and the version")


def _check_size(url: str, size: int, patience: Patience) -> None:
    if size > patience.largest:
        raise LimitError(
            f"{url} has more than {patience.largest:,} bytes; raise `largest` if it is meant to be so large"
        )


def _fault(path: Path, sha256: str | None, patience: Patience) -> str | None:
    if sha256 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        return None if found == sha256 else f"the checksum is {found[:12]}…, not {sha256[:12]}…"
    return _gzip_fault(path, 50 * patience.largest)


def _gzip_fault(path: Path, largest: int) -> str | None:
    unpack, size = zlib.decompressobj(wbits=31), 0
    try:
        with path.open("rb") as file:
            while (block := unpack.unconsumed_tail or file.read(_CHUNK)) and not unpack.eof:
                size += len(unpack.decompress(block, 1 << 20))
                if size > largest:
                    return "it unpacks to far too much"
    except zlib.error as fault:
        return f"it is not sound gzip ({fault})"
    return None if unpack.eof else "it is cut off"
