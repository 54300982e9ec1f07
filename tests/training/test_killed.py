"""Killed with -9 at any moment, the same command goes on and ends with the same weights."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import torch
import training_toys
from safetensors.torch import load_file
from training_toys import ToyData, settings, toy

from voxgen.training.loop import train

STEPS = 60
GAME = "training_toys:Game"


def test_a_run_that_was_killed_ends_with_the_weights_it_would_have_had(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    data = ToyData()
    list(train(whole, data, toy(data, GAME), settings(steps=STEPS)))
    chance = random.Random(0)
    seen = []
    for _ in range(2):
        with _start(killed) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 20)):
                seen.append(int(process.stdout.readline() or STEPS))
            time.sleep(chance.random() * 0.05)
            process.kill()
    with _start(killed) as process:
        process.communicate()
        assert process.returncode == 0
    # A kill after the last step would show nothing.
    assert max(seen) < STEPS
    for name in ("model.safetensors", "state.safetensors"):
        one, other = load_file(whole / name), load_file(killed / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in one.items())
    assert _column(whole, "loss") == _column(killed, "loss")
    assert not list(killed.rglob(".writing*"))


def _start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(training_toys.__file__)), str(folder), GAME, str(STEPS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _column(folder: Path, prefix: str) -> list[list[str]]:
    lines = [line.split(",") for line in (folder / "metrics.csv").read_text(encoding="utf-8").splitlines()]
    kept = [i for i, name in enumerate(lines[0]) if name == "step" or name.startswith(prefix)]
    return [[line[i] for i in kept] for line in lines]
