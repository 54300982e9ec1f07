"""What the commands that judge models share: which data set, and what they write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from . import say

if TYPE_CHECKING:
    from voxgen.evaluation.evaluate import Evaluation, Evaluator
    from voxgen.evaluation.record import Record
    from voxgen.pipeline.store import Dataset

    from .progress import Bar

SHEET_PAIRS = 24
"""Samples on a contact sheet, each with its nearest training building."""


def data_of(model: Path, given: str | None, bar: Bar, option: str = "--data FOLDER") -> Dataset:
    """Give the data set to judge a model by: the one named, else the one that it was trained on.

    Raises:
        UsageError: when none is named and the one that it was trained on is not found.
        DataError: when the one named cannot be used.
    """
    from voxgen import checkpoint
    from voxgen.errors import UsageError, VoxgenError
    from voxgen.training.data import fingerprint

    from .embedded import open_data

    known = checkpoint.read_card(model).get("data") or {}
    if given is not None:
        found = open_data(given, bar)
        if known.get("fingerprint") not in (None, fingerprint(found)):
            say.warn(
                f"{model.parent.name} was trained on other data ({known.get('name')}) than {given}: it may "
                "have seen these buildings, and copies are looked for among their training split only"
            )
        return found
    for told in _told(model.parent):
        try:
            found = open_data(told, bar)
        except (VoxgenError, OSError) as failure:
            say.note(f"{told} cannot be used: {failure}")
            continue
        if fingerprint(found) == known.get("fingerprint"):
            return found
    raise UsageError(
        f"the data set {known.get('name')!r} that {model.parent.name} was trained on is not found; "
        f"say where it is with {option}"
    )


def _told(run: Path) -> list[str]:
    """Where a run's commands said that its data are, the last one first."""
    from .embedded import NAME

    try:
        sessions = json.loads((run / "environment.json").read_text(encoding="utf-8"))["sessions"]
        commands: list[list[str]] = [session["command"] for session in sessions]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found = []
    for command in reversed(commands):
        at = [i for i, word in enumerate(command[:-1]) if word == "--data"]
        joined = [word.partition("=")[2] for word in command if word.startswith("--data=")]
        found += [command[i + 1] for i in at] + joined or [NAME]
    return list(dict.fromkeys(found))


def write_record(record: Record, out: Path, name: str) -> dict[str, Path]:
    """Write scores as JSON and Markdown."""
    from voxgen.atomic import write_text

    paths = {"scores": out / f"{name}.json", "table": out / f"{name}.md"}
    record.write(paths["scores"])
    write_text(paths["table"], record.markdown())
    return paths


def write_sheet(found: Evaluation, evaluator: Evaluator, path: Path, title: str) -> None:
    """Draw samples with the nearest training building beside each."""
    from voxgen.evaluation.sheet import pairs_sheet
    from voxgen.geometry.grid import VoxelGrid
    from voxgen.pictures import save_png

    count = min(SHEET_PAIRS, len(found.samples))
    samples = [VoxelGrid(grid, evaluator.data.pitch) for grid in found.samples[:count]]
    iou = found.judged.iou[:count].tolist()
    save_png(pairs_sheet(samples, evaluator.nearest(found.judged, count), iou, title), path)
