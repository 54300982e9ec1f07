"""`voxgen sample` with a brief: ranked buildings on the plot, each with what was asked and got."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

PLOT = "POLYGON ((85000.25 446000, 85018 446000, 85019 446013, 85000.25 446012, 85000.25 446000))"


@pytest.fixture(scope="module")
def made(told: Callable[..., dict[str, Any]], folder: Path) -> tuple[dict[str, Any], Path]:
    """Two buildings on a plot far from the origin, with its reference system."""
    out = folder / "designs"
    brief = folder / "brief.toml"
    (folder / "plot.wkt").write_text(PLOT)
    brief.write_text(
        '[site]\nplot = "plot.wkt"\ncrs = "EPSG:28992"\nsetback = 1\nheight_limit = 9\nground = 2.5\n'
        "[[site.plane]]\nedge = 0\nheight = 4\nslope = 45\n[targets]\nheight = 7\n"
    )
    words = ("sample", "--pretrained", "vae", "-n", "2", "--brief", brief, "--gfa", "150")
    return told(*words, "-f", "obj,cityjson,npz", "-o", out, "--seed", "3"), out


def test_files_table_sheet_and_lineage_are_written(made) -> None:
    done, out = made
    assert {"brief.csv", "designs.json", "sheet.png", "changed.png", "buildings.csv"} <= {
        path.name for path in out.iterdir()
    }
    with (out / "brief.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert float(rows[0]["gross_floor_area asked"]) == 150
    assert float(rows[0]["height got"]) == pytest.approx(7, rel=0.06)
    assert [row["holds"] for row in rows] == ["yes", "yes"]
    assert [one["name"] for one in done["designs"]] == [row["name"] for row in rows]


def test_lineage_says_all_that_makes_them_again(made) -> None:
    done, out = made
    lineage = json.loads((out / "designs.json").read_text())
    assert lineage["seed"] == 3
    assert lineage["brief_hash"] == done["brief_hash"]
    assert len(lineage["model"]["sha256"]) == 64
    assert lineage["offset"] == [85009.0, 446006.0, 2.5]
    assert lineage["brief"]["targets"]["gross_floor_area"]["value"] == 150


def test_what_is_read_back_keeps_the_site(made) -> None:
    from voxgen.design.brief import Brief
    from voxgen.design.exact import proof
    from voxgen.design.site import site_of
    from voxgen.formats import read_buildings

    done, out = made
    lineage = json.loads((out / "designs.json").read_text())
    site = site_of(Brief.parse(lineage["brief"]).site, 32.0)
    for one in done["designs"]:
        (local,) = read_buildings(out / f"{one['name']}.obj")
        assert proof(local.mesh, site).holds
        (world,) = read_buildings(out / f"{one['name']}.city.json")
        assert world.crs == "EPSG:28992"
        low, high = world.mesh.bounds
        assert low[2] == pytest.approx(2.5, abs=1e-3)
        assert np.all(low[:2] >= [85001.2, 446001.0 - 1e-3])
        assert np.all(high[:2] <= [85018.0, 446012.0])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--gfa", "100"), "a brief needs a plot"),
        (("--plot", "POLYGON ((0 0, 20 0, 20 9, 0 9, 0 0))", "--gfa", "9000"), "contradicts itself"),
        (("--plot", "none.geojson"), "no file at none.geojson"),
        (("--plot", PLOT, "--setback", "1,2"), "4 edges"),
        (("--plot", PLOT, "--ask", "height=9"), "targets of the brief"),
        (("--plot", PLOT, "--surface", "blocks"), "leave them out"),
        (("--plot", PLOT, "--plane", "0,4"), "number of an edge, metres above the ground there"),
        (("--plot", PLOT, "--plane", "7,4,45"), "the plot has edges 0 to 3"),
        (("--plot", PLOT, "--setback", "a"), "one for all edges or one for each"),
        (("--brief", "none.toml"), "no config at"),
    ],
)
def test_wrong_briefs_end_in_a_reason(voxgen: Callable[..., Result], words, told) -> None:
    result = voxgen("sample", "--pretrained", "vae", *words)
    assert result.exit_code in (2, 3)
    assert told in " ".join(result.stderr.replace("│", " ").split())


def test_a_brief_is_checked_and_told(
    told: Callable[..., dict[str, Any]], voxgen: Callable[..., Result]
) -> None:
    said = told("brief", "POLYGON ((0 0, 0 8, 12 8, 12 0, 0 0))")
    assert [edge["faces"] for edge in said["edges"]] == ["west", "north", "east", "south"]
    assert [edge["length"] for edge in said["edges"]] == [8, 12, 8, 12]
    assert said["may_be_built"]["plan"] == pytest.approx(96)
    text = voxgen("brief", "POLYGON ((0 0, 0 8, 12 8, 12 0, 0 0))").stdout
    assert "plot of 96.0 m2" in text
    schema = told("brief", "--schema")
    assert set(schema["properties"]) == {"site", "targets", "rules"}


def test_sloped_limits_are_options_too(told: Callable[..., dict[str, Any]]) -> None:
    words = ("brief", "--plot", "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "--height-limit", "8")
    free, sloped = told(*words), told(*words, "--plane", "0,3,45")
    assert free["may_be_built"]["volume"] == pytest.approx(800)
    # From 3 m at the edge to 8 m five metres behind it.
    assert sloped["may_be_built"]["volume"] == pytest.approx(800 - 10 * 5 * 5 / 2)


def test_the_briefs_of_the_examples_can_be_met(told: Callable[..., dict[str, Any]]) -> None:
    folder = Path(__file__).parents[2] / "examples" / "briefs"
    for path in sorted(folder.glob("*.toml")):
        assert told("brief", path)["wanted"]
