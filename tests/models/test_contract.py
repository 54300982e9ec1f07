"""What every family promises, held for all of them at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from voxgen.errors import UsageError
from voxgen.generator import Generator
from voxgen.models import FAMILIES, family
from voxgen.models.autoencoder import AutoencodingModel
from voxgen.models.base import Batch, EncodingModel, GenerativeModel
from voxgen.models.condition import Condition, ConditionConfig
from voxgen.models.noise import keyed_noise
from voxgen.training.create import create_model

CONDITION = ConditionConfig(
    attributes=("height", "footprint_area"), center=(8.0, 80.0), scale=(2.0, 30.0), masks=("footprint",)
)
RECIPES = [(name, recipe) for name, recipes in FAMILIES.items() for recipe in recipes]
AUTOENCODER = {"widths": (16, 32), "plan": 8, "fine": 8, "depth": 1, "embedding": 8}
SMALL = {
    ("vae", "default"): {**AUTOENCODER, "rank": 8, "neighbours": 3},
    ("gan", "default"): {**AUTOENCODER, "rank": 8, "neighbours": 3, "critic_widths": (16, 32)},
    ("gan", "thesis"): {"width": 8},
    ("flow", "default"): {**AUTOENCODER, "directions": 8, "couplings": 2, "flow_width": 16, "flow_depth": 1},
    ("flow", "voxel"): {"width": 16, "couplings": 1, "embedding": 8},
    ("diffusion", "default"): {**AUTOENCODER, "directions": 8, "field_width": 16, "field_depth": 2},
    ("diffusion", "voxel"): {
        "widths": (16, 32),
        "plan": 8,
        "fine": 8,
        "depth": 1,
        "embedding": 8,
        "steps": 4,
    },
}


def build(name: str, recipe: str, resolution: tuple[int, int, int] = (16, 16, 16)) -> GenerativeModel:
    cls = family(name, recipe)
    settings = SMALL[name, recipe]
    condition = CONDITION if cls.conditional else ConditionConfig()
    torch.manual_seed(0)
    config = cls.config_class.parse({"resolution": resolution, "condition": condition, **settings})
    return cls(config)


def make_batch(model: GenerativeModel, n: int = 4, progress: float = 0.9) -> Batch:
    condition = Condition.nothing(n, model.config.condition, model.config.resolution)
    condition.attributes[: n // 2] = torch.tensor([9.0, 100.0])[: condition.attributes.shape[1]]
    condition.masks[n // 2 - 1 : -1, :, 2:12, 3:13] = 1
    condition.given[n // 2 - 1 : -1] = True
    x = torch.zeros(n, 1, *model.config.resolution)
    for i in range(n):
        x[i, :, 3 : 10 + i, 4:12, : 6 + i] = 1
    return Batch(x, condition, torch.arange(n) + 7, progress)


@pytest.fixture(params=RECIPES, ids=lambda r: "-".join(r))
def model(request: pytest.FixtureRequest) -> GenerativeModel:
    model = build(*request.param).eval()
    # As in a run whose every player has begun to learn.
    model.prepare(0.9, lambda: [make_batch(model, 8)])
    return model


def seeded(n: int, seed: int) -> torch.Tensor:
    return torch.arange(n) + 1000 * seed


def test_a_seed_decides_the_building(model: GenerativeModel) -> None:
    first = model.sample(seeded(3, 5))
    assert torch.equal(first, model.sample(seeded(3, 5)))
    assert not torch.equal(first, model.sample(seeded(3, 6)))


def test_samples_are_coverage_of_the_asked_shape(model: GenerativeModel) -> None:
    x = model.sample(seeded(2, 0))
    assert x.shape == (2, 1, *model.config.resolution)
    assert float(x.min()) >= 0
    assert float(x.max()) <= 1


def test_a_sample_does_not_depend_on_its_neighbours(model: GenerativeModel) -> None:
    z = model.prior(model.unconditional(4), seeded(4, 1))
    together = model.decode(z, model.unconditional(4))
    alone = model.decode(z[2:3], model.unconditional(1))
    # Steps of a solver amplify by how much convolutions of other batch sizes round differently.
    torch.testing.assert_close(together[2:3], alone, rtol=1e-4, atol=1e-4)


def test_a_sample_is_built_from_a_draw_which_a_family_may_settle(model: GenerativeModel) -> None:
    asked = model.unconditional(2)
    z = model.prior(asked, seeded(2, 1))
    made = model.sample(seeded(2, 1))
    torch.testing.assert_close(model.generate(z, asked), made)
    decoded = model.decode(z, asked)
    if not isinstance(model, AutoencodingModel):
        torch.testing.assert_close(made, decoded)
        return
    for times, wanted in ((0, decoded), (1, model.shared().rebuilt(decoded, asked))):
        tuned = Generator(model, 0.5, {}).tuned([f"settle={times}"]).model
        torch.testing.assert_close(tuned.generate(z, asked), wanted)


def test_decode_is_differentiable(model: GenerativeModel) -> None:
    z = model.prior(model.unconditional(2), seeded(2, 1)).requires_grad_()
    model.decode(z, model.unconditional(2)).sum().backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()
    assert z.grad.abs().sum() > 0


def test_the_loss_is_a_function_of_weights_and_batch(model: GenerativeModel) -> None:
    batch = make_batch(model)
    for player in model.players():
        torch.manual_seed(1)
        first = model.loss(batch, player)
        torch.manual_seed(2)
        again = model.loss(batch, player)
        assert {k: float(v.detach()) for k, v in first.items()} == {
            k: float(v.detach()) for k, v in again.items()
        }


def test_every_parameter_of_a_player_is_trained_by_its_loss(model: GenerativeModel) -> None:
    with torch.no_grad():  # as of a model that has learnt: at first many layers do nothing
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    seen: set[int] = set()
    for player, module in model.players().items():
        parameters = [p for p in module.parameters() if p.requires_grad]
        trained = [False] * len(parameters)
        for progress in (0.1, 0.9):
            loss = sum(model.loss(make_batch(model, progress=progress), player).values())
            if isinstance(loss, Tensor):
                gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
                trained = [
                    known or (g is not None and bool(g.any()))
                    for known, g in zip(trained, gradients, strict=True)
                ]
        if player == "critic":  # only differences of verdicts count: their common constant learns nothing
            parameters, trained = parameters[:-1], trained[:-1]
        missing = [tuple(p.shape) for p, known in zip(parameters, trained, strict=True) if not known]
        assert not missing, f"{player} never trains parameters of shapes {missing}"
        seen.update(id(p) for p in module.parameters())
    assert {id(p) for p in model.parameters()} == seen


def test_a_few_steps_lower_the_loss_of_the_last_player(model: GenerativeModel) -> None:
    batch = make_batch(model, progress=0.0)
    player = list(model.players())[-1]
    optimiser = model.optimiser(player, 2e-3)
    history = []
    for _ in range(12):
        loss = sum(model.loss(batch, player).values())
        assert isinstance(loss, Tensor)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(float(loss.detach()))
    assert history[-1] < history[0]


def test_encoding_has_the_latent_shape(model: GenerativeModel) -> None:
    if not isinstance(model, EncodingModel):
        pytest.skip("this family has no encoder")
    batch = make_batch(model)
    assert model.encode(batch.x, batch.condition).shape[1:] == model.latent_shape
    assert model.reconstruct(batch.x).shape == batch.x.shape


def test_grids_need_not_be_cubes() -> None:
    for name, recipe in RECIPES:
        model = build(name, recipe, (32, 32, 16)).eval()
        assert model.sample(seeded(1, 0)).shape == (1, 1, 32, 32, 16)


def test_noise_belongs_to_its_key_wherever_it_is_drawn() -> None:
    keys = torch.tensor([3, 99, 12])
    assert torch.equal(keyed_noise(keys, (5,))[1:], keyed_noise(keys[1:], (5,)))
    assert not torch.equal(keyed_noise(keys, (5,), stream=0), keyed_noise(keys, (5,), stream=1))


def test_noise_hears_all_bits_of_a_key():
    low, high = keyed_noise(torch.tensor([7, 7 + (1 << 40)]), (5,))
    assert not torch.equal(low, high)


@pytest.mark.parametrize(("name", "recipe"), RECIPES)
def test_a_grid_that_cannot_be_halved_is_refused_in_words(name, recipe) -> None:
    for resolution in ((15, 16, 16), (34, 17, 34)):
        config = family(name, recipe).config_class.parse({"resolution": resolution, "patch": 4})
        with pytest.raises(UsageError, match="cannot be halved"):
            create_model(config, name, recipe)
