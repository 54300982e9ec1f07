"""Windows along a sheet: each point's neighbourhood as a Gaussian of the directions to its nearest points.

A point's window has the covariance of the point and its neighbours about their mean, and no width across the
sheet on which they lie (after manifold Parzen windows, Vincent and Bengio 2003).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_BLOCK = 512
"""Points whose distances to all others are held at a time."""


@dataclass(frozen=True)
class Windows:
    """Points and the windows around them.

    Attributes:
        points: the points.
        nearest: rows of each point's nearest ones, itself among them.
    """

    points: Float[Tensor, "n j"]
    nearest: Int[Tensor, "n k"]

    @classmethod
    def around(
        cls,
        places: Float[Tensor, "n r"],
        values: Float[Tensor, "n a"],
        neighbours: int,
        kind: Int[Tensor, " n"] | None = None,
    ) -> Windows:
        """Give the windows of places with values.

        Args:
            places: by which points are near each other.
            values: of the points, which vary along with the places; unknown ones, NaN, as those of the
                neighbours that know them, or of all.
            neighbours: that shape a window, beside its own point.
            kind: of each point; only points of one kind are neighbours.
        """
        kind = torch.zeros(len(places), dtype=torch.int64, device=places.device) if kind is None else kind
        k = min(neighbours + 1, int(kind.unique(return_counts=True)[1].min()))
        nearest = torch.cat(
            [
                torch.cdist(part, places)
                .masked_fill(own[:, None] != kind, torch.inf)
                .topk(k, largest=False)
                .indices
                for part, own in zip(places.split(_BLOCK), kind.split(_BLOCK), strict=True)
            ]
        )
        return cls(torch.cat([places, filled(values, nearest)], dim=1), nearest)

    @property
    def neighbours(self) -> int:
        """Numbers that a draw takes."""
        return self.nearest.shape[1]

    def deviations(
        self, rows: Int[Tensor, " b"], at: Int[Tensor, " q"] | None = None
    ) -> Float[Tensor, "b k q"]:
        """Rows whose products sum up to the covariance of each window, at some coordinates or all."""
        nearest = self.nearest[rows].long()
        around = self.points[nearest] if at is None else self.points[nearest[..., None], at]
        return (around - around.mean(dim=1, keepdim=True)) / max(1, around.shape[1] - 1) ** 0.5

    def draw(self, rows: Int[Tensor, " b"], noise: Float[Tensor, "b k"]) -> Float[Tensor, "b j"]:
        """Draw from windows of deviation one, as seen from their points."""
        return (noise[:, None] @ self.deviations(rows))[:, 0]


def filled(values: Float[Tensor, "n a"], nearest: Int[Tensor, "n k"]) -> Float[Tensor, "n a"]:
    """Values, the unknown ones as the neighbours have them in the mean, or as all do."""
    near = values[nearest.long()].nanmean(dim=1)
    return values.where(~values.isnan(), near.where(~near.isnan(), values.nanmean(dim=0).nan_to_num(0.0)))
