"""Invertible maps with known log-determinants: what normalizing flows are made of.

Each map takes (b, c, ...) with any number of axes behind the channels, so that vectors and grids share them.
Forward goes from data to noise; `inverse` goes back.

Sources: coupling layers (Dinh et al. 2017), linear maps in LU form (Kingma and Dhariwal 2018), monotone
rational-quadratic splines (Durkan et al. 2019; Gregory and Delbourgo 1982).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

_BOUND = 1.5
"""Largest logarithm of a coupling's scale: what keeps the inverse exact to a few digits of float32."""

_TAIL = 4.0
"""Splines bend within this of zero, in standard deviations, and are the identity beyond."""

_LEAST = 1e-2
"""Least width, height and slope of a spline's bins, as a share of an even one's."""


class Invertible(nn.Module, ABC):
    """A map that can be undone."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "b c *s"], told: Any) -> tuple[Tensor, Float[Tensor, " b"]]:
        """Give the image and the logarithm of the absolute determinant of the Jacobian.

        Args:
            x: channels at each place.
            told: embedding of what is asked, or more that nets heed.
        """

    @abstractmethod
    def inverse(self, y: Float[Tensor, "b c *s"], told: Any) -> Tensor:
        """Give what `forward` maps to y."""


class Linear(Invertible):
    """A linear map of the channels, the same at every place: W = P L (U + diag(s)), and a shift.

    It starts as a rotation by chance, so that couplings do not see the same halves again and again.

    Args:
        channels: how many.
        seed: of the rotation.
    """

    def __init__(self, channels: int, seed: int) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        rotation = torch.linalg.qr(torch.randn(channels, channels, generator=chance)).Q
        p, lower, upper = torch.linalg.lu(rotation)
        self.permutation: Tensor
        self.sign: Tensor
        self.register_buffer("permutation", p)
        self.register_buffer("sign", upper.diagonal().sign())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_scale = nn.Parameter(upper.diagonal().abs().log())
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "b c *s"], told: Any) -> tuple[Tensor, Float[Tensor, " b"]]:
        """Give W x + shift and its log-determinant."""
        del told
        with torch.autocast(x.device.type, enabled=False):  # or the inverse would not be one
            lower, upper = self._triangles()
            y = torch.einsum("oc,bc...->bo...", self.permutation @ lower @ upper, x)
            places = math.prod(x.shape[2:])
            return y + self._shift(x), (self.log_scale.sum() * places).expand(len(x))

    def inverse(self, y: Float[Tensor, "b c *s"], told: Any) -> Tensor:
        """Solve for x, triangle by triangle."""
        del told
        lower, upper = self._triangles()
        flat = (y - self._shift(y)).movedim(1, 0).reshape(y.shape[1], -1)
        flat = torch.linalg.solve_triangular(
            lower, self.permutation.T @ flat, upper=False, unitriangular=True
        )
        flat = torch.linalg.solve_triangular(upper, flat, upper=True)
        return flat.reshape(y.shape[1], len(y), *y.shape[2:]).movedim(0, 1)

    def _triangles(self) -> tuple[Tensor, Tensor]:
        one = torch.eye(len(self.shift), device=self.shift.device)
        return self.lower.tril(-1) + one, self.upper.triu(1) + torch.diag(self.sign * self.log_scale.exp())

    def _shift(self, x: Tensor) -> Tensor:
        return self.shift.view(1, -1, *(1,) * (x.ndim - 2))


Elementwise = Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor]]
"""(x, parameters, back) -> (image, logarithm of the slope), number by number."""


class Coupling(Invertible):
    """The second part of the channels is moved number by number, as a net over the first part says.

    Args:
        kept: channels of the first part.
        net: (first part, told) -> `n_parameters` numbers for each moved channel.
        move: `affine` or `spline`.
    """

    def __init__(self, kept: int, net: nn.Module, move: Elementwise) -> None:
        super().__init__()
        self.kept, self.net, self.move = kept, net, move

    def forward(self, x: Float[Tensor, "b c *s"], told: Any) -> tuple[Tensor, Float[Tensor, " b"]]:
        """Move the second part."""
        first, second = x[:, : self.kept], x[:, self.kept :]
        moved, slope = self.move(second, self._numbers(first, second, told), False)
        return torch.cat([first, moved], dim=1), slope.flatten(1).sum(dim=1)

    def inverse(self, y: Float[Tensor, "b c *s"], told: Any) -> Tensor:
        """Move it back."""
        first, second = y[:, : self.kept], y[:, self.kept :]
        return torch.cat([first, self.move(second, self._numbers(first, second, told), True)[0]], dim=1)

    def _numbers(self, first: Tensor, second: Tensor, told: Any) -> Tensor:
        found = self.net(first, told).to(first.dtype)
        return found.reshape(len(first), -1, *second.shape[1:])


class Chain(Invertible):
    """One map after the other."""

    def __init__(self, *maps: Invertible) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)

    def forward(self, x: Float[Tensor, "b c *s"], told: Any) -> tuple[Tensor, Float[Tensor, " b"]]:
        """Apply them in order."""
        total = x.new_zeros(len(x))
        for one in self.maps:
            x, determinant = one(x, told)
            total = total + determinant
        return x, total

    def inverse(self, y: Float[Tensor, "b c *s"], told: Any) -> Tensor:
        """Undo them from the last."""
        for one in reversed(list(self.maps)):
            y = one.inverse(y, told)  # pyright: ignore[reportCallIssue]
        return y


def affine(x: Tensor, parameters: Float[Tensor, "b 2 *s"], back: bool) -> tuple[Tensor, Tensor]:
    """Scale, by at most e to the `_BOUND`, and shift."""
    log_scale = _BOUND * torch.tanh(parameters[:, 0] / _BOUND)
    shift = parameters[:, 1]
    if back:
        return (x - shift) * (-log_scale).exp(), -log_scale
    return x * log_scale.exp() + shift, log_scale


def spline(x: Tensor, parameters: Float[Tensor, "b k *s"], back: bool) -> tuple[Tensor, Tensor]:
    """Bend by a monotone rational-quadratic spline of n bins; k is 3 n - 1, and zeros are the identity."""
    n = (parameters.shape[1] + 1) // 3
    width, height, slope = parameters.movedim(1, -1).split([n, n, n - 1], dim=-1)
    x_at, y_at = _knots(width), _knots(height)
    # A slope of one at zero and at both ends, where the identity follows.
    slope = F.pad(F.softplus(slope + math.log(math.e - 1)), (1, 1), value=1.0).clamp_min(_LEAST)
    inside = (x > -_TAIL) & (x < _TAIL)
    at = torch.where(inside, x, 0.0)[..., None]
    bin_ = (torch.searchsorted((y_at if back else x_at).contiguous(), at.contiguous(), right=True) - 1).clamp(
        0, n - 1
    )

    def pick(values: Tensor, following: int = 0) -> Tensor:
        return values.gather(-1, bin_ + following)[..., 0]

    x0, y0, d0, d1 = pick(x_at), pick(y_at), pick(slope), pick(slope, 1)
    w, h = pick(x_at, 1) - x0, pick(y_at, 1) - y0
    s = h / w
    at = at[..., 0]
    if back:
        rise = at - y0
        bend = rise * (d0 + d1 - 2 * s)
        a, b, c = h * (s - d0) + bend, h * d0 - bend, -s * rise
        t = 2 * c / (-b - (b * b - 4 * a * c).clamp_min(0).sqrt())
    else:
        t = (at - x0) / w
    both = t * (1 - t)
    under = s + (d0 + d1 - 2 * s) * both
    log_slope = 2 * s.log() + (d1 * t * t + 2 * s * both + d0 * (1 - t) ** 2).log() - 2 * under.log()
    found = x0 + t * w if back else y0 + h * (s * t * t + d0 * both) / under
    found = torch.where(inside, found, x)
    log_slope = torch.where(inside, log_slope, 0.0)
    return found, -log_slope if back else log_slope


def _knots(raw: Tensor) -> Tensor:
    """Edges of bins between -`_TAIL` and `_TAIL`, by their raw sizes."""
    n = raw.shape[-1]
    sizes = _LEAST / n + (1 - _LEAST) * raw.softmax(dim=-1)
    edges = F.pad(sizes.cumsum(dim=-1), (1, 0))
    # Exactly at the ends, whatever the sum of roundings is.
    edges = edges / edges[..., -1:]
    return 2 * _TAIL * edges - _TAIL
