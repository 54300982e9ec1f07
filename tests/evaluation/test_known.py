"""What a model learnt from, packed into a file; certificates of originality from it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from voxgen.errors import DataError, UsageError
from voxgen.evaluation.certificate import certify, set_test, table
from voxgen.evaluation.known import Known, coarse, hash_of
from voxgen.evaluation.nearest import Neighbours
from voxgen.geometry.grid import FULL, VoxelGrid, pack
from voxgen.pipeline.split import STRETCHED
from voxgen.pipeline.store import REPORT, Card, Dataset, create_arrays, finish, write_rows

from .conftest import boxes

SHAPE = (12, 12, 8)


@pytest.fixture(scope="module")
def grids() -> np.ndarray:
    """30 buildings to learn from, 20 held back, and stretched ones for the first 5."""
    return np.concatenate([boxes(50, 7, SHAPE), boxes(5, 8, SHAPE)])


@pytest.fixture(scope="module")
def held(grids: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """These as a data set."""
    folder = tmp_path_factory.mktemp("held")
    n = len(grids)
    table = {
        "id": np.array([f"b{i}" for i in range(50)] + [f"b{i}, stretched" for i in range(5)]),
        "source": np.zeros(n, np.int64),
        "split": np.array([0] * 30 + [1] * 10 + [2] * 10 + [STRETCHED] * 5),
        "shape": np.array([*range(50), *range(5)]),
        "origin": np.zeros((n, 3)),
        "yaw": np.zeros(n),
        "pitch": np.full(n, 0.5),
    }
    create_arrays(folder, n, SHAPE)
    write_rows(folder, np.arange(n), (grids * FULL).astype(np.uint8), pack(grids))
    (folder / REPORT).write_text("id\n", encoding="utf-8")
    card = Card(
        name="held", voxgen="0", created="", command="", count=50, stretched=5, shapes=50,
        splits={"train": 30, "validation": 10, "test": 10}, resolution=SHAPE, pitch=0.5, config={},
        sources=(), outcomes={},
    )  # fmt: skip
    finish(folder, table, card)
    return Dataset.open(folder)


@pytest.fixture(scope="module")
def known(held: Dataset) -> Known:
    return Known.of(held)


def as_grid(occupancy: np.ndarray, pitch: float = 0.5) -> VoxelGrid:
    return VoxelGrid((occupancy * FULL).astype(np.uint8), pitch)


def test_nearest_is_that_of_the_data_itself(grids: np.ndarray, known: Known) -> None:
    ours = boxes(20, 9, SHAPE)
    learnt = np.concatenate([grids[:30], grids[50:]])
    iou, at = Neighbours([learnt]).nearest(ours)
    found = certify([as_grid(one) for one in ours], known)
    assert [one.iou for one in found] == pytest.approx(iou)
    names = [f"b{i}" if i < 30 else f"b{i - 30}, stretched" for i in at]
    assert [one.nearest for one in found] == names


def test_a_stretched_copy_is_known_too(grids: np.ndarray, known: Known) -> None:
    (one,) = certify([as_grid(grids[52])], known)
    assert (one.nearest, one.iou, one.copy) == ("b2, stretched", 1.0, True)


def test_the_percentile_counts_unseen_buildings_that_are_nearer(grids: np.ndarray, known: Known) -> None:
    learnt = np.concatenate([grids[:30], grids[50:]])
    unseen, _ = Neighbours([learnt]).nearest(grids[30:50])
    for one in certify([as_grid(grid) for grid in boxes(6, 10, SHAPE)], known):
        assert one.percentile == pytest.approx(100 * np.mean(unseen > one.iou))
        assert f"IoU {one.iou:.2f}" in one.words()
        assert f"more different than {one.percentile:.0f} %" in one.words()


def test_a_turned_and_moved_training_building_is_a_copy(grids: np.ndarray, known: Known) -> None:
    turned = np.ascontiguousarray(np.rot90(grids[3][::-1], 1))
    (one,) = certify([as_grid(turned)], known)
    assert one.copy
    assert one.percentile == 0
    assert one.nearest == "b3"
    assert "copy" in one.words()


def test_the_nearest_is_given_turned_as_the_building_is(grids: np.ndarray, known: Known) -> None:
    turned = np.ascontiguousarray(np.rot90(grids[3][::-1], 1))
    (one,) = certify([as_grid(turned)], known)
    shown = known.turned(one.at, turned)
    assert (coarse(shown.occupancy[None], 1) == coarse(turned[None], 1)).all()


def test_the_set_is_tested_as_scipy_tests_it(grids: np.ndarray, known: Known) -> None:
    ours = [as_grid(grid) for grid in boxes(40, 11, SHAPE)]
    test = set_test(certify(ours, known), known)
    assert test is not None
    d = [one.novelty for one in certify(ours, known)]
    oracle = mannwhitneyu(d, 1 - known.unseen, alternative="less", use_continuity=False, method="asymptotic")
    assert test.p == pytest.approx(oracle.pvalue, rel=1e-6)
    copied = set_test(certify([as_grid(grid) for grid in grids[:30]], known), known)
    assert copied is not None
    assert copied.copies == 30
    assert copied.p < 1e-6
    assert ": nearer to the training buildings" in copied.words()


def test_a_file_gives_the_same_again(known: Known, tmp_path: Path) -> None:
    known.save(tmp_path / "known.npz")
    again = Known.read(tmp_path / "known.npz")
    ours = [as_grid(grid) for grid in boxes(8, 12, SHAPE)]
    assert certify(ours, again) == certify(ours, known)
    assert again.fingerprint == known.fingerprint


def test_coarser_voxels_need_less_room_and_still_find_a_copy(held: Dataset, grids: np.ndarray) -> None:
    fine, rough = Known.of(held), Known.of(held, coarser=2)
    assert rough.bits.shape[1] * 8 == fine.bits.shape[1]
    assert rough.pitch == 1.0
    (one,) = certify([as_grid(grids[4])], rough)
    assert (one.iou, one.nearest) == (1.0, "b4")


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_in_coarse_voxels_a_copy_is_found_however_it_is_turned(
    held: Dataset, grids: np.ndarray, turns: int, mirrored: bool
) -> None:
    rough = Known.of(held, coarser=2)
    for number in range(30):
        turned = np.ascontiguousarray(np.rot90(grids[number][::-1] if mirrored else grids[number], turns))
        (one,) = certify([as_grid(turned)], rough)
        assert one.iou == 1.0


def test_private_names_are_hashes_of_no_more_than_is_kept(held: Dataset, grids: np.ndarray) -> None:
    private = Known.of(held, coarser=2, private=True)
    assert all(len(name) == 16 for name in private.names)
    (one,) = certify([as_grid(grids[5])], private)
    kept = coarse(grids[5][None], 2)[0]
    assert one.nearest == hash_of(kept) == hash_of(np.ascontiguousarray(np.rot90(kept, 1)))
    assert hash_of(coarse(grids[6][None], 2)[0]) != one.nearest


def test_what_fills_half_of_no_coarse_voxel_is_still_there() -> None:
    thin = np.zeros((1, 12, 12, 8), bool)
    thin[0, 4:10, 5, :3] = True
    assert coarse(thin, 4).any()


def test_without_held_out_buildings_there_is_no_percentile_and_no_test(known: Known) -> None:
    alone = Known(
        known.bits, known.names, np.zeros(0), known.resolution, known.pitch, 1, 30, known.fingerprint
    )
    found = certify([as_grid(boxes(1, 3, SHAPE)[0])], alone)
    assert found[0].percentile is None
    assert set_test(found, alone) is None
    assert "%" not in found[0].words()
    assert table([("one", found[0])]).splitlines()[1].startswith("one,b")


def test_other_grids_are_refused(known: Known) -> None:
    with pytest.raises(DataError, match="cannot be held against"):
        certify([as_grid(boxes(1, 3, SHAPE)[0], pitch=0.6)], known)
    with pytest.raises(DataError, match="cannot be held against"):
        certify([as_grid(boxes(1, 3)[0])], known)


def test_an_empty_building_has_no_certificate(known: Known) -> None:
    with pytest.raises(DataError, match="empty"):
        certify([as_grid(np.zeros(SHAPE, bool))], known)


def test_a_coarseness_that_does_not_divide_the_grid_is_refused(held: Dataset) -> None:
    with pytest.raises(UsageError, match="does not divide"):
        Known.of(held, coarser=5)


@pytest.mark.parametrize(
    "change",
    [
        {"bits": np.zeros((0, 144), np.uint8)},
        {"bits": np.zeros((35, 9), np.uint8)},
        {"buildings": np.int64(99)},
        {"unseen": np.array([np.nan])},
        {"unseen": np.array([7.0])},
        {"resolution": np.array([12, 12, 1 << 40])},
        {"resolution": np.array([12, 12])},
        {"pitch": np.float64(0)},
        {"coarser": np.int64(0)},
        {"names": np.array([["a"]])},
        {"names": np.array([object()], object)},
    ],
)
def test_damaged_files_are_refused(known: Known, tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    known.save(tmp_path / "known.npz")
    with np.load(tmp_path / "known.npz") as archive:
        values = {name: archive[name] for name in archive.files} | change
    np.savez(tmp_path / "bad.npz", **values)
    with pytest.raises(DataError, match=r"bad\.npz"):
        Known.read(tmp_path / "bad.npz")


def test_missing_and_foreign_files_are_refused(known: Known, tmp_path: Path) -> None:
    known.save(tmp_path / "known.npz")
    with pytest.raises(DataError, match="voxgen data known"):
        Known.read(tmp_path / "none.npz")
    whole = bytearray((tmp_path / "known.npz").read_bytes())
    for at in range(60, len(whole), 997):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        (tmp_path / "broken.npz").write_bytes(broken)
        with contextlib.suppress(DataError):
            Known.read(tmp_path / "broken.npz")
    (tmp_path / "text.npz").write_text("nothing")
    with pytest.raises(DataError, match="damaged"):
        Known.read(tmp_path / "text.npz")
