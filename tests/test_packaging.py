"""The wheel holds every package: the list in pyproject.toml is written by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_is_listed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "voxgen").rglob("__init__.py")}
    mapped = {
        name for name, folder in settings["package-dir"].items() if (ROOT / folder / "__init__.py").exists()
    }
    assert set(settings["packages"]) == found | mapped


def test_the_mapped_folders_stay_flat() -> None:
    for folder in ("cli", "datasets"):
        inner = [p.name for p in (ROOT / folder).iterdir() if p.is_dir() and p.name != "__pycache__"]
        assert not inner, f"{folder}/ must stay flat, or setuptools leaves {inner} out"
