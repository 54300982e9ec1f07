"""Habits of the command line: instant help, exit codes that mean something, errors without tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "open3d", "trimesh", "numba")


def voxgen(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "voxgen.cli", *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom voxgen.cli import cli\n"
        "try:\n    cli.main(['--help'], standalone_mode=True)\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")
    for command in ("data", "train", "sample", "runs", "doctor"):
        assert command in done.stdout


def test_importing_voxgen_imports_nothing_heavy() -> None:
    code = f"import sys, voxgen; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_geometry_knows_nothing_of_torch() -> None:
    code = "import sys, voxgen.geometry.voxelize, voxgen.formats; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("train", "--model", "vea", "--dry-run"), 2),
        (("train", "--no-such-option"), 2),
        (("data", "info", "nowhere"), 3),
        (("sample", "no-such-run"), 2),
    ],
)
def test_what_goes_wrong_is_told_without_a_traceback(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    done = voxgen(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_dry_run_prints_its_settings_as_json_and_does_nothing(tmp_path: Path) -> None:
    done = voxgen("train", "--model", "gan", "--steps", "7", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0
    settings = json.loads(done.stdout)
    assert settings["family"] == "gan"
    assert settings["train"]["steps"] == 7
    assert not list(tmp_path.iterdir())
