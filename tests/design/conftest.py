"""A plot with a site on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from voxgen.design.brief import SiteConfig
from voxgen.design.site import Site, site_of

L_SHAPE = "POLYGON ((0 0, 20 0, 20 8, 12 8, 12 18, 0 18, 0 0))"


@pytest.fixture
def site():
    """Give a maker of sites on an L-shaped plot."""

    def make(**values: Any) -> Site:
        return site_of(SiteConfig.parse({"plot": L_SHAPE, "height_limit": 9, **values}), 32.0)

    return make


@pytest.fixture
def box(tmp_path: Path):
    """Give a maker of OBJ files of boxes."""

    def make(name: str, low, high) -> str:
        x, y, z = zip(low, high, strict=True)
        corners = [(x[i & 1], y[i >> 1 & 1], z[i >> 2]) for i in range(8)]
        faces = ["1 3 4 2", "5 6 8 7", "1 2 6 5", "3 7 8 4", "1 5 7 3", "2 4 8 6"]
        lines = ["v " + " ".join(map(str, corner)) for corner in corners]
        path = tmp_path / f"{name}.obj"
        path.write_text("\n".join(["# unit m, up z", *lines, *(f"f {face}" for face in faces)]) + "\n")
        return str(path)

    return make
