import csv
import re

import pytest
from click.testing import CliRunner
from voxgen.cli import cli

from voxgen.errors import DataError
from voxgen.pipeline.report import HINTS, Reason, Report, Row

ROWS = (
    Row("a.obj", "a", warnings=("open: 3 of 40 edges",), size=(10.0, 5.0, 6.0), triangles=12),
    Row("b.obj", "b", warnings=("open: 7 of 9 edges",)),
    Row("c.obj", "c", Reason.LOW, "2.10 m tall; at least 3 m is asked for"),
    Row("d.obj", "d", Reason.LOW, "1.00 m tall; at least 3 m is asked for"),
    Row("e.fbx", "", Reason.UNREADABLE, 'says "convert, then try again"\nwith Blender'),
)


_VALUES = {"--unit": ["mm"], "--up": ["y"], "--pitch": ["1"], "--resolution": ["48"]}


def test_every_reason_says_what_to_do():
    assert set(HINTS) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_what_a_hint_says_to_type_can_be_typed(reason):
    typed = re.findall(r"--[a-z-]+(?: [^\s,;()]+(?=[\s,;)]|$))?", HINTS[reason])
    for words in typed:
        option, _, value = words.partition(" ")
        settings = [option, *([value] if "=" in value or value == "clip" else _VALUES.get(option, []))]
        result = CliRunner().invoke(cli, ["data", "build", "x", "-o", "y", *settings, "--dry-run"])
        assert result.exit_code == 0, (words, result.stderr)
    keys = re.findall(r"[a-z]+\.[a-z_]+", HINTS[reason])
    assert all(f"--set {key}=" in HINTS[reason] for key in keys)


def test_the_file_has_a_row_for_each_building_and_survives_any_text(tmp_path):
    Report(ROWS).write_csv(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["accepted", "accepted", "rejected", "rejected", "rejected"]
    assert rows[4]["detail"] == ROWS[4].detail
    assert rows[0]["height_m"] == "6.000"
    assert rows[0]["warnings"] == "open: 3 of 40 edges"


def test_the_rows_are_read_back(tmp_path):
    Report(ROWS).write_csv(tmp_path / "report.csv")
    assert Report.read_csv(tmp_path / "report.csv").rows == ROWS
    (tmp_path / "report.csv").write_text("name,price\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="no report of a build"):
        Report.read_csv(tmp_path / "report.csv")


def test_the_summary_counts_shows_an_example_and_says_what_to_do():
    text = Report(ROWS, ("pitch chosen",)).summary()
    assert "2 of 5 buildings accepted" in text
    assert "2 with a warning: open" in text
    assert "2 rejected: too low" in text
    assert "c in c.obj: 2.10 m tall" in text
    assert HINTS[Reason.LOW] in text
    assert "pitch chosen" in text


def test_guesses_are_said_aloud_for_accepted_and_rejected_alike(tmp_path):
    unit = "unit guessed: mm ({} units tall); overrule with --unit m".format
    axis = "up axis guessed: Y (walls and base lie so); overrule with --up z"
    rows = (
        Row("a.stl", "a", warnings=("open: 3 of 40 edges", unit(8106))),
        Row("b.stl", "b", Reason.LOW, "2.1 m tall", (unit(2100), axis)),
        Row("b.stl", "c", warnings=(unit(9000),)),
        Row("d.stl", "d", warnings=("unit guessed: cm (700 units tall); overrule with --unit m",)),
    )
    text = Report(rows).summary()
    assert "unit guessed: mm for 2 files, for example a in a.stl; overrule with --unit m" in text
    assert "unit guessed: cm for 1 file, for example d in d.stl; overrule with --unit m" in text
    assert "up axis guessed: Y for 1 file, for example b in b.stl; overrule with --up z" in text
    assert "warning: unit" not in text
    assert "1 with a warning: open" in text
    Report(rows).write_csv(tmp_path / "report.csv")
    assert Report.read_csv(tmp_path / "report.csv").summary() == text


def test_counts_add_up_to_the_rows():
    counts = Report(ROWS).counts()
    assert sum(counts.values()) == len(ROWS)
    assert list(counts)[:2] == ["accepted", "too low"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_survives_its_plain_form(row):
    assert Row.from_plain(row.to_plain()) == row


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.csv"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(csv, "writer", lambda file: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        Report(ROWS).write_csv(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
