"""Latent flow matching: an autoencoder first, then the way from noise to its latents."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxgen.errors import UsageError
from voxgen.generator import Generator
from voxgen.models.base import Batch
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.diffusion import Diffusion, DiffusionConfig
from voxgen.models.vae import VAE, VAEConfig
from voxgen.nn.ode import SOLVERS, end, heun, steps_to_data

SIDE = (16, 16, 16)
ASKED = ConditionConfig(attributes=("height",), center=(8.0,), scale=(2.0,), masks=("footprint",))


def make(**settings) -> Diffusion:
    torch.manual_seed(0)
    size = {"widths": (16, 32), "plan": 8, "fine": 8, "depth": 1, "embedding": 8}
    field = {"directions": 6, "field_width": 32, "field_depth": 2}
    return Diffusion(DiffusionConfig(resolution=SIDE, condition=ASKED, **size, **field, **settings))


def batch(n: int = 8, progress: float = 0.9) -> Batch:
    x = torch.zeros(n, 1, *SIDE)
    for i in range(n):
        x[i, :, 2 : 8 + i, 4:12, : 5 + i] = 1
    return Batch(x, Condition.nothing(n, ASKED, SIDE), torch.arange(n), progress)


@pytest.fixture
def model() -> Diffusion:
    made = make()
    made.prepare(0.9, lambda: [batch()])
    with torch.no_grad():  # a velocity that is not zero
        for p in made.field.parameters():
            p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(1)), alpha=0.03)
    return made.eval()


def test_the_velocity_rests_until_there_are_latents():
    made = make()
    assert made.loss(batch(), "velocity") == {}
    made.prepare(0.1, lambda: pytest.fail("nothing is to be fitted yet"))
    made.prepare(0.7, lambda: [batch()])
    assert set(made.loss(batch(), "velocity")) == {"velocity"}


def test_a_model_published_early_draws_from_a_gaussian_of_the_latents():
    made = make().eval()
    made.conclude([batch()])
    latents = made.autoencoder.moments(batch().x)[0].flatten(1)
    with torch.no_grad():
        back = made.principal.expand(made.encode(batch().x, batch().condition))
    spread = (latents - latents.mean(dim=0)).norm()
    assert (back - latents).norm() < 0.5 * spread
    made.prepare(0.3, lambda: pytest.fail("the autoencoder still moves"))
    assert made.loss(batch(), "velocity") == {}


def test_components_are_found_once_and_anew_when_the_autoencoder_moves_again(model):
    model.prepare(0.95, lambda: pytest.fail("they stand"))
    model.prepare(0.2, lambda: pytest.fail("too early"))
    assert model.loss(batch(), "velocity") == {}


def test_players_learn_one_after_the_other(model):
    (start, end), (begin, last) = (model.span(player) for player in model.players())
    assert start == 0
    assert end == begin
    assert last == 1


def test_the_velocity_leaves_the_autoencoder_alone(model):
    model.loss(batch(), "velocity")["velocity"].backward()
    assert all(p.grad is None for p in model.autoencoder.parameters())


def test_the_way_back_from_a_latent_leads_to_the_noise_it_comes_from(model):
    asked = model.unconditional(5)
    z = torch.randn(5, 6, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        components = end(heun(model.velocities(asked), z, steps_to_data(100)))
        back = end(heun(model.velocities(asked), components, steps_to_data(100)[::-1]))
    torch.testing.assert_close(back, z, rtol=0, atol=1e-2)


@pytest.mark.parametrize("solver", ["euler", "multistep"])
def test_all_solvers_lead_to_one_place(model, solver):
    asked = model.unconditional(4)
    z = torch.randn(4, 6, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        exact = end(heun(model.velocities(asked), z, steps_to_data(200)))
        found = end(SOLVERS[solver](model.velocities(asked), z, steps_to_data(400)))
    torch.testing.assert_close(found, exact, rtol=0, atol=2e-2)


def test_shortcuts_learn_what_the_velocity_leads_to():
    """Trained to convergence on one point of data, one long step leads where many short ones do."""
    made = make(autoencoding=0.0, shortcuts=0.5)
    made.prepare(0.5, lambda: [batch()])
    optimiser = made.optimiser("velocity", 6e-3)
    for step in range(300):
        now = Batch(batch().x, batch().condition, torch.arange(8) + 8 * step, 0.5)
        optimiser.zero_grad()
        made.loss(now, "velocity")["velocity"].backward()
        optimiser.step()
    asked = made.unconditional(64)
    z = made.prior(asked, torch.arange(64))
    with torch.no_grad():
        exact = end(heun(made.velocities(asked), z, steps_to_data(64)))
        apart = {}
        for name in ("euler", "shortcut"):
            there = end(SOLVERS[name](made.velocities(asked), z, steps_to_data(1)))
            apart[name] = float((there - exact).norm(dim=1).mean())
    assert apart["shortcut"] < 0.6 * apart["euler"]


def test_shortcuts_are_taken_in_the_steps_that_were_learnt_alone(model):
    generator = Generator(model, 0.5, {})
    assert generator.tuned(["solver=shortcut", "steps=4"]).model.config.steps == 4
    for wrong in (["solver=shortcut"], ["solver=shortcut", "steps=3"]):
        with pytest.raises(UsageError, match="1, 2, 4, 8, 16"):
            generator.tuned(wrong)
    with pytest.raises(UsageError, match="shortcuts = 0"):
        Generator(make(shortcuts=0.0), 0.5, {}).tuned(["solver=shortcut", "steps=4"])


def test_every_weight_of_the_velocity_learns_under_autocast(model):
    """What longer steps are to be is found without gradient: nothing of that may stay in autocast's cache."""
    model.train()
    parameters = list(model.field.parameters())

    def gradients(enabled: bool) -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = model.loss(batch(), "velocity")["velocity"]
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        assert all(g is not None for g in found)
        return list(found)

    exact, rounded = (torch.cat([g.flatten() for g in gradients(on)]) for on in (False, True))
    assert float((exact - rounded).norm()) < 0.1 * float(exact.norm())


