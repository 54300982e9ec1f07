"""What families over latents share: the training set is encoded once, and a step draws from that."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.diffusion import Diffusion, DiffusionConfig
from voxgen.models.flow import Flow, FlowConfig
from voxgen.nn.symmetry import turn
from voxgen.nn.windows import Windows

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
    rows = encoded.attributes[:, 0].long() + 6 * (encoded.symmetry > 0)
    torch.testing.assert_close(encoded.mean, model._known.mean[rows])
    assert len(set(rows.tolist())) > 2


def test_a_step_sees_buildings_within_their_windows_and_the_attributes_of_there(monkeypatch):
    """Heights are a linear function of the encoded buildings here, and stay one wherever a step looks."""
    model = make(Diffusion, draws=40, window=0.5)
    known = batch(n=6)
    model.prepare(0.9, lambda: [known])
    first = model._known.mean[:, :1]
    model._known = model._known._replace(attributes=10 + 2 * first)
    model._windows = Windows.around(model._known.mean, model._known.attributes, 4)
    seen = []
    monkeypatch.setattr(model, "latent_loss", lambda *told: seen.append(told) or told[2](1, 0).sum())
    model.loss(batch(n=4, height=1.0), "velocity")
    encoded, condition, _ = seen[0]
    torch.testing.assert_close(encoded.attributes, 10 + 2 * encoded.mean[:, :1])
    torch.testing.assert_close(condition.attributes, encoded.attributes)
    apart = torch.cdist(encoded.mean, model._known.mean).amin(dim=1)
    assert float(apart.median()) > 0.05
    assert float(apart.max()) < float(torch.cdist(model._known.mean, model._known.mean).max())


def test_where_masks_are_taught_a_step_encodes_its_own():
    asked = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,), masks=("footprint",))
    model = make(Diffusion, asked)
    model.prepare(0.9, lambda: [batch(asked=asked)])
    seen = batch(key=50, asked=asked)
    other = replace(seen, x=1 - seen.x)
    assert model.loss(seen, "velocity") != model.loss(other, "velocity")


def test_a_building_is_encoded_as_it_stands_and_once_more_turned():
    model = make(Diffusion)
    shown = batch(n=7)
    model.prepare(0.9, lambda: [shown[:2], shown[2:]])
    known = model._known
    assert known.symmetry.tolist() == [0] * 7 + [1, 2, 3, 1, 2, 3, 1]
    turned = model._encoded([replace(shown, x=turn(shown.x, known.symmetry[7:]))]).mean
    torch.testing.assert_close(known.mean[7:], model.principal.reduce(turned), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cls", [Flow, Diffusion])
def test_how_a_building_stands_is_told_in_training_and_samples_stand_as_they_do(cls):
    model = make(cls)
    model.prepare(0.9, lambda: [batch(height=9.0)])
    told = model.making().told
    free = model.unconditional(4)
    for weights in model.making().parameters():
        torch.nn.init.normal_(weights, std=0.1)
    before = model.eval().sample(torch.arange(2))
    with torch.no_grad():
        told.symmetry.weight[1:] = 5.0
        told.symmetry.weight[0] = 0.0
    labels = [torch.full((4,), label) for label in range(4)]
    assert torch.equal(told(free, labels[0]), told(free))
    assert not torch.equal(told(free, labels[1]), told(free))
    torch.testing.assert_close(model.sample(torch.arange(2)), before)
    encoded = model._reduced(model._encoded([batch(n=4)]))
    encoded = encoded._replace(mean=torch.full_like(encoded.mean, 0.3), spread=0 * encoded.spread)
    with torch.no_grad():
        costs = [
            float(model.latent_loss(encoded._replace(symmetry=label), free, lambda k, _: torch.ones(4, k)))
            for label in labels
        ]
    assert costs[0] != costs[1]


def test_where_masks_are_taught_the_steps_own_symmetries_are_told():
    model = make(Diffusion)
    shown = replace(batch(n=4), symmetry=torch.tensor([0, 3, 1, 2]))
    assert model._encoded([shown]).symmetry.tolist() == [0, 3, 1, 2]


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
