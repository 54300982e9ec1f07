"""Two processes compute the gradient that one would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from training_gradients import gradients


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Gradients of one process and of two, by gloo."""
    path = tmp_path_factory.mktemp("gradients")
    names = ["toy", "vae", "thesis", "gan", "diffusion"]
    gradients(Fabric(accelerator="cpu", devices=1, precision="32-true"), str(path), names)
    two = Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn", precision="32-true")
    two.launch(gradients, str(path), names)
    return path


@pytest.mark.parametrize(
    "player", ["toy-model", "vae-model", "diffusion-velocity", "thesis-critic", "thesis-generator"]
)
def test_two_processes_compute_the_gradient_of_one(folder, player):
    one = load_file(folder / f"{player}-1-0.safetensors")
    first, second = (load_file(folder / f"{player}-2-{rank}.safetensors") for rank in (0, 1))
    assert any(value.abs().max() > 1e-4 for value in one.values())
    largest = max(float(value.abs().max()) for value in one.values())
    for key, value in one.items():
        torch.testing.assert_close(first[key], value, rtol=1e-4, atol=1e-5 * largest)
        assert torch.equal(first[key], second[key])


@pytest.mark.parametrize("player", ["gan-critic", "gan-generator"])
def test_two_processes_of_a_game_agree(folder, player):
    """Each looks at pairs of its own, so the gradient is another one, but both take the same step."""
    first, second = (load_file(folder / f"{player}-2-{rank}.safetensors") for rank in (0, 1))
    assert any(value.abs().max() > 1e-6 for value in first.values())
    assert all(torch.equal(value, second[key]) for key, value in first.items())
