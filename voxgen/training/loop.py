"""The training loop: a generator of steps, so that callers own logging and may stop when they like.

A run goes on where its folder stands. Batches, noise and schedules are functions of the step and the
progress, so a run with a budget of steps that was killed at any moment ends with the weights it would have
had anyway (on the same machine, with the same number of threads).

A larger budget makes a finished run go on: the schedule is stretched to it, so the learning rate rises to
where the longer schedule has it and falls again (a warm restart). The result is not that of a run that was
given the larger budget at first.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import checkpoint
from ..errors import DataError
from ..models.base import GenerativeModel
from ..words import counted
from .config import TrainConfig
from .data import TrainingData, fingerprint, training_rows
from .devices import choose, make_fabric, thread_count
from .interrupt import interrupts_wait
from .lock import exclusive
from .metrics import MetricsFile, Sink, TensorBoard
from .players import DivergedError
from .report import Report, Reporter
from .run import DataReference, Run, RunConfig, environment, run_path
from .session import Moved, Session, is_finite

_FIRST_SAVE = 10.0
"""Seconds after which a session saves first."""

_REPORT_SHARE = 0.1
"""Most of the time that reports may take; those beyond are left out."""

_FEW = 50
"""Fewer training buildings than this are worth a warning."""


@dataclass(frozen=True)
class Step:
    """What a step of training was.

    Attributes:
        step: steps done, over all sessions.
        progress: share of the budget used.
        seconds: of training, over all sessions; see `Position`.
        learning_rate: of the last player.
        samples_per_second: over the last steps, reports left out.
        losses: terms by name, with the player where there are several.
        gradient_norms: before clipping.
        measured: validation and health, where there was a report.
        warnings: what looks wrong, in plain words.
        notes: what else there is to say, in plain words.
        sheet: the picture of samples, where there was a report.
        finished: whether this was the last.
    """

    step: int
    progress: float
    seconds: float
    learning_rate: float = 0.0
    samples_per_second: float = 0.0
    losses: Mapping[str, float] = field(default_factory=dict)
    gradient_norms: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sheet: Path | None = None
    finished: bool = False


def train(
    run: str | Path,
    data: TrainingData,
    model: GenerativeModel[Any],
    config: TrainConfig | None = None,
    begun_from: tuple[str, Mapping[str, Any]] | None = None,
) -> Generator[Step, None, None]:
    """Train a model, or go on with a run.

    Leaving the generator early, by Ctrl-C too, saves the state, and the same call goes on; before the first
    step there is nothing to save, and no folder stays. With several
    devices each process runs this; only the first yields steps.

    Args:
        run: name or folder of the run.
        data: the data set.
        model: with its first weights, which a run that goes on replaces by its own.
        config: the settings; 10 minutes where None.
        begun_from: name and card of the model whose weights it begins with.

    Raises:
        UsageError: before the first step: other settings than the run's, a run in use, or a missing device.
        DataError: before the first step: data that do not fit the model, or a damaged run folder.
        DivergedError: when a loss, gradient or weight becomes NaN; what was saved before stays.
    """
    config = config or TrainConfig()
    if model.config.resolution != data.resolution:
        raise DataError(
            f"the data have a resolution of {data.resolution}, the model of {model.config.resolution}; "
            "make the model for the data"
        )
    family, recipe = checkpoint.family_name(type(model))
    wanted = RunConfig(
        family=family,
        recipe=recipe,
        model=model.config.model_dump(mode="json"),
        train=config,
        data=DataReference(
            name=str(data.card.get("name") or "data"),
            fingerprint=fingerprint(data),
            pitch=data.pitch,
            buildings=len(training_rows(data)),
        ),
        begun_from=None if begun_from is None else begun_from[0],
    )
    folder = Run(run_path(run))
    folder.check(wanted)
    return _train(folder, data, model, wanted, None if begun_from is None else begun_from[1])


def _train(
    run: Run,
    data: TrainingData,
    model: GenerativeModel[Any],
    wanted: RunConfig,
    begun_from: Mapping[str, Any] | None,
) -> Generator[Step, None, None]:
    config = wanted.train
    with ExitStack() as held:
        threads = held.enter_context(thread_count(config.threads, config.devices))
        device, precision = choose(config)
        fabric = make_fabric(device, precision, config.devices)
        fabric.launch()
        if fabric.is_global_zero:
            held.enter_context(exclusive(run.lock))
            held.callback(run.leave_if_unborn)
        session = Session(run, data, model, config, fabric)
        progress = session.progress()
        if not fabric.is_global_zero:
            _follow(session, progress)
            return
        if progress >= 1 and _is_published(session):
            yield _nothing_to_do(session)
            return
        run.begin(wanted, environment(threads, device, precision, session.step), session.step)
        sinks: list[Sink] = [MetricsFile(run.metrics, session.step)]
        if config.tensorboard:
            sinks.append(TensorBoard(run.tensorboard, session.step))
        for sink in sinks:
            held.callback(sink.close)
        reporter = Reporter(run, wanted, data, session.batches.alone(), begun_from)
        held.callback(_save_what_is_new, session)
        yield from _Lead(session, reporter, sinks).steps(progress)


class _Lead:
    """What the first process does beside stepping: report, save, measure, yield."""

    def __init__(self, session: Session, reporter: Reporter, sinks: list[Sink]) -> None:
        self.session = session
        self.reporter = reporter
        self.sinks = sinks
        self.config = session.config
        self._began = time.perf_counter()
        # The first save comes soon, so that a kill in the first minute costs seconds.
        self._saved = self._began - max(0.0, self.config.save_seconds - _FIRST_SAVE)
        self._reporting = 0.0
        self._pace = 0.0

    def steps(self, progress: float) -> Iterator[Step]:
        """Step until the budget is used up."""
        notes, warnings = _opening(self.reporter)
        if progress >= 1:
            # Killed between the last step and the last report.
            report = self._report(progress, {})
            yield self._step(progress, Moved(), report, notes, warnings)
        while progress < 1:
            with self._explained():
                started = time.perf_counter()
                with interrupts_wait():
                    moved = self.session.advance(progress)
                self._measure_pace(time.perf_counter() - started)
                after = self.session.progress()
                report = self._report(after, moved.values()) if self._is_due(progress, after) else None
                step = self._step(after, moved, report, notes, warnings)
                # In this order: a row written twice is cut off on resume, one that is missing stays so.
                self._write(step, moved, report)
                if after >= 1 or time.perf_counter() - self._saved >= self.config.save_seconds:
                    self.session.save()
                    self._saved = time.perf_counter()
            yield step
            progress, notes, warnings = after, (), ()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Where training diverges, leave a good model and say what to do."""
        session = self.session
        try:
            yield
        except DivergedError as failure:
            if session.step and not session.run.model.exists() and is_finite(session.ema.model):
                self.reporter.keep(session.ema.model, session.position)
            raise DivergedError(
                f"{failure} after step {session.step:,}, so training stopped. {self._kept()}. Train again "
                f"under another name, with a lower learning rate (it was {self.config.learning_rate:g}) or "
                "with precision 32."
            ) from None

    def _kept(self) -> str:
        path = self.session.run.model
        if not path.exists():
            return "There is no good model yet"
        step = checkpoint.read_card(path)["training"]["step"]
        return f"The model of step {step:,} in {path} is good and stays"

    def _is_due(self, before: float, after: float) -> bool:
        if after >= 1:
            return True
        reached = int(after * self.config.reports) > int(before * self.config.reports)
        return reached and self._reporting <= _REPORT_SHARE * (time.perf_counter() - self._began)

    def _report(self, progress: float, learning: Mapping[str, float]) -> Report:
        started = time.perf_counter()
        session = self.session
        session.check()
        session.ema.take_buffers(session.model)
        report = self.reporter.report(session.ema.model, session.position, progress, learning)
        self._reporting += time.perf_counter() - started
        return report

    def _measure_pace(self, seconds: float) -> None:
        now = self.config.batch_size / max(seconds, 1e-9)
        self._pace = now if self._pace == 0 else 0.9 * self._pace + 0.1 * now

    def _step(
        self,
        progress: float,
        moved: Moved,
        report: Report | None,
        notes: tuple[str, ...],
        warnings: tuple[str, ...],
    ) -> Step:
        position = self.session.position
        return Step(
            step=position.step,
            progress=progress,
            seconds=position.seconds,
            learning_rate=moved.learning_rate,
            samples_per_second=self._pace,
            losses=moved.losses,
            gradient_norms=moved.gradient_norms,
            measured={} if report is None else report.measured,
            warnings=warnings if report is None else (*warnings, *report.warnings),
            notes=notes,
            sheet=None if report is None else report.sheet,
            finished=progress >= 1,
        )

    def _write(self, step: Step, moved: Moved, report: Report | None) -> None:
        if report is None and step.step % self.config.log_every:
            return
        values = {
            "progress": step.progress,
            "seconds": step.seconds,
            "samples_per_second": step.samples_per_second,
            **moved.values(),
            **step.measured,
        }
        for sink in self.sinks:
            sink.write(step.step, values)


def _follow(session: Session, progress: float) -> None:
    """Step along with the first process."""
    while progress < 1:
        session.advance(progress)
        progress = session.progress()


def _is_published(session: Session) -> bool:
    try:
        published = checkpoint.read_card(session.run.model)["training"]
        return published["finished"] and published["step"] == session.step
    except (DataError, KeyError, TypeError):
        return False


def _nothing_to_do(session: Session) -> Step:
    note = (
        f"the run {session.run.name!r} is finished ({counted(session.step, 'step')} done, "
        f"{session.config.budget()} asked for); give more steps or minutes to go on with it"
    )
    return Step(session.step, 1.0, session.position.seconds, notes=(note,), finished=True)


def _opening(reporter: Reporter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Notes and warnings for the first step of a session."""
    notes = []
    if not len(reporter.data.indices("validation")):
        notes.append("there are no validation buildings, so nothing tells learning from learning by heart")
    count = reporter.wanted.data.buildings
    if count < _FEW:
        told = f"it learns from only {counted(count, 'training building')}: expect samples close to them."
        return tuple(notes), (f"{told} A few hundred make a model that invents.",)
    return tuple(notes), ()


def _save_what_is_new(session: Session) -> None:
    if session.whole and session.step > session.saved:
        session.save()
