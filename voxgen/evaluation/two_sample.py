"""Do two sets of buildings look alike? Nearest-neighbour figures on 1 - IoU.

Notation: G generated, R reference (test) buildings, d = 1 - IoU of occupancies, centred and grounded.

- *1-NNA* (Lopez-Paz and Oquab 2017): the share of G and R together whose nearest neighbour, itself left out,
  lies in its own set. 0.5 is ideal; 1 means that the sets can be told apart; well below 0.5 means copying.
  The halves tell why: a high generated half means that samples repeat each other, a high reference half that
  samples miss where the real ones are.
- *COV* (Achlioptas et al. 2018): the share of R that is the nearest of some g.
- *MMD* (ibid.): the mean over R of the distance to the nearest g.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ..errors import DataError
from .distances import distances


@dataclass(frozen=True)
class TwoSample:
    """What nearest neighbours say of two sets of equal size.

    Attributes:
        nna: 1-NNA, the mean of its halves.
        nna_generated: the generated half.
        nna_reference: the reference half.
        coverage: COV, up is better.
        mmd: MMD, down is better.
    """

    nna: float
    nna_generated: float
    nna_reference: float
    coverage: float
    mmd: float


def two_sample(generated: Bool[np.ndarray, "n x y z"], reference: Bool[np.ndarray, "m x y z"]) -> TwoSample:
    """Compare two sets of equal size.

    Raises:
        DataError: when the sets differ in size or hold fewer than two buildings.
    """
    if len(generated) != len(reference) or len(generated) < 2:
        raise DataError(
            f"1-NNA compares sets of equal size, at least 2 each; given {len(generated)} and {len(reference)}"
        )
    return from_distances(*distances(generated, reference))


def from_distances(
    gg: Float[np.ndarray, "n n"], rr: Float[np.ndarray, "n n"], gr: Float[np.ndarray, "n n"]
) -> TwoSample:
    """The figures from distances within G, within R and between them.

    A tie between the own set and the other counts as half: a copy of a test building tells nothing apart.
    """
    own_g = np.where(np.eye(len(gg), dtype=bool), np.inf, gg).min(axis=1)
    own_r = np.where(np.eye(len(rr), dtype=bool), np.inf, rr).min(axis=1)
    other_g, other_r = gr.min(axis=1), gr.min(axis=0)
    half_g, half_r = _share_own(own_g, other_g), _share_own(own_r, other_r)
    return TwoSample(
        nna=(half_g + half_r) / 2,
        nna_generated=half_g,
        nna_reference=half_r,
        coverage=len(np.unique(gr.argmin(axis=1))) / gr.shape[1],
        mmd=float(other_r.mean()),
    )


def _share_own(own: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float:
    return float(np.mean((own < other) + 0.5 * (own == other)))
