"""Geometry is compiled where it is first used: said aloud, so that nobody takes the wait for a hang."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from . import say

PAINTING = "voxgen.pictures.raster"
BUILDING = "voxgen.pipeline.duplicates"
SURFACES = {
    "planar": "voxgen.geometry.plan_cells",
    "smooth": "voxgen.geometry.surface",
    "blocks": "voxgen.geometry.blocks",
}
"""A module of compiled functions that stands for all that are used with it."""


def announce(*modules: str) -> None:
    """Say that functions of these modules are about to be compiled, where they never were on this machine."""
    if not all(map(_is_compiled, modules)):
        say.note("compiling geometry kernels, once per installation: up to a minute")


def _is_compiled(name: str) -> bool:
    from numba.core.caching import FunctionCache

    found = (getattr(value, "py_func", None) for value in vars(import_module(name)).values())
    own = next(function for function in found if function is not None and function.__module__ == name)
    folder = Path(FunctionCache(own).cache_path)
    return any(folder.glob(f"{name.rpartition('.')[2]}.*.nbi"))
