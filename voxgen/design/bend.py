"""A latent bent towards a site and its wants: gradient descent through any family's `decode`.

What is minimised is what `fit` measures, as far as it has a gradient, over coverage as it is set on the site:

    sum of w huber((m(y) - v) / (tolerance v))  +  (10 (outside + missing))^2  +  |z - z_0|^2 / var(z_0) / dim

for height, areas and volume. y is the building under its pose and within the room; z_0 the latent that was
drawn, whose neighbourhood is where the model knows buildings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..models.base import GenerativeModel
from ..models.condition import Condition
from .goal import Goal
from .pose import Pose

STEPS = 16
_RATE = 0.08
"""Of Adam, in deviations of the latent."""


def bend(
    model: GenerativeModel[Any],
    z: Float[Tensor, "n ..."],
    condition: Condition,
    poses: Sequence[Pose],
    goal: Goal,
    steps: int = STEPS,
) -> Float[Tensor, "n ..."]:
    """Give latents whose buildings, posed as they are, come closer to what is wanted.

    Args:
        model: whose latents they are.
        z: drawn latents.
        condition: what was asked of each.
        poses: of each building.
        goal: what they are to be on their site.
        steps: of gradient descent.
    """
    size, room = model.config.resolution, goal.room
    device = next(model.parameters()).device
    z, condition = z.to(device), condition.to(device)
    matrices = [[m.to(device) for m in _matrices(pose, size, room.lay.resolution)] for pose in poses]
    allowed, keep = (torch.from_numpy(part).float().to(device) for part in (room.allowed, room.keep))
    # Each in deviations of its own, so that a building is the same whatever others are bent beside it.
    deviation = z.flatten(1).std(dim=1).clamp_min(1e-3).reshape(-1, *[1] * (z.dim() - 1))
    moved = torch.zeros_like(z, requires_grad=True)
    optimiser = torch.optim.Adam([moved], lr=_RATE)
    for _ in range(steps):
        with torch.enable_grad():
            x = model.decode(z + deviation * moved, condition)[:, 0]
            loss = moved.square().flatten(1).mean(dim=1).sum()
            for building, pose, along in zip(x, poses, matrices, strict=True):
                y = _placed(building, pose, along)
                loss = loss + _misfit(y, allowed, keep, goal)
        (moved.grad,) = torch.autograd.grad(loss, moved)
        optimiser.step()
    return (z + deviation * moved.detach()).cpu()


def _matrices(
    pose: Pose, size: tuple[int, int, int], room: tuple[int, int, int]
) -> list[Float[Tensor, "_ _"]]:
    turned = (size[1], size[0], size[2]) if pose.symmetry & 4 else size
    return [torch.from_numpy(matrix).float() for matrix in pose.matrices(turned, room)]


def _placed(
    x: Float[Tensor, "x y z"], pose: Pose, along: Sequence[Float[Tensor, "_ _"]]
) -> Float[Tensor, "i j k"]:
    """As `Pose.place`."""
    flipped = [axis for axis in (0, 1) if pose.symmetry >> axis & 1]
    turned = x.flip(flipped) if flipped else x
    turned = turned.transpose(0, 1) if pose.symmetry & 4 else turned
    in_z = turned @ along[2].T
    return torch.einsum("ia,abk->ibk", along[0], torch.einsum("jb,abk->ajk", along[1], in_z))


def _misfit(
    y: Float[Tensor, "x y z"],
    allowed: Float[Tensor, "x y z"],
    keep: Float[Tensor, "x y z"],
    goal: Goal,
) -> Float[Tensor, ""]:
    filled = y.sum().clamp_min(1.0)
    inside = torch.minimum(y, allowed)
    wrong = ((y - inside).sum() + torch.relu(keep - y).sum()) / filled
    total = (10 * wrong).square()
    got = _measures(torch.maximum(inside, keep), goal.room.lay.pitch, goal.storey_height)
    for name, value in goal.wanted.items():
        if name in got:
            target = goal.targets[name]
            missed = (got[name] - value) / (target.tolerance * value)
            # A far one pulls no harder than a near one: all would follow it.
            total = total + target.weight * torch.nn.functional.huber_loss(missed, torch.zeros_like(missed))
    return total


def _measures(y: Float[Tensor, "x y z"], pitch: float, storey_height: float) -> dict[str, Float[Tensor, ""]]:
    """Smooth forms of `geometry.measure.measure_plans`."""
    levels = np.arange(storey_height / 2, y.shape[2] * pitch, storey_height)
    layers = torch.from_numpy(np.floor(levels / pitch).astype(np.int64))
    return {
        "height": y.flatten(0, 1).amax(dim=0).sum() * pitch,
        "footprint_area": y.amax(dim=2).sum() * pitch**2,
        "gross_floor_area": y[:, :, layers].sum() * pitch**2,
        "volume": y.sum() * pitch**3,
    }
