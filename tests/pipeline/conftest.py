"""Small models on disk to build from."""

from __future__ import annotations

from pathlib import Path

import pytest


def house_obj(length: float, width: float, eaves: float, ridge: float) -> str:
    """A closed house with a gable roof as OBJ text, Z up, ridge along x."""
    l, w = length / 2, width / 2  # noqa: E741
    points = [
        *((x, y, z) for z in (0.0, eaves) for x, y in ((-l, -w), (l, -w), (l, w), (-l, w))),
        (-l, 0.0, ridge),
        (l, 0.0, ridge),
    ]
    faces = ["4 3 2 1", "1 2 6 5", "3 4 8 7", "2 3 7 10 6", "4 1 5 9 8", "5 6 10 9", "7 8 9 10"]
    lines = ["# up: z", *(f"v {x} {y} {z}" for x, y, z in points), *(f"f {face}" for face in faces)]
    return "\n".join(lines) + "\n"


def write_houses(folder: Path, count: int, first: int = 0) -> Path:
    """Write `count` houses of clearly different sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(first, first + count):
        text = house_obj(8 + 1.3 * (n % 7), 5 + 0.9 * (n // 7), 3 + 0.7 * (n % 5), 6.5 + 0.7 * (n % 5))
        (folder / f"house{n:03d}.obj").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """A folder of twelve houses."""
    return write_houses(tmp_path / "houses", 12)
