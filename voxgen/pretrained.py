"""The models that come with voxgen, by name.

    python -m voxgen.pretrained RUN NAME

makes a run's model the one of that name, in numbers of 16 bits.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import UsageError, nearest

SHIPPED = "pretrained:"
"""What the name of such a model begins with wherever a run is named."""

FOLDER = Path(__file__).parent / "weights"


def names() -> list[str]:
    """Give the names of the models there are."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def shipped(name: str) -> Path:
    """Give the file of a model, named with or without `pretrained:`.

    Raises:
        UsageError: when there is no such model.
    """
    stem = name.removeprefix(SHIPPED)
    if stem not in names():
        there = ", ".join(f"{SHIPPED}{known}" for known in names()) or "none in this version"
        raise UsageError(f"no model {stem!r} comes with voxgen{nearest(stem, names())}; there are: {there}")
    return FOLDER / f"{stem}.safetensors"


def ship(run: str, name: str) -> Path:
    """Make a run's model the one of a name; gives its file.

    Raises:
        UsageError: when there is no such run.
    """
    from . import checkpoint
    from .training.run import find_model

    path = find_model(run)
    card = {
        key: value
        for key, value in checkpoint.read_card(path).items()
        if key not in ("family", "recipe", "config")
    }
    target = FOLDER / f"{name}.safetensors"
    target.parent.mkdir(exist_ok=True)
    checkpoint.save(checkpoint.load(path), target, card, half=True)
    checkpoint.load(target)  # as every user will
    return target


if __name__ == "__main__":
    made = ship(*sys.argv[1:])
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB")
