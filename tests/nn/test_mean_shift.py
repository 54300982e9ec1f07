"""Sums over like cells: by the definition, by both engines, and with their gradient."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.mean_shift import alike


def lines(n: int, dtype: torch.dtype, spread: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    shape = (2, 3, n)
    height = 7 + spread * torch.randn(shape, generator=generator, dtype=torch.float64)
    share = torch.rand(shape, generator=generator, dtype=torch.float64)
    return [height.to(dtype), share.to(dtype)]


def by_definition(height: list[float], share: list[float], reach: float) -> list[list[float]]:
    cells = list(zip(height, share, strict=True))
    found = []
    for mine in height:
        counted = [(h, f * max(0.0, 1 - ((mine - h) / reach) ** 2) ** 2) for h, f in cells]
        found.append([sum(w * h for h, w in counted), sum(w for _, w in counted)])
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 5, 33])
def test_the_sums_are_those_of_the_definition(n, dtype):
    height, share = lines(n, dtype)
    sums = torch.stack(alike(height, share, 0.8), dim=-1)
    for i in range(2):
        for j in range(3):
            expected = by_definition(height[i, j].tolist(), share[i, j].tolist(), 0.8)
            assert torch.allclose(sums[i, j], torch.tensor(expected, dtype=dtype), rtol=1e-5)


def test_the_gradient_is_that_of_finite_differences():
    height, share = (tensor.requires_grad_() for tensor in lines(6, torch.float64))
    assert torch.autograd.gradcheck(lambda h, f: alike(h, f, 0.8), (height, share))


@pytest.mark.parametrize("layout", ["whole", "transposed"])
def test_the_kernel_has_the_gradient_of_its_twin(layout):
    gradients = []
    for dtype in (torch.float32, torch.float64):
        given = [tensor.requires_grad_() for tensor in lines(40, dtype, 0.5)]
        height, share = given if layout == "whole" else [tensor.mT for tensor in given]
        heights, weights = alike(height, share, 0.6)
        (heights.square().sum() + weights.sin().sum()).backward()
        gradients.append([tensor.grad.double() for tensor in given if tensor.grad is not None])
    for fast, exact in zip(*gradients, strict=True):
        assert torch.allclose(fast, exact, rtol=1e-3, atol=1e-3 * float(exact.abs().max()))


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(odd):
    height, share = lines(12, torch.float32)
    height[0, 1, 4] = odd
    height.requires_grad_()
    sums = torch.stack(alike(height, share, 0.8))
    assert not sums[:, 0, 1].isfinite().all()
    sums.sum().backward()
    assert height.grad is not None
    assert not height.grad[0, 1].isfinite().all()
    assert height.grad[1].isfinite().all()


def test_what_lies_beyond_the_reach_counts_for_nothing():
    height = torch.tensor([[1.0, 1.0, 4.0]])
    heights, weights = alike(height, torch.ones(1, 3), 2.0)
    assert weights.tolist() == [[2.0, 2.0, 1.0]]
    assert heights.tolist() == [[2.0, 2.0, 4.0]]
