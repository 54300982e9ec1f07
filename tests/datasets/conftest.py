"""A miniature of data.3dbag.nl on this machine: index and tiles as there, and faults on demand."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

RELEASE = "v20250903"

EXTENTS = {
    "9/444/728": (120_000.0, 480_000.0, 121_000.0, 481_000.0),
    "9/448/728": (121_000.0, 480_000.0, 122_000.0, 481_000.0),
    "10/442/726": (119_000.0, 479_000.0, 119_500.0, 479_500.0),
}
"""Tiles of the miniature: xmin, ymin, xmax, ymax in RD New."""


def city(tile: str) -> bytes:
    """One box of a house in the tile, as gzipped CityJSON."""
    x, y = EXTENTS[tile][:2]
    corners = [[cx, cy, z] for z in (0, 6000) for cx, cy in ((0, 0), (9000, 0), (9000, 6000), (0, 6000))]
    rings = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "transform": {"scale": [0.001] * 3, "translate": [x + 500, y + 500, 1.0]},
        "vertices": corners,
        "CityObjects": {
            f"NL.IMBAG.Pand.{tile.replace('/', '')}": {
                "type": "Building",
                "geometry": [{"type": "Solid", "lod": "2.2", "boundaries": [rings]}],
            }
        },
    }
    return gzip.compress(json.dumps(document).encode(), mtime=0)


@dataclass
class Mirror:
    """What the server does and has seen.

    Attributes:
        url: its address.
        files: content by path.
        rows: properties of the index's features, by tile.
        faults: what goes wrong at the next requests for a path (`index` for the index), first come first.
        requests: paths asked for, with the range asked for.
        paged: largest page that the index gives.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    paged: int = 1000

    def path(self, tile: str) -> str:
        """Path of a tile's file."""
        return f"/{RELEASE}/tiles/{tile}/{tile.replace('/', '-')}.city.json.gz"

    def asked(self, path: str) -> list[str | None]:
        """Ranges of the requests made for a path."""
        return [span for asked, span in self.requests if asked == path]


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        is_index = parts.path == "/api/BAG3D/wfs"
        self.mirror.requests.append((parts.path, self.headers.get("Range")))
        queue = self.mirror.faults["index" if is_index else parts.path]
        fault = queue.pop(0) if queue else ""
        if fault.isdigit():
            return self._send(int(fault), b"no")
        if fault.startswith("location:"):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("location:"))
            self.end_headers()
            return None
        if fault == "slow":
            time.sleep(0.6)
        if is_index:
            body = b"<html>maintenance</html>" if fault == "html" else self._index(parse_qs(parts.query))
        else:
            body = self.mirror.files.get(parts.path)
        if body is None:
            return self._send(404, b"no")
        if fault == "corrupt":
            body = body[:-20] + bytes(20)
        return self._file(body, fault)

    def _file(self, body: bytes, fault: str) -> None:
        start, total = 0, len(body)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and fault != "no ranges":
            start = int(asked[1])
            if start >= total:
                return self._send(416, b"")
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        length = total - start
        self.send_header("Content-Length", str(length * (1000 if fault == "huge" else 1)))
        self.end_headers()
        sent = body[start : start + length // 2] if fault == "cut" else body[start:]
        with suppress(ConnectionError):
            for at in range(0, len(sent), 20 if fault == "drip" else max(len(sent), 1)):
                time.sleep(0.02 if fault == "drip" else 0.0)
                self.wfile.write(sent[at : at + 20] if fault == "drip" else sent)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def _index(self, query: dict[str, list[str]]) -> bytes:
        assert query["request"] == ["GetFeature"]
        assert query["typeNames"] == ["BAG3D:tiles"]
        names = sorted(self.mirror.rows)
        if "bbox" in query:
            xmin, ymin, xmax, ymax = (float(v) for v in query["bbox"][0].split(",")[:4])
            names = [
                name
                for name in names
                if name not in EXTENTS
                or (
                    (EXTENTS[name][0] <= xmax and EXTENTS[name][2] >= xmin)
                    and (EXTENTS[name][1] <= ymax and EXTENTS[name][3] >= ymin)
                )
            ]
        if "filter" in query:
            wanted = re.search(r"<fes:Literal>(.*?)</fes:Literal>", query["filter"][0])
            names = [name for name in names if wanted and name == wanted[1]]
        start = int(query["startIndex"][0])
        names = names[start : start + min(self.mirror.paged, int(query["count"][0]))]
        features = [{"type": "Feature", "properties": self.mirror.rows[name]} for name in names]
        return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@contextmanager
def serving() -> Iterator[Mirror]:
    """Run the miniature while the block runs."""
    mirror = Mirror()
    handler = type("Handler", (_Handler,), {"mirror": mirror})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    for tile in EXTENTS:
        body = city(tile)
        mirror.files[mirror.path(tile)] = body
        mirror.rows[tile] = {
            "tile_id": tile,
            "cj_nr_building": 1,
            "cj_download": f"https://data.3dbag.nl{mirror.path(tile)}",
            "cj_sha256": hashlib.sha256(body).hexdigest(),
        }
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """The miniature, reached without any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running
