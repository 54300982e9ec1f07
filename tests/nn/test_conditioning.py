"""Conditions: what was not asked and what was not given has no say."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.conditioning import AttributeEmbedding, MaskPatches

NAN = float("nan")


@pytest.fixture
def embed():
    return AttributeEmbedding([10.0, 3.0], [4.0, 1.0], 16)


def test_an_attribute_not_asked_is_finite_and_unlike_any_that_is(embed):
    nothing, mean = embed(torch.tensor([[NAN, NAN], [10.0, 3.0]]))
    assert nothing.isfinite().all()
    assert not torch.allclose(nothing, mean)


def test_an_attribute_not_asked_hides_nothing_of_the_others(embed):
    low, high, none = embed(torch.tensor([[5.0, NAN], [15.0, NAN], [NAN, NAN]]))
    assert not torch.allclose(low, high)
    assert not torch.allclose(low, none)


def test_attributes_enter_standardised():
    a, b = AttributeEmbedding([10.0], [4.0], 16), AttributeEmbedding([0.0], [1.0], 16)
    b.load_state_dict(a.state_dict())
    torch.testing.assert_close(a(torch.tensor([[18.0]])), b(torch.tensor([[2.0]])))


def test_an_absurd_wish_is_no_more_than_a_large_one(embed):
    torch.testing.assert_close(embed(torch.tensor([[1e9, 3.0]])), embed(torch.tensor([[10 + 8 * 4.0, 3.0]])))
    assert embed(torch.tensor([[float("inf"), 3.0]])).isfinite().all()


def test_without_attributes_all_samples_get_the_same():
    out = AttributeEmbedding([], [], 16)(torch.zeros(3, 0))
    assert out.shape == (3, 16)
    torch.testing.assert_close(out[0], out[2])


def test_a_nan_sends_no_nan_back(embed):
    embed(torch.tensor([[NAN, 3.0]])).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in embed.parameters())


def test_a_mask_that_was_not_given_changes_nothing_whatever_it_holds():
    net = MaskPatches(2, 4, 8)
    masks = torch.rand(3, 2, 8, 16, 4)
    given = torch.tensor([[True, False], [False, True], [False, False]])
    out = net(masks, given)
    assert out.shape == (3, 8, 2, 4, 1)
    other = torch.where(given[:, :, None, None, None], masks, torch.rand_like(masks))
    assert torch.equal(net(other, given), out)
    assert not out[2].any()
    assert out[0].any()


def test_an_empty_mask_is_unlike_none():
    net = MaskPatches(1, 4, 8)
    empty = torch.zeros(2, 1, 8, 8, 8)
    out = net(empty, torch.tensor([[True], [False]]))
    assert out[0].any()
    assert not out[1].any()


def test_a_given_mask_has_a_say():
    net, given = MaskPatches(1, 4, 8), torch.ones(1, 1, dtype=torch.bool)
    assert not torch.allclose(net(torch.zeros(1, 1, 8, 8, 8), given), net(torch.ones(1, 1, 8, 8, 8), given))
