"""A model file says what it is, and a hostile one says nothing that is believed."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from voxgen import checkpoint
from voxgen.errors import DataError, UsageError
from voxgen.models.gan import GAN, GANConfig
from voxgen.models.thesis import ThesisConfig, ThesisGAN
from voxgen.models.vae import VAE, VAEConfig

SMALL = {"resolution": (8, 8, 8), "patch": 2}
BODY = {
    "widths": (8, 16),
    "depth": 1,
    "plan": 8,
    "fine": 8,
    "latent": 4,
    "embedding": 8,
    "rank": 4,
    "neighbours": 3,
}
CARD = {"pitch": 0.5, "data": {"licence": ["CC0"], "attribution": ["Häuser © Nobody"]}}

OUTSIDE = """
from pathlib import Path
from voxgen.models.vae import VAE

Path(__file__).with_suffix(".ran").touch()

class Mine(VAE):
    pass
"""


def small(name: str):
    """A small model of a family."""
    torch.manual_seed(0)
    if name == "gan":
        return GAN(GANConfig(**SMALL, **BODY, critic_widths=(8, 16)))
    if name == "thesis":
        return ThesisGAN(ThesisConfig(resolution=(8, 8, 8), width=4, latent=8))
    return VAE(VAEConfig(**SMALL, **BODY))


@pytest.fixture
def file(tmp_path) -> Path:
    """A saved model."""
    checkpoint.save(small("vae"), tmp_path / "model.safetensors", CARD)
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize(
    ("name", "family", "recipe"),
    [("vae", "vae", "default"), ("gan", "gan", "default"), ("thesis", "gan", "thesis")],
)
def test_a_model_comes_back_as_it_was_saved(tmp_path, name, family, recipe):
    model = small(name)
    checkpoint.save(model, tmp_path / "m.safetensors", CARD)
    back = checkpoint.load(tmp_path / "m.safetensors")
    assert type(back) is type(model)
    assert back.config == model.config
    assert not back.training
    for key, value in model.state_dict().items():
        assert torch.equal(value, back.state_dict()[key])
    card = checkpoint.read_card(tmp_path / "m.safetensors")
    assert (card["family"], card["recipe"]) == (family, recipe)
    assert card["data"] == CARD["data"]
    assert card["pitch"] == 0.5


def test_saving_replaces_a_file_whole_or_not_at_all(file, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr(Path, "replace", _fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(small("vae"), file, {"pitch": 1.0})
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_code_from_outside_runs_only_when_it_is_allowed(tmp_path, monkeypatch):
    module = tmp_path / "outside_family.py"
    module.write_text(OUTSIDE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "m.safetensors"
    checkpoint.save(small("vae"), path, CARD)
    _edit(path, family="outside_family:Mine")
    with pytest.raises(UsageError, match=r"allow=\['outside_family:Mine'\]"):
        checkpoint.load(path)
    with pytest.raises(UsageError, match="not part of voxgen"):
        checkpoint.load(path, allow=["another:Family"])
    assert not module.with_suffix(".ran").exists()
    assert "outside_family" not in sys.modules
    assert type(checkpoint.load(path, allow=["outside_family:Mine"])).__name__ == "Mine"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"family": "vea"}, "did you mean 'vae'"),
        ({"recipe": "secret"}, "no recipe 'secret'"),
        ({"config": "{"}, "config is not JSON"),
        ({"config": "[1]"}, "config is list, not a table"),
        ({"config": "[" * 100_000}, "config is not JSON"),
        ({"config": '{"width": 3}'}, "unknown key 'width'"),
        ({"config": '{"resolution": [6, 6, 6], "patch": 4}'}, "file.s own config"),
        ({"config": '{"resolution": [1000000, 1000000, 1000000], "patch": 4}'}, r"do not fit|own config"),
        ({"config": '{"resolution": [-8, 8, 8], "patch": 2}'}, r"do not fit|own config"),
        ({"format": "voxgen-model/9"}, "'voxgen-model/9', not 'voxgen-model/1'"),
        ({"format": None}, "not given"),
        ({"card": None}, "header lacks card"),
        ({"card": "nonsense"}, "card is not JSON"),
    ],
)
def test_a_header_that_is_wrong_is_named(file, changes, words):
    _edit(file, **changes)
    with pytest.raises(DataError, match=words):
        _open(file)


def test_weights_that_do_not_fit_are_named(file):
    tensors = load_file(file)
    name = "autoencoder.to_moments.weight"
    for wrong, words in (
        ({k: v for k, v in tensors.items() if k != name}, f"{name} is missing"),
        (tensors | {"extra": torch.zeros(1)}, "extra is not the model's"),
        (tensors | {name: torch.zeros(2, 2)}, rf"{name} has shape \(2, 2\)"),
        (tensors | {name: tensors[name].to(torch.int64)}, "holds torch.int64"),
        (tensors | {name: tensors[name] * torch.nan}, "holds NaN"),
        (tensors | {name: tensors[name] / 0}, "NaN or infinite"),
    ):
        _write(file, wrong, _metadata(file))
        with pytest.raises(DataError, match=words):
            checkpoint.load(file)


NO_SAFETENSORS = [b"", b"hello", b"\xff" * 64, b"PK\x03\x04" * 100, b"\x08" + b"\0" * 7 + b"[]"]


@pytest.mark.parametrize("content", NO_SAFETENSORS)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError):
        checkpoint.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no model at"):
        checkpoint.load(tmp_path / "m.safetensors")
    with pytest.raises(DataError, match="no model at"):
        checkpoint.load(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_a_model_or_a_clear_error_and_nothing_else(file, data):
    path = file.with_name("damaged.safetensors")
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        # The header is where damage is interesting; it takes up the first few thousand bytes.
        content[data.draw(st.integers(0, 5000))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    with contextlib.suppress(DataError, UsageError):
        checkpoint.load(path)


def _open(path: Path) -> None:
    checkpoint.read_card(path)
    checkpoint.load(path)


def _fail(self, target):
    raise OSError("disk full")


def _metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as opened:
        return opened.metadata()


def _write(path: Path, tensors, metadata) -> None:
    save_file(tensors, path, metadata=metadata)


def _edit(path: Path, **changes) -> None:
    about = {**_metadata(path), **changes}
    if (config := changes.get("config")) and config.startswith("{") and config.endswith("}"):
        about["config"] = json.dumps(json.loads(_metadata(path)["config"]) | json.loads(config))
    _write(path, load_file(path), {key: value for key, value in about.items() if value is not None})
