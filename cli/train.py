"""`voxgen train`: a data set and a name in, a run folder out; the same command goes on with a stopped run."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.pretrained import SHIPPED
from voxgen.words import counted

from . import say
from .options import config_options, dry_run_option, json_option, training_device_option
from .progress import Bar

if TYPE_CHECKING:
    from voxgen.pipeline.store import Dataset
    from voxgen.training.loop import Step
    from voxgen.training.state import Position

    from .plan import TrainPlan

SILENCE = 60.0
"""Seconds off a terminal after which a line says that training is under way."""

SHOWN = ("validation/iou", "health/nearest", "health/fill")


@click.command("train", short_help="Train a model; the same command goes on with a stopped run.")
@click.option("--model", "family", help="vae, gan, flow, diffusion, or package.module:Class.  [default: vae]")
@click.option("--recipe", help="A variant of the model, such as thesis for gan.")
@click.option(
    "--space",
    type=click.Choice(("latent", "voxel")),
    help="Where a flow or diffusion works: over an autoencoder's latents (default), or over voxels.",
)
@click.option("--data", help="Folder of a data set; the embedded buildings if left out.")
@click.option(
    "--finetune",
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Begin with the weights of a run; of the one that comes with voxgen if none is named.",
)
@click.option("--name", help="Name of the run; made from model and data if left out.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Budget of time.  [default: 10]")
@click.option("--steps", type=click.IntRange(1), help="Budget of steps.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Decides all chance.  [default: 0]")
@click.option("--batch-size", type=click.IntRange(1), help="Samples a step.")
@training_device_option
@click.option("--masks", help="Spatial masks to learn, with commas: footprint, envelope.")
@config_options
@dry_run_option
@json_option
def command(
    family: str | None,
    recipe: str | None,
    space: str | None,
    data: str | None,
    finetune: str | None,
    name: str | None,
    minutes: float | None,
    steps: int | None,
    seed: int | None,
    batch_size: int | None,
    device: str | None,
    masks: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train a model on a data set, for some minutes or steps.

    Without --data it trains on the embedded procedural buildings. Settings of the loop are `train.KEY`, of
    the model `model.KEY`: --set train.learning_rate=5e-4 --set model.width=96. Ctrl-C saves; the same
    command goes on.
    """
    from voxgen.models import recipe_in

    from .embedded import open_data
    from .plan import make_plan

    if space is not None:
        if recipe is not None:
            raise click.UsageError("--recipe and --space both choose a variant of the model; give one")
        recipe = recipe_in(family or "vae", space)
    given = {
        "family": family,
        "recipe": recipe,
        "data": data,
        "finetune": f"{SHIPPED}{family or 'vae'}" if finetune == "" else finetune,
        "name": name,
        "masks": None if masks is None else tuple(part.strip() for part in masks.split(",") if part.strip()),
        "train.minutes": minutes,
        "train.steps": steps,
        "train.seed": seed,
        "train.batch_size": batch_size,
        "train.accelerator": device,
    }
    plan = make_plan(config_file, given, overrides)
    check_model(plan)
    if dry_run:
        check_data(plan.data)
        values = {**plan.model_dump(mode="json"), "name": plan.run}
        say.result(values, plan.model_copy(update={"name": plan.run}).to_json(), as_json)
        return
    with Bar() as bar:
        found = open_data(plan.data, bar)
        last = train_aloud(plan, found, bar)
    _report(plan, last, as_json)


def check_model(plan: TrainPlan) -> None:
    """Refuse an unknown model or setting before anything is built or loaded."""
    from voxgen.models import family
    from voxgen.training.run import find_model

    family(plan.family, plan.recipe).config_class().with_overrides(plan.model_settings())
    if plan.finetune is not None:
        find_model(plan.finetune)


def check_data(source: str) -> None:
    """Refuse a data set that is not there or damaged; the embedded one is built when it is wanted."""
    from voxgen.pipeline.store import Dataset

    from .embedded import is_embedded

    if not is_embedded(source):
        Dataset.open(source)


def train_aloud(plan: TrainPlan, data: Dataset, bar: Bar) -> Step:
    """Train as planned and tell how it goes; what is refused is refused before anything is said."""
    taken = train_steps(plan, data)
    say.note(opening(plan, data))
    return follow(taken, plan, bar)


