"""Every figure of one set or two: by hand on toys, and against a second, naive implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.linalg import sqrtm
from scipy.spatial.distance import jensenshannon

from voxgen.errors import DataError
from voxgen.evaluation.descriptors import DESCRIPTORS, descriptors, exposed_faces
from voxgen.evaluation.estimate import Estimate, draws, subset_size
from voxgen.evaluation.facets import facets
from voxgen.evaluation.frechet import frechet, marginals
from voxgen.evaluation.occupancy import jensen_shannon
from voxgen.evaluation.originality import copies, z_u
from voxgen.evaluation.twins import without_twin
from voxgen.evaluation.two_sample import from_distances
from voxgen.evaluation.validity import repaired, validity
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.repair import repair

from .conftest import boxes, noise


def solid(*parts: tuple[slice, slice, slice], shape: tuple[int, int, int] = (8, 8, 8)) -> np.ndarray:
    grid = np.zeros((1, *shape), bool)
    for part in parts:
        grid[(0, *part)] = True
    return grid


BOX = solid((slice(1, 5), slice(2, 4), slice(0, 3)))
STEP = solid((slice(0, 6), slice(0, 4), slice(0, 2)), (slice(0, 3), slice(0, 4), slice(2, 4)))
AIR = np.zeros((1, 8, 8, 8), bool)


def test_the_ten_descriptors_of_a_step_by_hand() -> None:
    values = dict(zip(DESCRIPTORS, descriptors(STEP)[0], strict=True))
    assert values == pytest.approx(
        {
            "volume": 72 ** (1 / 3),
            "footprint": 24**0.5,
            "height": 4,
            "length": 6,
            "width": 4,
            # floor 24, roofs 12 + 12, long sides 2 x (12 + 6), ends 8 + 16 with the riser of 8 between
            "surface": (24 + 24 + 2 * 18 + 2 * 16) ** 0.5,
            "middle": 0.5,
            "top": 0.5,
            "rectangularity": 1,
            "fill": 0.75,
        }
    )


def test_descriptors_by_a_second_implementation() -> None:
    for grid in np.concatenate([boxes(10), noise(10, shape=(10, 10, 8))]):
        voxels = {tuple(v) for v in np.argwhere(grid).tolist()}
        plan = {(x, y) for x, y, _ in voxels}
        layer = {z: sum(v[2] == z for v in voxels) for z in {v[2] for v in voxels}}
        zs = sorted(layer)
        height = zs[-1] - zs[0] + 1
        sides = sorted(max(p[i] for p in plan) - min(p[i] for p in plan) + 1 for i in (0, 1))
        steps = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
        faces = sum((x + a, y + b, z + c) not in voxels for x, y, z in voxels for a, b, c in steps)
        assert exposed_faces(grid) == faces
        expected = [
            len(voxels) ** (1 / 3), len(plan) ** 0.5, height, sides[1], sides[0], faces**0.5,
            layer.get(zs[0] + height // 2, 0) / layer[zs[0]], layer[zs[-1]] / layer[zs[0]],
            len(plan) / (sides[0] * sides[1]), len(voxels) / (len(plan) * height),
        ]  # fmt: skip
        assert descriptors(grid[None])[0] == pytest.approx(expected)


def test_descriptors_do_not_depend_on_place_or_mirror_and_air_has_none() -> None:
    grids = boxes(8, shape=(12, 12, 8))
    moved = np.roll(grids, (1, 2), axis=(1, 3))[:, ::-1]
    keep = ~(grids[:, -1].any(axis=(1, 2)) | grids[..., -2:].any(axis=(1, 2, 3)))
    assert keep.any()
    assert descriptors(moved[keep]) == pytest.approx(descriptors(grids[keep]))
    assert not descriptors(AIR).any()


def test_the_frechet_distance_by_hand_and_by_scipy() -> None:
    rng = np.random.default_rng(0)
    g, r = rng.normal(1, 2, (200, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(150, 4))
    scale = r.std(axis=0, ddof=1)
    a, b = (np.cov(x / scale, rowvar=False) for x in (g, r))
    shift = (g.mean(axis=0) - r.mean(axis=0)) / scale
    expected = shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(g, r) == pytest.approx(expected)
    # One number: sets {0, 2} and {1, 3}, both of variance 2, standardised by sqrt 2.
    assert frechet(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])) == pytest.approx(0.5)


def test_the_frechet_distance_of_a_set_with_itself_is_nothing_and_a_shift_counts_squared() -> None:
    x = np.random.default_rng(1).normal(size=(50, 10)) * np.arange(1, 11)
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)
    moved = x + 2 * x.std(axis=0, ddof=1)
    assert frechet(moved, x) == pytest.approx(40)
    shift, own = marginals(moved, x)
    assert shift == pytest.approx(np.full(10, 2))
    assert own == pytest.approx(np.full(10, 4))


def test_a_descriptor_that_never_varies_divides_by_nothing() -> None:
    x = np.ones((5, 2))
    assert frechet(x, x) == 0
    assert np.isfinite(frechet(np.zeros((5, 2)), x))


def test_facets_by_hand() -> None:
    assert facets(np.concatenate([BOX, STEP, AIR])).tolist() == [6, 8, 0]
    two = solid((slice(0, 2), slice(0, 2), slice(0, 2)), (slice(4, 6), slice(0, 2), slice(0, 2)))
    assert facets(two).tolist() == [12]
    diagonal = solid((slice(0, 1),) * 3, (slice(1, 2), slice(1, 2), slice(0, 1)))
    assert facets(diagonal).tolist() == [12]  # faces that meet at a corner are two pieces
    hollow = solid((slice(1, 6),) * 3)
    hollow[0, 3, 3, 3] = False
    assert facets(hollow).tolist() == [12]
    assert facets(np.ones((1, 4, 5, 6), bool)).tolist() == [6]  # the grid's own sides are exposed


def test_facets_by_a_second_implementation() -> None:
    for grid in noise(6):
        padded = np.pad(grid, 1)
        count = 0
        for axis in range(3):
            for direction in (-1, 1):
                faces = np.moveaxis(padded & ~np.roll(padded, direction, axis=axis), axis, 0)
                count += sum(ndimage.label(layer)[1] for layer in faces)
        assert facets(grid[None])[0] == count


def test_jsd_by_hand_and_by_scipy() -> None:
    a, b = (solid((slice(i, i + 1), slice(0, 1), slice(0, 2))) for i in (0, 1))
    assert jensen_shannon(a, a) == 0
    assert jensen_shannon(a, b) == 1
    assert jensen_shannon(AIR, a) == 1
    assert jensen_shannon(AIR, AIR) == 0
    # P lies in one place, Q in two: H(3/4, 1/4) - H(1/2, 1/2) / 2
    assert jensen_shannon(a[..., :1], np.concatenate([a, b])[..., :1]) == pytest.approx(0.8112781 - 0.5)
    g, r = noise(5), noise(4, 1)
    p, q = (x.sum(axis=0).ravel() for x in (g, r))
    assert jensen_shannon(g, r) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert jensen_shannon(g, r) == pytest.approx(jensen_shannon(r, g))


def test_validity_by_hand() -> None:
    floating = np.roll(BOX, 2, axis=3)
    corner = solid((slice(0, 2),) * 3, (slice(2, 4),) * 3)  # 8 + 8 voxels that touch at a corner
    loose = solid((slice(0, 2),) * 3, (slice(4, 6), slice(0, 2), slice(2, 4)))
    found = validity(np.concatenate([BOX, floating, corner, loose, AIR]))
    assert found.single.tolist() == [True, True, True, False, False]
    assert found.grounded.tolist() == [True, False, True, True, False]
    assert found.supported == pytest.approx([1, 16 / 24, 12 / 16, 12 / 16, 0])


def touch(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return max(abs(p - q) for p, q in zip(a, b, strict=True)) <= 1


def test_validity_by_a_second_implementation() -> None:
    for grid in noise(10, share=0.15):
        left = {tuple(v) for v in np.argwhere(grid).tolist()}
        all_of_them = set(left)
        pieces = 0
        while left:
            pieces += 1
            edge = {left.pop()}
            while edge:
                edge = {
                    v
                    for v in left
                    if any(max(abs(p - q) for p, q in zip(v, e, strict=True)) <= 1 for e in edge)
                }
                left -= edge
        held = [z == 0 or (x, y, z - 1) in all_of_them for x, y, z in all_of_them]
        found = validity(grid[None])
        assert found.single[0] == (pieces == 1)
        assert found.grounded[0] == any(z == 0 for *_, z in all_of_them)
        assert found.supported[0] == pytest.approx(np.mean(held))


def test_what_was_repaired_is_one_piece_on_the_ground() -> None:
    grids = noise(8, share=0.2)
    mended = repaired(grids)
    assert validity(mended).single.all()
    assert validity(mended).grounded.all()
    for before, after in zip(grids, mended, strict=True):
        assert np.array_equal(repair(VoxelGrid(before))[0].occupancy, after)


def test_z_u_is_the_mann_whitney_test() -> None:
    rng = np.random.default_rng(2)
    for ties in (False, True):
        a, b = rng.normal(0.2, 1, 40), rng.normal(0, 1, 25)
        if ties:
            a, b = a.round(), b.round()
        asked = stats.mannwhitneyu(a, b, use_continuity=False, alternative="less", method="asymptotic")
        assert z_u(a, b) == pytest.approx(stats.norm.ppf(asked.pvalue))
        assert z_u(a, b) == pytest.approx(-z_u(b, a))


def test_z_u_by_hand() -> None:
    assert z_u(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == pytest.approx(-2 / (5 / 3) ** 0.5)
    assert z_u(np.ones(3), np.ones(4)) == 0


def test_copies_lie_beyond_the_threshold() -> None:
    assert copies(np.array([0.95, 0.951, 1.0, 0.2])).tolist() == [False, True, True, False]


def test_twins_by_hand() -> None:
    turned = np.rot90(STEP, axes=(1, 2))
    assert without_twin(np.concatenate([BOX, STEP, turned, AIR])).tolist() == [True, False, False, True]
    assert not without_twin(np.repeat(BOX, 5, axis=0)).any()


def test_nearest_neighbour_figures_by_a_second_implementation() -> None:
    rng = np.random.default_rng(3)
    n = 9
    whole = rng.random((2 * n, 2 * n))
    whole = np.triu(whole, 1) + np.triu(whole, 1).T
    found = from_distances(whole[:n, :n], whole[n:, n:], whole[:n, n:])
    own = []
    for i in range(2 * n):
        others = sorted((whole[i, j], j) for j in range(2 * n) if j != i)
        own.append((others[0][1] < n) == (i < n))
    assert found.nna_generated == pytest.approx(np.mean(own[:n]))
    assert found.nna_reference == pytest.approx(np.mean(own[n:]))
    assert found.nna == pytest.approx(np.mean(own))
    hit = {min(range(n), key=lambda j: whole[i, n + j]) for i in range(n)}
    assert found.coverage == pytest.approx(len(hit) / n)
    assert found.mmd == pytest.approx(np.mean([min(whole[i, n + j] for i in range(n)) for j in range(n)]))


def test_subsets_are_of_equal_size_and_decided_by_the_seed() -> None:
    chosen = draws(50, 20, 16, rounds=7, seed=3)
    assert len(chosen) == 7
    for g, r in chosen:
        assert len(set(g)) == len(set(r)) == 16
        assert max(g) < 50
        assert max(r) < 20
    again = draws(50, 20, 16, rounds=7, seed=3)
    assert all(
        np.array_equal(a, b) for p, q in zip(chosen, again, strict=True) for a, b in zip(p, q, strict=True)
    )
    assert subset_size(50, 20) == 16
    with pytest.raises(DataError, match="more samples"):
        draws(5, 20, 16)
    with pytest.raises(DataError, match="too small"):
        subset_size(2, 500)
    assert Estimate.of([1.0, 3.0]) == Estimate(mean=2.0, std=2**0.5)
