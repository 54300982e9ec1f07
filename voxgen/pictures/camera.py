"""A parallel projection: what an axonometric drawing shows, with every metre of the same length.

Notation: `right`, `up` and `ahead` are the camera's unit axes in the world; a point p in metres lands on
pixel `(centre_x + scale right.p, centre_y - scale up.p)` at depth `ahead.p`, in
metres and larger further away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MARGIN = 0.11
"""Free share of the picture on each side of the building; shadows fall there."""


@dataclass(frozen=True)
class Camera:
    """A view along parallel rays.

    Attributes:
        axes: (3, 3) rows `right`, `up`, `ahead`.
        scale: pixels a metre.
        centre: pixel that the world's origin lands on.
    """

    axes: Float[np.ndarray, "3 3"]
    scale: float
    centre: Float[np.ndarray, " 2"]

    def project(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Pixel x, pixel y and depth in metres of world positions."""
        seen = points @ self.axes.T
        seen[..., 0] = self.centre[0] + self.scale * seen[..., 0]
        seen[..., 1] = self.centre[1] - self.scale * seen[..., 1]
        return seen


def looking(azimuth: float, elevation: float) -> Float[np.ndarray, "3 3"]:
    """Axes of a camera that stands at `azimuth` (from x, counter-clockwise) and `elevation`, in degrees."""
    a, e = np.radians([azimuth, elevation])
    ahead = -np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    return np.stack([right, np.cross(right, ahead), ahead])


def span_of(points: Float[np.ndarray, "n 3"], axes: Float[np.ndarray, "3 3"]) -> float:
    """Metres that a square picture must show for all points to be in it, margins included."""
    seen = points @ axes[:2].T
    return float(np.ptp(seen, axis=0).max()) / (1.0 - 2.0 * MARGIN)


def framing(
    points: Float[np.ndarray, "n 3"],
    axes: Float[np.ndarray, "3 3"],
    size: int,
    span: float | None = None,
) -> Camera:
    """Give the camera that shows all points in the middle of a square picture.

    Args:
        points: what must be seen, metres.
        axes: from `looking`.
        size: edge of the picture in pixels.
        span: metres that the picture shows from side to side, more where the points need more; by default as
            many as they need.
    """
    seen = points @ axes[:2].T
    middle = (seen.min(axis=0) + seen.max(axis=0)) / 2.0
    scale = size / max(span_of(points, axes), span or 0.0, 1e-9)
    return Camera(axes, scale, np.array([size / 2 - scale * middle[0], size / 2 + scale * middle[1]]))