def opening(plan: TrainPlan, data: Dataset) -> str:
    """Say what is about to be trained."""
    from voxgen.training.data import training_rows

    kind = plan.family if plan.recipe == "default" else f"{plan.family} ({plan.recipe})"
    copies = len(data.copies())
    return (
        f"training {kind} on {counted(len(training_rows(data)), 'building')} of {data.path.name} "
        + (f"and {copies:,} stretched copies " if copies else "")
        + f"({say.times(data.resolution)} voxels of {data.pitch:g} m) for {plan.train.budget()}, "
        + (f"beginning from {plan.finetune}, " if plan.finetune else "")
        + f"as run {plan.run!r}; Ctrl-C saves, the same command goes on"
    )


def train_steps(plan: TrainPlan, data: Dataset) -> Generator[Step, None, None]:
    """Train as planned, or go on: training moves as steps are taken."""
    from voxgen.api import train
    from voxgen.models.condition import ASKABLE

    attributes, masks = plan.attributes, plan.masks
    if plan.finetune is None:
        known = tuple(name for name in ASKABLE if name in data.attribute_names)
        attributes = known if attributes is None else attributes
    else:
        masks = masks or None
    return train(
        plan.run,
        data,
        plan.family,
        plan.train,
        recipe=plan.recipe,
        settings=plan.model_settings(),
        attributes=attributes,
        masks=masks,
        finetune=plan.finetune,
    )


def follow(taken: Generator[Step, None, None], plan: TrainPlan, bar: Bar) -> Step:
    """Take all steps and tell how they go: a bar on a terminal, a line for each report and minute off it."""
    resumed = _where_it_goes_on(plan)
    if resumed is not None:
        bar.note(resumed)
    last = None
    spoken = time.monotonic()
    try:
        for step in taken:
            last = step
            for text in step.notes:
                bar.note(text)
            for text in step.warnings:
                bar.clear()
                say.warn(text)
            silent = not bar.on_terminal and time.monotonic() - spoken >= SILENCE
            if step.measured or silent:
                bar.note(_line(step))
                spoken = time.monotonic()
            bar.show(step.progress, f"step {step.step:,}  {_losses(step)}")
    except KeyboardInterrupt:
        # What is saved is saved when the steps are closed, wherever the interrupt struck.
        taken.close()
        raise KeyboardInterrupt(_where_it_stopped(plan.run)) from None
    from voxgen.errors import VoxgenError

    if last is None:
        raise VoxgenError(f"the run {plan.run!r} took no step; give more minutes or steps")
    return last


def _where_it_goes_on(plan: TrainPlan) -> str | None:
    """Say where a stopped run goes on; None for a run that is new or has used up its budget."""
    position = _position(plan.run)
    if position is None or plan.train.progress(position.step, position.seconds) >= 1:
        return None
    return f"goes on from step {position.step:,}, after {position.seconds / 60:.1f} minutes"


def _where_it_stopped(name: str) -> str:
    position = _position(name)
    if position is None:
        return "stopped before the first step, so nothing is kept; the same command begins again"
    return f"stopped at step {position.step:,}, and saved; the same command goes on"


def _position(name: str) -> Position | None:
    """How far a run's state is; None where there is none."""
    from voxgen.training.run import Run, run_path
    from voxgen.training.state import read_position

    state = Run(run_path(name)).state
    return read_position(state) if state.exists() else None


def _line(step: Step) -> str:
    measured = [f"{key.partition('/')[2]} {step.measured[key]:.3g}" for key in SHOWN if key in step.measured]
    pace = f"{step.samples_per_second:.0f} samples/s" if step.samples_per_second else ""
    parts = [f"{step.progress:4.0%}", f"step {step.step:,}", f"{step.seconds / 60:.1f} min"]
    return "  ".join([*parts, _losses(step), *measured, pace]).rstrip()


def _losses(step: Step) -> str:
    return "  ".join(f"{key.partition('/')[2]} {value:.3g}" for key, value in list(step.losses.items())[:4])


def _report(plan: TrainPlan, last: Step, as_json: bool) -> None:
    from voxgen.training.run import Run, run_path

    run = Run(run_path(plan.run))
    values: dict[str, Any] = {
        "run": plan.run,
        "path": run.path,
        "model": run.model,
        "step": last.step,
        "seconds": last.seconds,
        "finished": last.finished,
        "losses": last.losses,
        "measured": last.measured,
        "sheet": last.sheet,
    }
    sheet = f"; samples in {last.sheet}" if last.sheet else ""
    took = f"{counted(last.step, 'step')} in {last.seconds / 60:.1f} minutes of training"
    text = f"{plan.run}: {took}, in {run.path}{sheet}"
    say.result(values, text, as_json)
    say.hint(f"voxgen sample {plan.run} -n 16 -o {plan.run}-buildings")
