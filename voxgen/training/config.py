"""Settings of a run, and the schedule that follows its budget."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from ..config import Config
from ..words import counted

DEFAULT_MINUTES = 10.0
"""The budget of a run where none is given."""


class TrainConfig(Config):
    """How a model is trained.

    A budget is a number of steps, of minutes, or both: then the first that is used up ends the run. Only a
    budget of steps alone makes a run that gives the same weights each time.

    Attributes:
        steps: budget in steps, in each of which every player moves once.
        minutes: budget in minutes of training, over all sessions; 10 where neither is given.
        batch_size: samples a step, over all devices.
        learning_rate: at the peak of the schedule.
        warm_up: share of the budget in which the learning rate rises.
        clip: largest norm of a player's gradient; longer ones are shortened to it, 0 leaves them.
        ema: decay of the moving average of the weights, which is what a run gives.
        seed: decides first weights, order, symmetries, dropout and noise.
        precision: bf16-mixed where the device is fast in it and 32 elsewhere, if auto.
        accelerator: cpu, cuda (a GPU), mps (Apple), or the best there is; `--device` of the commands.
        devices: processes that share each batch.
        threads: CPU threads a process; the physical cores, shared by the processes, where None.
        reports: how often over the budget the run is validated, looked at and published.
        samples: buildings on each sheet of samples.
        validation: most validation buildings that are looked at in a report.
        fit: most samples that the prior is fitted to in a report; the last one takes four times as many.
        log_every: steps a row of metrics.csv.
        save_seconds: how often the resumable state is written; what a kill may cost.
        tensorboard: also write event files.
    """

    steps: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    warm_up: float = Field(default=0.03, ge=0, lt=1)
    clip: float = Field(default=1.0, ge=0)
    ema: float = Field(default=0.999, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    precision: Literal["auto", "32", "bf16-mixed"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = Field(default=1, ge=1)
    threads: int | None = Field(default=None, ge=1)
    reports: int = Field(default=20, ge=1)
    samples: int = Field(default=16, ge=1)
    validation: int = Field(default=256, ge=1)
    fit: int = Field(default=2048, ge=1)
    log_every: int = Field(default=10, ge=1)
    save_seconds: float = Field(default=60.0, ge=0)
    tensorboard: bool = False

    @model_validator(mode="before")
    @classmethod
    def _has_a_budget(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("steps") is None and values.get("minutes") is None:
            return {**values, "minutes": DEFAULT_MINUTES}
        return values

    def progress(self, step: int, seconds: float) -> float:
        """Share of the budget used, in [0, 1], after some steps and seconds of training."""
        by_steps = 0.0 if self.steps is None else step / self.steps
        by_time = 0.0 if self.minutes is None else seconds / (60 * self.minutes)
        return min(1.0, max(by_steps, by_time))

    def budget(self) -> str:
        """The budget in words."""
        parts = [] if self.steps is None else [counted(self.steps, "step")]
        parts += [] if self.minutes is None else [f"{self.minutes:g} minute{'s' * (self.minutes != 1)}"]
        return " or ".join(parts)


UNBOUND = frozenset(
    {
        *("steps", "minutes", "accelerator", "devices", "threads", "reports", "samples", "validation", "fit"),
        *("log_every", "save_seconds", "tensorboard"),
    }
)
"""Settings that may change when a run goes on: they decide how long, where and how closely watched."""


def learning_rate_factor(progress: float, warm_up: float) -> float:
    """Linear warm-up, then a cosine's descent (Loshchilov and Hutter 2017), never quite to zero."""
    if progress < warm_up:
        return 0.01 + 0.99 * progress / warm_up
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
