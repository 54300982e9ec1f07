"""Fréchet distance of descriptors: how far apart two sets lie, each taken for a Gaussian.

    FD = |m_G - m_R|^2 + tr(S_G + S_R - 2 (S_G S_R)^(1/2))        (Dowson and Landau 1982; Heusel et al. 2017)

with means m and covariances S of the descriptors, standardised by the reference's mean and standard
deviation. It depends on the size of the sets, so floors are taken at the same size.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def frechet(generated: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Fréchet distance of two sets of descriptors, standardised by the reference."""
    g, r = standardised(generated, reference)
    s_g, s_r = np.cov(g, rowvar=False), np.cov(r, rowvar=False)
    # tr (S_G S_R)^(1/2) by symmetric roots alone: the eigenvalues of S_G^(1/2) S_R S_G^(1/2) are S_G S_R's.
    values, vectors = np.linalg.eigh(np.atleast_2d(s_g))
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ np.atleast_2d(s_r) @ root), 0, None)).sum()
    shift = g.mean(axis=0) - r.mean(axis=0)
    return max(float(shift @ shift + np.trace(np.atleast_2d(s_g + s_r)) - 2 * shared), 0.0)


def marginals(
    generated: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Each descriptor alone: the shift of its mean, and its own Fréchet distance, standardised.

    The distance of one descriptor is `shift^2 + (s_G - s_R)^2`, s being the standard deviations.
    """
    g, r = standardised(generated, reference)
    shift = g.mean(axis=0) - r.mean(axis=0)
    return shift, shift**2 + (g.std(axis=0, ddof=1) - r.std(axis=0, ddof=1)) ** 2


def standardised(
    generated: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]]:
    """Both sets by the reference's mean and standard deviation; what never varies there is left as it is."""
    centre, scale = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    scale = np.where(scale > 1e-9, scale, 1.0)
    return (generated - centre) / scale, (reference - centre) / scale
