"""The one place that imports open3d, and what it says where it cannot."""

from __future__ import annotations

import sys

import pytest

from voxgen.errors import MissingExtraError
from voxgen.geometry.open3d_loader import load_open3d


def test_it_gives_the_module():
    assert hasattr(load_open3d().t.geometry, "RaycastingScene")


def test_without_open3d_the_reason_carries_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingExtraError, match="pip install open3d"):
        load_open3d()
