"""Solids and plans against formulae, and hip roofs against the straight skeleton."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from manifold3d import Manifold
from voxgen.datasets.massing_dice import Dice
from voxgen.datasets.massing_footprints import courtyard, winged
from voxgen.datasets.massing_parts import dormers
from voxgen.datasets.massing_solids import MANSARD_PITCH, MANSARD_STOREY, Roof, Wing, body, box, dome

sizes = st.integers(60, 200).map(lambda n: n / 10)
pitches = st.integers(15, 50).map(float)


def volume(wing: Wing, eaves: float, roof: Roof) -> float:
    solid = body(wing, 0.0, eaves, roof)
    assert solid.status().name == "NoError"
    return solid.volume()


@given(sizes, sizes, pitches, st.sampled_from(["x", "y"]))
@settings(max_examples=60, deadline=None)
def test_bodies_have_the_volume_of_the_formula(a, b, pitch, ridge):
    length, width = max(a, b), min(a, b)
    wing = Wing(1.0, 2.0, 1.0 + length, 2.0 + width)
    if ridge == "y":
        wing = Wing(1.0, 2.0, 1.0 + width, 2.0 + length, "y")
    rise, walls = math.tan(math.radians(pitch)) * width / 2, length * width * 3.0
    inset = MANSARD_STOREY / math.tan(math.radians(MANSARD_PITCH))
    knee = width - 2 * inset
    upper = math.tan(math.radians(pitch)) * knee / 2
    expected = {
        "flat": 0.0,
        "gable": length * width * rise / 2,
        "hip": width**2 * rise / 3 + (length - width) * width * rise / 2,
        "shed": length * width * rise,
        "pyramid": length * width * rise / 3,
        "gambrel": length * ((width + knee) / 2 * MANSARD_STOREY + knee * upper / 2),
    }
    for kind, above in expected.items():
        assert volume(wing, 3.0, Roof(kind, pitch)) == pytest.approx(walls + above, rel=1e-9), kind
    assert volume(wing, 3.0, Roof("hip", pitch)) < volume(wing, 3.0, Roof("half-hip", pitch))
    assert volume(wing, 3.0, Roof("half-hip", pitch)) < volume(wing, 3.0, Roof("gable", pitch))


def test_a_dome_is_nearly_half_a_ball():
    ball = 4 / 3 * math.pi * 5.0**3
    assert 0.95 * ball / 2 < dome(Wing(0.0, 0.0, 10.0, 10.0), 4.0).volume() < ball / 2


@given(st.integers(0, 10_000), st.sampled_from(["L", "T", "U", "cross", "courtyard"]), pitches)
@settings(max_examples=20, deadline=None)
def test_hip_roofs_meet_in_the_straight_skeleton(seed, kind, pitch):
    dice = Dice(seed, 0)
    plan = courtyard(24.0, 20.0, 6.4) if kind == "courtyard" else winged(kind, dice, 16.0, 7.0, 5.0)
    solid = Manifold()
    for wing in plan.wings:
        solid = solid + body(wing, 0.0, 3.0, Roof("hip", pitch))
    outline = shapely.union_all([shapely.box(w.x0, w.y0, w.x1, w.y1) for w in plan.wings])
    mesh = solid.to_mesh64()
    vertices = np.asarray(mesh.vert_properties)[:, :3]
    for x, y, z in vertices[vertices[:, 2] > 2.9]:
        # Over an orthogonal plan the skeleton is the distance to the outline in the maximum norm.
        distance = largest_square(outline, x, y)
        assert z == pytest.approx(3.0 + math.tan(math.radians(pitch)) * distance, abs=1e-4)


def largest_square(outline: shapely.Geometry, x: float, y: float) -> float:
    low, high = 0.0, 20.0
    while high - low > 1e-9:
        half = (low + high) / 2
        inside = shapely.box(x - half, y - half, x + half, y + half).difference(outline).area < 1e-12
        low, high = (half, high) if inside else (low, half)
    return low


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_dormers_stay_below_the_ridge_and_inside_the_eaves(seed):
    dice = Dice(seed, 1)
    wing = Wing(0.0, 0.0, dice.metres(7.0, 14.0), dice.metres(6.0, 9.0))
    roof = Roof(dice.one_of(("gable", "hip", "half-hip")), dice.degrees(30, 50))
    row = dormers(dice, wing, 5.0, roof, rear=dice.chance(0.5))
    if row is None:
        return
    main = body(wing, 0.0, 5.0, roof)
    both = main + row
    assert both.volume() > main.volume()
    assert both.bounding_box() == pytest.approx(main.bounding_box())
    assert len(both.decompose()) == 1


def test_a_die_gives_lengths_on_the_module_within_bounds():
    dice = Dice(3, 4)
    for _ in range(200):
        length = dice.metres(2.4, 3.1)
        assert 2.4 <= length <= 3.1
        assert length * 10 == pytest.approx(round(length * 10))
    assert dice.metres(5.0, 4.0) == 5.0
    assert {dice.pick({"a": 1.0, "b": 0.0}) for _ in range(50)} == {"a"}


def test_boxes_span_what_they_say():
    assert box(Wing(-1.0, 2.0, 3.0, 5.0), 1.0, 2.5).bounding_box() == (-1.0, 2.0, 1.0, 3.0, 5.0, 2.5)
