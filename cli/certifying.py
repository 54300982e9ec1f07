"""What commands share of originality: what is known, which buildings are refused, what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from voxgen.errors import DataError
from voxgen.words import counted

from . import say
from .progress import Bar

if TYPE_CHECKING:
    from voxgen.evaluation.known import Known
    from voxgen.generator import Generator
    from voxgen.geometry.grid import VoxelGrid
    from voxgen.geometry.mesh import Mesh

F = TypeVar("F", bound=Callable[..., Any])

KNOWN, TABLE, SHEET = "known.npz", "originality.csv", "originality.png"

SHEET_MOST = 24
"""Buildings shown beside their nearest."""

TRIED = 20
"""Buildings made at most for each one asked for, where near ones are refused."""

_PART = 16
_SAID = 4
"""Buildings that are spoken of one by one at most; of more the first is."""

_TESTED = 8
"""Buildings from which on a test of the set says something."""


@dataclass(frozen=True)
class OriginalityOptions:
    """The values of `originality_options`.

    Attributes:
        wanted: whether certificates are written.
        least: novelty below which a building is refused.
        known: a data set or a file of known buildings; None looks beside the model, and for its data set.
    """

    wanted: bool
    least: float
    known: str | None

    @classmethod
    def taken(cls, values: dict[str, Any]) -> OriginalityOptions:
        """Take them out of a command's values."""
        said, least, known = (values.pop(name) for name in ("originality", "min_novelty", "known"))
        return cls(said or least is not None or known is not None, least or 0.0, known)

    def look(self, model: Path, generator: Generator) -> Known | None:
        """Give what a model knows; None where nobody asks.

        Raises:
            UsageError: when it is found nowhere.
            DataError: when it cannot be used, and when it is of grids of another size than the model's.
        """
        if not self.wanted:
            return None
        known = known_of(model, self.known)
        known.check(generator.resolution, generator.pitch)
        return known

    def words(self) -> list[str]:
        """Give the options that say the same."""
        said = ["--min-novelty", f"{self.least:g}"] if self.least else []
        said += ["--known", self.known] if self.known is not None else []
        return said or ["--originality"] * self.wanted


def originality_options(function: F) -> F:
    """`--originality`, `--min-novelty` and `--known`."""
    for option in (
        click.option(
            "--known",
            metavar="FILE|DATA",
            help=f"What the model learnt from: {KNOWN} of voxgen data known, or a data set; "
            "looked for where left out.",
        ),
        click.option(
            "--min-novelty",
            type=click.FloatRange(0, 1),
            help="Refuse buildings nearer than this to a training building (1 - IoU), and make others.",
        ),
        click.option(
            "--originality",
            is_flag=True,
            help=f"Also say how original each is: {TABLE}, and {SHEET} with its nearest training building.",
        ),
    ):
        function = option(function)
    return function


def known_of(model: Path, told: str | None) -> Known:
    """Give what a model learnt from: as told, or as it lies beside the model, or from its data set.

    Raises:
        UsageError: when it is found nowhere.
        DataError: when it cannot be used.
    """
    from voxgen import checkpoint
    from voxgen.evaluation.known import Known

    from .scoring import data_of

    card = checkpoint.read_card(model)
    beside = model.parent / KNOWN
    if told is not None and Path(told).suffix == Path(KNOWN).suffix:
        file = Path(told)
    else:
        file = beside if told is None else None
    learnt, before = (card.get("data") or {}).get("fingerprint"), card.get("begun_from_data")
    if before not in (None, learnt):
        say.warn(
            f"the model began with weights of {card.get('begun_from')}: copies of the buildings that these "
            "learnt from are not found"
        )
    if file is not None and (told is not None or file.is_file()):
        known = Known.read(file)
        if known.fingerprint == learnt:
            return known
        if told is not None:
            say.warn(f"{file} is of other data than the model's: nearest is told of what is in it")
            return known
        say.warn(f"{file} is of other data than the model's, and is passed over")
    with Bar() as bar:
        return Known.of(data_of(model, told, bar, "--known DATA, or --known FILE of voxgen data known"))


