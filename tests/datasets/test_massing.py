"""Massing: closed solids with known truth, decided by seed and index alone."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from voxgen.datasets import massing
from voxgen.datasets.massing_footprints import FOOTPRINTS

from voxgen.errors import UsageError
from voxgen.formats.building import Building
from voxgen.geometry.measure import measure
from voxgen.geometry.mesh import SurfaceClass
from voxgen.geometry.topology import topology

COUNT = 1000


@pytest.fixture(scope="module")
def buildings() -> list[Building]:
    return list(massing.generate(COUNT, seed=11))


def fingerprint(building: Building) -> str:
    mesh = building.mesh
    digest = hashlib.sha256(mesh.vertices.tobytes() + mesh.faces.tobytes() + mesh.labels.tobytes())
    return digest.hexdigest() + repr(sorted(building.attributes.items()))


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def plan_areas(building: Building) -> np.ndarray:
    a, b, c = np.moveaxis(building.mesh.triangles, 1, 0)
    return np.cross(b - a, c - a)[:, 2] / 2


def test_every_building_is_one_closed_oriented_surface(buildings):
    for building in buildings:
        found = topology(building.mesh)
        assert found.is_closed, building.id
        assert found.is_oriented, building.id


def test_the_volume_told_is_the_volume_of_the_mesh(buildings):
    for building in buildings:
        volume = signed_volume(building.mesh.vertices, building.mesh.faces)
        assert building.attributes["volume"] == pytest.approx(volume, rel=1e-9)
        assert volume > 0


def test_buildings_stand_on_the_ground_and_in_the_middle_and_fit_in_32_m(buildings):
    for building in buildings:
        low, high = building.mesh.bounds
        assert low[2] == pytest.approx(0.0, abs=1e-9)
        assert (low + high)[:2] == pytest.approx([0.0, 0.0], abs=1e-9)
        assert (high - low).max() <= 32.0
        assert (high - low)[2] >= 3.0
        assert building.attributes["height"] == pytest.approx(high[2])


def test_every_face_says_what_it_is_and_faces_accordingly(buildings):
    for building in buildings:
        labels, plan = building.mesh.labels, plan_areas(building)
        top = building.mesh.triangles[:, :, 2].max(axis=1)
        assert set(np.unique(labels)) <= {
            SurfaceClass.GROUND,
            SurfaceClass.WALL,
            SurfaceClass.ROOF,
            SurfaceClass.OUTER_FLOOR_OR_CEILING,
        }
        assert (plan[labels == SurfaceClass.ROOF] > 0).all()
        assert (plan[labels == SurfaceClass.GROUND] < 0).all()
        assert (top[labels == SurfaceClass.GROUND] < 1e-6).all()
        for needed in (SurfaceClass.GROUND, SurfaceClass.WALL, SurfaceClass.ROOF):
            assert (labels == needed).any(), building.id


def test_attributes_agree_with_what_can_be_measured(buildings):
    for building in buildings[:60]:
        told, measured = building.attributes, measure(building.mesh)
        for name in ("height", "footprint_area", "volume", "pitched_share"):
            assert told[name] == pytest.approx(measured[name], rel=2e-3, abs=1e-3), (building.id, name)


def test_every_kind_occurs(buildings):
    kinds = Counter(building.attributes["type"] for building in buildings)
    plans = Counter(building.attributes["footprint"] for building in buildings)
    roofs = Counter(building.attributes["roof"] for building in buildings)
    parts = Counter(p for building in buildings for p in building.attributes["parts"].split(","))
    assert len(kinds) >= len(massing.TYPES)
    assert set(plans) == set(FOOTPRINTS)
    assert set(roofs) == {"flat", "gable", "hip", "half-hip", "mansard", "gambrel", "shed", "dome"}
    lacking_in_national_models = {"cantilever", "arcade", "passage", "balcony", "pilotis"}
    for part in {
        "main",
        "wing",
        "dormer",
        "chimney",
        "podium",
        "tower",
        "setback",
    } | lacking_in_national_models:
        assert parts[part] >= COUNT // 200, part


def test_what_hangs_over_has_an_underside_and_what_does_not_has_none(buildings):
    for building in buildings:
        parts = set(building.attributes["parts"].split(","))
        hangs = (building.mesh.labels == SurfaceClass.OUTER_FLOOR_OR_CEILING).any()
        if parts & {"arcade", "passage", "pilotis", "balcony"}:
            assert hangs, building.id
        if parts <= {"main", "wing", "dormer", "chimney", "annex", "garage", "setback", "bay", "penthouse"}:
            assert not hangs, building.id


def test_an_arcade_is_open_air_behind_piers():
    building = next(b for b in massing.generate(400, 11) if "arcade" in b.attributes["parts"].split(","))
    soffit = building.mesh.labels == SurfaceClass.OUTER_FLOOR_OR_CEILING
    areas, ground = -plan_areas(building), building.mesh.labels == SurfaceClass.GROUND
    assert areas[soffit].sum() > 5.0
    # Ground and soffits together cover the plan once: under a soffit the plan is not on the ground.
    assert areas[soffit].sum() + areas[ground].sum() == pytest.approx(
        building.attributes["footprint_area"], rel=1e-6
    )


def test_proportions_are_those_of_buildings(buildings):
    for building in buildings:
        told = building.attributes
        assert 1 <= told["storeys"] <= 10
        assert told["eaves"] <= told["height"] + 1e-9
        if told["storeys"] > 1:
            assert 2.7 <= told["storey_height"] <= 3.5
        if told["roof"] in ("gable", "hip", "half-hip"):
            assert 20 <= told["roof_pitch"] <= 52


def test_sizes_are_near_to_those_of_real_buildings(buildings):
    extents = np.array([building.mesh.extents for building in buildings])
    length, width = np.sort(extents[:, :2], axis=1)[:, ::-1].T
    pitched = np.array([building.attributes["pitched_share"] for building in buildings])
    # Real medians: 12.1 by 6.7 m and 8.1 m high; 59 % pitched.
    assert 10.0 < np.median(length) < 14.5
    assert 5.5 < np.median(width) < 8.7
    assert 6.8 < np.median(extents[:, 2]) < 9.8
    assert 0.5 < (pitched > 0.5).mean() < 0.8


def test_a_seed_and_an_index_decide_the_building():
    few, many = list(massing.generate(5, seed=2)), list(massing.generate(9, seed=2))
    assert [fingerprint(b) for b in few] == [fingerprint(b) for b in many[:5]]
    assert fingerprint(massing.building(3, seed=2)) == fingerprint(few[3])
    assert fingerprint(massing.building(3, seed=3)) != fingerprint(few[3])


def test_another_process_makes_the_same_buildings():
    code = (
        "import hashlib\n"
        "from voxgen.datasets import massing\n"
        "massing.building(99, 5)\n"
        "digest = hashlib.sha256()\n"
        "for b in massing.generate(40, 5):\n"
        "    digest.update(b.mesh.vertices.tobytes() + b.mesh.faces.tobytes() + b.mesh.labels.tobytes())\n"
        "print(digest.hexdigest())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    digest = hashlib.sha256()
    for b in massing.generate(40, 5):
        digest.update(b.mesh.vertices.tobytes() + b.mesh.faces.tobytes() + b.mesh.labels.tobytes())
    assert told.stdout.strip() == digest.hexdigest()


def test_hardly_any_building_comes_twice(buildings):
    shapes = Counter(
        (*building.mesh.extents.round(2), round(building.attributes["volume"], 2)) for building in buildings
    )
    assert len(shapes) > 0.97 * COUNT


def test_parts_are_closed_solids_that_cover_the_building():
    seen: set[str] = set()
    for index in range(120):
        made = massing.labelled(index, seed=4)
        mesh = made.building.mesh
        assert fingerprint(made.building) == fingerprint(massing.building(index, seed=4))
        assert made.face_parts.shape == (len(mesh.faces),)
        assert ",".join(made.part_names) == made.building.attributes["parts"]
        assert topology(made.solids).is_closed
        assert len(made.solid_names) == made.solids.parts.max() + 1
        volumes = [
            signed_volume(made.solids.vertices, made.solids.faces[made.solids.parts == k])
            for k in range(len(made.solid_names))
        ]
        assert min(volumes) > 0
        assert max(volumes) <= made.building.attributes["volume"] + 1e-6 <= sum(volumes) + 2e-6
        seen |= {made.part_names[k] for k in np.unique(made.face_parts)}
        chimneys = [k for k, name in enumerate(made.part_names) if name == "chimney"]
        faces = np.isin(made.face_parts, chimneys)
        if faces.any():
            assert mesh.triangles[faces][:, :, 2].min() >= made.building.attributes["eaves"] - 0.31
    assert {"main", "wing", "chimney", "dormer"} <= seen


@pytest.mark.parametrize(("n", "seed"), [(-1, 0), (3, -1)])
def test_negative_counts_and_seeds_are_refused_at_once(n, seed):
    with pytest.raises(UsageError, match=r"0 or more"):
        massing.generate(n, seed)


def test_no_buildings_and_huge_seeds_are_fine():
    assert list(massing.generate(0)) == []
    building = massing.building(10**12, seed=2**80)
    assert math.isfinite(building.attributes["volume"])
