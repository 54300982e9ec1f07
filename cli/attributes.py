"""`voxgen attributes`: a building moved along height, length, roof pitch and others, by its latent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from voxgen.words import csv_text

from . import say
from .exporting import ExportOptions, metadata_of, report, write_buildings
from .inputs import building_given, reading_of
from .options import (
    RunName,
    allow_option,
    device_option,
    dry_run_option,
    export_options,
    json_option,
    read_options,
    seed_option,
    tune_option,
)
from .sample import run_label

if TYPE_CHECKING:
    from voxgen.export import Exported

TABLE = "attributes.csv"

ALONG = ("height", "footprint_length", "pitched_share")
"""Attributes that are moved along where none are named."""

_SHARES = ("pitched_share", "fill_ratio")
"""Attributes that lie in 0 to 1."""

_LEAST = 0.5
"""Of what a building has of another attribute, how much it keeps at least."""


@click.command("attributes", short_help="Move a building along height, length, roof pitch, by its latent.")
@click.argument("run", type=RunName())
@click.argument("building", default="0")
@click.option(
    "--along",
    multiple=True,
    help=f"Attribute to move along; may be repeated.  [default: {', '.join(ALONG)}]",
)
@click.option(
    "-n", "--count", type=click.IntRange(2, 32), default=5, show_default=True, help="Steps of each."
)
@click.option(
    "--reach",
    type=click.FloatRange(0, 10, min_open=True),
    default=1.0,
    show_default=True,
    help="How far to either side, in deviations of the buildings learnt from.",
)
@seed_option
@tune_option
@read_options
@export_options("obj", reads=True)
@device_option
@allow_option
@dry_run_option
@json_option
def command(
    run: str,
    building: str,
    along: tuple[str, ...],
    count: int,
    reach: float,
    seed: int,
    tuning: tuple[str, ...],
    device: str,
    allow: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **export: Any,
) -> None:
    """Move a building along attributes: higher, longer, steeper, the others held as far as they can be.

    BUILDING is the number of a sample of the seed, or a file. Its latent is moved to where the autoencoder
    tells the attribute, by as little as that takes. Writes a building for each value, and attributes.csv with
    what was asked and got.
    """
    from voxgen.training.run import find_model

    reading = reading_of(export)
    options = ExportOptions(**export)
    model, name = find_model(run), run_label(run)
    out = options.folder(f"{name}-attributes")
    chosen = tuple(dict.fromkeys(along)) or ALONG
    if dry_run:
        values = {"model": model, "building": building, "along": list(chosen), "count": count, "reach": reach}
        say.settings({**values, "seed": seed, **vars(options), "out": out}, as_json)
        return
    from dataclasses import replace

    from voxgen.atomic import write_text
    from voxgen.export import distinct, file_name
    from voxgen.generator import load
    from voxgen.geometry.measure import measure_grid

    generator = load(model, device=device, allow=allow).tuned(tuning)
    at = building_given(building, generator, reading)
    start = generator.sample(1, seed, first=at)[0] if isinstance(at, int) else at
    for attribute in chosen:
        generator.changed(start, attribute, [])  # whatever is wrong is said before anything is made
    taught = generator.model.config.condition
    deviations = dict(zip(taught.attributes, taught.scale, strict=True))
    has = measure_grid(start, generator.storey_height)
    stem = f"{name}-s{seed}-{int(building):04d}" if building.isdecimal() else Path(building).stem
    named, marks, taken = [], {}, set[str]()
    for attribute in chosen:
        values = steps(has[attribute], deviations[attribute], count, reach, share=attribute in _SHARES)
        for value, grid in zip(values, generator.changed(start, attribute, values), strict=True):
            label = distinct(file_name(f"{stem}-{attribute}-{len(named) % count:02d}"), taken)
            named.append((label, grid))
            marks[label] = (attribute, value)
    metadata = metadata_of(generator.card, run=name, seed=seed, building=building)
    settings = replace(options.settings(metadata), storey_height=generator.storey_height)
    done = write_buildings(
        named,
        len(named),
        out,
        settings,
        f"{name}: {stem} along {', '.join(chosen)}",
        caption=lambda one: _caption(one, *marks[one.name]),
        columns=count,
    )
    rows: list[dict[str, Any]] = []
    for one in done:
        attribute, value = marks[one.name]
        rows.append({"name": one.name, "along": attribute, "asked": value, **one.measures})
    write_text(out / TABLE, _table(rows, taught.attributes))
    for attribute in chosen:
        told = [(row["asked"], row.get(attribute)) for row in rows if row["along"] == attribute]
        pairs = ", ".join(f"{asked:.3g} ({'empty' if got is None else f'{got:.3g}'})" for asked, got in told)
        say.note(f"{attribute}, asked (got): {pairs}")
    report(done, out, as_json, {"run": name, "seed": seed, "building": building, "steps": rows})


def steps(has: float, deviation: float, count: int, reach: float, share: bool) -> list[float]:
    """Give values of an attribute around the one that a building has, evenly spread over what can be.

    Args:
        has: what it has.
        deviation: of the buildings that the model learnt from.
        count: how many.
        reach: how far to either side, in deviations.
        share: whether it lies in 0 to 1; others stay above half of what it has.
    """
    low, high = (0.0, 1.0) if share else (_LEAST * has, float("inf"))
    first, last = max(has - deviation * reach, low), min(has + deviation * reach, high)
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def _caption(one: Exported, attribute: str, asked: float) -> str:
    return f"{attribute} {one.measures.get(attribute, 0.0):.3g} (asked {asked:.3g})"


def _table(rows: list[dict[str, Any]], names: tuple[str, ...]) -> str:
    lines = [["name", "along", "asked", *names]]
    for row in rows:
        got = [f"{row[name]:.4g}" if name in row else "" for name in names]
        lines.append([row["name"], row["along"], f"{row['asked']:.4g}", *got])
    return csv_text(lines)
