"""Certificates of originality by the command line: from the data set, and from what was packed of it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from voxgen.cli.certifying import enough_new, novelty_of

from voxgen.evaluation.known import Known
from voxgen.export import polyhedron_of
from voxgen.formats.grid_file import write_grid
from voxgen.geometry.grid import VoxelGrid
from voxgen.geometry.mesh import Mesh
from voxgen.pipeline.store import Dataset

from .conftest import Command

Told = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def packed(data: Path, told: Told, folder: Path, run: str) -> Path:
    """What the run learnt from, beside its model."""
    path = folder / "runs" / run / "known.npz"
    told("data", "known", data, "-o", path)
    return path


@pytest.mark.usefixtures("packed")
def test_training_buildings_are_found_out(data: Path, run: str, told: Told, tmp_path: Path) -> None:
    known = Dataset.open(data)
    row = int(known.indices("train")[0])
    write_grid(tmp_path / "mine.npz", known.grid(row), "mine")
    done = told("originality", run, tmp_path / "mine.npz", "-o", tmp_path / "out")
    (one,) = done["buildings"]
    assert (one["name"], one["nearest"], one["iou"]) == ("mine", known.table["id"][row], 1.0)
    assert one["copy"]
    with (tmp_path / "out" / "originality.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert "copy" in line["in words"]
    assert (tmp_path / "out" / "originality.png").stat().st_size > 1000


@pytest.mark.usefixtures("packed")
def test_samples_come_with_certificates(data: Path, run: str, told: Told, tmp_path: Path) -> None:
    from_file = told("sample", run, "-n", "3", "--originality", "-f", "npz", "-o", tmp_path / "a")
    from_data = told("sample", run, "-n", "3", "--known", data, "-f", "npz", "-o", tmp_path / "b")
    assert from_data["originality"] == from_file["originality"]
    assert len(from_data["originality"]["buildings"]) == 3
    assert {"originality.csv", "originality.png"} <= {path.name for path in (tmp_path / "a").iterdir()}


def test_near_copies_are_refused_and_others_made(data: Path, packed: Path) -> None:
    known, held = Known.read(packed), Dataset.open(data)
    rows = [*held.indices("train")[:3], *held.indices("test")[:3], *held.indices("train")[3:6]]
    named = [(str(row), held.grid(int(row))) for row in rows]

    def surface(grid: VoxelGrid) -> Mesh:
        return polyhedron_of(grid, "blocks").to_mesh()

    novelty = {name: novelty_of(surface(grid), known) for name, grid in named}
    given = [name for name, _ in enough_new(named, 2, known, 0.01, surface)]
    assert given == [name for name, _ in named if novelty[name] >= 0.01][:2]
    assert not {str(row) for row in held.indices("train")[:6]} & set(given)


def test_files_have_the_certificate_that_their_samples_had(told: Told, tmp_path: Path) -> None:
    words = ("sample", "--pretrained", "vae", "-n", "6", "--seed", "2", "--originality", "-f", "obj")
    made = told(*words, "-o", tmp_path / "out")["originality"]["buildings"]
    files = sorted((tmp_path / "out").glob("*.obj"))
    again = told("originality", "pretrained:vae", *files, "-o", tmp_path / "again")["buildings"]
    for one, other in zip(made, again, strict=True):
        assert one["nearest"] == other["nearest"]
        assert one["iou"] == pytest.approx(other["iou"], abs=0.01)


def test_samples_are_at_least_as_new_as_asked(told: Told, tmp_path: Path) -> None:
    words = ("sample", "--pretrained", "gan", "-n", "4", "--originality", "-f", "npz")
    free = told(*words, "-o", tmp_path / "free")["originality"]["buildings"]
    least = sorted(one["novelty"] for one in free)[1] + 1e-3
    new = told(*words, "--min-novelty", f"{least:.6f}", "-o", tmp_path / "new")["originality"]
    assert all(one["novelty"] >= least - 1e-4 for one in new["buildings"])
    assert "test" not in new
    new = new["buildings"]
    kept = [one["name"] for one in free if one["novelty"] >= least]
    assert len(kept) < len(new) == 4
    assert [one["name"] for one in new][: len(kept)] == kept


def test_more_novelty_than_there_is_is_refused(
    run: str, packed: Path, voxgen: Command, tmp_path: Path
) -> None:
    words = ("-n", "1", "--known", packed, "--min-novelty", "1", "-f", "npz", "-o", tmp_path / "out")
    result = voxgen("sample", run, *words)
    assert result.exit_code == 3
    assert "none of 20 buildings made is as new as 1" in result.stderr
    assert not (tmp_path / "out").exists()


def test_designs_come_with_their_originality(
    packed: Path, told: Told, voxgen: Command, tmp_path: Path
) -> None:
    words = ("sample", "--pretrained", "vae", "-n", "2", "--plot", "POLYGON ((0 0, 18 0, 18 14, 0 14, 0 0))")
    done = told(*words, "--height", "7", "--originality", "-f", "npz", "-o", tmp_path / "out")
    assert all(0 < one["originality"]["iou"] <= 1 for one in done["designs"])
    with (tmp_path / "out" / "brief.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["novelty"]) for row in rows] == [
        one["originality"]["novelty"] for one in done["designs"]
    ]
    refused = voxgen(*words, "--known", packed, "-f", "npz", "-o", tmp_path / "none")
    assert refused.exit_code == 3
    assert "cannot be held against" in refused.stderr
    assert not (tmp_path / "none").exists()


def test_the_models_that_come_with_voxgen_know_what_they_learnt_from(told: Told, tmp_path: Path) -> None:
    done = told(
        "sample", "--pretrained", "gan", "-n", "8", "--originality", "-f", "npz", "-o", tmp_path / "out"
    )
    found = done["originality"]
    assert found["test"]["unseen"] > 500
    assert all(0.3 < one["iou"] <= 1 for one in found["buildings"])


def test_what_is_not_known_is_said(run: str, voxgen: Command, tmp_path: Path) -> None:
    result = voxgen("sample", run, "-n", "1", "--known", tmp_path / "none.npz", "-o", tmp_path / "out")
    assert result.exit_code in (2, 3)
    assert "none.npz" in result.stderr
    assert not (tmp_path / "out").exists()
