"""Manifold Parzen windows over latents and attributes: what an autoencoder samples from.

N(0, I) never matches the distribution that an encoder really produces. Fitting a density to the latents
after training and sampling from that (ex-post density estimation, Ghosh et al. 2020) removes the blur that
VAEs are blamed for. Buildings are few and lie along curved sheets of the latent space; a handful of
Gaussians cuts across them, and what is decoded from between the sheets is ragged. Here each training building
has a Gaussian window of its own, shaped by its nearest neighbours, so that windows lie along the sheets
(Vincent and Bengio 2003):

    p(z, a) = 1/n sum_i N((z, a); (z_i, a_i), h^2 C_i),   C_i the covariance of the neighbours of i

h is chosen so that draws lie as far from the training buildings as these lie from each other: narrower
windows would give the training set again. Windows are over latents and attributes together, so that a
condition is met in closed form: windows are weighed by how well they fit what is asked, and the draw is moved
along the window (Matheron's rule). Latents are taken as their principal components.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ..nn.principal import PrincipalComponents
from .noise import keyed_noise

_LEAST_SPREAD = 0.03
"""Standard deviation, of a scaled attribute, that a window has at least."""

_WIDTHS = (0.25, 2.0)
"""Least and largest width of windows, in deviations of the neighbours."""

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
        self, size: int, attributes: int, rank: int = 128, windows: int = 4096, neighbours: int = 16
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

    @property
    def fitted(self) -> bool:
        """Whether there is anything to draw from but N(0, I)."""
        return bool(self.count)

    @torch.no_grad()
    def fit(self, latents: Float[Tensor, "n d"], attributes: Float[Tensor, "n a"]) -> None:
        """Place the windows.

        An attribute that is unknown, NaN, is taken to be the mean of the neighbours' that know it.
        """
        n = min(len(latents), self.capacity)
        spread = torch.arange(n) * len(latents) // n
        x, a = latents.cpu()[spread], attributes.cpu().double()[spread]
        self.principal.fit(x)
        z = self._components(x)
        nearest = torch.cdist(z, z).topk(min(self.nearest.shape[1], n), largest=False).indices
        center, scale = _moments(a)
        joint = torch.cat([z, _filled((a - center) / scale, nearest)], dim=1)
        self.attribute_center.copy_(center)
        self.attribute_scale.copy_(scale)
        self.points.zero_()[:n] = joint.float()
        # With fewer buildings than neighbours the last ones are repeated.
        at = torch.arange(self.nearest.shape[1]).clamp_max(nearest.shape[1] - 1)
        self.nearest.zero_()[:n] = nearest[:, at].int()
        self.count.fill_(n)
        self.width.fill_(self._choose_width(z))

    def forget(self) -> None:
        """Be N(0, I) again, until the next fit."""
        self.count.zero_()

    @torch.no_grad()
    def sample(
        self, attributes: Float[Tensor, "b a"], keys: Int64[Tensor, " b"], stream: int = 0
    ) -> Float[Tensor, "b d"]:
        """Draw a latent for each row by its key; attributes that are given are conditioned on.

        Args:
            attributes: what is asked, NaN where nothing is.
            keys: one a row.
            stream: of the noise; the next one decides the window.

        Returns:
            Latents on the CPU in float32; N(0, I) before a fit.
        """
        if not self.fitted:
            return keyed_noise(keys, (len(self.principal.center),), stream)
        asked = attributes.cpu().double()
        asked = (asked - self.attribute_center.cpu()) / self.attribute_scale.cpu()
        choice = torch.special.ndtr(keyed_noise(keys, (), stream + 1).double())
        noise = keyed_noise(keys, (self.nearest.shape[1] + asked.shape[1],), stream).double()
        joint = torch.empty(len(keys), self.points.shape[1], dtype=torch.float64)
        # What a window leaves open depends on which attributes are asked, not on their values.
        given = (~asked.isnan()).numpy()
        patterns, member = np.unique(given, axis=0, return_inverse=True)
        for index, pattern in enumerate(torch.from_numpy(patterns)):
            rows = torch.from_numpy(np.flatnonzero(member == index))
            joint[rows] = self._draw(asked[rows][:, pattern], pattern, noise[rows], choice[rows])
        return joint[:, : self.rank].float() @ self.principal.basis.cpu().T + self.principal.center.cpu()

    def _draw(
        self,
        asked: Float[Tensor, "b q"],
        pattern: Tensor,
        noise: Float[Tensor, "b m"],
        choice: Float[Tensor, " b"],
    ) -> Float[Tensor, "b j"]:
        """Draw from the windows conditioned on the attributes of the pattern."""
        points = self.points[: int(self.count)].cpu().double()
        at = self.rank + pattern.nonzero()[:, 0]
        own = self._deviations(torch.arange(len(points)), at)  # (windows, neighbours, q)
        error = _LEAST_SPREAD**2 * torch.eye(len(at), dtype=torch.float64)
        root = torch.linalg.cholesky(own.mT @ own + error)
        # In blocks: windows times rows times attributes would outgrow the memory.
        window = torch.cat(
            [
                _chosen(points[:, at], root, some, u)
                for some, u in zip(asked.split(64), choice.split(64), strict=True)
            ]
        )
        around = self._deviations(window, torch.arange(points.shape[1]))
        k = around.shape[1]
        joint = points[window] + (noise[:, None, :k] @ around)[:, 0]
        seen = joint[:, at] + _LEAST_SPREAD * noise[:, k:][:, : len(at)]
        gain = torch.cholesky_solve((asked - seen)[..., None], root[window])
        return joint + (around.mT @ (around[:, :, at] @ gain))[..., 0]

    def _deviations(self, window: Int64[Tensor, " b"], at: Int64[Tensor, " q"]) -> Float[Tensor, "b k q"]:
        """Rows whose products sum up to the covariance of each window, at some coordinates."""
        nearest = self.nearest.cpu()[window].long()
        around = self.points.cpu().double()[nearest[..., None], at]
        around = around - around.mean(dim=1, keepdim=True)
        return self.width.cpu().double() * around / max(1, around.shape[1] - 1) ** 0.5

    def _choose_width(self, z: Float[Tensor, "n r"]) -> float:
        """The width at which draws lie as far from buildings as these from each other, in the median."""
        apart = torch.cdist(z, z).fill_diagonal_(torch.inf).amin(dim=1).median()
        least, most = _WIDTHS
        if not 0 < apart < torch.inf:
            return 1.0
        self.width.fill_(1.0)
        chance = torch.Generator().manual_seed(0)
        window = torch.randint(len(z), (_TRIALS,), generator=chance)
        around = self._deviations(window, torch.arange(self.rank))
        noise = torch.randn(_TRIALS, 1, around.shape[1], generator=chance, dtype=torch.float64)
        step = (noise @ around)[:, 0]
        for _ in range(12):
            middle = (least * most) ** 0.5
            far = torch.cdist(z[window] + middle * step, z).amin(dim=1).median() > apart
            least, most = (least, middle) if far else (middle, most)
        return (least * most) ** 0.5

    def _components(self, latents: Float[Tensor, "n d"]) -> Float[Tensor, "n r"]:
        return (
            (self.principal.reduce(latents.to(self.principal.center)) * self.principal.scale).cpu().double()
        )


def _chosen(
    centre: Float[Tensor, "n q"],
    root: Float[Tensor, "n q q"],
    asked: Float[Tensor, "b q"],
    choice: Float[Tensor, " b"],
) -> Int64[Tensor, " b"]:
    """Choose a window for each row by how well it fits what is asked, all alike where nothing is."""
    gap = (asked[None] - centre[:, None]).mT  # (windows, q, rows)
    off = torch.linalg.solve_triangular(root, gap, upper=False).square().sum(dim=1)
    fit = -0.5 * off - root.diagonal(dim1=1, dim2=2).log().sum(dim=1)[:, None]
    up_to = fit.softmax(dim=0).cumsum(dim=0).mT.contiguous()
    return torch.searchsorted(up_to, choice[:, None])[:, 0].clamp_max(len(centre) - 1)


def _moments(a: Float[Tensor, "n a"]) -> tuple[Float[Tensor, " a"], Float[Tensor, " a"]]:
    """Mean and deviation of attributes where they are known."""
    count = (~a.isnan()).sum(dim=0).clamp_min(1)
    center = a.nan_to_num(0.0).sum(dim=0) / count
    scale = ((a - center).nan_to_num(0.0).square().sum(dim=0) / count).sqrt()
    return center, torch.where(scale > 1e-9, scale, 1.0)  # as of an attribute that never varies


def _filled(a: Float[Tensor, "n a"], nearest: Int64[Tensor, "n k"]) -> Float[Tensor, "n a"]:
    """Scaled attributes, the unknown ones as the neighbours have them, or as all do."""
    return a.where(~a.isnan(), a[nearest].nanmean(dim=1).nan_to_num(0.0))
