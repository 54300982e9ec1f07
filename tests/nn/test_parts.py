"""A function of a batch in parts is the function of the whole."""

from __future__ import annotations

import torch

from voxgen.nn import parts


def test_parts_make_up_the_whole(monkeypatch):
    seen = []

    def both(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len(x))
        return x.sum(dim=1), x.amax(dim=1)

    x = torch.randn(7, 10, requires_grad=True)
    monkeypatch.setattr(parts, "_NUMBERS", 20)
    total, largest = parts.over_parts(both, x)
    assert seen == [2, 2, 2, 1]
    torch.testing.assert_close(total, x.sum(dim=1).detach())
    assert torch.equal(largest, x.amax(dim=1))
    assert not total.requires_grad
    monkeypatch.setattr(parts, "_NUMBERS", 3)
    seen.clear()
    parts.over_parts(both, x)
    assert seen == [1] * 7
