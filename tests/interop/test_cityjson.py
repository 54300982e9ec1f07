"""CityJSON against its official schema, and its solids against the rules for solids."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop_buildings import Case, massing_grid
from interop_checks import faults
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from voxgen.errors import UsageError
from voxgen.export import ExportSettings
from voxgen.geometry.mesh import SurfaceClass

SCHEMAS = Path(__file__).parent / "schemas"


def problems(document: dict[str, Any]) -> list[str]:
    """What the official schema finds."""
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources([(c["$id"], Resource.from_contents(c)) for c in contents])
    (root,) = (c for c in contents if c["$id"].endswith("/cityjson.schema.json"))
    return [error.message[:200] for error in Draft7Validator(root, registry=registry).iter_errors(document)]


def solids(document: dict[str, Any], lod: str) -> list[list[list[list[np.ndarray]]]]:
    """All solids of a level: shells of polygons of rings of points."""
    transform = document["transform"]
    points = np.array(document["vertices"]) * transform["scale"] + transform["translate"]
    found = []
    for entry in document["CityObjects"].values():
        for geometry in entry.get("geometry", ()):
            if geometry["lod"] == lod:
                several = (
                    geometry["boundaries"] if geometry["type"] == "MultiSolid" else [geometry["boundaries"]]
                )
                found += [
                    [[[points[r] for r in face] for face in shell] for shell in solid] for solid in several
                ]
    return found


def test_the_schema_finds_nothing_and_every_solid_is_valid(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "cityjson", metadata={"seed": 1, "licence": "CC BY 4.0"})
    document = json.loads(done.files[0].read_text(encoding="utf-8"))
    assert done.files[0].name == "house.city.json"
    assert problems(document) == []
    for lod in ("1.2", "2.2"):
        bodies = solids(document, lod)
        assert bodies
        assert sum((faults(body) for body in bodies), Counter()) == {}
    house = document["CityObjects"]["house"]
    assert house["attributes"]["measuredHeight"] == pytest.approx(done.measures["height"], abs=1e-3)
    assert house["attributes"]["licence"] == "CC BY 4.0"


def test_faces_bear_their_classes(building: Case, tmp_path: Path) -> None:
    done = building.write(tmp_path, "cityjson")
    document = json.loads(done.files[0].read_text(encoding="utf-8"))
    fine = [g for o in document["CityObjects"].values() for g in o.get("geometry", ()) if g["lod"] == "2.2"]
    said = Counter(
        g["semantics"]["surfaces"][v]["type"]
        for g in fine
        for shell in g["semantics"]["values"]
        for v in shell
    )
    surface = building.surface(done)
    assert said["RoofSurface"] == (surface.labels == SurfaceClass.ROOF).sum()
    assert said["WallSurface"] == (surface.labels == SurfaceClass.WALL).sum()
    assert said.total() == len(surface)


def test_the_block_is_as_high_as_most_of_the_roof_and_stands_on_the_footprint(
    building: Case, tmp_path: Path
) -> None:
    done = building.write(tmp_path, "cityjson")
    document = json.loads(done.files[0].read_text(encoding="utf-8"))
    heights = [np.ptp(np.concatenate([r for f in s[0] for r in f])[:, 2]) for s in solids(document, "1.2")]
    surface = building.surface(done)
    assert max(heights) <= surface.to_mesh().extents[2] + 1e-3
    plan = np.concatenate([r for s in solids(document, "1.2") for f in s[0] for r in f])[:, :2]
    assert np.ptp(plan, axis=0) == pytest.approx(surface.to_mesh().extents[:2], abs=0.01)


def test_a_georeferenced_building_stands_where_it_was_put_and_numbers_stay_small(tmp_path: Path) -> None:
    case = Case(massing_grid(0), ExportSettings())
    at, yaw = (233_412.5, 480_951.25, 12.5), 0.4
    done = case.write(tmp_path, "cityjson", crs="EPSG:7415", at=at, yaw=yaw)
    document = json.loads(done.files[0].read_text(encoding="utf-8"))
    assert problems(document) == []
    assert document["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/7415"
    assert np.abs(document["vertices"]).max() * document["transform"]["scale"][0] < 100
    (body,) = solids(document, "2.2")
    got = np.unique(np.concatenate([r for f in body[0] for r in f]), axis=0)
    mesh = case.surface(done).to_mesh().rotated(yaw).translated(np.array(at))
    wanted = np.unique(mesh.vertices, axis=0)
    assert got == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(("crs", "at"), [("EPSG:4326", None), ("Amersfoort", None), (None, (1.0, 2.0, 3.0))])
def test_a_place_that_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, crs: str | None, at: tuple[float, float, float] | None
) -> None:
    with pytest.raises(UsageError, match="EPSG:"):
        Case(massing_grid(0), ExportSettings()).write(tmp_path / "out", "cityjson", crs=crs, at=at)
    assert not (tmp_path / "out").exists()
