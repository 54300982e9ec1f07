"""The critic: a verdict a building, an eye for raggedness and one for repetition."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from voxgen.errors import UsageError
from voxgen.nn.critic import Critic, MinibatchDiscrimination, minibatch_deviation


@pytest.mark.parametrize("resolution", [(16, 16, 16), (16, 8, 24)])
@pytest.mark.parametrize("widths", [[8], [8, 16]])
def test_there_is_a_verdict_a_building(resolution, widths):
    judgement = Critic(resolution, 4, widths, 1)(torch.rand(3, 1, *resolution))
    assert judgement.verdict.shape == (3,)
    assert judgement.features.shape == (3, widths[-1])


def test_verdicts_are_float32_whatever_the_grid():
    critic = Critic((8, 8, 8), 4, [8], 1).to(torch.bfloat16)
    judgement = critic(torch.rand(2, 1, 8, 8, 8, dtype=torch.bfloat16))
    assert {judgement.verdict.dtype, judgement.features.dtype} == {torch.float32}


def test_it_learns_in_a_hundred_steps_to_tell_ragged_walls_from_straight_ones():
    draw = torch.Generator().manual_seed(0)

    def houses(ragged: bool, n: int = 16) -> torch.Tensor:
        x = torch.zeros(n, 1, 16, 16, 16)
        for one in x[:, 0]:
            a, b, h = (int(torch.randint(4, 10, (), generator=draw)) for _ in range(3))
            one[3 : 3 + a, 3 : 3 + b, :h] = 1
            if ragged:
                # A tooth on a wall and a notch in another.
                one[3 + a, 3 + b // 2, h // 2] = 1
                one[3 + a // 2, 3, h // 2] = 0
        return x

    torch.manual_seed(0)
    critic = Critic((16, 16, 16), 4, [16, 32], 1, "alone")
    optimiser = torch.optim.AdamW(critic.parameters(), lr=3e-3, betas=(0.0, 0.99))
    for _ in range(100):
        loss = F.softplus(critic(houses(True)).verdict - critic(houses(False)).verdict).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        straight, ragged = critic(houses(False, 64)).verdict, critic(houses(True, 64)).verdict
    assert float((straight[:, None] > ragged[None]).float().mean()) > 0.95


def test_a_batch_that_repeats_itself_has_no_deviation():
    h = torch.randn(1, 4, 3, 2, 2)
    same = minibatch_deviation(h.expand(3, -1, -1, -1, -1))
    assert same.shape == (3, 5, 3, 2, 2)
    assert torch.equal(same[:, :4], h.expand(3, -1, -1, -1, -1))
    assert same[:, 4].abs().max() < 1e-3
    mixed = minibatch_deviation(torch.randn(64, 4, 3, 2, 2))
    assert mixed[:, 4].mean() == pytest.approx(1.0, abs=0.1)


def test_a_resolution_that_does_not_divide_is_refused():
    with pytest.raises(UsageError, match="multiple of 8"):
        Critic((16, 16, 12), 4, [8, 8], 1)


def test_gradients_reach_the_voxels_and_every_weight():
    critic = Critic((8, 8, 8), 4, [8], 1)
    x = torch.rand(4, 1, 8, 8, 8, requires_grad=True)
    critic(x).verdict.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_minibatch_discrimination_counts_the_near_ones():
    """Salimans et al. 2016: the mean over the others of exp(-|M_i - M_j|_1), by hand."""
    layer = MinibatchDiscrimination(3, kernels=2, size=4)
    f = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    m = (f @ layer.project.weight.T).detach().reshape(5, 2, 4)
    for i in range(5):
        for k in range(2):
            others = [math.exp(-float((m[i, k] - m[j, k]).abs().sum())) for j in range(5) if j != i]
            assert float(layer(f)[i, 3 + k].detach()) == pytest.approx(sum(others) / 4, rel=1e-4)
    assert torch.equal(layer(f)[:, :3], f)
    assert float(layer(f[:1])[0, 3:].detach().abs().max()) == 0


@pytest.mark.parametrize("minibatch", ["deviation", "discrimination", "alone"])
def test_only_a_critic_that_sees_the_minibatch_judges_by_company(minibatch):
    torch.manual_seed(0)
    critic = Critic((8, 8, 8), 4, [8], 1, minibatch)
    x = torch.rand(4, 1, 8, 8, 8)
    alone, together = critic(x[:1].expand(4, -1, -1, -1, -1)).verdict[0], critic(x).verdict[0]
    assert torch.allclose(alone, together, atol=1e-6) == (minibatch == "alone")
