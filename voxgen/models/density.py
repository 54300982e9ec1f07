"""Manifold Parzen windows over latents and attributes: what an autoencoder samples from.

N(0, I) never matches the distribution that an encoder really produces. Fitting a density to the latents
after training and sampling from that (ex-post density estimation, Ghosh et al. 2020) removes the blur that
VAEs are blamed for. Buildings are few and lie along curved sheets of the latent space; a handful of
Gaussians cuts across them, and what is decoded from between the sheets is ragged. Here each
building that is learnt from has a Gaussian window of its own, shaped by its nearest neighbours, so that
windows lie along the sheets (Vincent and Bengio 2003):

    p(z, a) = 1/n sum_i N((z, a); (z_i, a_i), h^2 C_i)

C_i is the covariance of i and its neighbours about their mean. Unlike there a window has no width across its
sheet, where decoding is ragged. h is chosen so that draws lie as far from what was learnt as different
buildings lie from each other, in the median: narrower windows would give the training set again. (A building
and its stretched copies are one, and lie nearer than that.) Windows are over latents
and attributes together, so that a condition is met in closed form: windows are weighed by how well they fit
what is asked, and the draw is moved along the window (Matheron's rule). Latents are taken as their principal
components.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor, nn

from ..nn.principal import PrincipalComponents
from .noise import keyed_noise

_LEAST_SPREAD = 0.03
"""Standard deviation, of a scaled attribute, that a window has at least."""

_WIDTHS = (0.25, 2.0)
"""Least and largest width of windows, in deviations of the neighbours."""

_FURTHEST = 4.0
"""How far along its window a draw is moved at most, in its deviations: to an ask beyond all that is known the
nearest building that is likely answers, not one that is extrapolated."""

_SAME = 1e-4
"""Buildings whose latents lie closer than this share of the latents' deviation are one."""

_BLOCK = 256
"""Draws that are made at a time: each takes its neighbours' numbers."""

_AT_ONCE = 1024
"""Points whose distances are looked at together."""

_TRIALS = 1024
"""Draws by which the width is chosen."""


