"""Flow matching over voxels: what it learns, and where its paths lead."""

from __future__ import annotations

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.voxel_diffusion import VoxelDiffusion, VoxelDiffusionConfig
from voxgen.nn.roof import Mass

SIDE = (16, 16, 16)


def make(**settings) -> VoxelDiffusion:
    torch.manual_seed(0)
    size = {"widths": (16, 32), "plan": 8, "fine": 8, "depth": 1, "embedding": 8}
    return VoxelDiffusion(VoxelDiffusionConfig(resolution=SIDE, **size, **settings))


def house(n: int = 8) -> torch.Tensor:
    x = torch.zeros(n, 1, *SIDE)
    x[..., 4:12, 5:11, :7] = 1
    return x


def test_times_run_from_noise_to_data_and_stay_longer_in_noise():
    model = make(steps=4, shift=3.0)
    times = model.times(4)
    assert (times[0], times[-1]) == (1.0, 0.0)
    assert times == sorted(times, reverse=True)
    assert abs(times[2] - 3 * 0.5 / (1 + 2 * 0.5)) < 1e-6
    assert make(shift=1.0).times(4) == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_shortcuts_are_refused():
    with pytest.raises(UsageError, match="--space latent"):
        VoxelDiffusionConfig.parse({"solver": "shortcut", "steps": 4})


def test_the_velocity_leads_to_the_clean_building_that_is_expected():
    model = make().eval()
    x, told = torch.randn(2, 1, *SIDE), model.told(model.unconditional(2))
    t = torch.full((2,), 0.7)
    with torch.no_grad():
        clean = 2 * model._clean(x, t, told).logits().sigmoid() - 1
        there = x - 0.7 * model.velocity(x, t, torch.zeros(2), told)
    torch.testing.assert_close(there, clean, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def learnt() -> VoxelDiffusion:
    """What has seen one building, again and again."""
    model = make(steps=10)
    asked = Condition.nothing(8, ConditionConfig(), SIDE)
    optimiser = model.optimiser("model", 4e-3)
    for step in range(240):
        optimiser.zero_grad()
        sum(model.loss(Batch(house(), asked, torch.arange(8) + 8 * step, 0.5)).values()).backward()
        optimiser.step()
    return model.eval()


def overlap(made: torch.Tensor, real: torch.Tensor) -> float:
    a, b = made > 0.5, real > 0.5
    return float(((a & b).flatten(1).sum(1) / (a | b).flatten(1).sum(1)).min())


@pytest.mark.parametrize("solver", ["euler", "heun", "multistep"])
def test_nothing_of_the_noise_is_left_in_a_building(solver, monkeypatch):
    """With a network that always finds air, coverage is zero whatever the noise was."""
    model = make(solver=solver, steps=4).eval()
    nothing = Mass(torch.full((2, 1, 16, 16), -40.0), torch.zeros(2, 1, 16, 16), torch.zeros(2, 1, *SIDE))
    monkeypatch.setattr(model, "_clean", lambda *_: nothing)
    made = model.sample(torch.arange(2))
    assert float(made.max()) < 1e-3


def test_of_one_building_it_learns_to_make_that_building(learnt: VoxelDiffusion):
    assert overlap(learnt.sample(torch.arange(3)), house(3)) > 0.9


def test_a_building_comes_back_from_the_noise_that_it_is_encoded_as(learnt: VoxelDiffusion):
    with torch.no_grad():
        z = learnt.encode(house(1), learnt.unconditional(1))
        assert z.isfinite().all()
        assert overlap(learnt.decode(z, learnt.unconditional(1)), house(1)) > 0.9


def test_a_trajectory_has_a_point_a_step_and_ends_in_the_sample():
    model = make(steps=3).eval()
    asked = model.unconditional(1)
    z = model.prior(asked, torch.tensor([3]))
    with torch.no_grad():
        steps = list(model.trajectory(z, asked))
        assert len(steps) == 4
        assert torch.equal(steps[-1], model.decode(z, asked))
