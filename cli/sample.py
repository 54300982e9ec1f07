"""`voxgen sample`: a trained run in, new buildings out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.pretrained import SHIPPED
from voxgen.words import counted

from . import say
from .briefing import brief_options, briefing_of
from .certifying import TRIED, OriginalityOptions, enough_new, originality_options, seen, write_certificates
from .exporting import ExportOptions, metadata_of, report, surface_of, write_buildings
from .options import (
    RunName,
    allow_option,
    ask_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    seed_option,
    tune_option,
)

if TYPE_CHECKING:
    from voxgen.design.brief import Brief
    from voxgen.generator import Generator
    from voxgen.geometry.grid import VoxelGrid

PART = 16
"""Buildings made at once, so that the first files are there soon and memory stays bounded."""

_FAR = 4.0
"""Deviations from the mean of the training buildings at which an ask is too far for a likely answer."""


@click.command("sample", short_help="Make new buildings: OBJ, STL, PLY, GLB and a contact sheet.")
@click.argument("run", type=RunName(), required=False)
@click.option("--pretrained", metavar="MODEL", help="A model that comes with voxgen, in the place of RUN.")
@click.option("-n", "--count", type=click.IntRange(1), default=16, show_default=True, help="Buildings.")
@ask_option
@brief_options
@originality_options
@seed_option
@tune_option
@click.option("--trajectory", is_flag=True, help="Also show the first one's way from noise (diffusion).")
@export_options("obj,stl")
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str | None,
    pretrained: str | None,
    count: int,
    ask: dict[str, float],
    seed: int,
    tuning: tuple[str, ...],
    trajectory: bool,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Make new buildings with a trained model: files in metres, Z up, on the ground, with a contact sheet.

    The same seed gives the same buildings; more of them begin with the same ones.

    With --brief, or --plot and what is wanted there, they are made for that site: ranked, each with what was
    asked and got, in the plot's coordinates with the ground at z = 0.
    """
    if (run is None) == (pretrained is None):
        raise click.UsageError("name a RUN or a model that comes with voxgen (--pretrained), one of both")
    briefing, export = briefing_of(export)
    originality = OriginalityOptions.taken(export)
    options = ExportOptions(**export)
    brief = briefing.read(options.crs)
    if brief is not None:
        if trajectory:
            raise click.UsageError("--trajectory shows a building as it is drawn, before it is set on a site")
        run = run or f"{SHIPPED}{pretrained}"
        _for_a_brief(
            run, brief, count, ask, seed, device, allow, dry_run, as_json, options, tuning, originality
        )
        return
    make(
        run or f"{SHIPPED}{pretrained}",
        count,
        ask,
        seed,
        device,
        allow,
        dry_run,
        as_json,
        options,
        tuning,
        trajectory,
        originality,
    )


def make(
    run: str,
    count: int,
    ask: dict[str, float],
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    options: ExportOptions,
    tuning: Sequence[str] = (),
    trajectory: bool = False,
    originality: OriginalityOptions | None = None,
) -> None:
    """Sample a run and write what it makes."""
    name = run_label(run)
    out = options.folder(f"{name}-buildings")
    if dry_run:
        from voxgen.training.run import find_model

        values = {"model": find_model(run), "count": count, "seed": seed, "ask": ask}
        values |= {"set": list(tuning), "trajectory": trajectory, **vars(options)}
        values |= {} if originality is None else {"originality": vars(originality)}
        values["out"] = out
        say.settings(values, as_json)
        return
    from voxgen.export import mend, polyhedron_of
    from voxgen.generator import load
    from voxgen.training.run import find_model

    generator = load(run, device=device, allow=allow).tuned(tuning)
    known = None if originality is None else originality.look(find_model(run), generator)
    generator.condition(ask)
    say_if_young(generator, name)
    _say_if_far(generator, ask)
    steps = generator.trajectory(seed, attributes=ask) if trajectory else []
    settings = options.settings(metadata_of(generator.card, run=name, seed=seed))
    if known is None or originality is None or not originality.least:
        buildings = sampled(generator, name, count, seed, ask)
    else:
        buildings = enough_new(
            sampled(generator, name, TRIED * count, seed, ask),
            count,
            known,
            originality.least,
            lambda grid: polyhedron_of(mend(grid)[0] if options.mend else grid, options.surface).to_mesh(),
        )
    done = write_buildings(
        buildings,
        count,
        out,
        settings,
        f"{name}: {counted(count, 'building')}, seed {seed}",
    )
    values: dict[str, Any] = {"run": name, "seed": seed, "asked": ask, "set": list(tuning)}
    if known is not None:
        written = [(one.name, seen(surface_of(one, options.surface), known)) for one in done if one.files]
        chosen = originality is not None and originality.least > 0
        title = f"{name}, and what it learnt from"
        values["originality"] = write_certificates(written, known, out, title, chosen=chosen)
    if steps:
        values["trajectory"] = _show(steps, out, name)
    report(done, out, as_json, values)
    words = ["voxgen", "sample", run, "-n", str(count), "--seed", str(seed + 1)]
    words += [word for name, value in ask.items() for word in ("--ask", f"{name}={value!r}")]
    words += [word for item in tuning for word in ("--set", item)]
    words += [word for item in allow for word in ("--allow", item)]
    words += [] if originality is None else originality.words()
    say.hint(shlex.join([*words, "-o", f"{out}-{seed + 1}"]))


