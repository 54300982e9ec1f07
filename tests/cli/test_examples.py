"""What the examples say they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import Command

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_trains_samples_and_writes(voxgen: Command, tmp_path: Path) -> None:
    data = tmp_path / "DS"
    assert (
        voxgen("data", "build", "massing:30", "-o", data, "--resolution", "24", "--workers", "1").exit_code
        == 0
    )
    words = [sys.executable, str(EXAMPLES / "01_train_and_sample.py")]
    bare = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert (bare.returncode, "DATA_SET RUN OUT [MINUTES]" in bare.stderr) == (1, True)
    words += [str(data), str(tmp_path / "run"), str(tmp_path / "out"), "0.001"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"sheet.png", "buildings.csv"} <= names
    assert "buildings in" in done.stdout.splitlines()[-1]
