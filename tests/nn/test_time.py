"""Time as a network sees it."""

from __future__ import annotations

import torch

from voxgen.nn.time import StepEmbedding, TimeEmbedding


def test_times_are_told_apart():
    torch.manual_seed(0)
    found = TimeEmbedding(16)(torch.linspace(0, 1, 9))
    assert torch.cdist(found, found).add(torch.eye(9) * 9).min() > 1e-3


def test_a_step_of_no_length_adds_nothing():
    torch.manual_seed(0)
    embed = StepEmbedding(16)
    assert not embed(torch.ones(2)).any()  # at first
    torch.nn.init.normal_(embed.mix.weight)
    assert not embed(torch.zeros(2)).any()
    long, short = embed(torch.tensor([1.0, 0.0625]))
    assert (long - short).norm() > 1
