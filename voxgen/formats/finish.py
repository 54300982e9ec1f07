"""The last step of every reader: polygons in the file's frame -> `Building`, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..geometry.weld import WELD_TOLERANCE
from .assemble import EMPTY, PolygonSoup, assemble
from .building import NO_FACES, Building
from .options import ReadOptions, Up
from .source import SourceFile
from .units import FARTHEST, SMALLEST, Frame, check_finite, frame_of, guess_up, stated_unit, stated_up


def finish(
    file: SourceFile,
    name: str,
    soup: PolygonSoup,
    frame: Frame,
    *,
    lod: float | None = None,
    crs: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Building:
    """Give the building of these polygons; one without faces, or with NaN, has the reason in `error`.

    Args:
        file: where it comes from.
        name: its id.
        soup: its polygons, in the file's own unit and axes.
        frame: how these become metres, Z up.
        lod: level of detail, where the format has one.
        crs: coordinate reference system, where the format says one.
        attributes: what the file says of it.
        warnings: what the reader had to mend or guess.
    """
    said = (*frame.warnings, *warnings)
    mesh, error = EMPTY, None
    try:
        placed = soup.compact()
        placed = replace(placed, vertices=frame.place(placed.vertices))
        check_finite(placed.vertices)
        mesh, dropped = assemble(placed, _tolerance(placed))
        said += dropped
        if len(mesh.faces) == 0:
            error = NO_FACES
    except DataError as failure:
        error = str(failure)
    return Building(name, file.name, mesh, None, lod, crs, dict(attributes or {}), said, error)


def finish_objects(
    file: SourceFile,
    soup: PolygonSoup,
    options: ReadOptions,
    *,
    names: Sequence[str],
    unit: float | None = None,
    up: Up | None = None,
    header: str = "",
    warnings: Sequence[str] = (),
) -> Iterator[Building]:
    """Give a file's polygons as one building, or with `options.split` one for each part.

    Args:
        file: where they come from.
        soup: all polygons; a part is an object, node or group.
        options: the user's.
        names: a name for each part, the ids when split.
        unit: metres per unit, where the format says it.
        up: the up axis, where the format says it or has a custom; guessed from the shape otherwise.
        header: the file's comments, which may state unit and up axis, and then go before custom and guess.
        warnings: what the reader had to mend.
    """
    options.limits.check_size(vertices=len(soup.vertices), faces=len(soup.loops))
    if len(soup.labels) == 0:
        yield failed(file, NO_FACES)
        return
    guessed: tuple[str, ...] = ()
    sound = soup.select(_finite(soup))
    unit = unit if unit is not None else stated_unit(header)
    up = stated_up(header) or up
    if up is None and options.up is None:
        up, guessed = guess_up(sound, header)
    frame = frame_of(sound.used(), options, unit=unit, up=up, warnings=guessed)
    present = np.unique(soup.parts) if options.split else []
    if len(present) < 2:
        yield finish(file, file.stem, soup, frame, warnings=warnings)
        return
    taken: set[str] = set()
    for part in present:
        name = _unused(names[int(part)] or f"{file.stem}-{int(part)}", taken)
        yield finish(file, name, soup.select(soup.parts == part), frame, warnings=warnings)


def failed(file: SourceFile, reason: str, name: str | None = None, *, unsupported: bool = False) -> Building:
    """Give the stand-in for a file or building that cannot be read, or whose format is not."""
    return Building(name or file.stem, file.name, EMPTY, error=reason, unsupported=unsupported)


def _tolerance(soup: PolygonSoup) -> float:
    """A millimetre, and less in proportion for models to scale, which it would fuse."""
    if len(soup.vertices) == 0:
        return WELD_TOLERANCE
    return WELD_TOLERANCE * min(1.0, max(float(np.ptp(soup.vertices, axis=0).max()), 1e-9) / SMALLEST)


def _finite(soup: PolygonSoup) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        sound = np.asarray((np.abs(soup.vertices) < FARTHEST / 1e-3).all(axis=1))
    polygon = np.repeat(np.arange(len(soup.labels)), np.diff(soup.rings[soup.polygons]))
    return np.bincount(polygon, weights=~sound[soup.loops], minlength=len(soup.labels)) == 0


def _unused(name: str, taken: set[str]) -> str:
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    taken.add(unique)
    return unique
