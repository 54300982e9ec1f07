"""Muon: all directions of a hidden weight learn at one pace; other weights move as AdamW moves them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from voxgen.nn.muon import Muon, is_hidden, orthogonalised


def test_hidden_weights_turn_many_features_into_many():
    assert is_hidden(nn.Conv3d(8, 16, 3).weight)
    assert is_hidden(nn.Linear(32, 16).weight)
    assert not is_hidden(nn.Linear(32, 8).weight)
    assert not is_hidden(nn.Linear(8, 32).weight)
    assert not is_hidden(nn.GroupNorm(4, 64).weight)


@pytest.mark.parametrize("shape", [(3, 16, 48), (2, 48, 16), (1, 32, 32)])
def test_all_directions_get_one_size(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 1e-3
    values = torch.linalg.svdvals(orthogonalised(x))
    assert values.min() > 0.3  # the smallest of a square Gaussian matrix is close to nothing
    assert values.max() < 1.3


def test_directions_stay_those_of_the_matrix():
    x = torch.randn(1, 24, 64, generator=torch.Generator().manual_seed(1))
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    found = orthogonalised(x)
    cosine = (found * (u @ vh)).sum() / found.norm() / (u @ vh).norm()
    assert cosine > 0.97


def test_a_matrix_of_nothing_stays_nothing():
    assert torch.equal(orthogonalised(torch.zeros(1, 16, 16)), torch.zeros(1, 16, 16))


def test_other_weights_move_as_adamw_moves_them():
    ours = nn.Parameter(torch.linspace(-1, 1, 7))
    theirs = nn.Parameter(ours.detach().clone())
    muon = Muon([ours], lr=1e-2, betas=(0.9, 0.99), weight_decay=0.1)
    adamw = torch.optim.AdamW([theirs], lr=1e-2, betas=(0.9, 0.99), weight_decay=0.1)
    for step in range(20):
        for p, optimiser in ((ours, muon), (theirs, adamw)):
            optimiser.zero_grad()
            ((p - step % 3) ** 2).sum().backward()
            optimiser.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_step_is_as_long_as_one_of_adamw():
    """Root mean square 0.2 of the learning rate, whatever the gradient's size (Liu et al. 2025)."""
    for scale in (1e-6, 1e3):
        p = nn.Parameter(torch.zeros(32, 4, 3, 3, 3))
        p.grad = scale * torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
        Muon([p], lr=1e-2, weight_decay=0.0).step()
        rms = float(p.detach().square().mean().sqrt())
        assert 0.12e-2 < rms < 0.28e-2


def test_a_weight_without_a_gradient_stays():
    p, q = (nn.Parameter(torch.ones(16, 16)) for _ in range(2))
    q.grad = torch.ones(16, 16)
    Muon([p, q], lr=0.1).step()
    assert torch.equal(p, torch.ones(16, 16))
    assert not torch.equal(q, torch.ones(16, 16))


def test_an_ill_scaled_problem_is_solved_sooner_than_by_adamw():
    """Least squares whose directions differ a thousandfold: what Muon is for."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(32, 32, generator=generator) @ torch.diag(torch.logspace(0, -1.5, 32))
    wanted = torch.randn(32, 32, generator=generator)

    def left(make) -> float:
        w = nn.Parameter(torch.zeros(32, 32))
        optimiser = make([w])
        for step in range(200):
            for group in optimiser.param_groups:
                group["lr"] = 0.1 * (1 - step / 200)
            optimiser.zero_grad()
            loss = ((w - wanted) @ mixing).square().mean()
            loss.backward()
            optimiser.step()
        return float((w.detach() - wanted).square().mean())

    assert left(lambda ps: Muon(ps, lr=0.1)) < 0.7 * left(lambda ps: torch.optim.AdamW(ps, lr=0.1))
