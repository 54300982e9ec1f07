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

Field = Callable[..., Tensor]
"""(x, t, step=0.0) -> velocity at a point and a time; of a step with a length, its mean over that step."""


def euler(field: Field, x: Float[Tensor, " b *d"], times: list[float]) -> Iterator[Float[Tensor, " b *d"]]:
    """One evaluation a step; first order."""
    yield x
    for now, then in pairwise(times):
        x = x + (then - now) * field(x, now)
        yield x


def heun(field: Field, x: Float[Tensor, " b *d"], times: list[float]) -> Iterator[Float[Tensor, " b *d"]]:
    """Two evaluations a step, second order; one for a step that ends in data (Karras et al. 2022).

    A field that is known by the clean x_0 leads there at once, and says nothing at data itself.
    """
    yield x
    for now, then in pairwise(times):
        slope = field(x, now)
        if then > 0:
            slope = (slope + field(x + (then - now) * slope, then)) / 2
        x = x + (then - now) * slope
        yield x


def multistep(
    field: Field, x: Float[Tensor, " b *d"], times: list[float]
) -> Iterator[Float[Tensor, " b *d"]]:
    """One evaluation a step; second order by remembering the last (Adams and Bashforth), on any times.

    The solver that suits straight paths: where they are straight, it takes them in one step, as DPM-Solver++
    (Lu et al. 2022) takes what decays exponentially. A step that ends in data is of first order.
    """
    yield x
    last, before = None, 0.0
    for now, then in pairwise(times):
        slope = field(x, now)
        step = then - now
        ahead = slope if last is None or then == 0 else slope + step / (2 * before) * (slope - last)
        x = x + step * ahead
        last, before = slope, step
        yield x


def shortcut(field: Field, x: Float[Tensor, " b *d"], times: list[float]) -> Iterator[Float[Tensor, " b *d"]]:
    """One evaluation a step, of the mean velocity over it, for fields that know it (Frans et al. 2025)."""
    yield x
    for now, then in pairwise(times):
        x = x + (then - now) * field(x, now, now - then)
        yield x


SOLVERS = {"euler": euler, "heun": heun, "multistep": multistep, "shortcut": shortcut}


def end(path: Iterable[Float[Tensor, " b *d"]]) -> Float[Tensor, " b *d"]:
    """The last point of a path."""
    *_, last = path
    return last


def steps_to_data(count: int) -> list[float]:
    """Times from noise, 1, to data, 0."""
    return [float(t) for t in torch.linspace(1, 0, count + 1)]
