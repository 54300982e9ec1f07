"""A Gaussian mixture over latents and attributes together: what an autoencoder samples from.

N(0, I) never matches the distribution that an encoder really produces. Fitting a density to the latents
after training and sampling from that (ex-post density estimation, Ghosh et al. 2020) removes the blur that
VAEs are blamed for. Attributes are fitted jointly, so that a condition on some of them is met in closed form:
the mixture conditioned on a part of its coordinates is a mixture again.

Latents are reduced by PCA first; what the components leave over is kept as isotropic noise (Tipping and
Bishop 1999), so the density stays proper for spatial latents of many hundred numbers.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .noise import keyed_noise


class LatentMixture(nn.Module):
    """p(latent, attributes) as a full-covariance Gaussian mixture in PCA coordinates.

    Args:
        size: numbers in a latent, flattened.
        attributes: how many attributes are modelled beside it.
        rank: principal components kept.
        components: Gaussians in the mixture.
    """

    def __init__(self, size: int, attributes: int, rank: int = 64, components: int = 24) -> None:
        super().__init__()
        rank = min(rank, size)
        joint = rank + attributes
        self.rank = rank
        self.attributes = attributes
        self.fitted: Tensor
        self.center: Tensor
        self.basis: Tensor
        self.residual: Tensor
        self.log_weight: Tensor
        self.mean: Tensor
        self.covariance: Tensor
        self.attribute_center: Tensor
        self.attribute_scale: Tensor
        self.register_buffer("fitted", torch.zeros(()))
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("basis", torch.eye(size, rank))
        self.register_buffer("residual", torch.ones(()))
        self.register_buffer("log_weight", torch.full((components,), -math.log(components)))
        self.register_buffer("mean", torch.zeros(components, joint))
        self.register_buffer("covariance", torch.eye(joint).repeat(components, 1, 1))
        self.register_buffer("attribute_center", torch.zeros(attributes))
        self.register_buffer("attribute_scale", torch.ones(attributes))

    @torch.no_grad()
    def fit(
        self,
        latents: Float[Tensor, "n d"],
        attributes: Float[Tensor, "n a"],
        iterations: int = 60,
        seed: int = 0,
    ) -> None:
        """Fit by expectation-maximisation, started from k-means; the same arguments give the same fit.

        Covariances are shrunk towards the pooled one, so components with few members stay proper.
        """
        x = latents.cpu().double()
        n, size = x.shape
        self.center.copy_(x.mean(0))
        centred = x - x.mean(0)
        values, vectors = torch.linalg.eigh(centred.T @ centred / n)
        basis = vectors[:, -self.rank :].flip(1)
        left = values[: size - self.rank].clamp_min(0)
        self.basis.copy_(basis)
        self.residual.copy_(left.mean().sqrt() if len(left) else torch.zeros(()))
        a = attributes.cpu().double()
        present = ~a.isnan()
        count = present.sum(0).clamp_min(1)
        mean = a.nan_to_num(0.0).sum(0) / count
        spread = (((a - mean).nan_to_num(0.0) ** 2).sum(0) / count).sqrt()
        spread = torch.where(spread > 1e-9, spread, 1.0)  # as of an attribute that never varies
        self.attribute_center.copy_(mean)
        self.attribute_scale.copy_(spread)
        joint = torch.cat([centred @ basis, ((a - mean) / spread).nan_to_num(0.0)], dim=1)
        log_weight, means, covariances = _fit_mixture(joint, len(self.log_weight), iterations, seed)
        self.log_weight.copy_(log_weight)
        self.mean.copy_(means)
        self.covariance.copy_(covariances)
        self.fitted.fill_(1.0)

    def forget(self) -> None:
        """Be N(0, I) again, until the next fit."""
        self.fitted.zero_()

    @property
    def noise_size(self) -> int:
        """Numbers of N(0, I) that a draw takes."""
        return len(self.center) + self.rank

    @torch.no_grad()
    def sample(
        self, attributes: Float[Tensor, "b a"], keys: Int64[Tensor, " b"], stream: int = 0
    ) -> Float[Tensor, "b d"]:
        """Draw a latent for each row by its key; attributes that are given are conditioned on.

        Args:
            attributes: what is asked, NaN where nothing is.
            keys: one a row.
            stream: of the noise; the next one decides the component.

        Returns:
            Latents on the CPU in float32; N(0, I) before a fit.
        """
        choice = torch.special.ndtr(keyed_noise(keys, (), stream + 1).double())
        return self.transform(keyed_noise(keys, (self.noise_size,), stream), choice, attributes)

    @torch.no_grad()
    def transform(
        self,
        noise: Float[Tensor, "b m"],
        choice: Float[Tensor, " b"],
        attributes: Float[Tensor, "b a"],
    ) -> Float[Tensor, "b d"]:
        """Turn noise into latents.

        Args:
            noise: N(0, I), `noise_size` a row.
            choice: uniform in [0, 1), which decides the component.
            attributes: what is asked, NaN where nothing is.

        Returns:
            Latents on the CPU in float32; the noise itself before a fit.
        """
        noise, choice, asked = noise.cpu().double(), choice.cpu().double(), attributes.cpu().double()
        size = len(self.center)
        if not self.fitted:
            return noise[:, :size].float()
        latents = torch.empty(len(noise), size, dtype=torch.float64)
        # What is left of a covariance depends on which attributes are asked, not on their values.
        given = (~asked.isnan()).numpy()
        patterns, member = np.unique(given, axis=0, return_inverse=True)
        for index, pattern in enumerate(patterns):
            rows = torch.from_numpy(np.flatnonzero(member == index))
            at = torch.from_numpy(np.flatnonzero(pattern))
            latents[rows] = self._draw(asked[rows], at, noise[rows], choice[rows])
        return latents.float()

    def _draw(
        self,
        values: Float[Tensor, "b a"],
        asked: Int64[Tensor, " q"],
        noise: Float[Tensor, "b m"],
        choice: Float[Tensor, " b"],
    ) -> Float[Tensor, "b d"]:
        """Draw from the mixture conditioned on the attributes at the positions `asked`."""
        k = self.rank
        log_weight, mean, covariance = (
            t.cpu().double() for t in (self.log_weight, self.mean, self.covariance)
        )
        center, scale = (t.cpu().double()[asked] for t in (self.attribute_center, self.attribute_scale))
        at = k + asked
        cross = covariance[:, :k][:, :, at]
        own = torch.linalg.cholesky(covariance[:, at][:, :, at])
        gap = ((values[:, asked] - center) / scale)[:, None] - mean[:, at]  # (b, components, q)
        solved = torch.cholesky_solve(gap[..., None], own)[..., 0]
        log_density = -0.5 * (gap * solved).sum(2) - own.diagonal(dim1=1, dim2=2).log().sum(1)
        shifted = mean[:, :k] + torch.einsum("crq,bcq->bcr", cross, solved)
        covariance = covariance[:, :k, :k] - cross @ torch.cholesky_solve(cross.transpose(1, 2), own)
        root = torch.linalg.cholesky(covariance + 1e-6 * torch.eye(k, dtype=torch.float64))
        up_to = (log_weight + log_density).softmax(1).cumsum(1)
        chosen = torch.searchsorted(up_to, choice[:, None])[:, 0].clamp_max(len(log_weight) - 1)
        picked = shifted[torch.arange(len(chosen)), chosen]
        main = picked + (root[chosen] @ noise[:, :k, None])[..., 0]
        basis = self.basis.cpu().double()
        rest = noise[:, k:] * self.residual.cpu().double()
        return self.center.cpu().double() + main @ basis.T + rest - (rest @ basis) @ basis.T


def _fit_mixture(
    x: Float[Tensor, "n j"], components: int, iterations: int, seed: int
) -> tuple[Float[Tensor, " k"], Float[Tensor, "k j"], Float[Tensor, "k j j"]]:
    n, size = x.shape
    components_used = max(1, min(components, n // (2 * size) + 1, n))
    mean = _k_means(x, components_used, seed)
    responsibility = torch.nn.functional.one_hot(torch.cdist(x, mean).argmin(1), components_used).double()
    eye = torch.eye(size, dtype=torch.float64)
    floor = 1e-4 * x.var(0, correction=0).mean().clamp_min(1e-8)
    weight = torch.full((components_used,), 1 / components_used, dtype=torch.float64)
    covariance = eye.repeat(components_used, 1, 1)
    for _ in range(iterations):
        mass = responsibility.sum(0).clamp_min(1e-8)
        weight = mass / mass.sum()
        mean = (responsibility.T @ x) / mass[:, None]
        scatter = torch.stack(
            [((x - m) * r[:, None]).T @ (x - m) for m, r in zip(mean, responsibility.T, strict=True)]
        )
        pooled = scatter.sum(0) / n
        # A prior worth `size` observations of the pooled covariance (Fraley and Raftery 2007).
        covariance = (scatter + size * pooled) / (mass + size)[:, None, None] + floor * eye
        chol = torch.linalg.cholesky(covariance)
        gap = x[None] - mean[:, None]
        whitened = torch.linalg.solve_triangular(chol, gap.transpose(1, 2), upper=False)
        log_density = -0.5 * whitened.square().sum(1) - chol.diagonal(dim1=1, dim2=2).log().sum(1)[:, None]
        responsibility = (log_density + weight.log()[:, None]).softmax(0).T
    return _pad(weight, mean, covariance, components)


def _pad(
    weight: Float[Tensor, " k"],
    mean: Float[Tensor, "k j"],
    covariance: Float[Tensor, "k j j"],
    components: int,
) -> tuple[Float[Tensor, " m"], Float[Tensor, "m j"], Float[Tensor, "m j j"]]:
    """Fill up with components of no weight: the shape of a checkpoint never varies."""
    missing = components - len(weight)
    eye = torch.eye(mean.shape[1], dtype=torch.float64)
    return (
        torch.cat([weight.clamp_min(1e-300).log(), torch.full((missing,), -1e30, dtype=torch.float64)]),
        torch.cat([mean, mean.new_zeros(missing, mean.shape[1])]),
        torch.cat([covariance, eye.repeat(missing, 1, 1)]),
    )


def _k_means(x: Float[Tensor, "n j"], k: int, seed: int, iterations: int = 20) -> Float[Tensor, "k j"]:
    generator = torch.Generator().manual_seed(seed)
    centres = x[torch.randperm(len(x), generator=generator)[:k]]
    for _ in range(iterations):
        nearest = torch.cdist(x, centres).argmin(1)
        members = torch.nn.functional.one_hot(nearest, k).double()
        count = members.sum(0)
        centres = torch.where(count[:, None] > 0, (members.T @ x) / count.clamp_min(1)[:, None], centres)
    return centres
