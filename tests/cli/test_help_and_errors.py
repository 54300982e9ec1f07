"""Help is instant; errors are a message and an exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from voxgen.cli import root
from voxgen.cli.data import Data

from voxgen.errors import DataError, LimitError, MissingExtraError, UsageError, VoxgenError

from .conftest import Command

COMMANDS = [*([name] for name in root.Root.lazy), *(["data", name] for name in Data.lazy)]


def plain(text: str) -> str:
    """Text without colours, frames and line breaks."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(voxgen: Command, words: list[str]) -> None:
    result = voxgen(*words, "--help")
    assert result.exit_code == 0
    assert "Usage: voxgen " + " ".join(words) in plain(result.stdout)


def test_help_imports_nothing_heavy() -> None:
    """The list of commands, and the help of one, in a fresh interpreter."""
    code = (
        "import sys\nfrom voxgen.cli import cli\n"
        "for words in (['--help'], ['train', '--help'], ['sample', '--help']):\n"
        "    try: cli(words, prog_name='voxgen')\n"
        "    except SystemExit as end: assert end.code == 0\n"
        "heavy = ('torch', 'open3d', 'trimesh', 'numba', 'numpy', 'scipy', 'pydantic', 'lightning_fabric')\n"
        "print('LOADED', [name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "LOADED []" in done.stderr


def test_the_version_is_the_packages(voxgen: Command) -> None:
    from importlib.metadata import version

    assert voxgen("--version").stdout.split()[-1] == version("voxgen")


def test_slips_of_the_pen_name_the_nearest(voxgen: Command) -> None:
    for words, meant in (
        (["smaple"], "sample"),
        (["data", "shet"], "sheet"),
        (["train", "--stepps", "3"], "--steps"),
    ):
        result = voxgen(*words)
        assert result.exit_code == 2
        assert meant in plain(result.stderr)


@pytest.mark.parametrize(
    ("failure", "code", "says"),
    [
        (VoxgenError("it failed"), 1, "it failed"),
        (UsageError("no such thing"), 2, "no such thing"),
        (DataError("bad file"), 3, "bad file"),
        (LimitError("too large"), 3, "too large"),
        (MissingExtraError("pip install 'voxgen[tensorboard]'"), 4, "pip install"),
        (
            ModuleNotFoundError("No module named 'lightning_fabric'", name="lightning_fabric.x"),
            4,
            "pip install lightning-fabric",
        ),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device", "runs/x"), 1, "No space left on device: runs/x"),
        (ZeroDivisionError("division by zero"), 1, "VOXGEN_DEBUG=1"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_a_message_and_an_exit_code(
    voxgen: Command, monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int, says: str
) -> None:
    def fail() -> None:
        raise failure

    monkeypatch.setattr("voxgen.training.run.runs_folder", fail)
    result = voxgen("runs")
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_debug_shows_the_traceback(voxgen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DataError("bad file")

    monkeypatch.setenv("VOXGEN_DEBUG", "1")
    monkeypatch.setattr("voxgen.training.run.runs_folder", fail)
    assert isinstance(voxgen("runs").exception, DataError)


def test_a_real_process_ends_with_the_exit_code(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "voxgen.cli", "data", "info", "nowhere"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", cwd=tmp_path, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: no data set at nowhere")
    assert done.stdout == ""


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
def test_a_reader_that_leaves_early_makes_no_noise(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "voxgen.cli", "completion", "bash"]
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            words, stdout=pipe, stderr=subprocess.PIPE, encoding="utf-8", cwd=tmp_path, check=False
        )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(voxgen: Command, shell: str) -> None:
    result = voxgen("completion", shell)
    assert result.exit_code == 0
    assert f"_VOXGEN_COMPLETE={shell}_complete" in result.stdout
    assert shell in result.stderr


def test_names_of_runs_and_formats_are_completed(folder: Path, run: str) -> None:
    from click.shell_completion import ShellComplete

    completion = ShellComplete(root.cli, {}, "voxgen", "_VOXGEN_COMPLETE")
    assert run in [item.value for item in completion.get_completions(["sample"], "ti")]
    assert "sample" in [item.value for item in completion.get_completions([], "sa")]
    found = [item.value for item in completion.get_completions(["sample", "x", "--format"], "obj,g")]
    assert found == ["obj,glb"]


def test_doctor_finds_all_well_here(voxgen: Command) -> None:
    result = voxgen("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    values = json.loads(result.stdout)
    assert values["ok"]
    assert {"python", "torch", "open3d", "devices", "a building"} <= values["checks"].keys()


def test_doctor_names_the_package_that_is_missing(voxgen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxgen.cli.doctor.NEEDED", {"no_such_module": "no-such-package"})
    result = voxgen("doctor")
    assert result.exit_code == 4
    assert "pip install no-such-package" in result.stdout


def test_doctor_outlives_a_broken_installation(voxgen: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("libusb is a ghost")

    monkeypatch.setattr("voxgen.cli.doctor._open3d", broken)
    result = voxgen("doctor")
    assert result.exit_code == 1
    assert "RuntimeError: libusb is a ghost" in result.stdout
