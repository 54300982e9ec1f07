"""From sources to a data set: read and filter, compare and deal, voxelize, publish.

    sources --read--> candidates --compare--> plan --stretch--> copies --voxelize--> arrays --publish-->

The stages run in parallel processes and leave their results in a hidden folder beside the data set, named by
what went into them: the same command again goes on where a killed one was. The data set appears under its
name only when it is whole; until then whatever stood there stays.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from ..errors import DataError
from ..formats.table import all_suffixes
from ..words import counted
from . import stages, store
from .chunk import Chunk, Overview
from .command import command_line
from .config import BuildConfig
from .copies import Bounds, Copies, to_copy
from .duplicates import Columns
from .parallel import Crash, Workers
from .plan import Plan, Scale, choose_scale, comparison_pitches, decide, with_training
from .report import HINTS, Reason, Report, Row
from .sources import Batch, Collection, Material, gather
from .split import SIDES, STRETCHED
from .standing import place_of, standing
from .store import Card, SourceEntry
from .workplace import Workplace, workplace

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how much of it is done, and how much there is."""

FEW = 50
"""Buildings below which a data set earns a warning."""

ROWS_A_TASK = 64

READ_FIELDS = ("align", "fit", "storey_height", "read", "filters")
"""Settings that decide what reading a batch gives."""

T = TypeVar("T")


def build(
    sources: Sequence[str | Path | Collection],
    out: str | Path,
    config: BuildConfig | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str | None = None,
    overwrite: bool = False,
) -> Report:
    """Build a data set from folders, files, globs, archives and collections.

    Called with more than one worker from a script, the call must stand under `if __name__ == "__main__":`,
    because processes are spawned.

    Args:
        sources: where the buildings are.
        out: folder of the data set. One of the same sources and settings that stands there is left as it is,
            and its report given.
        config: resolution, pitch, filters, split; the defaults where left out.
        workers: processes; None takes one a core, 1 stays in this one.
        progress: told how far each stage is.
        command: what the card says built it; made up from the arguments where left out.
        overwrite: build anew in any case, and replace the data set that stands there.

    Returns:
        A row for each building, also written as `report.csv`.

    Raises:
        DataError: no building is accepted, a source names nothing, or `out` can't be written.
        UsageError: `out` is another data set and `overwrite` is not given, or is no data set at all.
    """
    target = place_of(out)
    settings = config or BuildConfig()
    material = gather(sources, settings.read)
    with workplace(target) as place:
        # Asked here, where nobody else builds and what a killed build had set aside is back in its place.
        stands = None if overwrite else standing(target, material, settings)
        if stands is not None:
            return stands
        told = command or command_line(_names(sources), target, settings)
        with Workers(workers) as pool:
            return _Build(material, settings, place, pool, progress or _silent, told).run()


