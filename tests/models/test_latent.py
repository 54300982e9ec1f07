"""What families over latents share: the training set is encoded once, and a step draws from that."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.diffusion import Diffusion, DiffusionConfig
from voxgen.models.flow import Flow, FlowConfig
from voxgen.models.latent import Encoded, Windows
from voxgen.nn.symmetry import turn

SIDE = (16, 16, 16)
ASKED = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,))
AUTOENCODER = {"widths": (16, 32), "plan": 8, "fine": 8, "depth": 1, "embedding": 8, "directions": 6}


def make(cls, asked=ASKED, **more):
    torch.manual_seed(0)
    config, small = {
        Flow: (FlowConfig, {"couplings": 2, "flow_width": 16, "flow_depth": 1}),
        Diffusion: (DiffusionConfig, {"field_width": 16, "field_depth": 1}),
    }[cls]
    return cls(config(resolution=SIDE, condition=asked, **AUTOENCODER, **small, **more)).train()


def batch(n=8, key=0, height=None, asked=ASKED):
    x = torch.zeros(n, 1, *SIDE)
    for i in range(n):
        x[i, :, 2 : 8 + i % 6, 4:12, : 5 + i % 6] = 1
    condition = Condition.nothing(n, asked, SIDE)
    if height is not None:
        condition.attributes[:] = height
    return Batch(x, condition, torch.arange(n) + key, 0.9)


def turned(standing):
    """A batch and its masks, under one symmetry after the other."""
    symmetry = torch.arange(len(standing.x)) % 4
    condition = replace(standing.condition, masks=turn(standing.condition.masks, symmetry))
    return replace(standing, x=turn(standing.x, symmetry), condition=condition, symmetry=symmetry)


@pytest.mark.parametrize("cls", [Flow, Diffusion])
def test_steps_draw_from_what_was_encoded_once(cls):
    model = make(cls)
    model.prepare(0.9, lambda: [batch(height=9.0)])
    seen = batch(key=50)
    other = replace(seen, x=1 - seen.x)
    assert model.loss(seen, model.maker) == model.loss(other, model.maker)
    model.eval()
    assert model.loss(seen, model.maker) != model.loss(other, model.maker)


@pytest.mark.parametrize("cls", [Flow, Diffusion])
def test_a_run_that_goes_on_draws_from_the_same(cls):
    first = make(cls)
    first.prepare(0.9, lambda: [batch(height=9.0)])
    second = make(cls)
    second.load_state_dict(first.state_dict())
    second.prepare(0.95, lambda: [batch(height=9.0)])
    assert first.loss(batch(key=7), first.maker) == second.loss(batch(key=7), second.maker)


def test_of_each_encoded_building_its_own_attributes_are_told(monkeypatch):
    model = make(Flow, draws=3, window=0.0)
    known = batch(n=6)
    known.condition.attributes[:, 0] = torch.arange(6.0)
    model.prepare(0.9, lambda: [known])
    told = []

    def watched(encoded, condition, noise):
        told.append((encoded, condition))
        return noise(1, 0).sum()

    monkeypatch.setattr(model, "latent_loss", watched)
    asked = batch(n=4)
    asked.condition.attributes[:2] = 100.0
    model.loss(asked, "flow")
    (encoded, condition) = told[0]
    assert len(encoded.mean) == 12
    assert condition.attributes[6:].isnan().all()
    assert torch.equal(condition.attributes[:6], encoded.attributes[:6])
    rows = encoded.attributes[:, 0].long()
    assert model._known is not None
    torch.testing.assert_close(encoded.mean, model._known.encoded.mean[rows])
    assert len(set(rows.tolist())) > 2


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), width=st.floats(0.1, 2), seed=st.integers(0, 99))
def test_a_building_in_its_window_has_the_attributes_that_go_with_it(n, width, seed):
    """Where attributes are linear in latents, they are so all along a window."""
    chance = torch.Generator().manual_seed(seed)
    mean, slope = torch.randn(n, 5, generator=chance), torch.randn(5, 2, generator=chance)
    windows = Windows.around(Encoded(mean, torch.zeros(n, 5), mean @ slope, torch.zeros(n, dtype=torch.bool)))
    rows = torch.randint(n, (40,), generator=chance)
    noise = torch.randn(40, windows.nearest.shape[1], generator=chance)
    drawn = windows.drawn(rows, noise, width)
    torch.testing.assert_close(drawn.attributes, drawn.mean @ slope, atol=1e-4, rtol=1e-4)
    if n > 1:
        assert not torch.equal(drawn.mean, mean[rows])
    still = windows.drawn(rows, noise, 0.0)
    assert torch.equal(still.mean, mean[rows])


def test_an_attribute_that_is_unknown_stays_so_in_a_window():
    attributes = torch.tensor([[1.0], [torch.nan], [3.0]])
    windows = Windows.around(
        Encoded(torch.randn(3, 2), torch.zeros(3, 2), attributes, torch.zeros(3, dtype=torch.bool))
    )
    drawn = windows.drawn(torch.arange(3), torch.randn(3, 3), 1.0)
    assert drawn.attributes.isnan().flatten().tolist() == [False, True, False]


def test_where_masks_are_taught_a_step_encodes_its_own():
    asked = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,), masks=("footprint",))
    model = make(Diffusion, asked)
    model.prepare(0.9, lambda: [batch(asked=asked)])
    seen = batch(key=50, asked=asked)
    other = replace(seen, x=1 - seen.x)
    assert model.loss(seen, "velocity") != model.loss(other, "velocity")


@pytest.mark.parametrize("cls", [Flow, Diffusion])
def test_where_masks_are_taught_buildings_and_masks_are_seen_as_they_stand(cls):
    asked = ASKED.model_copy(update={"masks": ("footprint",)})
    model = make(cls, asked)
    model.prepare(0.9, lambda: [batch(asked=asked)])
    for weights in model.making().parameters():
        torch.nn.init.normal_(weights, std=0.1)
    standing = batch(key=50, asked=asked)
    standing.condition.masks[:] = standing.x.amax(dim=-1, keepdim=True)
    standing.condition.given[:] = True
    shown = turned(standing)
    assert not torch.equal(shown.x, standing.x)
    assert model.loss(shown, model.maker) == model.loss(standing, model.maker)
    assert model.loss(replace(shown, symmetry=None), model.maker) != model.loss(standing, model.maker)


@pytest.mark.parametrize("cls", [Flow, Diffusion])
def test_what_is_asked_is_met_as_far_as_the_autoencoder_tells(cls):
    model = make(cls).eval()
    model.prepare(0.9, lambda: [batch(height=9.0)])
    with torch.no_grad():
        model.principal.scale.fill_(1.0)
        model.autoencoder.predictor.net[1].weight.mul_(30)  # as of one that has learnt: it hears the latent
    condition = batch(height=10.0).condition
    free = model.unconditional(len(condition))
    components = torch.randn(len(condition), model.principal.rank)

    def told(at):
        return model.autoencoder.predict(
            model.principal.expand(at).reshape(-1, *model.autoencoder.latent_shape)
        )

    near = (told(model.meeting(components, condition)) - 10.0).abs().median()
    assert near < 0.2 * (told(components) - 10.0).abs().median()
    assert model.meeting(components, free) is components
    z = torch.randn(len(condition), *model.latent_shape)
    moved = model.meeting(model.to_components(z, condition), condition)
    assert torch.equal(model.decode(z, condition), model.building(moved, condition))


def test_a_batch_stood_up_is_as_it_was_before_it_was_turned():
    standing = replace(
        batch(), condition=batch(asked=ASKED.model_copy(update={"masks": ("footprint",)})).condition
    )
    standing.condition.masks[:] = torch.rand(standing.condition.masks.shape)
    stood = turned(standing).standing()
    assert torch.equal(stood.x, standing.x)
    assert torch.equal(stood.condition.masks, standing.condition.masks)
    assert stood.standing() is stood
