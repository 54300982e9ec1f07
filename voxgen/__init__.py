"""voxgen: learn from a folder of building models, generate new ones.

    import voxgen
    for step in voxgen.train("houses", "my-data-set", model="vae"):
        print(step.step, step.losses)
    buildings = voxgen.load("houses").sample(16, seed=0)

Nothing heavy is imported before one of these is used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import train as train
    from .generator import Generator as Generator
    from .generator import load as load
    from .pipeline.store import Dataset as Dataset
    from .training.config import TrainConfig as TrainConfig
    from .training.loop import Step as Step

_HOMES = {
    "Dataset": "voxgen.pipeline.store",
    "Generator": "voxgen.generator",
    "Step": "voxgen.training.loop",
    "TrainConfig": "voxgen.training.config",
    "load": "voxgen.generator",
    "train": "voxgen.api",
}

__all__ = ["Dataset", "Generator", "Step", "TrainConfig", "__version__", "load", "train"]
__version__ = version("voxgen")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxgen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
