"""Samples with the nearest training building beside each: what is new, and what is learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from ..geometry.grid import VoxelGrid
from ..pictures import building_sheet

COLUMNS = 8


def pairs_sheet(
    samples: Sequence[VoxelGrid],
    nearest: Sequence[VoxelGrid],
    iou: Sequence[float],
    title: str,
    captions: Sequence[tuple[str, str]] | None = None,
) -> Image.Image:
    """Give a contact sheet of pairs: a sample, and beside it its nearest training building with their IoU.

    Args:
        samples: the samples.
        nearest: the building that is nearest to each.
        iou: of each pair.
        title: above all.
        captions: below the two of each pair; number and IoU where left out.
    """
    shown = [grid for pair in zip(samples, nearest, strict=True) for grid in pair]
    told = captions or [(f"sample {i}", f"nearest real, IoU {value:.2f}") for i, value in enumerate(iou)]
    below = [text for pair in told for text in pair]
    return building_sheet(shown, below, columns=COLUMNS, title=title, size=192)
