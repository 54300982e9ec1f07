from pathlib import Path

import pytest

from voxgen.errors import DataError
from voxgen.pipeline.publish import publish, recover
from voxgen.pipeline.workplace import workplace


def folder(path: Path, content: str) -> Path:
    path.mkdir(parents=True)
    (path / "content").write_text(content, encoding="utf-8")
    return path


def content(path: Path) -> str:
    return (path / "content").read_text(encoding="utf-8")


def test_a_new_folder_takes_the_place_of_the_old(tmp_path):
    folder(tmp_path / "DS", "old")
    publish(folder(tmp_path / "new", "new"), tmp_path / "DS")
    assert content(tmp_path / "DS") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["DS"]


class Killed(BaseException):
    """Stands for the end of the process: nothing in the library catches it."""


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_killed_between_any_two_renames_it_leaves_the_old_or_the_new(tmp_path, monkeypatch, survived):
    out = folder(tmp_path / "DS", "old")
    new = folder(tmp_path / "new", "new")
    rename, done = Path.rename, []

    def rename_or_die(self, target):
        if len(done) == survived:
            raise Killed
        done.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_or_die)
    if survived < 2:
        with pytest.raises(Killed):
            publish(new, out)
    else:
        publish(new, out)
    monkeypatch.undo()
    recover(out)
    assert content(out) == ("new" if survived == 2 else "old")
    recover(out)
    assert content(out) == ("new" if survived == 2 else "old")


def test_a_folder_in_use_is_left_as_it_is(tmp_path, monkeypatch):
    out = folder(tmp_path / "DS", "old")
    new = folder(tmp_path / "new", "new")
    rename = Path.rename

    def busy(self, target):
        if self == new:
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(DataError, match="the work done is kept"):
        publish(new, out)
    assert content(out) == "old"
    assert content(new) == "new"


def test_two_builds_of_one_data_set_keep_apart(tmp_path):
    with (
        workplace(tmp_path / "DS"),
        pytest.raises(DataError, match="another process is building"),
        workplace(tmp_path / "DS"),
    ):
        pass
    with workplace(tmp_path / "DS"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="cannot write beside"), workplace(tmp_path / "file" / "DS"):
        pass
