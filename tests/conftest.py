"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A first example pays for imports and compilation, so that no deadline holds on every machine. Always
# the same examples: whether a change lands must not depend on luck. HYPOTHESIS_PROFILE=search draws new ones.
settings.register_profile("voxgen", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "voxgen"))

# A shell that starts the tests in the background has Ctrl-C ignored, for them and all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(os.environ.get("VOXGEN_SHARED", Path(__file__).parents[1].parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real buildings beside the checkout; tests that need it are skipped without it."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real buildings at {SHARED}; put them there or set VOXGEN_SHARED")
    return SHARED
