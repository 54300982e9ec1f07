"""Libraries that only some formats need: installed by an extra, imported on first use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .errors import MissingExtraError


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import a module that an extra installs.

    Args:
        module: its name.
        extra: the extra of voxgen that brings it.
        what: what needs it, as the message begins.

    Raises:
        MissingExtraError: with the pip line, where it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise MissingExtraError(
            f"{what} needs {library}, which is not installed; run: pip install 'voxgen[{extra}]'"
        ) from None
