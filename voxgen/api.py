"""Training in one call, as the command line does it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from .models.condition import ATTRIBUTES
from .pipeline.store import Dataset
from .training.config import TrainConfig
from .training.create import create_model, model_config
from .training.data import TrainingData
from .training.loop import Step
from .training.loop import train as train_model


def train(
    run: str | Path,
    data: str | Path | TrainingData,
    model: str = "vae",
    config: TrainConfig | None = None,
    *,
    recipe: str = "default",
    settings: Sequence[str] = (),
    attributes: Sequence[str] = ATTRIBUTES,
    masks: Sequence[str] = (),
) -> Generator[Step, None, None]:
    """Train a model on a data set; the same call goes on with a run that was stopped or killed.

    Args:
        run: name of the run (a folder in `runs`, or in $VOXGEN_RUNS), or a path.
        data: a data set or its folder.
        model: the family: vae, gan, or `package.module:Class`.
        config: budget and settings; 10 minutes where None.
        recipe: which of the family's recipes.
        settings: `key=value` for keys of the family's config.
        attributes: what the model is taught to be asked for.
        masks: `footprint` and `envelope`, where it is taught to keep to them.

    Returns:
        An iterator of steps: training goes on as they are taken, and its state is saved when it is closed.

    Raises:
        UsageError: for unknown names, or settings other than those the run was started with.
        DataError: for a data set that cannot be used.
    """
    config = config or TrainConfig()
    opened = Dataset.open(data) if isinstance(data, str | Path) else data
    chosen = model_config(opened, model, recipe, settings, attributes, masks)
    return train_model(run, opened, create_model(chosen, model, recipe, config.seed), config)