def enough_new(
    named: Iterable[tuple[str, VoxelGrid]],
    count: int,
    known: Known,
    least: float,
    surface: Callable[[VoxelGrid], Mesh],
) -> Iterator[tuple[str, VoxelGrid]]:
    """Give the first buildings that are far enough from all that is known; the others are told.

    Args:
        named: buildings with their names, as many as may be tried.
        count: how many to give.
        known: what is known.
        least: novelty of those that are given.
        surface: what they will be when written; without a face for an empty one.

    Raises:
        DataError: where not one is.
    """
    given, refused, coming = 0, [], iter(named)
    while given < count and (part := list(islice(coming, min(_PART, count - given)))):
        for name, grid in part:
            mesh = surface(grid)
            if not len(mesh.faces):
                refused.append(f"{name} (empty)")
                continue
            novelty = novelty_of(mesh, known)
            if novelty < least:
                refused.append(f"{name} ({novelty:.2f})")
                continue
            given += 1
            yield name, grid
    if refused:
        few = ", ".join(refused[:4]) + (", ..." if len(refused) > 4 else "")
        say.note(f"{counted(len(refused), 'building')} nearer than {least:g} refused: {few}")
    tried = given + len(refused)
    if not given:
        raise DataError(
            f"none of {tried} buildings made is as new as {least:g}; ask for less, or another seed"
        )
    if given < count:
        say.warn(
            f"{given} of {count} buildings are as new as {least:g}, of {tried} made; "
            "ask for less, or another seed"
        )


def write_certificates(
    grids: Sequence[tuple[str, VoxelGrid]], known: Known, out: Path, title: str, *, chosen: bool = False
) -> dict[str, Any]:
    """Certify buildings, write table and picture, and say what was found.

    Args:
        grids: with their names, as `seen` gives them of surfaces.
        known: what the model learnt from.
        out: folder.
        title: of the picture.
        chosen: whether they are what was left of more when near ones were refused: then no test of the set
            says anything.

    Returns:
        What was found, as plain values.

    Raises:
        DataError: for grids of another size than what is known.
    """
    from voxgen.atomic import write_text
    from voxgen.evaluation.certificate import certify, set_test, table
    from voxgen.evaluation.known import coarse
    from voxgen.evaluation.sheet import pairs_sheet
    from voxgen.geometry.grid import VoxelGrid
    from voxgen.pictures import save_png

    found = certify([grid for _, grid in grids], known)
    named = [(name, one) for (name, _), one in zip(grids, found, strict=True)]
    write_text(out / TABLE, table(named))
    shown = list(zip(grids, found, strict=True))[:SHEET_MOST]
    nearest = [known.turned(one.at, grid.occupancy) for (_, grid), one in shown]
    captions = [(name, f"{one.nearest}: IoU {one.iou:.2f}") for (name, _), one in shown]
    # Both as they are compared: filled or not, in voxels of one size.
    samples = [
        VoxelGrid(coarse(grid.occupancy[None], known.coarser)[0], known.pitch) for (_, grid), _ in shown
    ]
    title = f"{title}, compared in voxels of {known.pitch:g} m"
    picture = pairs_sheet(samples, nearest, [one.iou for _, one in shown], title, captions)
    save_png(picture, out / SHEET)
    for name, one in named[: 1 if len(named) > _SAID else _SAID]:
        say.note(f"{name}: {one.words()}")
    test = None if chosen or len(found) < _TESTED else set_test(found, known)
    if test is not None:
        say.note(test.words())
    say.note(f"how original each is: {out / TABLE}, {SHEET}")
    values: dict[str, Any] = {"buildings": [{"name": name, **one.values()} for name, one in named]}
    if test is not None:
        values["test"] = {"z_u": test.z_u, "p": test.p, "unseen": test.unseen, "copies": test.copies}
    return values


def novelty_of(mesh: Mesh, known: Known) -> float:
    """Give how far a surface lies from all that is known."""
    from voxgen.evaluation.certificate import certify

    return certify([seen(mesh, known)], known)[0].novelty


def seen(mesh: Mesh, known: Known) -> VoxelGrid:
    """Give a surface in the voxels of what is known, aligned as files are when they are read."""
    from voxgen.geometry.voxelize import voxelize

    return voxelize(mesh, *known.grid)
