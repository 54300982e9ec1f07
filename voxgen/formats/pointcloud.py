"""Point clouds: PCD, XYZ and PTS through open3d; `finish_points` serves every format that may hold points.

Z is up; the unit is guessed from the size. Points that are NaN, as scanners write where they saw nothing, are
left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..geometry.open3d_loader import load_open3d
from .assemble import EMPTY
from .building import Building
from .finish import failed
from .options import ReadOptions
from .source import SourceFile
from .units import FARTHEST, frame_of

FEWEST = 10
"""Points below which nothing can be said of a body."""


def read(file: SourceFile, options: ReadOptions) -> Iterator[Building]:
    """Read a PCD, XYZ or PTS file.

    Raises:
        DataError: where open3d cannot read it.
        LimitError: where the file exceeds a limit.
    """
    with file.on_disk(options.limits) as path:
        if file.suffix == ".pcd":
            _check_pcd(path.read_bytes(), options)
        open3d = load_open3d()
        with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
            cloud = open3d.io.read_point_cloud(
                str(path), remove_nan_points=False, remove_infinite_points=False
            )
        points = np.asarray(cloud.points, np.float64).reshape(-1, 3).copy()
    yield finish_points(file, points, options)


def finish_points(file: SourceFile, points: Float[np.ndarray, "n 3"], options: ReadOptions) -> Building:
    """Give the building of these points, in the file's own unit and axes."""
    options.limits.check_size(vertices=len(points))
    finite = np.isfinite(points).all(axis=1) & (np.abs(points) <= FARTHEST).all(axis=1)
    lost = len(points) - int(finite.sum())
    points = points[finite]
    if len(points) < FEWEST:
        return failed(file, f"no faces, and {len(points)} points; a point cloud needs {FEWEST} or more")
    frame = frame_of(points, options, up="z")
    warnings = (*frame.warnings, *((f"{lost} points without a position left out",) if lost else ()))
    return Building(file.stem, file.name, EMPTY, frame.place(points), warnings=warnings)


def _check_pcd(data: bytes, options: ReadOptions) -> None:
    """Hold the header against the file before open3d reserves memory for what it announces."""
    header = re.search(rb"\A(?:[^\n]*\n){1,30}?DATA[ \t]+(\w+)", data[: 1 << 16])
    counts = [
        int(match) for match in re.findall(rb"^(?:POINTS|WIDTH)[ \t]+(\d{1,18})\s*$", data[: 1 << 16], re.M)
    ]
    if header is None or not counts:
        raise DataError("no PCD header with POINTS and DATA")
    options.limits.check_size(vertices=max(counts))
    if max(counts) > 4 * len(data):
        raise DataError(f"cut off: announces {max(counts):,} points in {len(data):,} bytes")
