"""Asked against got: a model that listens has the error of its grid, one that does not is told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from voxgen.errors import DataError, UsageError
from voxgen.evaluation.conditions import condition_errors
from voxgen.evaluation.evaluate import EvaluationConfig, Evaluator
from voxgen.evaluation.mask_errors import mask_errors
from voxgen.evaluation.record import Against, Record, Subject, comparison
from voxgen.generator import Generator
from voxgen.geometry.grid import VoxelGrid, pack
from voxgen.geometry.measure import measure_grids
from voxgen.models.base import GenerativeModel, ModelConfig
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.pipeline.store import REPORT, Card, Dataset, create_arrays, finish, write_rows

from .test_likelihood import Uniform

PITCH = 0.5
NAMES = ("height", "footprint_length", "storeys", "pitched_share")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """60 cuboids with their attributes, a third on each side of the split."""
    n, shape = 60, (12, 12, 8)
    folder = tmp_path_factory.mktemp("cuboids")
    rng = np.random.default_rng(0)
    sizes = np.stack([rng.integers(3, 13, n), rng.integers(3, 13, n), rng.integers(2, 7, n)], axis=1)
    grids = np.stack([cuboid(size) for size in sizes])
    values = measure_grids((VoxelGrid(grid, PITCH) for grid in grids), NAMES, 1.0)
    values[::7, 0] = np.nan
    table = {
        "id": np.array([f"c{i}" for i in range(n)]),
        "source": np.zeros(n, np.int64),
        "split": np.arange(n) % 3,
        "shape": np.arange(n),
        "origin": np.zeros((n, 3)),
        "yaw": np.zeros(n),
        "pitch": np.full(n, PITCH),
        **dict(zip(NAMES, values.T, strict=True)),
    }
    create_arrays(folder, n, shape)
    write_rows(folder, np.arange(n), grids, pack(grids > 32))
    (folder / REPORT).write_text("id\n", encoding="utf-8")
    card = Card(
        name="cuboids", voxgen="0", created="", command="", count=n, shapes=n, splits={"test": n // 3},
        resolution=shape, pitch=PITCH, config={"storey_height": 1.0}, sources=(), outcomes={},
    )  # fmt: skip
    finish(folder, table, card)
    return Dataset.open(folder)


def cuboid(size: np.ndarray) -> np.ndarray:
    grid = np.zeros((12, 12, 8), np.uint8)
    x, y = (12 - size[:2]) // 2
    grid[x : x + size[0], y : y + size[1], : size[2]] = 64
    return grid


class Listening(Uniform):
    """Makes a cuboid of the height that it is asked for, plus some; 4 voxels where nothing is asked."""

    more = 1

    def decode(self, z: torch.Tensor, condition: Condition) -> torch.Tensor:
        x = torch.zeros(len(z), 1, 12, 12, 8)
        for grid, asked in zip(x, condition.attributes, strict=True):
            height = 4 if torch.isnan(asked[0]) else round(float(asked[0]) / PITCH) + self.more
            grid[0, 2:8, 2:8, :height] = 1
        return x


def model(
    kind: type[GenerativeModel[Any]] = Listening, names: tuple[str, ...] = NAMES, feedback: int = 0
) -> GenerativeModel[Any]:
    asked = ConditionConfig(attributes=names, center=(0.0,) * len(names), scale=(1.0,) * len(names))
    return kind(ModelConfig(resolution=(12, 12, 8), patch=4, condition=asked, feedback=feedback))


def errors(data: Dataset, feedback: int = 0) -> dict[str, Any]:
    unasked = np.stack([cuboid(np.array([6, 6, 4]))] * 20)
    generator = Generator(model(feedback=feedback), PITCH, {})
    return condition_errors(generator, data, data.indices("test"), unasked)


def test_the_error_is_the_median_of_asked_against_got(data: Dataset) -> None:
    found = errors(data)
    assert set(found) == set(NAMES)
    assert found["height"].absolute.mean == pytest.approx(PITCH, abs=1e-6)
    assert found["height"].absolute.std == pytest.approx(0, abs=1e-6)
    assert found["height"].voxels.mean == pytest.approx(0, abs=1e-6)
    assert found["height"].unit == "m"
    heights = data.attributes(NAMES)[data.indices("test"), 0]
    known = heights[np.isfinite(heights)]
    assert found["height"].asked == len(known) < len(heights)
    # The subsets' medians scatter around the whole's.
    assert found["height"].unasked.mean == pytest.approx(np.median(np.abs(known - 2.0)), abs=0.3)
    assert found["height"].relative.mean == pytest.approx(np.median(PITCH / known), abs=0.1)


def test_what_is_judged_is_what_a_user_gets_who_asks(data: Dataset) -> None:
    found = errors(data, feedback=1)
    assert found["height"].absolute.mean == pytest.approx(0, abs=1e-6)
    assert found["footprint_length"].absolute.mean == errors(data)["footprint_length"].absolute.mean


def test_a_share_that_is_nothing_has_no_relative_error(data: Dataset) -> None:
    assert errors(data)["pitched_share"].relative is None


def test_a_model_that_knows_no_attributes_is_asked_for_none(data: Dataset) -> None:
    rows = data.indices("test")
    assert condition_errors(Generator(model(Uniform, ()), PITCH, {}), data, rows, data.coverage(rows)) == {}


def evaluated(
    data: Dataset, kind: type[GenerativeModel[Any]] = Listening, names: tuple[str, ...] = NAMES
) -> Record:
    evaluator = Evaluator(data, EvaluationConfig(count=18, asked=10))
    found = evaluator.evaluate(Generator(model(kind, names), PITCH, {}))
    floors = evaluator.floors(bits="bits" in found.judged.scores.figures)
    subject = Subject(
        name=kind.__name__, family="x:Y", recipe="default", sha256="0", step=3, seconds=6.0, parameters=1
    )
    return Record.of(subject, Against.of(data, evaluator.config, evaluator.size), found, floors)


def test_a_model_is_set_beside_the_floors(data: Dataset) -> None:
    record = evaluated(data)
    assert record.scores.count == 18
    assert record.scores.figures["unique"].mean == 0
    assert record.scores.figures["facets"].mean == 6
    assert record.scores.figures["bits"].mean == pytest.approx(np.log2(65), rel=1e-6)
    assert {"test", "real against real", "Bernoulli", "height maps"} == set(record.floors)
    assert record.floors["test"].figures["facets"].mean == 6
    assert record.floors["Bernoulli"].figures["bits"].mean < np.log2(65)
    assert record.floors["Bernoulli"].figures["facets"].mean > 20


def test_scores_come_back_from_their_file_and_damaged_ones_are_refused(data: Dataset, tmp_path: Path) -> None:
    record = evaluated(data)
    record.write(tmp_path / "scores.json")
    assert Record.read(tmp_path / "scores.json") == record
    (tmp_path / "scores.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="judge again"):
        Record.read(tmp_path / "scores.json")


def test_the_table_has_a_column_a_model_and_the_floors_once(data: Dataset) -> None:
    record = evaluated(data)
    text = comparison({"one": record, "two": record})
    (head,) = (line for line in text.splitlines() if line.startswith("| figure"))
    cells = [cell.strip() for cell in head.strip("|").split("|")]
    assert cells == ["figure", "best", "one", "two", "test", "real against real", "Bernoulli", "height maps"]
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "| height, m" in text
    with pytest.raises(UsageError):
        comparison({})


def test_a_model_of_another_resolution_or_pitch_is_refused(data: Dataset) -> None:
    evaluator = Evaluator(data, EvaluationConfig(count=18, asked=0))
    with pytest.raises(DataError, match="trained on"):
        evaluator.evaluate(Generator(model(), 1.0, {}))
    other = Uniform(ModelConfig(resolution=(8, 8, 8)))
    with pytest.raises(DataError, match="trained on"):
        evaluator.evaluate(Generator(other, PITCH, {}))


class Obedient(Uniform):
    """Fills the mask that it is given, to 4 voxels of height; a cuboid where none is."""

    def decode(self, z: torch.Tensor, condition: Condition) -> torch.Tensor:
        x = torch.zeros(len(z), 1, 12, 12, 8)
        x[:, 0, 2:8, 2:8, :4] = 1
        for grid, masks, given in zip(x, condition.masks, condition.given, strict=True):
            if given.any():
                grid[0] = masks[given][0]
                grid[0, :, :, 4:] = 0
        return x


class Deaf(Obedient):
    """Heeds no mask."""

    def decode(self, z: torch.Tensor, condition: Condition) -> torch.Tensor:
        nothing = Condition(condition.attributes, condition.masks, torch.zeros_like(condition.given))
        return super().decode(z, nothing)


@pytest.mark.parametrize("mask", ["footprint", "envelope"])
def test_a_mask_is_asked_for_and_what_is_off_is_told(data: Dataset, mask: str) -> None:
    asked = ConditionConfig(masks=(mask,))
    rows = data.indices("test")
    free = np.zeros((20, 12, 12, 8), np.uint8)
    free[:, 2:8, 2:8, :4] = 64  # as a deaf model's
    off = {}
    for kind in (Obedient, Deaf):
        config = ModelConfig(resolution=(12, 12, 8), patch=4, condition=asked)
        generator = Generator(kind(config), PITCH, {})
        (off[kind],) = mask_errors(generator, data, rows, free).values()
    assert off[Obedient].absolute.mean == 0
    assert off[Deaf].absolute == off[Obedient].unasked
    if mask == "footprint":
        plans = [grid.any(axis=2) for grid in data.coverage(rows) > 32]
        wrong = [1 - (p & (free[0, :, :, 0] > 0)).sum() / (p | (free[0, :, :, 0] > 0)).sum() for p in plans]
        assert off[Deaf].absolute.mean == pytest.approx(np.median(wrong), abs=0.1)


def test_a_model_that_was_taught_no_mask_is_asked_for_none(data: Dataset) -> None:
    rows = data.indices("test")
    assert mask_errors(Generator(model(), PITCH, {}), data, rows, data.coverage(rows)) == {}
