"""`voxgen doctor`: does everything work here."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import rich_click as click

import voxgen
from voxgen.words import counted

from . import say
from .options import json_option

NEEDED = {
    "numpy": "numpy",
    "torch": "torch",
    "trimesh": "trimesh",
    "numba": "numba",
    "scipy": "scipy",
    "shapely": "shapely",
    "manifold3d": "manifold3d",
    "lightning_fabric": "lightning-fabric",
    "pydantic": "pydantic",
    "safetensors": "safetensors",
    "PIL": "pillow",
    "httpx": "httpx",
    "lxml": "lxml",
    "networkx": "networkx",
    "collada": "pycollada",
}
"""Module -> package to install."""


@click.command("doctor", short_help="Check the installation.")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the installation: packages, devices, folders, and a building through every step."""
    checks: list[tuple[str, bool, str]] = [
        ("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"),
        ("voxgen", True, f"{metadata.version('voxgen')} in {Path(voxgen.__file__).parent}"),
        *(_tried(package, lambda m=module, p=package: _imported(m, p)) for module, package in NEEDED.items()),
        _tried("open3d", _open3d),
        _tried("devices", _devices),
        _tried("runs", _runs),
        _tried("cache", _cache),
        _tried("a building", _building),
    ]
    width = max(len(name) for name, _, _ in checks)
    lines = [f"{'ok' if good else 'NO':3}{name.ljust(width)}  {text}" for name, good, text in checks]
    good = all(good for _, good, _ in checks)
    lines.append("all is well" if good else "what is marked NO needs mending; each line says how")
    values = {"ok": good, "checks": {name: {"ok": ok, "found": text} for name, ok, text in checks}}
    say.result(values, "\n".join(lines), as_json)
    missing = [name for name, ok, text in checks if not ok and "pip install" in text]
    if good:
        say.hint("voxgen train --minutes 5")
    else:
        ctx.exit(4 if missing else 1)


def _tried(name: str, check: Callable[[], str]) -> tuple[str, bool, str]:
    """A check's finding, or what it failed with: a doctor must outlive any illness."""
    try:
        return name, True, check()
    except ImportError as failure:
        return name, False, f"{failure}; run: pip install {name}"
    except Exception as failure:
        return name, False, f"{type(failure).__name__}: {failure}"


def _imported(module: str, package: str) -> str:
    import_module(module)
    return metadata.version(package)


def _open3d() -> str:
    from voxgen.geometry.open3d_loader import load_open3d

    return str(load_open3d().__version__)


def _devices() -> str:
    import torch

    found = [f"cpu ({counted(os.cpu_count() or 1, 'thread')}, torch uses {torch.get_num_threads()})"]
    if torch.cuda.is_available():
        found += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return ", ".join(found)


def _runs() -> str:
    from voxgen.training.run import runs_folder

    folder = runs_folder()
    _check_writable(folder)
    return f"{len(list(folder.glob('*/config.json')))} in {folder.resolve()}"


def _cache() -> str:
    from voxgen.cache import cache_folder

    _check_writable(cache_folder())
    return str(cache_folder())


def _check_writable(folder: Path) -> None:
    """Write a file where the folder is, or would be made."""
    standing = next(path for path in [folder.resolve(), *folder.resolve().parents] if path.exists())
    with tempfile.TemporaryFile(dir=standing):
        pass


def _building() -> str:
    """A house through voxels, surface, file and picture."""
    import numpy as np

    from voxgen.export import ExportSettings, export_grids
    from voxgen.geometry.grid import VoxelGrid
    from voxgen.pictures import paint

    filled = np.zeros((16, 16, 16), bool)
    filled[4:12, 5:11, :6] = True
    grid = VoxelGrid(filled, 0.5)
    with tempfile.TemporaryDirectory(prefix="voxgen-") as folder:
        (done,) = export_grids([("house", grid)], Path(folder), ExportSettings(formats=("obj", "stl", "glb")))
        paint(grid, 64)
    measured: dict[str, Any] = dict(done.measures)
    return f"voxels, surface, {counted(len(done.files), 'file')} and a picture: {measured['volume']:.1f} m3"
