"""Normalizing flows: exactly undone, with densities that integrate to one."""

from __future__ import annotations

import math

import pytest
import torch

from voxgen.evaluation.likelihood import Likelihood
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.flow import Flow, FlowConfig
from voxgen.models.latent import Encoded
from voxgen.models.voxel_flow import LEVELS, VoxelFlow, VoxelFlowConfig

SIDE = (8, 16, 8)
ASKED = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,), masks=("footprint",))


def shaken(model, by=0.02):
    """A model whose every weight says something."""
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(3)), alpha=by)
    return model.eval()


def grids(n=4, side=SIDE, seed=0):
    """Coverage of all 65 levels, as no building has it."""
    levels = torch.randint(0, LEVELS, (n, 1, *side), generator=torch.Generator().manual_seed(seed))
    return levels.float() / (LEVELS - 1)


def voxel_flow(by=0.02, side=SIDE) -> VoxelFlow:
    torch.manual_seed(0)
    config = VoxelFlowConfig(resolution=side, width=16, couplings=2, embedding=8, condition=ASKED)
    return shaken(VoxelFlow(config), by)


@pytest.mark.parametrize("side", [SIDE, (32, 32, 32)])
@torch.no_grad()
def test_a_grid_comes_back_voxel_for_voxel(side):
    model, x = voxel_flow(side=side), grids(side=side)
    asked = model.unconditional(len(x))
    z = model.encode(x, asked)
    assert z.shape == (len(x), math.prod(side))
    back = model.decode(z, asked)
    assert torch.equal((back * (LEVELS - 1)).round(), (x * (LEVELS - 1)).round())


@torch.no_grad()
def test_all_air_and_all_solid_come_back_too():
    model = voxel_flow()
    x = torch.stack([torch.zeros(1, *SIDE), torch.ones(1, *SIDE)])
    back = model.decode(model.encode(x, model.unconditional(2)), model.unconditional(2))
    assert torch.equal((back * (LEVELS - 1)).round(), x * (LEVELS - 1))


def test_a_building_is_as_likely_wherever_it_stands_in_a_batch():
    model = voxel_flow()
    x = grids(3)
    with torch.no_grad():
        first, last = (model.log_prob(some, model.unconditional(3)) for some in (x, x.flip(0)))
    torch.testing.assert_close(first, last.flip(0))


def test_the_likelihood_of_a_flow_of_nothing_is_that_of_its_logits():
    """With f a rotation, the density of a level is that of a Gaussian at its logit, times its slope."""
    model = voxel_flow(by=0.0)
    assert isinstance(model, Likelihood)
    x = grids(2)
    with torch.no_grad():
        found = model.log_prob(x, model.unconditional(2))
    from voxgen.models.noise import keyed_noise

    u = torch.special.ndtr(keyed_noise(torch.zeros(2, dtype=torch.int64), tuple(x.shape[1:]))).double()
    unit = 0.005 + 0.99 * ((64 * x).round() + u) / 65
    y = unit.logit() / 4.5
    density = -0.5 * y**2 - 0.5 * math.log(2 * math.pi) + math.log(0.99 / 4.5) - unit.log() - (1 - unit).log()
    expected = (density - math.log(65)).flatten(1).sum(1)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-2)


def test_a_voxel_flow_learns_what_is_likely():
    model = voxel_flow(by=0.0).train()
    x = torch.zeros(4, 1, *SIDE)
    x[:, :, 2:6, 4:12, :4] = 1
    batch = Batch(x, model.unconditional(4), torch.arange(4), 0.5)
    optimiser = model.optimiser("model", 2e-3)
    first = float(model.loss(batch)["bits"].detach())
    for step in range(30):
        optimiser.zero_grad()
        shown = Batch(x, batch.condition, torch.arange(4) + 10 * step, 0.5)
        model.loss(shown)["bits"].backward()
        optimiser.step()
    assert float(model.loss(batch)["bits"].detach()) < 0.8 * first
    one = model.unconditional(1)
    assert model.log_prob(x[:1], one) > model.log_prob(1 - x[:1], one)


def latent_flow(**settings) -> Flow:
    torch.manual_seed(0)
    size = {"widths": (16, 32), "plan": 8, "fine": 8, "depth": 1, "embedding": 8}
    small = {"directions": 2, "couplings": 4, "flow_width": 32, "flow_depth": 1}
    return Flow(FlowConfig(resolution=(16, 16, 16), condition=ASKED, **size, **small, **settings))


@torch.no_grad()
def test_the_density_of_a_latent_flow_integrates_to_one():
    model = shaken(latent_flow(), 0.07)
    side = torch.linspace(-9, 9, 800)
    points = torch.cartesian_prod(side, side)
    told = model.map.told(model.unconditional(1)).expand(len(points), -1)
    total = model.map.log_density(points, told).exp().sum() * (18 / 799) ** 2
    assert total == pytest.approx(1.0, abs=0.01)


@torch.no_grad()
def test_a_latent_flow_is_undone():
    model = shaken(latent_flow())
    r = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    asked = model.unconditional(64)
    torch.testing.assert_close(model.to_components(model.to_noise(r, asked), asked), r, atol=1e-4, rtol=1e-4)


def test_a_latent_flow_learns_a_ring():
    model = latent_flow()
    optimiser = model.optimiser("flow", 8e-3)
    condition = model.unconditional(256)
    spread = torch.zeros(256, model.principal.basis.shape[0])
    chance = torch.Generator().manual_seed(0)
    for _ in range(150):
        angle = 2 * math.pi * torch.rand(256, 1, generator=chance)
        ring = 2 * torch.cat([angle.cos(), angle.sin()], dim=1)
        ring = ring + 0.2 * torch.randn(256, 2, generator=chance)
        optimiser.zero_grad()
        encoded = Encoded(ring, spread, condition.attributes, torch.zeros(len(ring), dtype=torch.bool))
        model.latent_loss(encoded, condition, lambda k, _: torch.zeros(256, k)).backward()
        optimiser.step()
    with torch.no_grad():
        made = model.to_components(torch.randn(256, 2, generator=chance), condition)
    radius = made.norm(dim=1)
    assert radius.median() == pytest.approx(2.0, abs=0.25)
    assert (radius < 1.0).float().mean() < 0.1


def test_masks_and_attributes_move_both_kinds():
    for model in (voxel_flow(), shaken(latent_flow())):
        free = model.unconditional(1)
        side = model.config.resolution
        told = Condition.nothing(1, ASKED, side)
        told.attributes[0, 0] = 12.0
        told.masks[:, :, 2:5, 3:6] = 1.0
        told.given[:] = True
        z = torch.randn(1, *model.latent_shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            assert not torch.equal(model.decode(z, free), model.decode(z, told))