class ParzenWindows(nn.Module):
    """p(latent, attributes), a window around each training building.

    Args:
        size: numbers in a latent, flattened.
        attributes: how many attributes are modelled beside it.
        rank: principal components kept.
        windows: most buildings that are kept; of more, evenly spread ones.
        neighbours: buildings that shape a window, beside its own.
    """

    def __init__(
        self, size: int, attributes: int, rank: int = 64, windows: int = 8192, neighbours: int = 16
    ) -> None:
        super().__init__()
        self.principal = PrincipalComponents(size, rank)
        self.rank = self.principal.rank
        self.capacity = windows
        self.count: Tensor
        self.points: Tensor
        self.nearest: Tensor
        self.width: Tensor
        self.attribute_center: Tensor
        self.attribute_scale: Tensor
        # Of full size from the start: the shape of a checkpoint never varies.
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("points", torch.zeros(windows, self.rank + attributes))
        self.register_buffer("nearest", torch.zeros(windows, neighbours + 1, dtype=torch.int32))
        self.register_buffer("width", torch.ones(()))
        self.register_buffer("attribute_center", torch.zeros(attributes))
        self.register_buffer("attribute_scale", torch.ones(attributes))
        self._roots: dict[tuple[Any, ...], Tensor] = {}

    @property
    def fitted(self) -> bool:
        """Whether there is anything to draw from but N(0, I)."""
        return bool(self.count)

    @torch.no_grad()
    def fit(
        self,
        latents: Float[Tensor, "n d"],
        attributes: Float[Tensor, "n a"],
        copies: Bool[Tensor, " n"] | None = None,
    ) -> Int64[Tensor, " m"]:
        """Place the windows, and give the rows of the buildings that have one.

        Args:
            latents: of buildings.
            attributes: of them; an unknown one, NaN, is taken to be the mean of the neighbours that know it.
            copies: which are stretched copies of others; none where None.
        """
        total = min(len(latents), self.capacity)
        rows = torch.arange(total) * len(latents) // total
        x, a = latents.cpu()[rows], attributes.cpu().double()[rows]
        own = torch.ones(total, dtype=torch.bool) if copies is None else ~copies[rows]
        self.principal.fit(x)
        z = self._components(x)
        kept = _different(z)
        z, a, own, rows = (part[kept] for part in (z, a, own, rows))
        n = len(z)
        nearest = neighbours(z, self.nearest.shape[1])
        center, scale = _moments(a)
        joint = torch.cat([z, filled((a - center) / scale, nearest)], dim=1)
        self.attribute_center.copy_(center)
        self.attribute_scale.copy_(scale)
        self.points.zero_()[:n] = joint.float()
        # Of fewer buildings than neighbours all count about as often.
        at = torch.arange(self.nearest.shape[1]) % nearest.shape[1]
        self.nearest.zero_()[:n] = nearest[:, at].int()
        self.count.fill_(n)
        self.width.fill_(width_of(z, nearest, own))
        return rows

    def forget(self) -> None:
        """Be N(0, I) again, until the next fit."""
        self.count.zero_()

    @torch.no_grad()
    def sample(
        self,
        attributes: Float[Tensor, "b a"],
        keys: Int64[Tensor, " b"],
        stream: int = 0,
        odds: Float[Tensor, "b n"] | None = None,
    ) -> Float[Tensor, "b d"]:
        """Draw a latent for each row by its key; attributes that are given are conditioned on.

        Args:
            attributes: what is asked, NaN where nothing is.
            keys: one a row.
            stream: of the noise; the next one decides the window.
            odds: logarithms of what else windows are weighed by; alike where None.

        Returns:
            Latents on the CPU in float32; N(0, I) before a fit.
        """
        if not self.fitted:
            return keyed_noise(keys, (len(self.principal.center),), stream)
        asked = attributes.cpu().double()
        asked = (asked - self.attribute_center.cpu()) / self.attribute_scale.cpu()
        choice = torch.special.ndtr(keyed_noise(keys, (), stream + 1).double())
        noise = keyed_noise(keys, (self.nearest.shape[1] + asked.shape[1],), stream).double()
        odds = torch.zeros(len(keys), 1) if odds is None else odds.cpu()
        drawn = torch.empty(len(keys), len(self.principal.center))
        basis, center = self.principal.basis.cpu().double(), self.principal.center.cpu().double()
        # What a window leaves open depends on which attributes are asked, not on their values.
        patterns, member = np.unique((~asked.isnan()).numpy(), axis=0, return_inverse=True)
        for index, pattern in enumerate(torch.from_numpy(patterns)):
            at = self.rank + pattern.nonzero()[:, 0]
            root = self._root(at)
            for rows in torch.from_numpy(np.flatnonzero(member == index)).split(_BLOCK):
                joint = self._draw(asked[rows][:, pattern], at, root, noise[rows], choice[rows], odds[rows])
                # In double, which autocast leaves alone.
                drawn[rows] = (joint[:, : self.rank] @ basis.T + center).float()
        return drawn

    def _root(self, at: Int64[Tensor, " q"]) -> Float[Tensor, "n q q"]:
        """Cholesky factor of each window's covariance of some coordinates, kept while the windows stand."""
        key = (*((id(part), part._version) for part in (self.points, self.nearest, self.width)), *at.tolist())
        if key not in self._roots:
            own = self._width() * self._deviations(torch.arange(int(self.count)), at)
            least = _LEAST_SPREAD**2 * torch.eye(len(at), dtype=torch.float64)
            self._roots = {key: torch.linalg.cholesky(own.mT @ own + least)}
        return self._roots[key]

    def _draw(
        self,
        asked: Float[Tensor, "b q"],
        at: Int64[Tensor, " q"],
        root: Float[Tensor, "n q q"],
        noise: Float[Tensor, "b m"],
        choice: Float[Tensor, " b"],
        odds: Float[Tensor, "b _"],
    ) -> Float[Tensor, "b j"]:
        """Draw from the windows conditioned on the coordinates `at`."""
        points = self.points.cpu()[: int(self.count)].double()
        window = _chosen(points[:, at], root, asked, choice, odds)
        around = self._width() * self._deviations(window, torch.arange(points.shape[1]))
        k = around.shape[1]
        joint = points[window] + (noise[:, None, :k] @ around)[:, 0]
        seen = joint[:, at] + _LEAST_SPREAD * noise[:, k:][:, : len(at)]
        gain = torch.cholesky_solve((asked - seen)[..., None], root[window])
        move = around[:, :, at] @ gain  # along the window, in its deviations
        move = move * (_FURTHEST / move.norm(dim=1, keepdim=True)).clamp(max=1)
        return joint + (around.mT @ move)[..., 0]

    def _deviations(self, window: Int64[Tensor, " b"], at: Int64[Tensor, " q"]) -> Float[Tensor, "b k q"]:
        """Rows whose products sum up to C_i of each window, at some coordinates."""
        return deviations(self.points.cpu()[:, at], self.nearest.cpu()[window]).double()

    def _width(self) -> Float[Tensor, ""]:
        return self.width.cpu().double()

    def _components(self, latents: Float[Tensor, "n d"]) -> Float[Tensor, "n r"]:
        center, basis = (part.cpu().double() for part in (self.principal.center, self.principal.basis))
        return (latents.double() - center) @ basis


