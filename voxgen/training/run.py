"""The folder of a run: what it was asked, where it ran, how it went, and what came out.

config.json         model, data and settings: what a resume is held against
environment.json    a row per session: versions, machine, threads, command
metrics.csv         what was measured
samples/000500.png  sheets of samples, by step
model.safetensors   the model to sample from
state.safetensors   where training goes on
README.md           the model card

A run that ends before its first step leaves no folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ..atomic import sweep, write_text
from ..config import Config, flat
from ..errors import DataError, UsageError, nearest
from ..models import family
from ..pretrained import SHIPPED, shipped
from .config import UNBOUND, TrainConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class DataReference(Config):
    """Which data a run was trained on.

    Attributes:
        name: the folder's name, for people.
        fingerprint: a hash over the checksums of its files.
        pitch: edge of a voxel in metres.
        buildings: how many it trains on.
    """

    name: str
    fingerprint: str
    pitch: float
    buildings: int


class RunConfig(Config):
    """What a run was asked.

    Attributes:
        family: name of the model's family, or `module:Class`.
        recipe: which of the family's recipes.
        model: the model's config.
        train: the settings of training.
        data: which data.
        begun_from: the model whose weights it began with, as it was named; none for weights of its own.
    """

    family: str
    recipe: str
    model: dict[str, Any]
    train: TrainConfig
    data: DataReference
    begun_from: str | None = None


class Run:
    """The folder of a run and the names in it.

    Args:
        path: the folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.environment = path / "environment.json"
        self.metrics = path / "metrics.csv"
        self.samples = path / "samples"
        self.model = path / "model.safetensors"
        self.state = path / "state.safetensors"
        self.card = path / "README.md"
        self.tensorboard = path / "tensorboard"
        self.lock = path / ".lock"

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    def sheet(self, step: int) -> Path:
        """Where the sheet of samples of a step lies."""
        return self.samples / f"{step:06d}.png"

    def read_config(self) -> RunConfig:
        """Give what the run was asked.

        Raises:
            DataError: when config.json is damaged.
        """
        try:
            return RunConfig.parse(json.loads(self.config.read_text(encoding="utf-8")))
        except (OSError, ValueError, UsageError) as failure:
            raise DataError(f"{self.config} is damaged ({failure}); train under another name") from None

    def train_words(self) -> list[str]:
        """Give the words of the command that trained it last, from `train` on; none where a script did."""
        try:
            sessions = json.loads(self.environment.read_text(encoding="utf-8"))["sessions"]
            words = [str(word) for word in sessions[-1]["command"]][1:]
        except (OSError, ValueError, LookupError, TypeError):
            return []
        return words if words[:1] == ["train"] else []

    def check(self, wanted: RunConfig) -> None:
        """Hold what is asked now against what the run was asked first.

        Budget, device, threads, what is only watched and how is sampled may change; all else decides the
        result. A run of which nothing is saved binds nobody: the next one begins at the first step whatever
        it is asked.

        Raises:
            UsageError: saying what differs and what to do.
            DataError: when config.json is damaged, or the folder holds something else.
        """
        if not self.config.exists():
            if any(not p.name.startswith(".") for p in self.path.glob("*")):
                raise DataError(f"{self.path} is a folder, but no run; choose another name or empty it")
            return
        if not self.is_born():
            return
        tunable = family(wanted.family, wanted.recipe).tunable
        before, now = _bound(self.read_config(), tunable), _bound(wanted, tunable)
        changes = [
            f"  {key}: {before.get(key, 'nothing')} in the run, {now.get(key, 'nothing')} now"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key)
        ]
        if changes:
            listed = "\n".join(changes)
            raise UsageError(
                f"the run {self.name!r} was started with other settings:\n{listed}\n"
                "Give the same settings to go on with it (budget, device and threads may change), "
                "or another name for a new run."
            )

    def is_born(self) -> bool:
        """Tell whether there is anything to go on with or to sample from."""
        return self.state.exists() or self.model.exists()

    def leave_if_unborn(self) -> None:
        """Take the folder away where training ended before its first step; what is not voxgen's stays."""
        if self.is_born() or self.metrics.exists():
            return
        shutil.rmtree(self.tensorboard, ignore_errors=True)
        for path in (self.config, self.environment, self.lock):
            # On Windows the lock is open until its holder lets go; hidden, it is in nobody's way.
            with contextlib.suppress(OSError):
                path.unlink()
        for folder in (self.samples, self.path):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def begin(self, wanted: RunConfig, session: dict[str, Any], resume: int) -> None:
        """Write config and environment, and clear away what lies beyond the step that is resumed from."""
        self.samples.mkdir(parents=True, exist_ok=True)
        for folder in (self.path, self.samples):
            sweep(folder)
        for sheet in self.samples.glob("*.png"):
            if sheet.stem.isdigit() and int(sheet.stem) > resume:
                sheet.unlink()
        write_text(self.config, wanted.to_json() + "\n")
        try:
            sessions = json.loads(self.environment.read_text(encoding="utf-8"))["sessions"]
        except (OSError, ValueError, KeyError, TypeError):
            sessions = []
        text = json.dumps({"sessions": [*sessions, session]}, indent=2, ensure_ascii=False)
        write_text(self.environment, text + "\n")


def environment(threads: int, device: str, precision: str, resume: int) -> dict[str, Any]:
    """Describe this session: versions, machine and command."""
    packages = ("voxgen", "torch", "numpy", "lightning-fabric", "safetensors")
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "from_step": resume,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in packages},
        "platform": platform.platform(),
        "processor": _processor(),
        "device": device,
        "precision": precision,
        "threads": threads,
    }


def runs_folder() -> Path:
    """Where runs lie that are given by name: $VOXGEN_RUNS, or `runs` in the working directory."""
    return Path(os.environ.get("VOXGEN_RUNS") or "runs")


def run_path(name: str | Path) -> Path:
    """Give the folder of a run, by name or path; it need not exist.

    Raises:
        UsageError: for a name that cannot be a folder's on every platform.
    """
    if isinstance(name, Path) or Path(name).name != name:
        return Path(name)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a run; use letters, digits, dots, dashes and underscores, "
            "or give a path"
        )
    return runs_folder() / name


def find_model(name: str | Path) -> Path:
    """Give the model file of a run by name or path; the path of a model file is given back.

    `pretrained:vae` is the VAE that comes with voxgen.

    Raises:
        UsageError: when there is no such run, or it has no model yet.
    """
    if str(name).startswith(SHIPPED):
        return shipped(str(name))
    given = Path(name)
    if given.suffix == ".safetensors":
        return given
    for path in (given, run_path(name)):
        run = Run(path)
        if run.model.is_file():
            return run.model
        if run.config.is_file():
            raise UsageError(f"the run {run.name!r} has no model yet; train it a little longer")
    folder = runs_folder()
    known = sorted(p.parent.name for p in folder.glob("*/config.json"))
    there = f"there are: {', '.join(known)}" if known else "there is none yet: train one with voxgen train"
    raise UsageError(f"no run {str(name)!r} in {folder}{nearest(str(name), known)}; {there}")


def _bound(config: RunConfig, tunable: Collection[str]) -> dict[str, Any]:
    """What decides a run's result, by dotted key; names for people and settings of sampling left out."""
    values = config.model_dump(mode="json")
    values["model"] = {key: value for key, value in values["model"].items() if key not in tunable}
    for key in UNBOUND:
        del values["train"][key]
    del values["data"]["name"]
    return dict(flat(values))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
