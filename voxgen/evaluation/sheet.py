"""Samples with the nearest training building beside each: what is new, and what is learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from ..geometry.grid import VoxelGrid
from ..pictures import building_sheet

COLUMNS = 8


def pairs_sheet(
    samples: Sequence[VoxelGrid], nearest: Sequence[VoxelGrid], iou: Sequence[float], title: str
) -> Image.Image:
    """Give a contact sheet of pairs: a sample, and beside it its nearest training building with their IoU."""
    shown = [grid for pair in zip(samples, nearest, strict=True) for grid in pair]
    captions = [
        text for i, value in enumerate(iou) for text in (f"sample {i}", f"nearest real, IoU {value:.2f}")
    ]
    return building_sheet(shown, captions, columns=COLUMNS, title=title, size=192)