def test_longer_steps_are_the_mean_of_their_halves(model):
    """A field that is linear in x: the mean over a step is by hand."""
    x, told = torch.randn(3, 6, generator=torch.Generator().manual_seed(5)), torch.zeros(3, 8)
    t, step = torch.full((3, 1), 1.0), torch.full((3, 1), 1.0)
    model.velocity = lambda x, t, step, told: x * (1 + step[:, None])
    found = model._over(x, t, step, told)
    first = 1.5 * x
    second = 1.5 * (x - 0.5 * first)
    torch.testing.assert_close(found, (first + second) / 2)


def test_guidance_moves_only_what_is_asked_for(model):
    guided = make(guidance=3.0)
    guided.load_state_dict(model.state_dict())
    z = torch.randn(3, 6, generator=torch.Generator().manual_seed(4))
    free = model.unconditional(3)
    asked = Condition.asking(3, ASKED, SIDE, {"height": 14.0})
    with torch.no_grad():
        torch.testing.assert_close(guided.to_components(z, free), model.to_components(z, free))
        further = (guided.to_components(z, asked) - model.to_components(z, free)).norm()
        assert further > 1.2 * (model.to_components(z, asked) - model.to_components(z, free)).norm()


def test_a_mask_is_heeded(model):
    asked = Condition.asking(2, ASKED, SIDE, masks={"footprint": torch.ones(SIDE)})
    z = torch.zeros(2, 6)
    with torch.no_grad():
        assert not torch.allclose(
            model.to_components(z, asked), model.to_components(z, model.unconditional(2))
        )


def test_it_learns_the_distribution_of_the_latents():
    """Two groups of latents in the plane of two components: samples fall into both, and nowhere else."""
    made = make(autoencoding=0.01)
    shapes = batch(8).x
    two = torch.cat([shapes[:1].repeat(8, 1, 1, 1, 1), shapes[7:].repeat(8, 1, 1, 1, 1)])
    two = two + 0.02 * torch.randn(two.shape, generator=torch.Generator().manual_seed(0))
    shown = Batch(two, Condition.nothing(16, ASKED, SIDE), torch.arange(16), 0.5)
    made.prepare(0.5, lambda: [shown])
    optimiser = made.optimiser("velocity", 6e-3)
    for step in range(150):
        now = Batch(two, shown.condition, torch.arange(16) + 16 * step, 0.5)
        optimiser.zero_grad()
        made.loss(now, "velocity")["velocity"].backward()
        optimiser.step()
    with torch.no_grad():
        first = made.to_components(
            made.prior(made.unconditional(200), torch.arange(200)), made.unconditional(200)
        )[:, 0]
        groups = made.principal.reduce(made.autoencoder.moments(two)[0].flatten(1))[:, 0]
    low, high = groups[:8].mean(), groups[8:].mean()
    near_low = (first - low).abs() < (high - low).abs() / 3
    near_high = (first - high).abs() < (high - low).abs() / 3
    assert 0.25 < float(near_low.float().mean()) < 0.75
    assert float((near_low | near_high).float().mean()) > 0.85


@pytest.mark.parametrize("asked", [{}, {"height": 2.5}])
def test_a_trajectory_ends_in_the_sample(model, asked):
    generator = Generator(model, 0.5, {}).tuned(["steps=5", "solver=multistep"])
    steps = generator.trajectory(seed=3, number=2, attributes=asked)
    assert len(steps) == 6
    (made,) = generator.sample(1, 3, first=2, attributes=asked)
    assert np.array_equal(steps[-1].values, made.values)
    assert not np.array_equal(steps[0].values, made.values)


def test_sampling_is_tuned_for_one_generator_alone(model):
    first = Generator(model, 0.5, {})
    second = first.tuned(["steps=2"])
    assert second.model.config.steps == 2
    assert first.model.config.steps == model.config.steps != 2
    assert next(second.model.parameters()) is next(model.parameters())
    with pytest.raises(UsageError, match="directions"):
        first.tuned(["directions=3"])
    with pytest.raises(UsageError, match="steps"):
        first.tuned(["stepps=3"])
    with pytest.raises(UsageError, match="solver"):
        first.tuned(["solver=rk4"])


def test_a_model_that_makes_buildings_at_once_has_no_trajectory():
    with pytest.raises(UsageError, match="--model diffusion"):
        Generator(VAE(VAEConfig(resolution=SIDE)), 0.5, {}).trajectory()
