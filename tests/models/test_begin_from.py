"""Beginning from a trained model: the same family's weights, or the autoencoder that families share."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from voxgen.errors import UsageError
from voxgen.models.base import GenerativeModel
from voxgen.models.condition import ConditionConfig
from voxgen.training.create import continued_config, create_model

ASKED = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,))
SMALL = ["widths=[8,16]", "plan=8", "fine=8", "depth=1", "embedding=8", "latent=4"]


def make(name: str, *settings: str, start: GenerativeModel[Any] | None = None, seed: int = 0) -> Any:
    from voxgen.models import family

    if start is not None:
        config = continued_config(start, name, "default", settings)
    else:
        base = family(name).config_class(resolution=(16, 16, 16), condition=ASKED)
        config = base.with_overrides([*SMALL, *settings])
    return create_model(config, name, "default", seed, start)


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_a_model_begins_with_all_weights_of_one_of_its_family_and_nothing_that_was_fitted(name: str) -> None:
    start = make(name, seed=3)
    density = (start if name == "vae" else start.generator).density
    density.fit(torch.randn(20, 4 * 8), torch.randn(20, 1))
    begun = make(name, start=start)
    assert begun.config == start.config
    assert same(begun, start)
    assert density.fitted
    assert not (begun if name == "vae" else begun.generator).density.fitted


def test_over_latents_the_second_network_learns_anew() -> None:
    start = make("diffusion", "field_width=16", seed=3)
    begun = make("diffusion", start=start)
    assert begun.config == start.config
    assert same(begun.autoencoder, start.autoencoder)
    assert not same(begun.field, start.field)
    assert not begun.principal.fitted


@pytest.mark.parametrize("name", ["gan", "flow", "diffusion"])
def test_families_share_the_autoencoder_both_ways(name: str) -> None:
    vae = make("vae", seed=5)
    begun = make(name, start=vae)
    assert begun.config.condition == ASKED
    assert same(begun.shared(), vae.autoencoder)
    assert same(make("vae", start=begun).autoencoder, vae.autoencoder)


def test_settings_of_training_may_change_and_shapes_may_not() -> None:
    vae = make("vae")
    assert make("vae", "beta=0.3", start=vae).config.beta == 0.3
    with pytest.raises(UsageError, match="other shapes"):
        make("vae", "latent=8", start=vae)


def test_families_that_share_nothing_are_refused() -> None:
    vae = make("vae")
    config = continued_config(vae, "flow", "voxel", ())
    with pytest.raises(UsageError, match="share no part"):
        create_model(config, "flow", "voxel", 0, vae)