@dataclass(frozen=True)
class _Build:
    """A build under way."""

    material: Material
    config: BuildConfig
    place: Workplace
    pool: Workers
    tell: Progress
    command: str

    def run(self) -> Report:
        chunks = self.read()
        known = Overview.join(Overview.load(path) for path in chunks)
        if not known.stands:
            raise self.nothing(Report(known.rows, self.material.notes))
        scale = choose_scale(np.stack([stand.extents for stand in known.stands]), self.config)
        columns = self.compare(chunks, comparison_pitches(scale, self.config))
        candidates = [known.rows[row] for row in known.row_of]
        procedural = self.procedural(candidates)
        plan = with_training(decide(candidates, columns, scale, self.config, procedural), self.config.split)
        copies = self.stretch(chunks, known, plan, scale, procedural)
        while True:
            if len(plan.kept) == 0:
                raise self.nothing(self.report(known, plan, scale))
            folder, filled = self.voxelize(chunks, plan, scale, copies)
            if filled.all():
                break
            # Rows are laid out for what is kept, so the arrays are made anew without the empty ones.
            count = len(plan.kept)
            plan = _without(plan, plan.kept[filled[:count] == 0])
            copies = copies.only((filled[count:] > 0) & np.isin(copies.of, plan.kept))
        plan = with_training(plan, self.config.split)
        self.tell("publish", 0, 1)
        report = self.report(known, plan, scale, _of_copies(len(copies.of), self.config))
        report.write_csv(folder / store.REPORT)
        card = self.card(report, plan, scale, len(copies.of))
        store.finish(folder, self.table(known, plan, scale, copies), card)
        self.place.publish(folder)
        self.tell("publish", 1, 1)
        return report

    def nothing(self, report: Report) -> DataError:
        """The error of a build that accepts no building; its rows are written beside where it would lie."""
        self.place.clear()
        if not report.rows:
            found = "; ".join(report.notes) or "there is no file in them"
            return DataError(f"the sources hold no building: {found}; voxgen reads {all_suffixes()}")
        path = self.place.out.with_name(f"{self.place.out.name}-report.csv")
        report.write_csv(path)
        reason, count = Counter(row.reason for row in report.rejected if row.reason).most_common(1)[0]
        return DataError(
            f"none of {counted(len(report.rows), 'building')} is accepted, {count:,} because: {reason}; "
            f"{HINTS[reason]}\n{report.summary()}\na row for each building: {path}"
        )

    def read(self) -> list[Path]:
        """Read all batches; gives where their chunks are, in the order of the sources."""
        folder = self.place.folder("read", _hash(version("voxgen"), self.config.fingerprint(*READ_FIELDS)))

        def task(batch: Batch) -> stages.ReadTask:
            return stages.ReadTask(batch, self.config, folder / f"{batch.fingerprint}.npz")

        tasks = [[task(batch)] for batch in self.material.batches]
        for lost in self._perform("read", stages.read, [one for (one,) in tasks]):
            tasks[lost] = [task(single) for single in self.material.batches[lost].singles()]
            for alone in self._perform("read again", stages.read, tasks[lost]):
                _write_off(tasks[lost][alone])
        return [one.path for several in tasks for one in several]

    def compare(self, chunks: Sequence[Path], pitches: tuple[float, ...]) -> list[Columns]:
        """Give the comparison grids of all candidates at each pitch."""
        folder = self.place.folder("compare", _hash(chunks, pitches))
        tasks = [stages.CompareTask(chunk, pitches, folder / chunk.name) for chunk in chunks]
        self._all("compare", stages.compare, tasks)
        loaded = [stages.load_columns(task.path, len(pitches)) for task in tasks]
        return [Columns.join(per_pitch) for per_pitch in zip(*loaded, strict=True)]

    def stretch(
        self,
        chunks: Sequence[Path],
        known: Overview,
        plan: Plan,
        scale: Scale,
        procedural: Bool[np.ndarray, " c"],
    ) -> Copies:
        """Give the copies of training buildings."""
        surfaces = np.array([known.rows[row].triangles > 0 for row in known.row_of], np.bool_)
        chosen, count = to_copy(plan, surfaces & ~procedural & scale.fits, self.config)
        bounds, storey_height = Bounds.of(scale, self.config), self.config.storey_height
        folder = self.place.folder("stretch", _hash(chunks, chosen.tolist(), bounds, storey_height))
        tasks: list[stages.StretchTask] = []
        of: list[Int64[np.ndarray, " k"]] = [np.zeros(0, np.int64)]
        for chunk, first, some in _by_chunk(chunks, chosen):
            for n in range(1, count + 1):
                names = tuple(f"{known.rows[known.row_of[k]].id}, stretched {n}" for k in some.tolist())
                members = tuple((some - first).tolist())
                path = folder / f"{chunk.stem}-{n}.npz"
                tasks.append(stages.StretchTask(chunk, members, names, bounds, storey_height, path))
                of.append(some)
        self._all("stretch", stages.stretch, tasks)
        return Copies.load([task.path for task in tasks], np.concatenate(of), scale, self.config)

    def voxelize(
        self, chunks: Sequence[Path], plan: Plan, scale: Scale, copies: Copies
    ) -> tuple[Path, Int64[np.ndarray, " k"]]:
        """Give the folder with the arrays, and the number of filled voxels of each row.

        First come the buildings that are kept, then the copies.
        """
        resolution = self.config.resolution
        kept = np.concatenate([plan.kept, len(scale.each) + copies.at])
        each = np.concatenate([scale.each, copies.pitches])
        told = _hash(chunks, copies.chunks, resolution, kept.tolist(), each.tolist())
        folder, done = self.place.folder("data", told), self.place.folder("voxels", told)
        store.create_arrays(folder, len(kept), resolution)
        tasks: list[stages.VoxelTask] = []
        row = 0
        for chunk, first, members in _by_chunk([*chunks, *copies.chunks], kept):
            for start in range(0, len(members), ROWS_A_TASK):
                some = members[start : start + ROWS_A_TASK]
                tasks.append(
                    stages.VoxelTask(
                        chunk,
                        tuple((some - first).tolist()),
                        tuple(range(row, row + len(some))),
                        tuple(each[some].tolist()),
                        resolution,
                        folder,
                        done / f"{row}.json",
                    )
                )
                row += len(some)
        self._all("voxelize", stages.voxelize, tasks)
        counts = [json.loads(task.path.read_text(encoding="utf-8")) for task in tasks]
        return folder, np.concatenate([np.array(some, np.int64) for some in counts])

    def report(self, known: Overview, plan: Plan, scale: Scale, more: tuple[str, ...] = ()) -> Report:
        """Give the rows of all buildings, those of the candidates as the plan has them, and all notes."""
        rows = list(known.rows)
        for position, row in zip(known.row_of, plan.rows, strict=True):
            rows[position] = row
        return Report(tuple(rows), self.material.notes + scale.notes + more + _doubts(plan, self.config))

    def table(
        self, known: Overview, plan: Plan, scale: Scale, copies: Copies
    ) -> dict[str, Shaped[np.ndarray, "n ..."]]:
        """Give the columns of the data set's table, the copies after the buildings."""
        resolution = self.config.resolution
        kept = plan.kept.tolist()
        rows = [*(plan.rows[k] for k in kept), *copies.rows()]
        grids = [known.stands[k].grid(resolution, float(scale.each[k])) for k in kept]
        grids += copies.grids(resolution)
        attributes = [
            *(known.attributes[k] for k in kept),
            *(copies.known.attributes[k] for k in copies.at.tolist()),
        ]
        split = np.concatenate([plan.split[plan.kept], np.full(len(copies.of), STRETCHED)])
        shape = np.unique(plan.shape[np.concatenate([plan.kept, copies.of])], return_inverse=True)[1]
        place: dict[str, np.ndarray] = {
            "id": np.array([row.id for row in rows]),
            "source": np.array([row.source for row in rows]),
            "licence": np.array([self.material.licence(row.source) for row in rows]),
            "split": split.astype(np.int8),
            "shape": shape.astype(np.int64),
            "origin": np.stack([grid.origin for grid in grids]),
            "yaw": np.array([grid.yaw for grid in grids]),
            "pitch": np.array([grid.pitch for grid in grids]),
        }
        measured = {
            name: np.array([one.get(name, np.nan) for one in attributes], np.float64)
            for name in dict.fromkeys(name for one in attributes for name in one)
        }
        procedural = self.procedural(rows)
        if procedural.any() and not procedural.all():  # or there is nothing to tell
            measured["procedural"] = procedural.astype(np.float64)
        return place | measured

    def procedural(self, rows: Sequence[Row]) -> Bool[np.ndarray, " n"]:
        """Tell which buildings were made by rule."""
        made = {batch.collection.name for batch in self.material.batches if batch.collection is not None}
        return np.array([row.source in made for row in rows], np.bool_)

    def card(self, report: Report, plan: Plan, scale: Scale, copies: int) -> Card:
        """Give the card, but for the checksums."""
        held = Counter(row.source for row in report.rows)
        accepted = Counter(row.source for row in report.accepted)
        sources = tuple(
            SourceEntry(
                name=name,
                sha256=origin.sha256,
                buildings=held[name],
                accepted=accepted[name],
                licence=origin.licence,
                attribution=origin.attribution,
            )
            for name, origin in self.material.origins.items()
        )
        giving = [source for source in sources if source.accepted]
        sides = np.bincount(plan.split[plan.kept], minlength=len(SIDES))
        return Card(
            name=self.place.out.name,
            voxgen=version("voxgen"),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=self.command,
            count=len(plan.kept),
            shapes=len(np.unique(plan.shape[plan.kept])),
            stretched=copies,
            splits={side: int(count) for side, count in zip(SIDES, sides, strict=True)},
            resolution=self.config.resolution,
            pitch=scale.pitch,
            config=self.config.model_dump(mode="json"),
            sources=sources,
            licence=tuple(dict.fromkeys(source.licence for source in giving if source.licence)),
            attribution=tuple(dict.fromkeys(source.attribution for source in giving if source.attribution)),
            outcomes=report.counts(),
            notes=report.notes,
        )

    def _perform(self, stage: str, function: Callable[[T], None], tasks: Sequence[T]) -> list[int]:
        """Run the tasks of a stage; gives those that took their process down."""
        crashed: list[int] = []
        self.tell(stage, 0, len(tasks))
        for done, (position, result) in enumerate(self.pool.run(function, tasks), start=1):
            if isinstance(result, Crash):
                crashed.append(position)
            self.tell(stage, done, len(tasks))
        return crashed

    def _all(self, stage: str, function: Callable[[T], None], tasks: Sequence[T]) -> None:
        if self._perform(stage, function, tasks):
            raise DataError(
                f"a process died in the stage {stage!r}, most likely for want of memory; free some, or use "
                "fewer processes (--workers 1), and run the same command again: the work done is kept"
            )


