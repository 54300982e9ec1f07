"""How a model on a table is lit: a sun over the left shoulder, and the sky.

The sun throws one shadow, by a depth map drawn from where it stands (Williams 1978), its edge softened by the
share of neighbouring answers (Reeves et al. 1987). The sky is a score of faint suns spread over the
hemisphere, each with a small map of its own: where they are hidden, in corners, under eaves and around the
foot of the building, it gets darker. All is linear light.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int32
from numba import njit

from .camera import Camera, framing, looking
from .raster import rasterize

SUN = (-112.0, 46.0)
"""Azimuth and elevation of the sun in degrees; the camera's are in `isometric`."""

SUN_STRENGTH, SKY_STRENGTH, BOUNCE = 0.72, 0.66, 0.3
"""Light of the sun, of the whole sky on a level plane, and from the table on what looks down."""

OPEN_GROUND = np.array([SUN_STRENGTH * np.sin(np.radians(SUN[1])), SKY_STRENGTH], np.float32)
"""Light that the ground sends back where nothing hides the sun or the sky."""

_SUNS_OF_SKY = 24
_SKY_MAP = 96


def sunlight_and_skylight(
    camera: Camera,
    corners: Float[np.ndarray, "f 3 3"],
    normals: Float[np.ndarray, "f 3"],
    depth: Float32[np.ndarray, "size size"],
    index: Int32[np.ndarray, "size size"],
) -> Float32[np.ndarray, "size size 2"]:
    """Give the light that each pixel sends back if all is white, from the sun and from the sky.

    Args:
        camera: that `depth` and `index` were drawn with.
        corners: of the triangles in the world, metres.
        normals: of the triangles.
        depth: metres, finite everywhere: the ground, z = 0, where there is no triangle.
        index: triangle at each pixel, -1 for the ground.
    """
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    low[2] = min(low[2], 0.0)
    box = np.where(np.indices((2, 2, 2)).reshape(3, 8).T == 0, low, high)
    facing = np.concatenate([normals, [[0.0, 0.0, 1.0]]])
    light = np.zeros((*depth.shape, 2), np.float32)
    light[..., 1] = (BOUNCE * 0.5 * (1.0 - facing[:, 2]))[index]
    sky = _sky(_SUNS_OF_SKY)
    share = SKY_STRENGTH / np.sin(np.radians(sky[:, 1])).sum()
    suns = [(0, SUN, SUN_STRENGTH, len(depth), 2), *((1, tuple(at), share, _SKY_MAP, 4) for at in sky)]
    for channel, (azimuth, elevation), strength, size, block in suns:
        sun = framing(box, looking(azimuth, elevation), size)
        cast, _ = rasterize(sun.project(corners), size)
        lit = strength * np.maximum(facing @ -sun.axes[2], 0.0)
        _add(light[..., channel], depth, index, block, cast, lit, *_to_sun(camera, sun, facing))
    return light


def _sky(n: int) -> Float[np.ndarray, "n 2"]:
    """Azimuth and elevation in degrees of directions evenly spread over the sky (a Fibonacci lattice)."""
    i = np.arange(n)
    height = 0.12 + 0.86 * (i + 0.5) / n
    return np.stack([(i * 137.50776) % 360.0, np.degrees(np.arcsin(height))], axis=1)


def _to_sun(
    camera: Camera, sun: Camera, facing: Float[np.ndarray, "f 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " 3"], Float[np.ndarray, "f 3"]]:
    """Map from (pixel x, pixel y, depth) of the camera to those of the sun, and a shift for each face.

    The shift lifts a point off its own face by the width of one pixel of the sun's map, or the face would
    throw a shadow on itself wherever the map is too coarse for it.
    """
    into = np.diag([sun.scale, -sun.scale, 1.0]) @ sun.axes
    back = camera.axes.T @ np.diag([1.0 / camera.scale, -1.0 / camera.scale, 1.0])
    turn = into @ back
    offset = np.append(sun.centre, 0.0) - turn @ np.append(camera.centre, 0.0)
    return turn, offset, (1.6 / sun.scale) * facing @ into.T


@njit(cache=True, nogil=True)
@no_type_check
def _add(light, depth, index, block, cast, lit, turn, offset, lift):
    """Add the light of one sun where it is not hidden, found once for each face in a block of pixels."""
    size = cast.shape[0]
    for row in range(0, depth.shape[0], block):
        for column in range(0, depth.shape[1], block):
            last, found = -2, 0.0
            for i in range(row, row + block):
                for j in range(column, column + block):
                    face = index[i, j]
                    if face != last:
                        last, found = face, 0.0
                        if lit[face] > 0.0:
                            a, b, d = j + 0.5, i + 0.5, depth[i, j]
                            x = turn[0, 0] * a + turn[0, 1] * b + turn[0, 2] * d + offset[0] + lift[face, 0]
                            y = turn[1, 0] * a + turn[1, 1] * b + turn[1, 2] * d + offset[1] + lift[face, 1]
                            z = turn[2, 0] * a + turn[2, 1] * b + turn[2, 2] * d + offset[2] + lift[face, 2]
                            found = lit[face]
                            if 1.5 < x < size - 2.5 and 1.5 < y < size - 2.5:
                                found *= _seen(cast, x - 0.5, y - 0.5, z)
                    light[i, j] += found


@njit(cache=True, nogil=True)
@no_type_check
def _seen(cast, x, y, z):
    """Share of a window of 3 x 3 pixels around (x, y) in which the sun sees past depth z."""
    i, j = int(y), int(x)
    v, u = y - i, x - j
    seen = 0.0
    for di in range(-1, 3):
        across = 1.0 - v if di == -1 else (v if di == 2 else 1.0)
        for dj in range(-1, 3):
            if cast[i + di, j + dj] > z:
                seen += across * (1.0 - u if dj == -1 else (u if dj == 2 else 1.0))
    return seen / 9.0
