"""A small data set and a run trained on it, made once through the command line itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from voxgen.cli import cli

Command = Callable[..., Result]

TINY = (
    "--set", "model.widths=[8, 16]", "--set", "model.depth=1",
    "--set", "model.plan=8", "--set", "model.fine=8",
    "--set", "train.batch_size=4", "--set", "train.reports=1", "--set", "train.samples=4",
    "--set", "train.fit=16", "--set", "train.validation=4", "--set", "train.precision='32'",
)  # fmt: skip
"""A VAE that trains in a moment."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Working directory of all commands, with the folders of runs and cache in it."""
    path = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("VOXGEN_RUNS", str(path / "runs"))
        patch.setenv("VOXGEN_CACHE", str(path / "cache"))
        patch.delenv("VOXGEN_DEBUG", raising=False)
        yield path


@pytest.fixture(scope="session")
def voxgen(folder: Path) -> Command:
    """Run a command in this process."""

    def run(*args: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="voxgen")

    return run


@pytest.fixture(scope="session")
def told(voxgen: Command) -> Callable[..., dict[str, Any]]:
    """Run a command that must succeed with `--json`, and give what it said."""

    def run(*args: str | Path) -> dict[str, Any]:
        result = voxgen(*args, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture(scope="session")
def data(folder: Path, told: Callable[..., dict[str, Any]]) -> Path:
    """A data set of 40 procedural buildings at 16 x 16 x 16 voxels."""
    told("data", "build", "massing:40", "-o", "houses", "--resolution", "16", "--workers", "1")
    return folder / "houses"


@pytest.fixture(scope="session")
def run(data: Path, told: Callable[..., dict[str, Any]]) -> str:
    """A VAE trained for a few steps: its samples are shapeless, its files are real."""
    told("train", "--model", "vae", "--data", data, "--name", "tiny", "--steps", "6", *TINY)
    return "tiny"