def _by_chunk(
    chunks: Sequence[Path], chosen: Int64[np.ndarray, " k"]
) -> Iterator[tuple[Path, int, Int64[np.ndarray, " m"]]]:
    """Give for each chunk that holds some of the chosen candidates the position of its first, and those."""
    first = 0
    for chunk in chunks:
        end = first + len(Overview.load(chunk).stands)
        some = chosen[(chosen >= first) & (chosen < end)]
        if len(some):
            yield chunk, first, some
        first = end


def _write_off(task: stages.ReadTask) -> None:
    """Leave a chunk that says that what the batch holds took its reader down."""
    told = "its reader died: the file asks for too much memory, or breaks the library that reads it"
    rows = tuple(Row(name, "", Reason.UNREADABLE, told) for name in task.batch.names)
    Chunk(rows, (), ()).save(task.path)


def _without(plan: Plan, empty: Int64[np.ndarray, " e"]) -> Plan:
    rows = list(plan.rows)
    for k in empty:
        rows[k] = replace(rows[k], reason=Reason.EMPTY, detail="no voxel is more than half filled")
    return replace(plan, rows=tuple(rows), kept=np.setdiff1d(plan.kept, empty))


def _doubts(plan: Plan, config: BuildConfig) -> tuple[str, ...]:
    notes = []
    if 0 < len(plan.kept) < FEW:
        notes.append(
            f"only {counted(len(plan.kept), 'building')}: a model will learn them by heart; {FEW} or more "
            "give it something to generalise from"
        )
    shares = (config.split.train, config.split.validation, config.split.test)
    counts = np.bincount(plan.split[plan.kept], minlength=len(SIDES))
    lacking = [side for side, n, share in zip(SIDES, counts, shares, strict=True) if share > 0 and n == 0]
    if len(plan.kept) and lacking:
        notes.append(f"no building for {' and '.join(lacking)}: there are too few shapes to deal out")
    return tuple(notes)


def _of_copies(copies: int, config: BuildConfig) -> tuple[str, ...]:
    told = counted(copies, "stretched copy", "stretched copies")
    return (f"{told} of training buildings, by up to {config.stretch.most:g}",) if copies else ()


def _names(sources: Sequence[str | Path | Collection]) -> list[str]:
    return [source.name if isinstance(source, Collection) else str(source) for source in sources]


def _hash(*parts: object) -> str:
    told = "\n".join(str(part) for part in parts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""
