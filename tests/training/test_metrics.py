"""metrics.csv survives a kill at any byte."""

from __future__ import annotations

import builtins

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxgen.errors import DataError, MissingExtraError
from voxgen.training.metrics import MetricsFile, TensorBoard, read_metrics


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 200), resume=st.integers(0, 12))
def test_a_file_cut_anywhere_goes_on_with_whole_rows_only(tmp_path, cut, resume):
    path = tmp_path / "metrics.csv"
    path.unlink(missing_ok=True)
    file = MetricsFile(path, 0)
    for step in range(1, 11):
        file.write(step, {"loss": step / 8, "lr": 1e-3})
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    again = MetricsFile(path, resume)
    again.write(resume + 1, {"loss": 99.0, "lr": 0.0})
    columns, rows = read_metrics(path)
    assert columns == ["step", "loss", "lr"]
    steps = [int(row["step"]) for row in rows]
    assert steps == [*range(1, len(steps)), resume + 1]
    assert all(float(row["loss"]) == int(row["step"]) / 8 for row in rows[:-1])
    assert len(steps) - 1 == min(resume, max(whole[:cut].count(b"\n") - 1, 0))


def test_a_column_that_comes_late_is_added_to_all_rows(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv", 0)
    file.write(1, {"a": 1.0})
    file.write(2, {"a": 2.0, "b": float("nan")})
    file.write(3, {"b": float("inf")})
    columns, rows = read_metrics(tmp_path / "metrics.csv")
    assert columns == ["step", "a", "b"]
    assert [row["b"] for row in rows] == ["", "nan", "inf"]
    assert rows[2]["a"] == ""


def test_another_file_of_that_name_is_not_touched(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("date,sales\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="move it away"):
        MetricsFile(path, 0)
    assert path.read_text(encoding="utf-8") == "date,sales\n1,2\n"


def test_a_missing_tensorboard_says_how_to_get_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'voxgen\[tensorboard\]'"):
        TensorBoard(tmp_path, 0)
