"""Arrays of a NumPy archive (.npz), read without trust: nothing is unpickled, none unfolds without end."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import DataError
from .source import ARCHIVE_ERRORS


def read_arrays(path: Path, names: Sequence[str], most: int, what: str) -> dict[str, Shaped[np.ndarray, ...]]:
    """Give arrays of an archive by name.

    Args:
        path: the file.
        names: of the arrays, all of which it must hold.
        most: bytes to which it may unfold.
        what: that it is to hold, for messages.

    Raises:
        FileNotFoundError: when it is missing.
        DataError: when it is damaged, something else, or a small file that would unfold to a huge one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > most:
            raise DataError(f"{path} unfolds to {size:,} bytes; at most {most:,} are read")
        with np.load(path, allow_pickle=False) as loaded:
            arrays: Any = loaded
            return {name: arrays[name] for name in names}
    except FileNotFoundError:
        raise
    except (KeyError, MemoryError, *ARCHIVE_ERRORS) as failure:
        raise DataError(f"{path} is no {what}, or damaged ({failure}); make it again") from None
