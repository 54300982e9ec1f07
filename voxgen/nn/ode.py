"""Solvers of the flow from noise to data, along x_t = (1 - t) x_0 + t noise.

A field is what a network knows: the velocity noise - x_0 that it expects at (x_t, t), with t = 1 for noise
and 0 for data (Lipman et al. 2023). A solver gives the points of a path one by one, the first and the last
included. All are deterministic and differentiable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

Field = Callable[[Float[Tensor, "b d"], float], Float[Tensor, "b d"]]
"""Velocity at a point and a time."""


def euler(field: Field, x: Float[Tensor, "b d"], times: list[float]) -> Iterator[Float[Tensor, "b d"]]:
    """One evaluation a step; first order."""
    yield x
    for now, then in pairwise(times):
        x = x + (then - now) * field(x, now)
        yield x


def heun(field: Field, x: Float[Tensor, "b d"], times: list[float]) -> Iterator[Float[Tensor, "b d"]]:
    """Two evaluations a step; second order (Karras et al. 2022)."""
    yield x
    for now, then in pairwise(times):
        slope = field(x, now)
        ahead = x + (then - now) * slope
        x = x + (then - now) * (slope + field(ahead, then)) / 2
        yield x


def multistep(field: Field, x: Float[Tensor, "b d"], times: list[float]) -> Iterator[Float[Tensor, "b d"]]:
    """One evaluation a step; second order by remembering the last (Adams and Bashforth).

    The solver that suits straight paths: where they are straight, it takes them in one step, as DPM-Solver++
    (Lu et al. 2022) takes what decays exponentially. Steps are of equal length.
    """
    yield x
    last: Tensor | None = None
    for now, then in pairwise(times):
        slope = field(x, now)
        x = x + (then - now) * (slope if last is None else 1.5 * slope - 0.5 * last)
        last = slope
        yield x


SOLVERS = {"euler": euler, "heun": heun, "multistep": multistep}


def end(path: Iterable[Float[Tensor, "b d"]]) -> Float[Tensor, "b d"]:
    """The last point of a path."""
    *_, last = path
    return last


def steps_to_data(count: int) -> list[float]:
    """Times from noise, 1, to data, 0."""
    return [float(t) for t in torch.linspace(1, 0, count + 1)]
