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
from ..geometry.grid import pack
from ..geometry.similarity import popcount_iou


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


def centred(occupancy: Bool[np.ndarray, "n x y z"]) -> Bool[np.ndarray, "n x y z"]:
    """Move each building to the middle of its grid's plan and down to the ground."""
    moved = np.zeros_like(occupancy)
    for source, target in zip(occupancy, moved, strict=True):
        filled = np.argwhere(source)
        if not len(filled):
            continue
        low, high = filled.min(axis=0), filled.max(axis=0) + 1
        start = (np.array(source.shape) - (high - low)) // 2
        start[2] = 0
        to = tuple(slice(s, s + n) for s, n in zip(start, high - low, strict=True))
        target[to] = source[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return moved


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


def distances(
    generated: Bool[np.ndarray, "n x y z"], reference: Bool[np.ndarray, "m x y z"]
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "m m"], Float[np.ndarray, "n m"]]:
    """Distances 1 - IoU within and between two sets, each building centred and grounded first."""
    g, r = pack(centred(generated)), pack(centred(reference))
    return 1 - popcount_iou(g, g), 1 - popcount_iou(r, r), 1 - popcount_iou(g, r)


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


def subsets(
    generated: Bool[np.ndarray, "n x y z"],
    reference: Bool[np.ndarray, "m x y z"],
    rounds: int = 10,
    seed: int = 0,
) -> list[TwoSample]:
    """The figures on random subsets of equal size, for their mean and standard deviation."""
    gg, rr, gr = distances(generated, reference)
    size = min(len(gg), len(rr)) * 4 // 5
    if size < 2:
        raise DataError(
            f"{len(gg)} and {len(rr)} buildings are too few to compare; at least 3 of each are needed"
        )
    rng = np.random.default_rng(seed)
    figures = []
    for _ in range(rounds):
        g = rng.choice(len(gg), size, replace=False)
        r = rng.choice(len(rr), size, replace=False)
        figures.append(from_distances(gg[np.ix_(g, g)], rr[np.ix_(r, r)], gr[np.ix_(g, r)]))
    return figures


def _share_own(own: Float[np.ndarray, " n"], other: Float[np.ndarray, " n"]) -> float:
    return float(np.mean((own < other) + 0.5 * (own == other)))
