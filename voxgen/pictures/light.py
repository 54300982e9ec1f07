"""How a model on a table is lit: a sun over the left shoulder, and the sky.

The sun throws one shadow, by a depth map drawn from where it stands (Williams 1978), its edge softened by the
share of neighbouring answers (Reeves et al. 1987). The sky is a score of faint suns spread over the
hemisphere, each with a small map of its own: where they are hidden, in corners, under eaves and around the
foot of the building, it gets darker. All is linear light.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, no_type_check

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
    light[..., 1] = (BOUNCE * 0.5 * (1.0 - facing[:, 2])).astype(np.float32)[index]
    sun = looking(*SUN)[None]
    _add(light, 0, depth, index, 2, *_lit(sun, SUN_STRENGTH, len(depth), camera, box, corners, facing))
    sky = _sky(_SUNS_OF_SKY)
    share = SKY_STRENGTH / -sky[:, 2, 2].sum()
    _add(light, 1, depth, index, 4, *_lit(sky, share, _SKY_MAP, camera, box, corners, facing))
    return light


class _Lit(NamedTuple):
    """What n suns shine on, for `_add`.

    Attributes:
        cast: depth maps.
        light: of each face that no other hides.
        turn: from (pixel x, pixel y, depth) of the camera to those of each sun.
        offset: added after.
        lift: shift of each face.
    """

    cast: Float32[np.ndarray, "n size size"]
    light: Float[np.ndarray, "n f"]
    turn: Float[np.ndarray, "n 3 3"]
    offset: Float[np.ndarray, "n 3"]
    lift: Float[np.ndarray, "n f 3"]


def _lit(
    axes: Float[np.ndarray, "n 3 3"],
    strength: float,
    size: int,
    camera: Camera,
    box: Float[np.ndarray, "8 3"],
    corners: Float[np.ndarray, "f 3 3"],
    facing: Float[np.ndarray, "f1 3"],
) -> _Lit:
    """Draw the depth maps of suns that look along `axes`, and map pixels of the camera into them.

    A face is lifted off itself by the width of one pixel of a map, or it would throw a shadow on itself
    wherever the map is too coarse for it.
    """
    back = camera.axes.T @ np.diag([1.0 / camera.scale, -1.0 / camera.scale, 1.0])
    suns = [framing(box, each, size) for each in axes]
    into = np.stack([np.diag([sun.scale, -sun.scale, 1.0]) @ sun.axes for sun in suns])
    turn = into @ back
    centre = np.stack([np.append(sun.centre, 0.0) for sun in suns])
    lift = np.array([1.6 / sun.scale for sun in suns])[:, None, None] * (facing @ into.transpose(0, 2, 1))
    return _Lit(
        np.stack([rasterize(sun.project(corners), size)[0] for sun in suns]),
        strength * np.maximum(-axes[:, 2] @ facing.T, 0.0),
        turn,
        centre - turn @ np.append(camera.centre, 0.0),
        lift,
    )


@cache
def _sky(n: int) -> Float[np.ndarray, "n 3 3"]:
    """Axes of suns evenly spread over the sky (a Fibonacci lattice)."""
    i = np.arange(n)
    height = 0.12 + 0.86 * (i + 0.5) / n
    turned = (i * 137.50776) % 360.0
    return np.stack([looking(*at) for at in zip(turned, np.degrees(np.arcsin(height)), strict=True)])


@njit(cache=True, nogil=True)
@no_type_check
def _add(light, channel, depth, index, block, cast, lit, turn, offset, lift):
    """Add the light of suns where they are not hidden, found once for each face in a block of pixels."""
    suns, size = cast.shape[0], cast.shape[1]
    for row in range(0, depth.shape[0], block):
        for column in range(0, depth.shape[1], block):
            last, found = -2, 0.0
            for i in range(row, row + block):
                for j in range(column, column + block):
                    face = index[i, j]
                    if face != last:
                        last, found = face, 0.0
                        a, b, d = j + 0.5, i + 0.5, depth[i, j]
                        for n in range(suns):
                            if lit[n, face] <= 0.0:
                                continue
                            t, o, up = turn[n], offset[n], lift[n, face]
                            x = t[0, 0] * a + t[0, 1] * b + t[0, 2] * d + o[0] + up[0]
                            y = t[1, 0] * a + t[1, 1] * b + t[1, 2] * d + o[1] + up[1]
                            z = t[2, 0] * a + t[2, 1] * b + t[2, 2] * d + o[2] + up[2]
                            if 1.5 < x < size - 2.5 and 1.5 < y < size - 2.5:
                                found += lit[n, face] * _seen(cast[n], x - 0.5, y - 0.5, z)
                            else:
                                found += lit[n, face]
                    light[i, j, channel] += found


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
