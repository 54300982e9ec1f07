"""The one place that imports open3d.

`import open3d` fails on a bare Linux, whose loader finds no `libusb-1.0.so.0`. The package `libusb-package`
carries that library: loaded globally first, open3d finds it already there.
"""

from __future__ import annotations

import ctypes
import sys
from types import ModuleType

from ..errors import MissingExtraError


def load_open3d() -> ModuleType:
    """Give the open3d module (about a second on the first call).

    Raises:
        MissingExtraError: where open3d is not installed, or a library it needs is not found.
    """
    if sys.platform == "linux" and "open3d" not in sys.modules:
        _load_libusb()
    try:
        import open3d
    except ImportError as failure:
        raise MissingExtraError(
            f"open3d cannot be loaded: {failure}; install it with `pip install open3d` "
            "(`pip install open3d-cpu libusb-package` on Linux)"
        ) from None
    except OSError as failure:
        raise MissingExtraError(
            f"open3d misses a system library: {failure}; `pip install libusb-package` brings libusb"
        ) from None
    return open3d


def _load_libusb() -> None:
    try:
        import libusb_package
    except ImportError:
        return
    path = libusb_package.get_library_path()
    if path is not None:
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
