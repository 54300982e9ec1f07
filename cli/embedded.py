"""The embedded buildings as a data set: built once, kept in the user's cache folder.

A source `massing`, `massing:5000` or `massing:5000:7` stands for so many procedural buildings of a seed.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from . import say
from .kernels import BUILDING, announce

if TYPE_CHECKING:
    from voxgen.pipeline.build import Progress
    from voxgen.pipeline.sources import Collection
    from voxgen.pipeline.store import Dataset

    from .progress import Bar

NAME = "massing"
COUNT = 2000
RESOLUTION = (32, 32, 32)


def is_embedded(source: str) -> bool:
    """Tell whether a source stands for the embedded buildings; a file or folder of that name goes first."""
    return source.partition(":")[0] == NAME and not Path(source).exists()


def collection(source: str) -> Collection:
    """Give the buildings that a source such as `massing:5000:7` stands for.

    Raises:
        UsageError: when count or seed are no whole numbers.
    """
    from voxgen.errors import UsageError
    from voxgen.pipeline.sources import Collection

    _, _, told = source.partition(":")
    count, _, seed = told.partition(":")
    try:
        n, s = int(count or COUNT), int(seed or 0)
        if n < 1 or s < 0:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"{source!r}; write massing, massing:COUNT or massing:COUNT:SEED, for example massing:5000"
        ) from None
    # By name: the folder of data sets lies outside the package that bears its name.
    datasets = import_module("voxgen.datasets")
    card = datasets.card(NAME)
    return Collection(
        name=NAME if s == 0 else f"{NAME}-{s}",
        building=partial(datasets.load(NAME).building, seed=s),
        count=n,
        settings=f"seed={s}",
        licence=card.licence,
        attribution=card.attribution,
    )


def embedded_data(progress: Progress, workers: int | None = None) -> Path:
    """Give the folder of the embedded data set, which is built where it is not there yet."""
    from importlib.metadata import version

    from voxgen.cache import cache_folder
    from voxgen.pipeline.build import build
    from voxgen.pipeline.config import BuildConfig
    from voxgen.pipeline.store import is_dataset

    out = cache_folder() / version("voxgen") / NAME
    if not is_dataset(out):
        say.note(f"building the embedded data set of {COUNT:,} procedural buildings, once, in {out}")
        announce(BUILDING)
        out.parent.mkdir(parents=True, exist_ok=True)
        build([collection(NAME)], out, BuildConfig(resolution=RESOLUTION), workers=workers, progress=progress)
    return out


def open_data(told: str, bar: Bar) -> Dataset:
    """Open a data set by its folder, or the embedded one by its name, built where it is not there yet."""
    from voxgen.pipeline.store import Dataset

    from .progress import Stages

    return Dataset.open(embedded_data(Stages(bar)) if is_embedded(told) else told)
