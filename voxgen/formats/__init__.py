"""Building files: sources to files, files to buildings, meshes to files.

`expand` gives the files of folders, globs and archives, `read_buildings` the buildings of a file. Neither
raises for what is wrong with a file: a building or file that cannot be read comes as a `Building` with its
reason in `error`, so that a report can hold one row for each. The formats stand in `table.py`; `write_model`
and `write_mesh` write those in `write_table.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from ..errors import UnsupportedFormatError, VoxgenError
from .building import Building
from .limits import Limits
from .options import ReadOptions
from .source import SourceFile, expand
from .table import format_of, how_to_convert
from .write import write_mesh, write_model

__all__ = [
    "Building",
    "Limits",
    "ReadOptions",
    "SourceFile",
    "expand",
    "read_buildings",
    "write_mesh",
    "write_model",
]


def read_buildings(file: SourceFile | str | Path, options: ReadOptions | None = None) -> Iterator[Building]:
    """Give the buildings of a file, in the file's order.

    Never raises for bad content. A file that as a whole cannot be read gives one building with the reason in
    `error` and the file's stem as id; one that breaks off half-way gives what came before, then that. A side
    file (material, texture, notes) gives nothing.

    Args:
        file: from `expand`, or a path.
        options: level of detail, unit, up axis, splitting, limits.
    """
    from .finish import failed

    options = options or ReadOptions()
    if not isinstance(file, SourceFile):
        file = SourceFile(Path(file))
    if file.role == "side":
        return
    entry = format_of(file.name)
    if file.role != "building" or entry is None:
        told = file.reason or how_to_convert(file.name)
        yield failed(file, told, unsupported=file.role != "refused")
        return
    try:
        yield from import_module(f".{entry.module}", __package__).read(file, options)
    except VoxgenError as failure:
        yield failed(file, str(failure), unsupported=isinstance(failure, UnsupportedFormatError))
    except Exception as failure:  # a reader's own slip must not end a run over ten thousand files
        yield failed(file, f"not readable as {entry.name} ({type(failure).__name__}: {failure})")
