"""The thesis recipe: a Wasserstein GAN with gradient penalty, as 3DBuildingGAN trains it (Mueller 2023).

    critic     min E[D(G(z))] - E[D(x)] + lambda E[(|grad D(x_hat)| - 1)^2]      (Gulrajani et al. 2017)
    generator  min -E[D(G(z))]

x_hat lies between a real and a made building; z has 200 numbers. LeakyReLU in both networks, no
normalisation, RMSProp at a fixed 5e-5, one step of the critic for each of the generator, binary reals. It
is the anchor that other recipes are measured against, written from the published description; the thesis
trains it at 160 x 160 x 80. It takes no conditions. Samples come from a moving average of the weights,
as of all families here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .base import Batch, GenerativeModel, ModelConfig
from .condition import Condition


class ThesisConfig(ModelConfig):
    """Settings of the thesis recipe.

    Attributes:
        latent: numbers in z.
        width: channels next to the voxels; they double with each halving of the grid.
        penalty: weight lambda of the gradient penalty.
        learning_rate: of RMSProp, the same for both players and fixed.
    """

    latent: int = 200
    width: int = 32
    penalty: float = 10.0
    learning_rate: float = 5e-5


class ThesisGAN(GenerativeModel[ThesisConfig]):
    """3DBuildingGAN's game on any grid that can be halved."""

    config_class: ClassVar[type[ModelConfig]] = ThesisConfig
    conditional: ClassVar[bool] = False
    tunable: ClassVar[tuple[str, ...]] = ()
    fixed_learning_rate: ClassVar[bool] = True
    clipped: ClassVar[bool] = False

    def __init__(self, config: ThesisConfig) -> None:
        super().__init__(config)
        self.latent_shape = (config.latent,)
        halvings = _halvings(config.resolution)
        if not halvings:
            raise ValueError(
                f"a resolution of {'x'.join(map(str, config.resolution))} cannot be halved: every side must "
                "be even, and 8 at least"
            )
        x, y, z = (n >> halvings for n in config.resolution)
        widths = [config.width * 2**i for i in range(halvings)]
        critic: list[nn.Module] = []
        for a, b in pairwise([1, *widths]):
            critic += [nn.Conv3d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.critic = nn.Sequential(*critic, nn.Flatten(), nn.Linear(widths[-1] * x * y * z, 1))
        ups: list[nn.Module] = [
            nn.Linear(config.latent, widths[-1] * x * y * z),
            nn.LeakyReLU(0.2),
            nn.Unflatten(1, (widths[-1], x, y, z)),
        ]
        for a, b in zip(reversed(widths), [*reversed(widths[:-1]), 1], strict=True):
            ups += [nn.ConvTranspose3d(a, b, 4, stride=2, padding=1)]
            ups += [nn.LeakyReLU(0.2)] if b > 1 else [nn.Sigmoid()]
        self.generator = nn.Sequential(*ups)

    def players(self) -> dict[str, nn.Module]:
        """Critic and generator, in the order of their moves."""
        return {"critic": self.critic, "generator": self.generator}

    def optimiser(self, player: str, learning_rate: float) -> torch.optim.Optimizer:
        """RMSProp at the recipe's own rate, whatever the schedule proposes."""
        del learning_rate
        return torch.optim.RMSprop(self.players()[player].parameters(), lr=self.config.learning_rate)

    def loss(self, batch: Batch, player: str = "model") -> dict[str, Float[Tensor, ""]]:
        """The Wasserstein game's terms."""
        made = self.generator(batch.noise(self.latent_shape, stream=1 if player == "critic" else 2))
        if player == "generator":
            return {"adversarial": -self.critic(made).mean()}
        real = (batch.x > 0.5).to(batch.x.dtype)
        made = made.detach()
        return {
            "wasserstein": self.critic(made).mean() - self.critic(real).mean(),
            "penalty": self.config.penalty * self._penalty(real, made, batch),
        }

    def decode(self, z: Float[Tensor, "b ..."], condition: Condition) -> Float[Tensor, "b 1 x y z"]:
        """Coverage in [0, 1]."""
        del condition
        return self.generator(z)

    def _penalty(
        self, real: Float[Tensor, "b 1 x y z"], made: Float[Tensor, "b 1 x y z"], batch: Batch
    ) -> Float[Tensor, ""]:
        share = torch.special.ndtr(batch.noise((1, 1, 1, 1), stream=3))
        between = torch.lerp(real, made.to(real.dtype), share).float().requires_grad_()
        with torch.autocast(between.device.type, enabled=False):
            (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
            return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def _halvings(resolution: tuple[int, int, int]) -> int:
    """How often the grid can be halved while its shortest side keeps four cells, five at most times."""
    count = 0
    while count < 5 and all((n >> count) % 2 == 0 and (n >> (count + 1)) >= 4 for n in resolution):
        count += 1
    return count
