"""`voxgen brief`: what a plot or a brief says, before anything is designed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from . import say
from .briefing import brief_options, briefing_of
from .options import json_option

if TYPE_CHECKING:
    from voxgen.design.brief import Brief
    from voxgen.design.plot import Plot

_REACH = 32.0
"""Metres that buildings are tall at most where a brief has no limit: those of the models of voxgen."""


@click.command(
    "brief", short_help="Check a plot or a brief: edges with numbers, what fits, what contradicts."
)
@click.argument("source", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON schema of briefs.")
@brief_options
@json_option
def command(source: str | None, schema: bool, as_json: bool, **values: Any) -> None:
    """Say what a brief (TOML) or a plot (GeoJSON, DXF, CityJSON, OBJ, WKT) holds, and refuse what cannot be.

    Edges have the numbers that setbacks and planes go by. Options are those of voxgen sample.
    """
    if schema:
        from voxgen.design.brief import Brief

        say.result(Brief.model_json_schema(), "", True)
        return
    if source is not None:
        values["brief" if Path(source).suffix.lower() == ".toml" else "plot"] = source
    if values["brief"] is not None:
        values["brief"] = Path(values["brief"])
    brief = briefing_of(values)[0].read(None)
    if brief is None:
        raise click.UsageError("name a brief or a plot, or --schema")
    told, lines = _told(brief)
    say.result(told, "\n".join(lines), as_json)


def _told(brief: Brief) -> tuple[dict[str, Any], list[str]]:
    from voxgen.design.agree import in_full, refuse_contradictions
    from voxgen.design.site import sections, site_of

    site = site_of(brief.site, _REACH)
    refuse_contradictions(brief.targets, site)
    storey = brief.targets.storey_height
    most = {
        "plan": site.envelope.project().area(),
        "height": site.top,
        "volume": site.envelope.volume(),
        "floor_area": float(sections(site.envelope, storey).sum()),
    }
    wanted = in_full(brief.targets, site)
    notes = list(site.notes)
    x0, y0, _, x1, y1, _ = site.envelope.bounding_box()
    if max(x1 - x0, y1 - y0) > _REACH:
        notes.append(
            f"models build within their grid, those that come with voxgen {_REACH:g} x {_REACH:g} m: in a "
            "part of this plot"
        )
    edges = _edges(site.plot)
    rows = [["edge", "length, m", "faces"]] + [
        [str(edge["number"]), f"{edge['length']:.2f}", edge["faces"]] for edge in edges
    ]
    lines = [
        f"plot of {site.plot.polygon.area:.1f} m2, offset {' '.join(f'{v:g}' for v in site.offset)}",
        say.table(rows),
        f"may be built: {most['plan']:.1f} m2 of plan, {most['height']:.2f} m high, {most['volume']:.0f} m3, "
        f"{most['floor_area']:.0f} m2 of floors {storey:g} m high",
        *(f"wanted: {name} = {value:.4g}" for name, value in wanted.items()),
        *([f"wanted: roof = {brief.targets.roof}"] if brief.targets.roof else []),
        *(f"note: {note}" for note in notes),
    ]
    values = {
        "area": site.plot.polygon.area,
        "offset": list(site.offset),
        "edges": edges,
        "may_be_built": most,
        "wanted": wanted,
        "notes": notes,
    }
    return values, lines


def _edges(plot: Plot) -> list[dict[str, Any]]:
    """Each edge in the file's order, with its length and the side of the world that it faces."""
    found = []
    for number in range(len(plot.edges)):
        (ax, ay), (bx, by) = plot.edges[plot.edge(number)].tolist()
        outward = math.degrees(math.atan2(by - ay, -(bx - ax))) % 360
        found.append(
            {
                "number": number,
                "from": [round(ax, 3), round(ay, 3)],
                "to": [round(bx, 3), round(by, 3)],
                "length": math.hypot(bx - ax, by - ay),
                "faces": _SIDES[round(outward / 45) % 8],
            }
        )
    return found


_SIDES = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
"""By 45 degrees clockwise."""
