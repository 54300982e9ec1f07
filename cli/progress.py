"""How far a command is: a bar that is drawn over itself on a terminal, one line a stage anywhere else."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

import rich_click as click

from . import say

_WIDTH = 24
_SECONDS_BETWEEN = 0.1


class Bar:
    """A bar on stderr, drawn at most ten times a second; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        self._drawn = 0.0
        self._shown = False

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, share: float, text: str) -> None:
        """Draw the bar at a share of the whole, with a text behind it."""
        now = time.monotonic()
        if not self.on_terminal or (now - self._drawn < _SECONDS_BETWEEN and share < 1):
            return
        full = round(_WIDTH * min(max(share, 0.0), 1.0))
        columns = shutil.get_terminal_size().columns - 1
        line = f"[{'#' * full}{'-' * (_WIDTH - full)}] {share:4.0%}  {text}"[:columns]
        # Blanks instead of an escape code: every terminal knows them.
        click.echo("\r" + line.ljust(columns), nl=False, err=True)
        self._drawn, self._shown = now, True

    def clear(self) -> None:
        """Take the bar away, so that a line can be written."""
        if self._shown:
            click.echo("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r", nl=False, err=True)
            self._shown, self._drawn = False, 0.0

    def note(self, text: str) -> None:
        """Write a line above the bar."""
        self.clear()
        say.note(text)


class Stages:
    """Progress of work in stages: call it with a stage's name, how much is done, and how much there is."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._started: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        begun = self._started.setdefault(stage, time.monotonic())
        if done < total or not total:
            self._bar.show(done / max(total, 1), f"{stage} {done:,} of {total:,}")
        elif not self._bar.on_terminal:
            say.note(f"{stage}: {total:,} done in {time.monotonic() - begun:.1f} s")
