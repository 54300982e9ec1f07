"""voxgen's commands as functions, and scores as rows of a table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

FIGURES = {
    "nna": "1-NNA",
    "fd": "FD",
    "facets": "facets",
    "single": "single piece",
    "unique": "without a twin",
    "copies": "copies",
    "z_u": "Z_U",
}
"""Figures of a row, and what they are called."""


def voxgen(*words: object) -> dict[str, Any]:
    """Run a command and give what it says as JSON."""
    command = [sys.executable, "-m", "voxgen.cli", *map(str, words), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def head(subject: str) -> str:
    """The head of a Markdown table of `row`."""
    return f"| {subject} | {' | '.join(FIGURES.values())} |\n|{'---|' * (len(FIGURES) + 1)}"


def row(label: str, figures: Mapping[str, Mapping[str, float]]) -> str:
    """A row of a Markdown table."""
    cells = [f"{figures[key]['mean']:.3f} +- {figures[key]['std']:.3f}" for key in FIGURES]
    return f"| {label} | {' | '.join(cells)} |"
