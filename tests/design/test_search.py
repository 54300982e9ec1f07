"""Designs for a brief: all that is said holds, in all families, and comes out the same again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxgen.design.bend import _measures, _placed, bend
from voxgen.design.brief import Brief
from voxgen.design.exact import proof
from voxgen.design.pose import SYMMETRIES, Pose
from voxgen.design.search import Designer, chosen
from voxgen.generator import load
from voxgen.geometry.grid import FULL, VoxelGrid
from voxgen.geometry.measure import measure, measure_plans
from voxgen.pretrained import names

PLOT = "POLYGON ((0 0, 16 0, 18 9, 13 13, 0 12, 0 0))"


def _brief(**targets) -> Brief:
    site = {"plot": PLOT, "setback": (1, 0, 0, 1, 0), "height_limit": 9.0}
    plane = {"edge": 3, "height": 4.0, "slope": 45.0}
    return Brief.parse({"site": {**site, "plane": [plane]}, "targets": targets})


@pytest.mark.parametrize("family", names())
def test_every_family_keeps_the_site_and_meets_what_is_wanted(family) -> None:
    designer = Designer.of(load(f"pretrained:{family}"), _brief(gross_floor_area=150, height=7.5))
    (design,) = designer.designs(1, seed=3)
    mesh = design.surface.to_mesh()
    assert proof(mesh, designer.site) == design.proof
    assert design.proof.holds
    got = measure(mesh)
    assert design.met
    assert got["height"] == pytest.approx(7.5, rel=0.05)
    assert got["gross_floor_area"] == pytest.approx(150, rel=0.05)


def test_the_same_seed_gives_the_same_designs() -> None:
    generator = load("pretrained:vae")
    brief = _brief(footprint_area=70, storeys=2)
    one, again = (Designer.of(generator, brief).designs(1, seed=5)[0] for _ in range(2))
    assert one.candidate.number == again.candidate.number
    assert (one.surface.vertices == again.surface.vertices).all()


def test_bending_brings_a_building_closer_to_what_is_wanted() -> None:
    designer = Designer.of(load("pretrained:vae"), _brief(gross_floor_area=120, height=6))
    (drawn,) = designer._drawn(range(1), 0)
    (latent, told), candidate = drawn
    # From a pose without any stretch, so that something is left to do.
    pose = Pose(candidate.fitted.pose.symmetry, shift=candidate.fitted.pose.shift)
    model = designer.generator.model
    bent = bend(model, latent, told, [pose], designer.goal)

    def missed(z: torch.Tensor) -> float:
        (grid,) = designer.generator.decode(z, told)
        y = np.minimum(pose.place(grid.coverage / FULL, designer.room.lay.resolution), designer.room.allowed)
        got = _measures(torch.from_numpy(y).float(), designer.room.lay.pitch, 3.0)
        return sum(abs(float(got[k]) / v - 1) for k, v in designer.goal.wanted.items())

    assert missed(bent) < 0.5 * missed(latent)


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_what_is_bent_is_placed_as_what_is_fitted(symmetry) -> None:
    x = np.random.default_rng(symmetry).random((9, 9, 6))
    pose = Pose(symmetry, (1.1, 0.9, 1.2), (1.0, -2.0))
    along = [torch.from_numpy(m) for m in pose.matrices((9, 9, 6), (12, 10, 7))]
    wanted = pose.place(x, (12, 10, 7))
    assert _placed(torch.from_numpy(x), pose, along).numpy() == pytest.approx(wanted)


def test_smooth_measures_are_the_measures_of_solid_boxes() -> None:
    values = np.zeros((16, 16, 16), np.uint8)
    values[2:12, 3:9, :13] = FULL
    exact = measure_plans(VoxelGrid(values, 0.5))
    smooth = _measures(torch.from_numpy(values / FULL).float(), 0.5, 3.0)
    for name, value in smooth.items():
        assert float(value) == pytest.approx(exact[name])


def test_of_those_that_meet_the_brief_the_furthest_apart_are_chosen() -> None:
    from dataclasses import replace

    designer = Designer.of(load("pretrained:vae"), _brief(height=7))
    drawn = [candidate for _, candidate in designer._drawn(range(2), 0)]
    one, other = drawn
    twin = replace(one, number=9, fitted=replace(one.fitted, misfit=one.misfit + 1e-3))
    assert chosen([one, twin, other], 2, lambda _: True) == sorted([one, other], key=lambda c: c.misfit)
    assert chosen([one, twin, other], 3, lambda c: c is other)[0] is other


def test_a_roof_is_of_the_form_that_is_wanted() -> None:
    generator = load("pretrained:vae")
    for roof, share in (("pitched", 1.0), ("flat", 0.0)):
        (design,) = Designer.of(generator, _brief(height=7, footprint_area=80, roof=roof)).designs(1, seed=1)
        assert abs(design.candidate.fitted.got["pitched_share"] - share) <= 0.5


def test_a_site_within_the_grid_is_built_on_whole_whatever_its_height() -> None:
    # The top layer is filled to a hundredth, which is no voxel's share.
    brief = Brief.parse({"site": {"plot": PLOT, "height_limit": 9.002}})
    designer = Designer.of(load("pretrained:vae"), brief)
    assert designer.site.top == pytest.approx(9.002)
    assert designer.notes == []
