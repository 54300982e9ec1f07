"""A brief from options: a file, the plot and the wants themselves, or both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from .options import UNITS, Setbacks, SlopedLimit

if TYPE_CHECKING:
    from voxgen.design.brief import Brief

F = TypeVar("F", bound=Callable[..., Any])

WANTS = {
    "gfa": "gross_floor_area",
    "footprint": "footprint_area",
    "storeys": "storeys",
    "height": "height",
    "volume": "volume",
    "roof_form": "roof",
    "orientation": "orientation",
}
"""Option -> the target of a brief that it is."""

SITE = (
    "plot",
    "setback",
    "height_limit",
    "plane",
    "envelope",
    "keep",
    "void",
    "context",
    "clear",
    "ground",
    "site_unit",
)
"""Options that are entries of a brief's site, by the same name."""


@dataclass(frozen=True)
class BriefOptions:
    """The values of `brief_options`."""

    brief: Path | None
    given: Mapping[str, Any]

    def read(self, crs: str | None) -> Brief | None:
        """Give the brief; None where nothing is said of one. Options go before what a file says.

        Raises:
            UsageError: for a want without a plot, and as `design.brief.read_brief`.
        """
        if self.brief is None and not self.given:
            return None
        from voxgen.design.brief import Brief, read_brief
        from voxgen.errors import UsageError

        values: dict[str, Any] = {"site": {}, "targets": {}, "rules": {}}
        if self.brief is not None:
            values = read_brief(self.brief).model_dump(exclude_none=True)
        for name, value in self.given.items():
            if name in SITE:
                values["site"][name.removeprefix("site_")] = value
            elif name == "cantilever":
                values["rules"][name] = value
            else:
                values["targets"][WANTS[name]] = value
        if crs is not None:
            values["site"]["crs"] = crs
        if "plot" not in values["site"]:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in self.given)
            raise UsageError(f"{named}: a brief needs a plot; give --plot FILE, or --brief with one")
        return Brief.parse(values)


def want_options(function: F) -> F:
    """What is wanted of any design: `--gfa`, `--storeys`, `--height`, `--roof-form`, `--cantilever`."""
    positive = click.FloatRange(0, min_open=True)
    for option in (
        click.option("--cantilever", type=click.FloatRange(0), help="Metres that parts may reach over air."),
        click.option("--roof-form", type=click.Choice(("flat", "pitched")), help="Roof that is wanted."),
        click.option("--height", type=positive, help="Height wanted, m."),
        click.option("--storeys", type=positive, help="Storeys wanted."),
        click.option("--gfa", type=positive, help="Gross floor area wanted, m2."),
    ):
        function = option(function)
    return function


def brief_options(function: F) -> F:
    """`--brief`, `--plot` and what is wanted there."""
    positive = click.FloatRange(0, min_open=True)
    file = click.Path(dir_okay=False)
    for option in (
        want_options,
        click.option("--orientation", type=float, help="Of the long side, degrees from the plot's x axis."),
        click.option("--volume", type=positive, help="Volume wanted, m3."),
        click.option("--footprint", type=positive, help="Footprint wanted, m2."),
        click.option("--clear", is_flag=True, help="Those of them that stand on the plot make room."),
        click.option("--context", type=file, multiple=True, help="Buildings around, not built over."),
        click.option("--void", type=file, multiple=True, help="Closed mesh to keep free."),
        click.option("--keep", type=file, multiple=True, help="Closed mesh that stays, as part of it."),
        click.option("--envelope", type=file, help="Closed mesh to stay inside."),
        click.option(
            "--plane",
            type=SlopedLimit(),
            multiple=True,
            help="Limit that rises inwards from an edge of the plot.",
        ),
        click.option("--height-limit", type=positive, help="Metres above the ground."),
        click.option("--ground", type=float, help="Level of the ground in the plot's system, m."),
        click.option(
            "--site-unit", type=click.Choice(UNITS), help="Unit of the plot and meshes of the site; metres."
        ),
        click.option("--setback", type=Setbacks(), help="Metres from all edges of the plot, or from each."),
        click.option("--plot", help="GeoJSON, DXF, CityJSON, OBJ or WKT: build on this plot."),
        click.option("--brief", type=click.Path(dir_okay=False, path_type=Path), help="A brief as TOML."),
    ):
        function = option(function)
    return function


def briefing_of(options: Mapping[str, Any]) -> tuple[BriefOptions, dict[str, Any]]:
    """Part the options of a command: those of the brief, and the others."""
    rest = dict(options)
    given = {name: rest.pop(name) for name in (*SITE, *WANTS, "cantilever")}
    said = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != ()
    }
    if len(said.get("setback", ())) == 1:
        said["setback"] = said["setback"][0]
    return BriefOptions(rest.pop("brief"), said), rest
