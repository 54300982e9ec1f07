"""Laws of the whole: what is real passes, what is copied, collapsed or noise is seen."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from voxgen.errors import DataError
from voxgen.evaluation.descriptors import DESCRIPTORS, descriptors
from voxgen.evaluation.distances import centred
from voxgen.evaluation.estimate import draws
from voxgen.evaluation.facets import facets
from voxgen.evaluation.floors import Bernoulli, HeightMaps, real, tops
from voxgen.evaluation.frechet import frechet
from voxgen.evaluation.judge import Judge
from voxgen.evaluation.occupancy import jensen_shannon
from voxgen.evaluation.twins import without_twin
from voxgen.evaluation.two_sample import two_sample
from voxgen.evaluation.validity import repaired, validity

from .conftest import boxes, noise


@pytest.fixture(scope="module")
def judge(train: np.ndarray, held_out: np.ndarray) -> Judge:
    return Judge([train[:50], train[50:]], held_out, size=40)


def means(judge: Judge, samples: np.ndarray, training: np.ndarray | None = None) -> dict[str, float]:
    return {name: value.mean for name, value in judge.judge(samples, training).scores.figures.items()}


def test_buildings_of_the_same_kind_pass(judge: Judge) -> None:
    found = means(judge, boxes(60, seed=9))
    assert 0.35 < found["nna"] < 0.65
    assert abs(found["z_u"]) < 2.5
    assert found["fd"] < 1.5
    assert found["unique"] > 0.8


def test_training_buildings_as_samples_are_copies_unless_each_is_held_against_the_others(
    judge: Judge, train: np.ndarray
) -> None:
    rows = real(len(train), 60, seed=1)
    copied, left_out = means(judge, train[rows]), means(judge, train[rows], rows)
    assert copied["copies"] == 1
    assert copied["nearest"] == 1
    assert copied["z_u"] < -5
    assert left_out["copies"] < 0.2
    assert abs(left_out["z_u"]) < 2.5
    assert copied["nna"] == left_out["nna"]


def test_real_buildings_are_not_held_against_their_own_copies(
    train: np.ndarray, held_out: np.ndarray
) -> None:
    """A floor that counted them would excuse a model that copies."""
    rows, own = np.arange(60), np.arange(len(train))
    known = [train, train[:60]]
    told = Judge(known, held_out, size=40, kinds=np.concatenate([own, own[:60]]))
    assert means(told, train[:60], rows) == means(Judge([train], held_out, size=40), train[:60], rows)
    assert means(Judge(known, held_out, size=40), train[:60], rows)["copies"] == 1


def test_z_u_is_told_as_of_all_samples(judge: Judge, train: np.ndarray) -> None:
    few, many = (means(judge, np.tile(train[:40], (n, 1, 1, 1)))["z_u"] for n in (1, 8))
    (n, m), k = (40, 320), 60
    assert many / few == pytest.approx(((1 / n + 1 / k) / (1 / m + 1 / k)) ** 0.5, rel=0.1)


def test_the_reference_as_samples_lies_below_the_floor(judge: Judge, held_out: np.ndarray) -> None:
    found = means(judge, held_out)
    assert found["nna"] < 0.35
    assert found["coverage"] > 0.5
    assert found["facets"] == pytest.approx(means(judge, held_out)["facets"])


def test_a_collapse_is_seen(judge: Judge) -> None:
    found = means(judge, np.repeat(boxes(1, seed=4), 50, axis=0))
    assert found["unique"] == 0
    assert found["nna_generated"] == 1
    assert found["coverage"] == pytest.approx(1 / 40)


def test_noise_is_seen(judge: Judge) -> None:
    found = means(judge, noise(50, shape=(10, 10, 8)))
    assert found["facets"] > 100
    assert found["fd"] > 10
    assert found["supported"] < 0.6
    assert found["nna_reference"] > 0.9


def test_air_is_seen_and_does_no_harm(judge: Judge) -> None:
    judged = judge.judge(np.zeros((50, 10, 10, 8), bool))
    found = {name: value.mean for name, value in judged.scores.figures.items()}
    assert found["empty"] == 1
    assert found["single"] == found["grounded"] == found["supported"] == 0
    assert all(np.isfinite(value) for value in found.values())


def test_the_nearest_training_building_is_given(judge: Judge, train: np.ndarray) -> None:
    judged = judge.judge(np.ascontiguousarray(train[20:70, ::-1]))
    assert judged.iou == pytest.approx(np.ones(50))
    assert set(judged.scores.descriptors) == set(DESCRIPTORS)


def test_the_reference_is_described_beside(judge: Judge) -> None:
    found = judge.judge_reference().scores
    assert found.count == 60
    assert found.figures["single"].mean > 0.2
    assert "nna" not in found.figures


def test_figures_are_those_of_the_subsets_alone(judge: Judge, held_out: np.ndarray) -> None:
    samples = boxes(55, seed=11)
    expected: dict[str, list[float]] = {}
    for g, r in draws(55, len(held_out), 40):
        ours, theirs = samples[g], held_out[r]
        figures = {
            **vars(two_sample(ours, theirs)),
            "fd": frechet(descriptors(ours), descriptors(theirs)),
            "jsd": jensen_shannon(centred(ours), centred(theirs)),
            "facets": np.median(facets(ours)),
            "single": validity(ours).single.mean(),
            "supported_repaired": validity(repaired(ours)).supported.mean(),
        }
        figures["unique"] = without_twin(samples)[g].mean()
        for name, value in figures.items():
            expected.setdefault(name, []).append(float(value))
    found = judge.judge(samples).scores.figures
    for name, values in expected.items():
        assert found[name].mean == pytest.approx(np.mean(values)), name
        assert found[name].std == pytest.approx(np.std(values, ddof=1)), name


def test_the_same_is_found_again(judge: Judge) -> None:
    samples = boxes(45, seed=3)
    assert judge.judge(samples).scores == judge.judge(samples).scores


def test_too_few_or_other_samples_are_refused(judge: Judge) -> None:
    with pytest.raises(DataError, match="make more samples"):
        judge.judge(boxes(20))
    with pytest.raises(DataError, match="held against"):
        judge.judge(boxes(60, shape=(8, 8, 8)))


def test_the_bernoulli_floor_fills_as_training_does(train: np.ndarray) -> None:
    floor = Bernoulli([train[:30], train[30:]])
    assert floor.share == pytest.approx(train.mean(axis=0))
    made = floor.sample(400, seed=0)
    assert made.mean(axis=0) == pytest.approx(floor.share, abs=0.12)
    assert np.array_equal(made, floor.sample(400, seed=0))
    assert not np.array_equal(made, floor.sample(400, seed=1))


def test_height_maps_are_solid_below_their_tops_and_spread_as_training_does(train: np.ndarray) -> None:
    made = HeightMaps([train]).sample(500)
    assert np.array_equal(made, np.arange(8) < tops(made)[..., None])
    # Where columns are always built over, no draw is clipped at the ground.
    towers = np.zeros((200, 6, 6, 30), bool)
    for tower, height in zip(towers, np.random.default_rng(0).normal(15, 2, 200), strict=True):
        tower[..., : round(height)] = True
    heights = tops(HeightMaps([towers]).sample(2000))
    assert heights.mean() == pytest.approx(15, abs=0.4)
    assert heights[:, 0, 0].std() == pytest.approx(2, abs=0.3)
    assert (np.ptp(heights, axis=(1, 2)) == 0).all()


def test_height_maps_of_one_shape_make_it_again() -> None:
    one = boxes(1, seed=8)
    twice = np.concatenate([one, one])
    heights = np.arange(8) < tops(one)[..., None]
    assert np.array_equal(HeightMaps([twice]).sample(3), np.repeat(heights, 3, axis=0))


def test_floors_need_buildings() -> None:
    with pytest.raises(DataError):
        Bernoulli([])
    with pytest.raises(DataError):
        HeightMaps([boxes(1)])
    assert len(real(10, 500)) == 10
    assert len(set(real(100, 30))) == 30


def test_the_figures_know_nothing_of_torch() -> None:
    code = "import sys, voxgen.evaluation.judge, voxgen.evaluation.floors; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
