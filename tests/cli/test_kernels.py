"""What is compiled is said to be so, once."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pytest
from voxgen.cli import kernels

from voxgen.geometry.blocks import blocks
from voxgen.geometry.grid import VoxelGrid
from voxgen.pipeline.duplicates import Columns, components


def test_a_wait_for_the_compiler_is_announced_and_none_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks(VoxelGrid(np.ones((2, 2, 2), bool), 1.0))
    components([Columns.of(VoxelGrid(np.ones((2, 2, 2), bool), 1.0))], 0.95)
    kernels.announce(kernels.SURFACES["blocks"], kernels.BUILDING)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    kernels.announce(*kernels.SURFACES.values(), kernels.PAINTING, kernels.BUILDING)
    assert capsys.readouterr().err.count("once per installation") == 1
