"""What `voxgen train` is asked: pure settings, from a TOML file, overrides and options, in that order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from voxgen.config import Config, flat, setting
from voxgen.errors import UsageError
from voxgen.training.config import TrainConfig

from .embedded import NAME as EMBEDDED

BUDGET = frozenset({"train.steps", "train.minutes"})


class TrainPlan(Config):
    """The settings of a training.

    Attributes:
        family: vae, gan, flow, diffusion, or `package.module:Class`.
        recipe: which of the family's recipes.
        data: folder of a data set; `massing` is the embedded one.
        finetune: run, model file or `pretrained:MODEL` whose weights it begins with.
        name: of the run; made from family, recipe and data where it is left out.
        attributes: what the model is taught to be asked for; all that the data know where it is left out.
        masks: spatial masks that it is taught to keep to.
        train: budget and settings of training.
        model: settings of the family.
    """

    family: str = "vae"
    recipe: str = "default"
    data: str = EMBEDDED
    finetune: str | None = None
    name: str | None = None
    attributes: tuple[str, ...] | None = None
    masks: tuple[str, ...] = ()
    train: TrainConfig = Field(default_factory=lambda: TrainConfig.parse({}))
    model: dict[str, Any] = Field(default_factory=dict)

    @property
    def run(self) -> str:
        """Name of the run."""
        if self.name:
            return self.name
        parts = [self.family.rpartition(":")[2].lower(), Path(self.data).resolve().name]
        if self.recipe != "default":
            parts.insert(1, self.recipe)
        if self.finetune is not None:
            parts.append("tuned")
        return as_name("-".join(parts))

    def model_settings(self) -> list[str]:
        """The family's settings as `key=value`."""
        return [setting(key, value) for key, value in flat(self.model)]


def as_name(text: str) -> str:
    """Give a text as the name of a run may be."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in text)


def make_plan(config_file: Path | None, given: Mapping[str, Any], overrides: Iterable[str]) -> TrainPlan:
    """Give the plan of a command.

    Args:
        config_file: TOML with keys of `TrainPlan`, or None.
        given: options by dotted key; None where they were left out.
        overrides: `key=value`, which go before all else.

    Raises:
        UsageError: for unknown keys and values that are not allowed.
    """
    values = (TrainPlan.from_toml(config_file) if config_file else TrainPlan()).model_dump()
    asked = {key: value for key, value in given.items() if value is not None}
    settings = [item.strip() for item in overrides]
    set_keys = {item.partition("=")[0].strip() for item in settings}
    if BUDGET & (asked.keys() | set_keys):
        # A budget that is told replaces the one of the file, or the default, whatever its kind. What
        # settings bring later holds a place until then, or the default would fill it.
        values["train"] |= {key.partition(".")[2]: 1 if key in set_keys else None for key in BUDGET}
    for key, value in asked.items():
        section, _, last = key.rpartition(".")
        (values[section] if section else values)[last] = value
    for key in set_keys:
        _make_sections(values["model"], key.split(".")[1:-1] if key.startswith("model.") else [])
    return TrainPlan.parse(values).with_overrides(settings)


def _make_sections(model: dict[str, Any], names: list[str]) -> None:
    for name in names:
        model = model.setdefault(name, {})
        if not isinstance(model, dict):
            raise UsageError(f"model.{name} is a value, not a section")
