"""Coverage to planes: known houses come back as drawn; whatever the grid, the result is a closed solid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from manifold3d import Error, Manifold
from manifold3d import Mesh as Flat

from voxgen.formats import read_buildings
from voxgen.geometry.blocks import block_polygons
from voxgen.geometry.grid import FULL, VoxelGrid
from voxgen.geometry.mesh import Mesh, SurfaceClass
from voxgen.geometry.placement import place
from voxgen.geometry.planar import planar
from voxgen.geometry.polyhedron import Polyhedron
from voxgen.geometry.surface import isosurface
from voxgen.geometry.topology import topology
from voxgen.geometry.voxelize import voxelize

FINE = 8
SHAPE = (40, 32, 28)


def solid(inside, shape=SHAPE, pitch=0.5) -> VoxelGrid:
    """Coverage of a solid given by its inside, a function of x, y, z in voxels."""
    axes = [(np.arange(n * FINE) + 0.5) / FINE for n in shape]
    full = np.broadcast_to(inside(*np.meshgrid(*axes, indexing="ij", sparse=True)), [n * FINE for n in shape])
    parts = full.reshape(shape[0], FINE, shape[1], FINE, shape[2], FINE)
    return VoxelGrid(np.round(parts.mean(axis=(1, 3, 5)) * FULL).astype(np.uint8), pitch)


def over(x, y, low, high):
    return (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])


def box(x, y, z):
    return over(x, y, (6.3, 5.6), (30.4, 22.7)) & (z < 11.25)


def gable(x, y, z):
    return over(x, y, (6.3, 5.6), (30.4, 22.4)) & (z < 10.3 + 0.8 * (8.4 - abs(y - 14)))


def hip(x, y, z):
    return gable(x, y, z) & (z < 10.3 + 0.8 * (x - 6.3)) & (z < 10.3 + 0.8 * (30.4 - x))


def l_shape(x, y, z):
    wing = over(x, y, (6.3, 5.6), (16.3, 28.4)) & (z < 8.3 + 0.9 * (5 - abs(x - 11.3)))
    return (over(x, y, (6.3, 5.6), (34.4, 17.6)) & (z < 8.3 + 0.9 * (6 - abs(y - 11.6)))) | wing


def whole_grid(x, y, z):
    return (x >= 0) & (z < 13.3) & (y >= 0)


def parapet(x, y, z):
    return over(x, y, (6.3, 5.6), (30.4, 22.4)) & (
        z < np.where(over(x, y, (7.9, 7.2), (28.8, 20.8)), 12.3, 14.2)
    )


def tower(x, y, z):
    return (over(x, y, (6.3, 5.6), (30.4, 22.4)) & (z < 8.3)) | (
        over(x, y, (20.2, 5.6), (26.2, 11.7)) & (z < 24.4)
    )


def courtyard(x, y, z):
    return over(x, y, (6.3, 5.6), (30.4, 26.4)) & ~over(x, y, (12.4, 11.2), (24.3, 20.3)) & (z < 9.4)


def cantilever(x, y, z):
    return over(x, y, (6.3, 5.6), (20.3, 22.4)) & (z < 16.4) | (
        over(x, y, (6.3, 5.6), (31.4, 22.4)) & (z > 9) & (z < 16.4)
    )


def passage(x, y, z):
    return gable(x, y, z) & ~(over(x, y, (14, 0), (20, 40)) & (z < 7))


def arcade(x, y, z):
    open_bays = (y < 10) & (z < 6) & (x > 7.3) & ((x % 4) > 1)
    return box(x, y, z) & ~open_bays


SOLIDS = [box, whole_grid, gable, hip, l_shape, parapet, tower, courtyard, cantilever, passage, arcade]


def volume(mesh: Mesh) -> float:
    a, b, c = np.moveaxis(mesh.triangles - mesh.vertices[0], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def check(result: Polyhedron) -> Mesh:
    """Closed, two-manifold, turned outwards, accepted by manifold3d."""
    mesh = result.to_mesh()
    found = topology(mesh)
    assert found.is_closed
    assert found.is_oriented
    assert volume(mesh) > 0
    flat = Flat(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    assert Manifold(flat).status() == Error.NoError
    return mesh


def classes(result: Polyhedron) -> dict[str, int]:
    return dict(Counter(name.rsplit("-", 1)[0] for name in result.names))


@pytest.mark.parametrize("inside", SOLIDS, ids=lambda f: f.__name__)
def test_every_building_comes_back_closed_with_its_volume(inside):
    grid = solid(inside)
    mesh = check(planar(grid))
    assert volume(mesh) == pytest.approx(grid.volume, rel=0.02)


@pytest.mark.parametrize(
    ("inside", "roofs", "walls"),
    [
        (box, 1, 4),
        (gable, 2, 4),
        (hip, 4, 4),
        (l_shape, 6, 6),
        (parapet, 2, 8),
        (courtyard, 1, 8),
        (tower, 2, 7),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_building_comes_back_as_the_polygons_it_was_drawn_with(inside, roofs, walls):
    result = planar(solid(inside))
    assert classes(result) == {"ground": 1, "roof": roofs, "wall": walls}
    assert result.notes == ()


def test_a_gable_house_has_its_corners_where_they_were():
    result = planar(solid(gable))
    assert len(result) == 7
    corners = [(x, y, z) for x in (6.3, 30.4) for y in (5.6, 22.4) for z in (0.0, 10.3)]
    corners += [(x, 14.0, 10.3 + 0.8 * 8.4) for x in (6.3, 30.4)]
    found = result.vertices / 0.5
    assert len(found) == 10
    away = np.linalg.norm(np.array(corners)[:, None] - found, axis=2)
    assert away.min(axis=1).max() < 0.15


@pytest.mark.parametrize("inside", [box, parapet, tower, courtyard], ids=lambda f: f.__name__)
def test_flat_roofs_are_level(inside):
    result = planar(solid(inside))
    roofs = np.flatnonzero(result.labels == SurfaceClass.ROOF)
    assert all(np.ptp(result.polygon(p)[0][:, 2]) < 1e-9 for p in roofs.tolist())


def test_walls_and_roofs_are_planar_to_a_millimetre():
    result = planar(solid(l_shape))
    normals = result.area_vectors / result.areas[:, None]
    for p, normal in enumerate(normals):
        points = np.concatenate(result.polygon(p))
        assert np.ptp(points @ normal) < 1e-3


def test_what_is_open_below_a_roof_stays_open_and_is_told():
    for inside, hollow in ((passage, (17, 14, 3)), (cantilever, (26, 14, 4)), (arcade, (14, 7, 3))):
        result = planar(solid(inside))
        again = voxelize(result.to_mesh(), 64, 0.25)
        index = np.floor(again.to_index(np.array([hollow]) * 0.5)).astype(int)[0]
        assert not again.occupancy[tuple(index)]
        assert any("void" in note for note in result.notes)


def test_ceilings_look_down_above_the_ground():
    result = planar(solid(passage))
    ceilings = result.labels == SurfaceClass.OUTER_FLOOR_OR_CEILING
    assert ceilings.any()
    assert (result.area_vectors[ceilings, 2] < 0).all()


def test_the_result_lies_where_the_grid_lies():
    here = solid(gable)
    there = VoxelGrid(here.values, here.pitch, np.array([2e5, 4e5, 3.0]), 0.4)
    moved = there.to_world(planar(here).vertices / here.pitch)
    assert np.abs(planar(there).vertices - moved).max() < 1e-6


def test_names_are_distinct_and_the_same_for_the_same_building():
    one, two = planar(solid(l_shape)).names, planar(solid(l_shape)).names
    assert one == two
    assert len(set(one)) == len(one)


def test_mirrored_buildings_have_as_many_polygons():
    grid = solid(hip)
    for values in (grid.values[::-1], grid.values[:, ::-1], grid.values.swapaxes(0, 1)):
        assert len(planar(VoxelGrid(np.ascontiguousarray(values), 0.5))) == 9


def test_storeys_are_of_polygons_that_lie_within_one():
    result = planar(solid(tower)).in_storeys(3.0)
    ground = result.labels == SurfaceClass.GROUND
    assert (result.storeys[ground] == 0).all()
    top = np.argmax([points[0][:, 2].min() for points in map(result.polygon, range(len(result)))])
    assert result.storeys[top] == int(24.4 * 0.5 // 3.0)


def test_an_empty_grid_has_no_polygons():
    result = planar(VoxelGrid(np.zeros((5, 6, 7), np.uint8)))
    assert len(result) == 0
    assert len(result.to_mesh().faces) == 0
    assert len(block_polygons(VoxelGrid(np.zeros((5, 6, 7), np.bool_)))) == 0


def odd_grids() -> dict[str, np.ndarray]:
    one, sheet, floor, pair, gap, apart = (np.zeros((12, 11, 10), np.uint8) for _ in range(6))
    one[5, 5, 5] = FULL
    sheet[:, 5, :] = FULL
    floor[:, :, 0] = FULL
    pair[3, 3, 0:4] = pair[4, 4, 0:4] = FULL
    gap[2:5, 2:9, :6] = gap[6:9, 2:9, :6] = FULL
    apart[1:3, 1:3, :4] = apart[8:11, 7:10, 3:9] = FULL
    return {
        "full": np.full((12, 11, 10), FULL, np.uint8),
        "one voxel": one,
        "upright sheet": sheet,
        "floor": floor,
        "diagonal pair": pair,
        "gap of one voxel": gap,
        "disconnected, one floats": apart,
        "all just over half": np.full((6, 5, 4), 33, np.uint8),
        "hollow": np.pad(np.zeros((6, 6, 6), np.uint8), 3, constant_values=FULL),
        "single": np.full((1, 1, 1), FULL, np.uint8),
    }


@pytest.mark.parametrize("name", odd_grids())
def test_odd_grids_give_closed_solids(name):
    grid = VoxelGrid(odd_grids()[name], 0.5)
    check(planar(grid))
    check(block_polygons(grid))


@settings(max_examples=60)
@given(
    hnp.arrays(
        np.uint8, st.tuples(*(st.integers(1, 7),) * 3), elements=st.sampled_from([0, 0, 20, 40, 64, 64])
    )
)
def test_random_grids_give_closed_solids_or_nothing(values):
    for result in (planar(VoxelGrid(values, 0.5)), block_polygons(VoxelGrid(values, 0.5))):
        if (values > 32).any():
            check(result)
        else:
            assert len(result) == 0


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.integers(2, 6))
def test_random_towns_of_towers_give_closed_solids(seed, rough, count):
    rng = np.random.default_rng(seed)
    heights = np.zeros((24, 22))
    for _ in range(count):
        i, j = rng.integers(0, 18, 2)
        heights[i : i + rng.integers(1, 12), j : j + rng.integers(1, 12)] = rng.uniform(1, 18)
    heights += rough * rng.normal(size=heights.shape) * (heights > 0)
    share = np.clip(heights[:, :, None] - np.arange(20), 0, 1)
    grid = VoxelGrid(np.round(share * FULL).astype(np.uint8), 0.5)
    if grid.occupancy.any():
        mesh = check(planar(grid))
        assert volume(mesh) == pytest.approx(grid.volume, rel=0.3, abs=2.0)
        assert mesh.vertices[:, 2].max() < 0.5 * (heights.max() + 1.51)


def test_blocks_enclose_exactly_the_voxels():
    values = np.random.default_rng(3).random((9, 8, 7)) < 0.4
    values[:, :, 0] = True
    result = block_polygons(VoxelGrid(values, 0.5))
    filled = voxelize(result.to_mesh(), (9, 8, 7), 0.5, supersample=1).occupancy
    assert not (values & ~filled).any()
    assert volume(check(result)) == pytest.approx(filled.sum() * 0.125)


def test_blocks_of_a_courtyard_have_polygons_with_holes():
    values = np.zeros((10, 10, 4), np.bool_)
    values[1:9, 1:9, :3] = True
    values[3:6, 3:6, :] = False
    result = block_polygons(VoxelGrid(values))
    assert len(result) == 10
    assert sorted(len(result.polygon(p)) for p in range(10)) == [1] * 8 + [2] * 2


def test_smooth_surfaces_become_polygons_with_one_ground():
    from voxgen.geometry.polyhedron import of_triangles

    surface = isosurface(solid(gable))
    result = of_triangles(surface)
    check(result)
    assert classes(result)["ground"] == 1
    assert volume(result.to_mesh()) == pytest.approx(volume(surface), rel=1e-9)


def test_real_buildings_come_back_closed(shared: Path):
    path = shared / "data" / "nl_3dbag_limburg" / "buildings.npz"
    with np.load(path, allow_pickle=False) as a:
        chosen = np.flatnonzero(a["usable"])[::40]
        v, f, vo, fo = a["vertices"], a["faces"], a["v_offset"], a["f_offset"]
        meshes = [Mesh.of(v[vo[i] : vo[i + 1]], f[fo[i] : fo[i + 1]]) for i in chosen]
    for source in meshes:
        grid = voxelize(source, 64, 0.5)
        mesh = check(planar(grid))
        assert volume(mesh) == pytest.approx(grid.volume, rel=0.06)


def test_a_house_keeps_its_height_at_every_pitch(shared: Path):
    """A row of columns along a gable fits any slope across it, and once rose 4 m out of this one's roof."""
    (house,) = read_buildings(shared / "formats" / "d_house_rd_epsg28992.obj")
    for resolution in range(40, 72, 4):
        longest = place(house.mesh, resolution, 1.0).extents.max()
        lay = place(house.mesh, resolution, float(longest) / resolution)
        result = planar(voxelize(house.mesh, resolution, lay.pitch, lay))
        assert result.notes == ()
        assert abs(float(np.ptp(result.vertices[:, 2])) - float(house.mesh.extents[2])) < lay.pitch
