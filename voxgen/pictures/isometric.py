"""One building as a model photograph: an axonometric view in warm white, with one colour for pitched roofs.

The picture is drawn at twice its size over a depth buffer, in three steps: what each pixel sees, what light
falls there (`light`), and thin lines where one thing stands before another or two planes meet. Then it is
reduced, which smooths all edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int32
from numba import njit
from PIL import Image

from ..errors import UsageError
from ..geometry.grid import VoxelGrid
from ..geometry.mesh import Mesh
from .camera import Camera, framing, looking
from .faces import grid_faces
from .light import OPEN_GROUND, sunlight_and_skylight
from .palette import INK, PAPER, ROOF, SKY, SUN, WALL
from .raster import rasterize

Colour = tuple[int, int, int]
"""Red, green and blue from 0 to 255."""

VIEW = looking(azimuth=-56.0, elevation=31.0)
"""From the front right, a third of the way up: both walls and the roof show, one wall more than the other."""

SIZES = (16, 4096)
"""Smallest and largest edge of a picture in pixels."""

_FINER = 2
"""The picture is drawn this many times larger, then reduced."""


def paint(grid: VoxelGrid, size: int = 256, span: float | None = None) -> Image.Image:
    """Give a square picture of a grid's voxels; an empty grid gives an empty table.

    Args:
        grid: coverage or occupancy.
        size: edge of the picture in pixels.
        span: metres from side to side, for pictures at one scale; by default, and where the building needs
            more, as many as show the whole building.

    Raises:
        UsageError: for a size outside `SIZES`.
    """
    corners, normals = grid_faces(grid)
    return _picture(corners, normals, _warm(normals), size, span)


def paint_mesh(mesh: Mesh, size: int = 256, span: float | None = None) -> Image.Image:
    """Give a square picture of a mesh, each triangle in one tone; the lowest point lies on the table.

    Triangles with a corner that is not finite are left out. Arguments and errors as of `paint`.
    """
    return paint_scene([(mesh, None)], size, span)


def paint_scene(
    parts: Sequence[tuple[Mesh, Colour | None]], size: int = 256, span: float | None = None
) -> Image.Image:
    """Give a square picture of meshes together, as they stand to each other.

    Args:
        parts: meshes with the colour of each; None paints walls white and pitched roofs in the accent.
        size: edge of the picture in pixels.
        span: as of `paint`.

    Raises:
        UsageError: for a size outside `SIZES`.
    """
    corners = [mesh.triangles for mesh, _ in parts]
    sound = [np.isfinite(one).all(axis=(1, 2)) for one in corners]
    every = np.concatenate([np.zeros((0, 3, 3)), *(c[f] for c, f in zip(corners, sound, strict=True))])
    if len(every):
        every = every - every.reshape(-1, 3).min(axis=0)
    across = np.cross(every[:, 1] - every[:, 0], every[:, 2] - every[:, 0])
    normals = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    colours = _warm(normals)
    start = 0
    for (_, colour), kept in zip(parts, sound, strict=True):
        end = start + int(np.count_nonzero(kept))
        if colour is not None:
            colours[start:end] = colour
        start = end
    return _picture(every, normals, colours, size, span)


def _warm(normals: Float[np.ndarray, "f 3"]) -> Float32[np.ndarray, "f 3"]:
    """White card, and the accent where a roof is pitched."""
    pitched = (normals[:, 2] > 0.25) & (normals[:, 2] < 0.99)
    return np.where(pitched[:, None], ROOF, WALL).astype(np.float32)


def _picture(
    corners: Float[np.ndarray, "f 3 3"],
    normals: Float[np.ndarray, "f 3"],
    colours: Float32[np.ndarray, "f 3"],
    size: int,
    span: float | None,
) -> Image.Image:
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"a picture of {size} pixels; allowed are {SIZES[0]} to {SIZES[1]}")
    if len(corners) == 0:
        return Image.new("RGB", (size, size), PAPER)
    fine = size * _FINER
    camera = framing(corners.reshape(-1, 3), VIEW, fine, span)
    depth, index = rasterize(camera.project(corners), fine)
    depth = np.where(index < 0, _ground_depth(camera, fine), depth)
    light = sunlight_and_skylight(camera, corners, normals, depth, index)
    painted = np.concatenate([colours, np.array([PAPER], np.float32)])
    tint = np.array([SUN, SKY], np.float32)
    shown = np.empty((fine, fine, 3), np.uint8)
    _develop(
        shown,
        index,
        light,
        _lines(depth, index, normals, camera),
        painted,
        tint / (OPEN_GROUND @ tint),
        _vignette(fine),
        np.array(INK, np.float32),
    )
    picture = Image.fromarray(shown)
    return picture.reduce(_FINER)


def _ground_depth(camera: Camera, size: int) -> Float32[np.ndarray, "size size"]:
    """Depth at which each pixel's ray meets the ground, z = 0."""
    up = (camera.centre[1] - (np.arange(size) + 0.5)) / camera.scale
    row = (-up * camera.axes[1, 2]) / camera.axes[2, 2]
    return np.broadcast_to(row[:, None], (size, size)).astype(np.float32)


@njit(cache=True, nogil=True)
@no_type_check
def _develop(shown, index, light, lines, colours, tint, vignette, ink):
    """Put the colours of what the light falls on, and lines over them; open ground is the paper's colour."""
    for i in range(index.shape[0]):
        for j in range(index.shape[1]):
            face, line = index[i, j], lines[i, j]
            for c in range(3):
                # A screen's light is about the square of its values.
                glow = np.sqrt(light[i, j, 0] * tint[0, c] + light[i, j, 1] * tint[1, c])
                if face < 0:
                    # Shadows that the picture would cut off fade out before its edge.
                    glow = 1.0 + (glow - 1.0) * vignette[i, j]
                value = min(colours[face, c] * glow, 255.0)
                shown[i, j, c] = np.uint8(value + line * (ink[c] - value) + 0.5)


@cache
def _vignette(size: int) -> Float32[np.ndarray, "size size"]:
    """1 in the picture, falling smoothly to 0 at its edge."""
    t = np.clip((0.5 - np.abs((np.arange(size) + 0.5) / size - 0.5)) / 0.12, 0.0, 1.0)
    t = t * t * (3.0 - 2.0 * t)
    return np.outer(t, t).astype(np.float32)


def _lines(
    depth: Float32[np.ndarray, "size size"],
    index: Int32[np.ndarray, "size size"],
    normals: Float[np.ndarray, "f 3"],
    camera: Camera,
) -> Float32[np.ndarray, "size size"]:
    """How much of a line lies on each pixel: outlines more, folds between planes less."""
    facing = np.concatenate([normals, [[0.0, 0.0, 1.0]]]).astype(np.float32)
    lines = np.zeros(depth.shape, np.float32)
    for here, there in (
        (np.s_[1:, :], np.s_[:-1, :]),
        (np.s_[:, 1:], np.s_[:, :-1]),
    ):
        i, j = np.nonzero(index[here] != index[there])
        a, b = index[here][i, j], index[there][i, j]
        step = np.abs(depth[here][i, j] - depth[there][i, j]) * camera.scale
        fold = (facing[a] * facing[b]).sum(axis=-1) < 0.7
        strength = np.where(step > 8.0, 0.5, np.where(fold, 0.25, 0.0))
        lines[here][i, j] = np.maximum(lines[here][i, j], strength)
    return lines
