"""Limits for hostile input: what a file may cost before anything believes it.

A model file is a stranger's program for the reader: a 40 kB archive can unfold to 40 GB, an XML entity to a
billion laughs, a scene graph to an endless loop, a relative path to a private key. Every reader takes its
bytes through `SourceFile`, which heeds these limits, and counts what it builds with `check_size`.
"""

from __future__ import annotations

from pydantic import Field

from ..config import Config
from ..errors import LimitError

GIB = 1 << 30
MIB = 1 << 20


class Limits(Config):
    """What one source may cost; generous for city models, fatal to bombs.

    Attributes:
        file_bytes: largest file, and largest content of a `.gz` or of one archive member, in bytes.
        archive_bytes: largest sum of an archive's unpacked members, in bytes.
        archive_members: most members of an archive.
        ratio: largest unpacked to packed size, asked above `ratio_from_bytes`.
        ratio_from_bytes: unpacked size in bytes below which the ratio is not asked.
        vertices: most vertices of a file.
        faces: most triangles of a file.
        nodes: most scene nodes, components and instances of a file; references multiply them.
        depth: deepest nesting of scene nodes, building parts, templates and references.
    """

    file_bytes: int = Field(default=2 * GIB, gt=0)
    archive_bytes: int = Field(default=16 * GIB, gt=0)
    archive_members: int = Field(default=200_000, gt=0)
    ratio: float = Field(default=200.0, gt=1)
    ratio_from_bytes: int = Field(default=64 * MIB, ge=0)
    vertices: int = Field(default=20_000_000, gt=0)
    faces: int = Field(default=20_000_000, gt=0)
    nodes: int = Field(default=1_000_000, gt=0)
    depth: int = Field(default=32, gt=0)

    def check_size(self, *, vertices: int = 0, faces: int = 0, nodes: int = 0) -> None:
        """Refuse a model that is too large.

        Raises:
            LimitError: naming the count and the limit.
        """
        counts = {"vertices": vertices, "faces": faces, "nodes": nodes}
        for what, count in counts.items():
            most = getattr(self, what)
            if count > most:
                raise LimitError(
                    f"{count:,} {what}; at most {most:,} are read from one file: "
                    f"split or simplify it, or raise the limit with --set read.limits.{what}=NUMBER"
                )

    def check_depth(self, depth: int, what: str) -> None:
        """Refuse nesting that is too deep, which is also how a cycle shows.

        Raises:
            LimitError: naming what is nested and the limit.
        """
        if depth > self.depth:
            raise LimitError(
                f"{what} nested deeper than {self.depth} levels (or in a circle); "
                "export the model again with a flat hierarchy"
            )

    def check_bytes(self, size: int, what: str) -> None:
        """Refuse content that is too long.

        Raises:
            LimitError: naming the size and the limit.
        """
        if size > self.file_bytes:
            raise LimitError(
                f"{what} is over {_size(self.file_bytes)}; split it, or raise the limit with "
                "--set read.limits.file_bytes=NUMBER"
            )

    def check_ratio(self, unpacked: int, packed: int, what: str) -> None:
        """Refuse content that unpacks to suspiciously much: a decompression bomb.

        Raises:
            LimitError: naming the ratio and the limit.
        """
        if unpacked > self.ratio_from_bytes and unpacked > self.ratio * max(packed, 1):
            raise LimitError(
                f"{what} unpacks to over {self.ratio:.0f} times its size, as a decompression bomb does; "
                "if you trust it, unpack it yourself or raise the limit with --set read.limits.ratio=NUMBER"
            )


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.1f} MiB"
