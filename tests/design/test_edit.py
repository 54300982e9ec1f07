"""A building's part made anew leaves the rest as it is, to the last face."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold
from voxgen.datasets import massing

from voxgen.design.edit import completed, existing, remade
from voxgen.design.search import Near
from voxgen.elements.booleans import bounded, triangles_of
from voxgen.errors import DataError, UsageError
from voxgen.generator import Generator, load
from voxgen.geometry.mesh import Mesh


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load("pretrained:vae")


@pytest.fixture(scope="module")
def house() -> Mesh:
    """Two wings, ten metres by eight and six by five, far from the origin."""
    solid = Manifold.cube((10, 8, 6)) + Manifold.cube((6, 5, 3)).translate((10, 1, 0))
    mesh = triangles_of(solid)
    return Mesh.of(mesh.vertices + np.array([1000.0, 2000.0, 3.0]), mesh.faces)


def test_a_building_is_taken_near_the_origin_on_the_ground(generator, house) -> None:
    building = existing(house, generator)
    assert building.offset == (1008.0, 2004.0, 3.0)
    assert building.mesh.bounds[0][2] == 0
    assert building.grid.volume == pytest.approx(house.volume, rel=0.02)


def test_what_lies_outside_the_region_is_kept_exactly(generator, house) -> None:
    building = existing(house, generator)
    region = Manifold.cube((7, 10, 12)).translate((2, -5, 0))  # the lower wing and air above it
    for design in remade(generator, building, region, 0.8).designs(2, seed=1):
        made = design.surface.to_mesh()
        solid = bounded(made.vertices, made.faces)
        rest, was = solid - region, building.solid - region
        assert (rest - was).volume() + (was - rest).volume() <= 1e-5 * building.solid.volume()
        assert design.proof.pieces == 1


def test_a_building_without_strength_is_what_the_model_sees(generator, house) -> None:
    building = existing(house, generator)
    (design,) = remade(generator, building, None, 0.0).designs(1)
    (seen,) = generator.decode(generator.find(building.grid))
    made, was = design.candidate.fitted.grid.occupancy, seen.occupancy
    assert (made & was).sum() / (made | was).sum() > 0.9


def test_more_strength_goes_further(generator) -> None:
    z = generator.find(existing(massing.building(3, seed=1).mesh, generator).grid)
    free = generator.latents(1, seed=4)
    ways = [
        float((Near(z, strength).moved(free, np.random.default_rng(0)) - z).norm())
        for strength in (0.0, 0.3, 0.6, 1.0)
    ]
    assert ways[0] == pytest.approx(0, abs=1e-4)
    assert ways == sorted(ways)


def test_offspring_of_two_lie_between_them(generator, house) -> None:
    building = existing(house, generator)
    other = existing(massing.building(3, seed=1).mesh, generator).grid
    parents = remade(generator, building, None, 0.1, parents=[other]).near
    assert parents is not None
    assert len(parents.parents) == 2
    child = parents.moved(generator.latents(1, seed=4), np.random.default_rng(1))
    a, b = (float((child - parent).norm()) for parent in parents.parents)
    assert max(a, b) < float((parents.parents[0] - parents.parents[1]).norm()) * 1.2


def test_a_part_stays_in_the_whole(generator, house) -> None:
    building = existing(house, generator)
    for design in completed(generator, building).designs(2, seed=2):
        assert design.proof.missing <= 1e-6 * design.proof.volume
        assert design.proof.volume > building.solid.volume()


def test_what_cannot_be_is_told(generator, house) -> None:
    building = existing(house, generator)
    with pytest.raises(UsageError, match="strength = 2"):
        remade(generator, building, None, 2.0)
    with pytest.raises(UsageError, match="beside the building"):
        remade(generator, building, Manifold.cube((1, 1, 1)).translate((90, 0, 0)), 0.5)
    with pytest.raises(DataError, match="no closed solid"):
        existing(Mesh.of(house.vertices, house.faces[1:]), generator)
    large = triangles_of(Manifold.cube((50, 8, 6)))
    with pytest.raises(UsageError, match="larger grid"):
        existing(large, generator)
