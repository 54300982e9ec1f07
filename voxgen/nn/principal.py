"""Principal components of latents, each scaled to one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

_SMALLEST = 0.02
"""Share of the largest standard deviation below which a component is not blown up to one."""


class PrincipalComponents(nn.Module):
    """An invertible view of the few directions in which vectors really differ (PCA, whitened).

    Args:
        size: numbers in a vector.
        rank: components kept.
    """

    def __init__(self, size: int, rank: int) -> None:
        super().__init__()
        self.rank = min(rank, size)
        self.fitted: Tensor
        self.center: Tensor
        self.basis: Tensor
        self.scale: Tensor
        self.register_buffer("fitted", torch.zeros(()))
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("basis", torch.eye(size, self.rank))
        self.register_buffer("scale", torch.ones(self.rank))

    @torch.no_grad()
    def fit(self, vectors: Float[Tensor, "n d"]) -> None:
        """Take the directions of largest variance over some vectors."""
        x = vectors.cpu().double()  # some devices have no float64
        center = x.mean(dim=0)
        deviation, basis = _directions(x - center, self.rank)
        self.center.copy_(center)
        self.basis.copy_(basis)
        self.scale.copy_(deviation.clamp_min(_SMALLEST * float(deviation[0])).clamp_min(1e-6))
        self.fitted.fill_(1.0)

    def reduce(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n r"]:
        """Give the components of vectors."""
        return (vectors - self.center) @ self.basis / self.scale

    def expand(self, components: Float[Tensor, "n r"]) -> Float[Tensor, "n d"]:
        """Give the vectors of components."""
        return (components * self.scale) @ self.basis.T + self.center


def _directions(x: Float[Tensor, "n d"], rank: int) -> tuple[Float[Tensor, " r"], Float[Tensor, "d r"]]:
    """Deviations along the directions of largest variance, and those, of centred vectors."""
    n, d = x.shape
    freedom = max(1, n - 1)
    if rank <= n < d:  # much less work where vectors are few and long
        _, values, basis = torch.linalg.svd(x, full_matrices=False)
        return values[:rank] / freedom**0.5, basis[:rank].T
    values, basis = torch.linalg.eigh(x.T @ x / freedom)
    return values.clamp_min(0).sqrt()[-rank:].flip(0), basis[:, -rank:].flip(1)
