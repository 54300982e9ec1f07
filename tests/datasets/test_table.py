"""The table of data sets, their cards, and folders of one's own."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from voxgen.datasets import folder

from voxgen import datasets
from voxgen.errors import DataError, UsageError


@pytest.mark.parametrize("name", datasets.available())
def test_every_data_set_has_a_card_and_a_recipe(name):
    card, recipe = datasets.card(name), datasets.load(name)
    assert card.title
    assert card.description
    assert card.licence
    assert card.units.startswith("metres")
    assert card.limits
    assert hasattr(recipe, "generate") or hasattr(recipe, "sources")
    assert recipe.__doc__


def test_every_packaged_card_is_in_the_table():
    packaged = {
        entry.name.removesuffix(".toml")
        for entry in resources.files("voxgen.datasets").iterdir()
        if entry.name.endswith(".toml")
    }
    assert packaged == set(datasets.available())


def test_3dbag_is_credited_as_its_licence_asks():
    card = datasets.card("threedbag")
    assert card.licence == "CC-BY-4.0"
    assert "3DBAG by tudelft3d and 3DGI" in card.attribution


@pytest.mark.parametrize("name", ["masing", "../massing", "cards", ""])
def test_an_unknown_name_is_refused_with_what_is_known(name):
    for ask in (datasets.card, datasets.load):
        with pytest.raises(UsageError, match="massing, threedbag"):
            ask(name)


def test_a_near_name_is_hinted_at():
    with pytest.raises(UsageError, match="did you mean 'massing'"):
        datasets.load("masing")


def test_the_table_imports_no_recipe_and_no_torch():
    code = (
        "import sys; from voxgen import datasets; datasets.available(); datasets.card('massing')\n"
        "heavy = {'torch', 'manifold3d', 'httpx', 'numba', 'trimesh', 'open3d'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "datasets.load('massing'); datasets.load('threedbag')\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_sources_that_exist_are_given_and_others_named(tmp_path: Path):
    assert folder.sources([tmp_path, str(tmp_path / "*.obj")]) == [tmp_path, tmp_path / "*.obj"]
    with pytest.raises(DataError, match=r"no file or folder at .*missing"):
        folder.sources([tmp_path / "missing"])
    with pytest.raises(UsageError, match="no sources"):
        folder.sources([])


def test_a_card_in_the_folder_says_more_than_the_general_one(tmp_path: Path):
    assert folder.card(tmp_path).title == tmp_path.name
    (tmp_path / "card.toml").write_text('title = "Mill Street"\nlicence = "CC-BY-4.0"\n', encoding="utf-8")
    card = folder.card(tmp_path)
    assert (card.title, card.licence) == ("Mill Street", "CC-BY-4.0")
    assert card.description


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (b"title = ", DataError, "not valid TOML"),
        (b"\xff\xfe", DataError, "not valid TOML"),
        (b'licens = "MIT"', UsageError, "did you mean 'licence'"),
        (b"title = 3", UsageError, "title = 3"),
    ],
)
def test_a_bad_card_says_what_is_wrong(tmp_path: Path, text: bytes, error: type[Exception], says: str):
    (tmp_path / "card.toml").write_bytes(text)
    with pytest.raises(error, match=says):
        folder.card(tmp_path)
