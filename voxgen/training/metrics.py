"""What is measured while training: rows of metrics.csv, and TensorBoard's event files on request.

A row has a value for each column that was measured in that step, the rest is empty. Rows are appended; after
a kill the file is cut back to the step that the run resumes from, so it reads as if nothing had happened.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..atomic import write_text
from ..errors import DataError, MissingExtraError


@runtime_checkable
class Sink(Protocol):
    """Where measurements go."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Take what was measured in a step."""
        ...

    def close(self) -> None:
        """Finish."""
        ...


class MetricsFile:
    """metrics.csv of a run.

    Args:
        path: where it lies or will lie.
        resume: step that the run goes on from; later rows, and one cut short by a kill, are dropped.
    """

    def __init__(self, path: Path, resume: int) -> None:
        self.path = path
        self._columns, rows = read_metrics(path) if path.exists() else (["step"], [])
        if rows:
            self._rewrite([row for row in rows if int(row["step"]) <= resume])
        else:
            self.path.unlink(missing_ok=True)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row; a column that is new is added to the whole file."""
        row = {"step": str(step)} | {name: _number(value) for name, value in values.items()}
        new = [name for name in row if name not in self._columns]
        if new or not self.path.exists():
            rows = read_metrics(self.path)[1] if self.path.exists() else []
            self._columns = [*self._columns, *new]
            self._rewrite([*rows, row])
            return
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_lines(self._columns, [row]))

    def close(self) -> None:
        """Nothing is held open between rows."""

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        write_text(self.path, ",".join(self._columns) + "\n" + _lines(self._columns, rows))


class TensorBoard:
    """Event files that TensorBoard shows.

    Args:
        folder: where they lie.
        resume: step that the run goes on from.

    Raises:
        MissingExtraError: when tensorboard is not installed.
    """

    def __init__(self, folder: Path, resume: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError(
                "TensorBoard is not installed; run: pip install 'voxgen[tensorboard]', or leave it out"
            ) from None
        self._writer = SummaryWriter(str(folder), purge_step=resume + 1)  # what is resumed from stays

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add the scalars of a step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


def read_metrics(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Give the columns and whole rows of a metrics.csv, values as text.

    Raises:
        DataError: when the file is no metrics.csv.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise DataError(f"{path} cannot be read ({failure}); move it away and run again") from None
    # A row is whole only with its line end: "12.5" may be the beginning of "12.53".
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if not lines:
        return ["step"], []
    columns = lines[0]
    if columns[:1] != ["step"]:
        raise DataError(f"{path} is no metrics.csv of voxgen's; move it away and run again")
    rows = [dict(zip(columns, line, strict=True)) for line in lines[1:] if len(line) == len(columns)]
    return columns, [row for row in rows if row["step"].isdigit()]


def _lines(columns: list[str], rows: Iterable[Mapping[str, str]]) -> str:
    return "".join(",".join(row.get(name, "") for name in columns) + "\n" for row in rows)


def _number(value: float) -> str:
    return f"{value:.6g}"
