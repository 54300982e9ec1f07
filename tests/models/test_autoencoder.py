"""Attributes told by the latent: learnt where they are known, and the latents with them."""

from __future__ import annotations

import torch

from voxgen.models.autoencoder import Autoencoder, AutoencoderConfig
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig

SIDE = (16, 16, 16)
ASKED = ConditionConfig(attributes=("height", "storeys"), center=(6.0, 2.0), scale=(2.0, 1.0))


def make(asked: ConditionConfig = ASKED) -> Autoencoder:
    torch.manual_seed(0)
    size = {"widths": (8, 16), "plan": 8, "fine": 8, "depth": 1, "embedding": 8, "latent": 4}
    return Autoencoder(AutoencoderConfig(resolution=SIDE, condition=asked, **size))


def houses(n: int = 16) -> Batch:
    x = torch.zeros(n, 1, *SIDE)
    condition = Condition.nothing(n, ASKED, SIDE)
    for i in range(n):
        height = 2 + i % 12
        x[i, :, 4:12, 4:12, :height] = 1
        condition.attributes[i, 0] = float(height)
    return Batch(x, condition, torch.arange(n), 0.5)


def test_unknown_attributes_cost_nothing_and_give_no_gradient():
    model = make()
    batch = houses()
    unknown = Batch(batch.x, Condition.nothing(16, ASKED, SIDE), batch.keys, 0.5)
    found = model.loss(unknown)["attributes"]
    assert float(found.detach()) == 0
    gradients = torch.autograd.grad(found, list(model.predictor.parameters()))
    assert all(bool(g.isfinite().all()) and not g.any() for g in gradients)


def test_heights_are_learnt_from_some_and_told_of_others():
    model = make()
    batch = houses(24)
    some = batch[:12]
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(120):
        optimiser.zero_grad()
        terms = model.loss(Batch(some.x, some.condition, some.keys + 100 * step, 0.5))
        (terms["attributes"] + 1e-3 * terms["reconstruction"]).backward()
        optimiser.step()
    with torch.no_grad():
        told = model.predict(model.moments(batch.x)[0])[:, 0]
    assert (told - batch.condition.attributes[:, 0]).abs().median() < 0.5


def test_a_building_is_rebuilt_from_a_surer_one_on_level_ground():
    model, asked = make(), Condition.nothing(4, ASKED, SIDE)
    logits = torch.randn(4, 1, *SIDE)
    with torch.no_grad():
        wanted = model.mass(model.moments((2 * logits).sigmoid())[0], asked).grounded().logits().sigmoid()
    torch.testing.assert_close(model.rebuilt(logits.sigmoid(), asked), wanted)
    sure = torch.randint(2, logits.shape).float()
    with torch.no_grad():
        rebuilt = model.mass(model.moments(sure)[0], asked).grounded().logits().sigmoid()
    torch.testing.assert_close(model.rebuilt(sure, asked), rebuilt, atol=1e-3, rtol=0)


def test_without_attributes_there_is_nothing_to_tell():
    model = make(ConditionConfig())
    batch = Batch(houses().x, Condition.nothing(16, ConditionConfig(), SIDE), torch.arange(16), 0.5)
    assert "attributes" not in model.loss(batch)
    assert model.predict(model.moments(batch.x)[0]).shape == (16, 0)
