"""What the examples say they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import Command

HOUSE = """# up: z
v 0 0 0\nv 10 0 0\nv 10 8 0\nv 0 8 0\nv 0 0 6\nv 10 0 6\nv 10 8 6\nv 0 8 6
f 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8
"""

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_examples_do_what_they_say(voxgen: Command, tmp_path: Path) -> None:
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
    words = [sys.executable, str(EXAMPLES / "02_your_building.py")]
    bare = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert (bare.returncode, "RUN BUILDING OUT" in bare.stderr) == (1, True)
    house = tmp_path / "house.obj"
    house.write_text(HOUSE, encoding="utf-8")
    words += [str(tmp_path / "run"), str(house), str(tmp_path / "row")]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "yours: 6.0 m" in done.stdout
    assert len(done.stdout.splitlines()) == 9
