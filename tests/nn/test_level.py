"""What is nearly level becomes level; what slopes, and what is a step, stays."""

from __future__ import annotations

import pytest
import torch

from voxgen.nn.level import level
from voxgen.nn.roof import _PLAN, _ROOF

MAPS = [pytest.param(_PLAN, id="plan"), pytest.param(_ROOF, id="roof")]
REACH, FLAT = _ROOF["reach"], _ROOF["flat"]


def noise(*shape: int, size: float = 0.05) -> torch.Tensor:
    return size * torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(1))


def test_a_wall_that_wavers_about_a_half_becomes_straight():
    wall = torch.linspace(-3.0, 3.0, 8)[None, None, :, None].expand(1, 1, 8, 16)
    wavering = wall + 0.02 - wall.diff(dim=2)[:, :, :1] / 2 + noise(8, 16)
    ragged = (wavering > 0).float()
    assert ragged.std(dim=-1).max() > 0
    straight = (level(wavering, REACH, FLAT) > 0).float()
    assert (straight == straight[..., :1]).all()


def test_a_flat_roof_becomes_flat_and_keeps_its_height():
    levelled = level(5.3 + noise(12, 9), REACH, FLAT)
    assert levelled.std() < 0.01
    assert float(levelled.mean()) == pytest.approx(5.3, abs=0.02)


@pytest.mark.parametrize("settings", MAPS)
@pytest.mark.parametrize("reaches", [1.01, 3.0])
def test_a_step_beyond_the_reach_stays(reaches, settings):
    roof = torch.full((1, 1, 10, 10), 4.0)
    roof[..., 5:] += reaches * settings["reach"]
    assert level(roof, **settings).sub(roof).abs().max() < 0.01


@pytest.mark.parametrize("slope", [0.8, 1.2])
def test_a_gable_is_kept_across_its_ridge_and_level_along_it(slope):
    across = 8 - slope * (torch.arange(10) - 4.5).abs()
    gable = across[None, None, :, None].expand(1, 1, 10, 12)
    assert level(gable, REACH, FLAT).sub(gable).abs().max() < 0.05
    rough = gable + noise(10, 12)
    levelled = level(rough, REACH, FLAT)
    assert levelled.diff(dim=-1).abs().max() < rough.diff(dim=-1).abs().max() / 5


def test_it_is_the_same_mirrored_raised_and_in_any_company():
    a, b = 5 + noise(8, 8, size=0.3), 3 + noise(8, 8, size=0.1)
    levelled = level(a, REACH, FLAT)
    for axis in (2, 3):
        assert torch.allclose(level(a.flip(axis), REACH, FLAT), levelled.flip(axis), atol=1e-5)
    assert torch.allclose(level(a + 2.5, REACH, FLAT), levelled + 2.5, atol=1e-4)
    assert torch.allclose(level(torch.cat([b, a]), REACH, FLAT)[1:], levelled, atol=1e-5)


def test_no_rounds_change_nothing():
    roof = noise(8, 8)
    assert torch.equal(level(roof, REACH, FLAT, rounds=0), roof)


def test_gradients_are_finite_also_far_from_anything_real():
    roof = torch.cat([noise(8, 8), 1e3 * noise(8, 8)]).requires_grad_()
    level(roof, REACH, FLAT).square().sum().backward()
    assert roof.grad is not None
    assert roof.grad.isfinite().all()


def test_heights_stay_precise_where_networks_compute_in_bf16():
    roof = 20.3 + noise(8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(level(roof, REACH, FLAT), level(roof.double(), REACH, FLAT).float(), atol=1e-4)
