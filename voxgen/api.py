"""Training in one call, as the command line does it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from .errors import UsageError
from .generator import load
from .models.condition import ATTRIBUTES
from .pipeline.store import Dataset
from .training.config import TrainConfig
from .training.create import continued_config, create_model, model_config
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
    attributes: Sequence[str] | None = None,
    masks: Sequence[str] | None = None,
    finetune: str | Path | None = None,
) -> Generator[Step, None, None]:
    """Train a model on a data set; the same call goes on with a run that was stopped or killed.

    Args:
        run: name of the run (a folder in `runs`, or in $VOXGEN_RUNS), or a path.
        data: a data set or its folder.
        model: the family: vae, gan, or `package.module:Class`.
        config: budget and settings; 10 minutes where None.
        recipe: which of the family's recipes.
        settings: `key=value` for keys of the family's config.
        attributes: what the model is taught to be asked for; `ATTRIBUTES` where None.
        masks: `footprint` and `envelope`, where it is taught to keep to them; none where None.
        finetune: a trained model to begin from, as `voxgen.load` takes it: of the same family, or of one that
            shares the autoencoder. What it can be asked for, and the settings of its networks, are as there.

    Returns:
        An iterator of steps: training goes on as they are taken, and its state is saved when it is closed.

    Raises:
        UsageError: for unknown names, or settings other than those the run was started with.
        DataError: for a data set that cannot be used.
    """
    config = config or TrainConfig()
    opened = Dataset.open(data) if isinstance(data, str | Path) else data
    if finetune is None:
        known = ATTRIBUTES if attributes is None else attributes
        chosen = model_config(opened, model, recipe, settings, known, masks or ())
        return train_model(run, opened, create_model(chosen, model, recipe, config.seed), config)
    start = load(finetune)
    start.check_size(opened.resolution, opened.pitch)
    condition = start.model.config.condition
    for given, there, what in (
        (masks, condition.masks, "masks"),
        (attributes, condition.attributes, "attributes"),
    ):
        if given is not None and set(given) != set(there):
            told = ", ".join(there) or "none"
            raise UsageError(
                f"a run that begins from {finetune} is taught the {what} that are known there ({told}); "
                f"leave them out, or give those"
            )
    chosen = continued_config(start.model, model, recipe, settings)
    made = create_model(chosen, model, recipe, config.seed, start.model)
    return train_model(run, opened, made, config, (str(finetune), start.card))
