"""The outer shell: turned outwards, without inner sheets, each triangle once."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from geometry_oracles import box, building, is_closed, signed_volume, together, without
from hypothesis import given
from hypothesis import strategies as st
from solids import defects, flipped, sheets, solid_parts, turned, without_base

from voxgen.errors import DataError
from voxgen.formats import read_buildings
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.shell import solid_shell
from voxgen.geometry.voxelize import voxelize


def as_mesh(shell):
    return Mesh.of(shell.vertices, shell.faces)


def faces_as_seen(mesh):
    """Triangles by their corners' positions, wherever they start: the same way round is the same."""
    corners = np.round(mesh.triangles, 6)
    return sorted(min(tuple(map(tuple, np.roll(t, -k, axis=0).tolist())) for k in range(3)) for t in corners)


@pytest.mark.parametrize("seed", range(10))
def test_a_sound_building_stays_as_it_is(seed):
    mesh = building(seed)
    shell = solid_shell(mesh)
    assert (shell.flipped, shell.dropped) == (0, 0)
    np.testing.assert_array_equal(shell.faces, mesh.faces)
    np.testing.assert_array_equal(shell.vertices, mesh.vertices)


def test_a_stack_of_closed_storeys_with_a_slit_stays_whole(shared):
    """Four walls meet at the slit's ends, two of them on each other; once the middle storey turned to air."""
    (house,) = read_buildings(shared / "formats" / "trimesh_3storybuilding_noindices.glb")
    shell = solid_shell(house.mesh)
    assert (shell.flipped, shell.dropped) == (0, 0)
    grid = voxelize(house.mesh, 128, 0.5)
    assert grid.volume == pytest.approx(signed_volume(house.mesh), rel=0.01)
    assert len(np.unique(grid.values.sum(axis=(0, 1))[:18])) == 1


@given(seed=st.integers(0, 9), share=st.floats(0, 1), draw=st.integers(0, 99))
def test_faces_turned_around_are_turned_back(seed, share, draw):
    mesh = solid_parts(seed)[0].mesh()
    shell = solid_shell(flipped(mesh, share, draw))
    assert faces_as_seen(as_mesh(shell)) == faces_as_seen(mesh)


@pytest.mark.parametrize("seed", range(10))
def test_every_closed_part_ends_up_outwards(seed):
    parts = [part.mesh() for part in solid_parts(seed)]
    for mask in range(1 << len(parts)):
        given_ = [turned(m) if mask >> i & 1 else m for i, m in enumerate(parts)]
        shell = solid_shell(together(*given_, labelled=True))
        assert faces_as_seen(as_mesh(shell)) == faces_as_seen(together(*parts))
        assert shell.flipped == sum(len(m.faces) for i, m in enumerate(parts) if mask >> i & 1)


@pytest.mark.parametrize("facing_down", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_inner_sheets_are_taken_out_and_counted(seed, facing_down):
    part = solid_parts(seed)[0]
    inner = together(*sheets(part, facing_down))
    shell = solid_shell(together(part.mesh(), inner))
    assert shell.dropped == len(inner.faces)
    assert faces_as_seen(as_mesh(shell)) == faces_as_seen(part.mesh())


@pytest.mark.parametrize("seed", range(10))
def test_a_missing_base_is_no_reason_to_turn_or_drop_anything(seed):
    mesh = without_base(building(seed))
    assert faces_as_seen(as_mesh(solid_shell(mesh))) == faces_as_seen(mesh)


def test_triangles_that_repeat_count_once_however_they_face():
    mesh = box()
    for order in permutations(range(3)):
        doubled = Mesh.of(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:4, list(order)]]))
        assert faces_as_seen(as_mesh(solid_shell(doubled))) == faces_as_seen(mesh)


def test_loose_triangles_are_welded():
    corners = building(2).triangles.reshape(-1, 3)
    jitter = np.random.default_rng(0).uniform(-1e-4, 1e-4, corners.shape)
    shell = solid_shell(Mesh.of(corners + jitter, np.arange(len(corners)).reshape(-1, 3)))
    assert is_closed(as_mesh(shell))
    assert signed_volume(as_mesh(shell)) == pytest.approx(signed_volume(building(2)), rel=1e-3)


def test_a_small_thing_is_welded_by_its_own_size():
    tiny = building(2).scaled(1e-4)
    shell = solid_shell(tiny)
    assert len(shell.faces) == len(tiny.faces)
    assert is_closed(as_mesh(shell))


def test_a_cavity_stays_a_cavity_and_a_pillar_of_its_own_stays_solid():
    outer, inner = box(10, 10, 10), box(4, 4, 4, at=(3, 3, 3))
    hollow = solid_shell(together(outer, turned(inner)))
    assert signed_volume(as_mesh(hollow)) == pytest.approx(1000 - 64)
    inside_out = solid_shell(together(turned(outer), inner))
    assert signed_volume(as_mesh(inside_out)) == pytest.approx(1000 - 64)
    apart = solid_shell(together(outer, turned(inner), labelled=True))
    assert signed_volume(as_mesh(apart)) == pytest.approx(1000 + 64)


@pytest.mark.parametrize("seed", range(10))
def test_a_mended_shell_needs_no_mending(seed):
    for name, mesh in defects(seed).items():
        once = solid_shell(mesh)
        twice = solid_shell(as_mesh(once))
        assert twice.dropped == 0, name
        assert faces_as_seen(as_mesh(twice)) == faces_as_seen(as_mesh(once)), name


def test_a_missing_wall_is_forgiven():
    mesh = box(10, 8, 3)
    wall = np.flatnonzero((mesh.triangles[:, :, 1] == 0).all(axis=1))
    shell = solid_shell(without(mesh, wall))
    assert faces_as_seen(as_mesh(shell)) == faces_as_seen(without(mesh, wall))


def test_a_mesh_without_faces_is_refused():
    with pytest.raises(DataError, match="no faces"):
        solid_shell(Mesh.of(np.zeros((3, 3)), np.zeros((0, 3))))
