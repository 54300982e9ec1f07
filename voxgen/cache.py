"""Where voxgen keeps what it can make or fetch again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Give the user's cache folder: `VOXGEN_CACHE`, or the platform's place for caches."""
    if told := os.environ.get("VOXGEN_CACHE"):
        return Path(told).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "voxgen" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "voxgen"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "voxgen"
