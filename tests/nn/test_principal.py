"""Principal components: what is kept comes back, each component varies by one."""

from __future__ import annotations

import torch

from voxgen.nn.principal import PrincipalComponents


def vectors(n: int = 400, size: int = 12, directions: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([5.0, 1.0, 0.5])[:directions]
    spread = torch.randn(n, directions, generator=generator) * scale
    return spread @ torch.randn(directions, size, generator=generator) + 7


def fitted(x: torch.Tensor, rank: int) -> PrincipalComponents:
    principal = PrincipalComponents(x.shape[1], rank)
    principal.fit(x)
    return principal


def test_vectors_of_few_directions_come_back():
    x = vectors()
    principal = fitted(x, 3)
    torch.testing.assert_close(principal.expand(principal.reduce(x)), x, rtol=1e-4, atol=1e-3)


def test_components_are_centred_of_one_size_and_uncorrelated():
    x = vectors()
    torch.testing.assert_close(torch.cov(fitted(x, 3).reduce(x).T), torch.eye(3), rtol=0, atol=1e-3)


def test_a_direction_that_hardly_varies_is_not_blown_up():
    x = vectors()
    spread = fitted(x, 6).reduce(x).std(dim=0)
    assert (spread[3:] < 0.01).all()


def test_vectors_that_are_all_alike_are_borne():
    x = torch.full((5, 4), 2.0)
    principal = fitted(x, 2)
    torch.testing.assert_close(principal.expand(principal.reduce(x)), x)


def test_no_more_components_than_numbers():
    assert PrincipalComponents(4, 64).rank == 4