def _for_a_brief(
    run: str,
    brief: Brief,
    count: int,
    ask: dict[str, float],
    seed: int,
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    options: ExportOptions,
    tuning: Sequence[str],
    originality: OriginalityOptions,
) -> None:
    from voxgen.errors import UsageError

    from .designing import design, model_of, ready

    if ask:
        raise UsageError("--ask beside a brief; say what is wanted as targets of the brief")
    ready(options)
    name = run_label(run)
    out = options.folder(f"{name}-designs")
    made = {"model": model_of(run), "brief_hash": brief.hash, "settings": list(tuning)}
    made["brief"] = brief.model_dump(mode="json", exclude_none=True)
    if dry_run:
        values = {**made, "count": count, "seed": seed, "out": out, "originality": vars(originality)}
        say.settings(values, as_json)
        return
    from voxgen.design.search import Designer
    from voxgen.generator import load
    from voxgen.training.run import find_model

    generator = load(run, device=device, allow=allow).tuned(tuning)
    say_if_young(generator, name)
    known = originality.look(find_model(run), generator)
    designer = Designer.of(generator, brief)
    design(designer, name, count, seed, options, out, as_json, made, known, originality.least)


def say_if_young(generator: Generator, name: str) -> None:
    """Say that a model is not finished, where it is not."""
    training = generator.card.get("training")
    if isinstance(training, dict) and not training.get("finished", True):
        say.note(
            f"{name} has learnt for {counted(training['step'], 'step')} and is not finished; "
            "the command that trained it goes on"
        )


def _say_if_far(generator: Generator, ask: dict[str, float]) -> None:
    known = generator.model.config.condition
    for name, center, scale in zip(known.attributes, known.center, known.scale, strict=True):
        if name in ask and abs(ask[name] - center) > _FAR * scale:
            say.warn(
                f"{name} = {ask[name]:g} is far from what it learnt from ({center:.3g} +- {scale:.2g}): "
                "what it makes is not as asked, and may be torn"
            )


def _show(steps: Sequence[VoxelGrid], out: Path, name: str) -> list[Path]:
    """Leave a sheet and an animated picture of a way from noise to a building."""
    from voxgen.pictures import building_sheet, paint, save_gif, save_png

    sheet, moving = out / "trajectory.png", out / "trajectory.gif"
    captions = [f"{n} of {len(steps) - 1}" for n in range(len(steps))]
    save_png(building_sheet(steps, captions, title=f"{name}: from noise to a building"), sheet)
    save_gif([paint(grid) for grid in steps], moving)
    say.note(f"its way from noise is in {sheet} and {moving}")
    return [sheet, moving]


def sampled(
    generator: Generator, name: str, count: int, seed: int, ask: dict[str, float]
) -> Iterator[tuple[str, VoxelGrid]]:
    """Give the buildings of a seed with their names, made in parts."""
    for first in range(0, count, PART):
        part = generator.sample(min(PART, count - first), seed, first=first, attributes=ask)
        yield from ((f"{name}-s{seed}-{first + i:04d}", grid) for i, grid in enumerate(part))


def run_label(run: str) -> str:
    """The name of a run that was given by name, folder or model file."""
    if run.startswith(SHIPPED):
        return run.replace(":", "-")
    path = Path(run)
    return path.resolve().parent.name if path.suffix == ".safetensors" else path.name or path.resolve().name