def neighbours(points: Float[Tensor, "n r"], count: int) -> Int64[Tensor, "n k"]:
    """Rows of each point and those nearest to it, so many in all or as there are."""
    k = min(count, len(points))
    apart = (torch.cdist(some, points) for some in points.split(_AT_ONCE))
    return torch.cat([some.topk(k, largest=False)[1] for some in apart])


def width_of(points: Float[Tensor, "n r"], nearest: Int[Tensor, "n k"], own: Bool[Tensor, " n"]) -> float:
    """The width at which draws lie as far from all points as different buildings from each other.

    In the median, and within `_WIDTHS`.

    Args:
        points: centres of windows.
        nearest: rows of those that shape each window.
        own: which of the points are no copies of others; all count where fewer than two are.
    """
    different = points[own] if own.sum() > 1 else points
    if len(different) < 2:
        return 1.0
    to_next = torch.cat([torch.cdist(some, different).kthvalue(2)[0] for some in different.split(_AT_ONCE)])
    chance = torch.Generator().manual_seed(0)
    window = torch.randint(len(points), (_TRIALS,), generator=chance)
    around = deviations(points, nearest[window]).double()
    noise = torch.randn(_TRIALS, 1, around.shape[1], generator=chance, dtype=torch.float64)
    step = (noise @ around)[:, 0].to(points)
    least, most = _WIDTHS
    for _ in range(12):
        middle = (least * most) ** 0.5
        far = torch.cdist(points[window] + middle * step, points).amin(dim=1).median() > to_next.median()
        least, most = (least, middle) if far else (middle, most)
    return (least * most) ** 0.5


def deviations(points: Float[Tensor, "n j"], nearest: Int[Tensor, "b k"]) -> Float[Tensor, "b k j"]:
    """Rows whose products sum up to the covariance of each window about its mean.

    Args:
        points: the centres of all windows.
        nearest: rows of those that shape each window: its own centre, and its neighbours'.
    """
    around = points[nearest.long()]
    return (around - around.mean(dim=1, keepdim=True)) / max(1, around.shape[1] - 1) ** 0.5


def filled(values: Float[Tensor, "n a"], nearest: Int[Tensor, "n k"]) -> Float[Tensor, "n a"]:
    """Values, the unknown ones as the neighbours have them in the mean, or as all do."""
    near = values[nearest.long()].nanmean(dim=1)
    return values.where(~values.isnan(), near.where(~near.isnan(), values.nanmean(dim=0).nan_to_num(0.0)))


def _different(z: Float[Tensor, "n r"]) -> Int64[Tensor, " m"]:
    """The first of each group of buildings that are one.

    Buildings that stand several times would make windows without width, and draws that are copies.
    """
    cell = _SAME * z.std(dim=0, correction=0).square().sum().sqrt().clamp_min(1e-12)
    _, first = np.unique((z / cell).round().numpy(), axis=0, return_index=True)
    return torch.from_numpy(np.sort(first))


def _chosen(
    centre: Float[Tensor, "n q"],
    root: Float[Tensor, "n q q"],
    asked: Float[Tensor, "b q"],
    choice: Float[Tensor, " b"],
    odds: Float[Tensor, "b _"],
) -> Int64[Tensor, " b"]:
    """Choose a window for each row by its odds and how well it fits what is asked, where anything is."""
    gap = (asked[None] - centre[:, None]).mT  # (windows, q, rows)
    off = torch.linalg.solve_triangular(root, gap, upper=False).square().sum(dim=1)
    fit = odds.mT.double() - 0.5 * off - root.diagonal(dim1=1, dim2=2).log().sum(dim=1)[:, None]
    up_to = fit.softmax(dim=0).cumsum(dim=0).mT.contiguous()
    return torch.searchsorted(up_to, choice[:, None])[:, 0].clamp_max(len(centre) - 1)


def _moments(a: Float[Tensor, "n a"]) -> tuple[Float[Tensor, " a"], Float[Tensor, " a"]]:
    """Mean and deviation of attributes where they are known."""
    count = (~a.isnan()).sum(dim=0).clamp_min(1)
    center = a.nan_to_num(0.0).sum(dim=0) / count
    scale = ((a - center).nan_to_num(0.0).square().sum(dim=0) / count).sqrt()
    return center, torch.where(scale > 1e-9, scale, 1.0)  # as of an attribute that never varies
