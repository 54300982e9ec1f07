"""How a building is set on a site: mirrored or turned by quarters, stretched, and moved.

All of it keeps to the axes of the grid, so a pose is a symmetry and, for each axis, a matrix of how much of
each voxel of the building lies in each voxel of the site:

    y = Wx Wy Wz x,     W[i, j] = |[i, i + 1] and [e_j, e_(j + 1)]|,     e_j = s (j - n / 2) + m / 2 + t

s is the stretch, t the shift in voxels; along z the ground stays where it is. Coverage is carried over
exactly, and a gradient goes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Complex, Float

from ..geometry.grid import filled_box

SYMMETRIES = 8
"""Of the plan: bit 0 mirrors x, bit 1 mirrors y, bit 2 exchanges them, in this order."""

ALONG_X = 4
"""The first of them leave the long side along x."""

Array = TypeVar("Array")


@dataclass(frozen=True)
class Pose:
    """How a building is set.

    Attributes:
        symmetry: from 0 to 7.
        stretch: along x, y and z of the site's grid.
        shift: of the middle, in voxels along x and y.
    """

    symmetry: int = 0
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)

    def matrices(
        self, shape: tuple[int, int, int], room: tuple[int, int, int]
    ) -> list[Float[np.ndarray, "_ _"]]:
        """Give the matrix of each axis, for a turned building of some voxels in a room of some."""
        (sx, sy, sz), (tx, ty) = self.stretch, self.shift
        return [
            overlaps(shape[0], room[0], sx, (room[0] - sx * shape[0]) / 2 + tx),
            overlaps(shape[1], room[1], sy, (room[1] - sy * shape[1]) / 2 + ty),
            overlaps(shape[2], room[2], sz, 0.0),
        ]

    def place(self, x: Float[np.ndarray, "x y z"], room: tuple[int, int, int]) -> Float[np.ndarray, "i j k"]:
        """Give a building's coverage in a room of some voxels; what lies outside is cut off."""
        turned = turn(x, self.symmetry)
        # Only what is filled: most of a grid is air.
        box = filled_box(turned > 0)
        along_x, along_y, along_z = (
            matrix[:, span] for matrix, span in zip(self.matrices(turned.shape, room), box, strict=True)
        )
        return np.tensordot(along_x, along_y @ (turned[box] @ along_z.T), axes=1)


def turn(x: Array, symmetry: int) -> Array:
    """Give an array (x, y, ...) under a symmetry of the plan."""
    if symmetry & 1:
        x = np.flip(x, 0)  # type: ignore[arg-type]
    if symmetry & 2:
        x = np.flip(x, 1)  # type: ignore[arg-type]
    return np.swapaxes(x, 0, 1) if symmetry & 4 else x  # type: ignore[arg-type,return-value]


def overlaps(n: int, m: int, stretch: float, start: float) -> Float[np.ndarray, "m n"]:
    """Give how much of each of m cells is covered by each of n cells that begin at `start`, stretched."""
    edges = start + stretch * np.arange(n + 1)
    low, high = edges[:-1], edges[1:]
    cells = np.arange(m)[:, None]
    return np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0.0, 1.0)


@dataclass(frozen=True)
class Places:
    """Where in a room a building lies best, by correlation with the room; made once for a room.

    Attributes:
        spectrum: (z, ...) transforms of the room's layers: where may be built, twice where must be.
        size: voxels along x and y that they are transformed at.
        kept: voxels that must be built.
    """

    spectrum: Complex[np.ndarray, "z i j"]
    size: tuple[int, int]
    kept: float

    @classmethod
    def of(cls, allowed: Float[np.ndarray, "x y z"], keep: Float[np.ndarray, "x y z"]) -> Places:
        """Give those of a room; outside of it nothing may be built."""
        nx, ny, _ = allowed.shape
        size = (2 * nx, 2 * ny)
        layers = np.ascontiguousarray(np.moveaxis(allowed + keep, 2, 0))
        return cls(np.fft.rfft2(layers, size), size, float(keep.sum()))

    def best(self, x: Float[np.ndarray, "x y z"]) -> tuple[tuple[float, float], float]:
        """Give the whole voxels by which a building best lies, and how many voxels then do not.

        What lies outside and what is kept but not built count alike; of equally good places it is the
        nearest. Voxels that are filled in part count by the product of both shares.
        """
        filled = np.flatnonzero(x.any(axis=(0, 1)))
        layers = np.ascontiguousarray(np.moveaxis(x[:, :, filled], 2, 0))
        product = (np.conj(np.fft.rfft2(layers, self.size)) * self.spectrum[filled]).sum(axis=0)
        wrong = x.sum() + self.kept - np.fft.irfft2(product, self.size)
        shifts = [np.fft.fftfreq(n, 1 / n).round() for n in self.size]
        far = np.hypot(*np.meshgrid(*shifts, indexing="ij"))
        i, j = np.unravel_index(np.argmin(wrong + 1e-3 * far), wrong.shape)
        return (float(shifts[0][i]), float(shifts[1][j])), float(max(wrong[i, j], 0.0))
