"""The critic: verdicts for the whole and by cell of each level, an eye for repetition."""

from __future__ import annotations

import math

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.nn.critic import Critic, MinibatchDiscrimination, minibatch_deviation


@pytest.mark.parametrize("resolution", [(16, 16, 16), (16, 8, 24)])
@pytest.mark.parametrize("widths", [[8], [8, 16]])
def test_there_is_a_verdict_for_the_whole_and_for_every_cell_of_each_level(resolution, widths):
    judgement = Critic(resolution, 4, widths, 1)(torch.rand(3, 1, *resolution))
    cells = [math.prod(n // (4 * 2**level) for n in resolution) for level in range(len(widths))]
    assert [verdict.shape for verdict in judgement.verdicts] == [(3, n) for n in [*cells, 1]]
    assert judgement.features.shape == (3, widths[-1])
    means = torch.stack([verdict.mean(1) for verdict in judgement.verdicts])
    torch.testing.assert_close(judgement.total(), means.sum(0))


def test_verdicts_are_float32_whatever_the_grid():
    critic = Critic((8, 8, 8), 4, [8], 1).to(torch.bfloat16)
    judgement = critic(torch.rand(2, 1, 8, 8, 8, dtype=torch.bfloat16))
    assert {t.dtype for t in (*judgement.verdicts, judgement.features)} == {torch.float32}


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
    critic(x).total().sum().backward()
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


@pytest.mark.parametrize("minibatch", ["deviation", "discrimination", "none"])
def test_only_a_critic_that_sees_the_minibatch_judges_by_company(minibatch):
    torch.manual_seed(0)
    critic = Critic((8, 8, 8), 4, [8], 1, minibatch)
    x = torch.rand(4, 1, 8, 8, 8)
    alone, together = critic(x[:1].expand(4, -1, -1, -1, -1)).total()[0], critic(x).total()[0]
    assert torch.allclose(alone, together, atol=1e-6) == (minibatch == "none")
