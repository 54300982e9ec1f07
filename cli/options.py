"""Options that several commands share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem

from voxgen.tools import TOOLS

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

UNITS = ("m", "mm", "cm", "dm", "km", "ft", "in")
FORMATS = ("obj", "stl", "ply", "glb", "3mf", "3dm", "ifc4", "ifc2x3", "cityjson", "step", "usd", "npz")


class Resolution(click.ParamType):
    """`32` or `160x160x80`."""

    name = "N|XxYxZ"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        """Give three counts."""
        if isinstance(value, tuple):
            return value
        try:
            counts = [int(part) for part in str(value).lower().split("x")]
        except ValueError:
            counts = []
        if len(counts) not in (1, 3) or any(not 4 <= n <= 1024 for n in counts):
            self.fail(f"{value!r} is no resolution; give 32, or 160x160x80, each from 4 to 1024", param, ctx)
        x, y, z = counts * 3 if len(counts) == 1 else counts
        return x, y, z


class Formats(click.ParamType):
    """`obj,stl`.

    Args:
        known: to complete from.
        module: whose `checked_formats` takes the list.
    """

    name = "LIST"

    def __init__(self, known: tuple[str, ...] = FORMATS, module: str = "voxgen.export") -> None:
        self.known = known
        self.module = module

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Give the formats; what is unknown is an error of usage here."""
        if isinstance(value, tuple):
            return value
        from importlib import import_module

        from voxgen.errors import VoxgenError

        try:
            return import_module(self.module).checked_formats(str(value).split(","))
        except VoxgenError as failure:
            self.fail(str(failure), param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's signature)
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete the last of the list."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + one) for one in self.known if one.startswith(last)]


class Heights(click.ParamType):
    """`3` or `4.2,3`."""

    name = "M[,M...]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Give the heights."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r}; write metres from the ground up, for example 3 or 4.2,3", param, ctx)


class SlopedLimit(click.ParamType):
    """`EDGE,HEIGHT,SLOPE`."""

    name = "EDGE,HEIGHT,SLOPE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Give the entry of a brief."""
        if isinstance(value, dict):
            return value
        try:
            edge, height, slope = str(value).split(",")
            return {"edge": int(edge), "height": float(height), "slope": float(slope)}
        except ValueError:
            self.fail(
                f"{value!r}; give the number of an edge, metres above the ground there and degrees, for "
                "example 0,4,45 (voxgen brief names the edges)",
                param,
                ctx,
            )


class Setbacks(Heights):
    """`3` or `3,1,1,1`."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Give the distances."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r}; write metres, one for all edges or one for each: 3 or 3,1,1,1", param, ctx)


class Asked(click.ParamType):
    """`height=9`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Give name and number."""
        if isinstance(value, tuple):
            return value
        name, equals, number = str(value).partition("=")
        try:
            if not equals:
                raise ValueError
            return name.strip(), float(number)
        except ValueError:
            self.fail(f"{value!r}; write a name and a number, for example height=9", param, ctx)


class Point(click.ParamType):
    """`85000,446000,0`."""

    name = "E,N,Z"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """Give three numbers."""
        if isinstance(value, tuple):
            return value
        try:
            east, north, height = (float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(
                f"{value!r}; write easting, northing and height, for example 85000,446000,0", param, ctx
            )
        return east, north, height


class RunName(click.ParamType):
    """The name of a run, or its folder."""

    name = "RUN"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's signature)
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete the names of the runs there are."""
        from voxgen.training.run import runs_folder

        names = sorted(path.parent.name for path in runs_folder().glob("*/config.json"))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def json_option(function: F) -> F:
    """`--json`."""
    told = "Give the result as one JSON object on stdout."
    return click.option("--json", "as_json", is_flag=True, help=told)(function)


def dry_run_option(function: F) -> F:
    """`--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Check and print the settings, then stop.")(function)


def config_options(function: F) -> F:
    """`-c/--config` and `--set`."""
    file = click.Path(dir_okay=False, path_type=Path)
    function = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated."
    )(function)
    return click.option("-c", "--config", "config_file", type=file, help="Settings as a TOML file.")(function)


def tune_option(function: F) -> F:
    """`--set`, of commands that sample a model."""
    return click.option(
        "--set",
        "tuning",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change how is sampled: settle; of a diffusion also solver, steps and guidance; "
        "of a voxel flow temperature.",
    )(function)


def ask_option(function: F) -> F:
    """`--ask`, as a mapping of names to values."""
    told = "Ask all samples for an attribute: --ask height=9; may be repeated for others."
    return click.option("--ask", type=Asked(), multiple=True, callback=_each_once, help=told)(function)


def _each_once(
    ctx: click.Context, param: click.Parameter, asked: tuple[tuple[str, float], ...]
) -> dict[str, float]:
    names = [name for name, _ in asked]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.BadParameter(f"{twice} is asked for more than once", ctx, param)
    return dict(asked)


def asked_option(function: F) -> F:
    """`--asked`, of commands that judge models."""
    return click.option(
        "--asked",
        type=click.IntRange(0),
        default=100,
        show_default=True,
        help="Held-out buildings whose attributes are asked for; 0 leaves it out.",
    )(function)


def seed_option(function: F) -> F:
    """`--seed`."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Decides all chance."
    )(function)


def device_option(function: F) -> F:
    """`--device`, of commands that use a model."""
    return click.option(
        "--device", default="cpu", show_default=True, help="Where to compute: cpu, cuda, mps."
    )(function)


def training_device_option(function: F) -> F:
    """`--device`, of commands that train: there the fastest is the default."""
    kinds = click.Choice(("auto", "cpu", "cuda", "mps"))
    return click.option("--device", type=kinds, help="Where to compute.  [default: auto]")(function)


def allow_option(function: F) -> F:
    """`--allow`."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="MODULE:CLASS",
        help="A family from outside voxgen whose code may be imported.",
    )(function)


def read_options(function: F) -> F:
    """How building files are read: `--unit`, `--up`, `--lod`, `--split-objects`.

    Of the files read; `export_options` says how those of the files written are called.
    """
    for option in (
        click.option("--split-objects", is_flag=True, help="Objects and groups of a file are buildings."),
        click.option("--lod", type=float, help="Level of detail to take; the highest if left out."),
        click.option(
            "--up",
            "file_up",
            type=click.Choice(("z", "y")),
            help="Up axis of the files read; guessed where unsaid.",
        ),
        click.option(
            "--unit",
            "file_unit",
            type=click.Choice(UNITS),
            help="Unit of the files read; guessed where unsaid.",
        ),
    ):
        function = option(function)
    return function


def element_options(function: F) -> F:
    """`--storey-height`, `--slab`, `--wall`, `--roof`: what a building's elements are like."""
    for name, told in (("roof", "roofs"), ("wall", "walls"), ("slab", "slabs")):
        function = click.option(
            f"--{name}", type=float, default=0.3, show_default=True, help=f"Thickness of {told} in metres."
        )(function)
    return click.option(
        "--storey-height",
        type=Heights(),
        default="3",
        show_default=True,
        help="Floor to floor in metres, from the ground up; the last repeats.",
    )(function)


def _for_tool(ctx: click.Context, param: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    """Make a tool's wishes the defaults of the other options, which still go before them."""
    if value is not None:
        tool = TOOLS[value]
        wishes = {"formats": ",".join(tool.formats), "out_unit": tool.unit, "out_up": tool.up}
        ctx.default_map = {**(ctx.default_map or {}), **wishes}


def export_options(formats: str, reads: bool = False) -> Decorator[Any]:
    """How grids become files: `-o`, `--format`, `--for`, `--surface`, `--as`, and in which unit and place.

    Args:
        formats: the formats written where none is asked for.
        reads: the command has `read_options`, too; where it only writes, `--unit` and `--up` are short for
            `--out-unit` and `--out-up`.
    """
    unit, up = (("--out-unit",), ("--out-up",)) if reads else (("--out-unit", "--unit"), ("--out-up", "--up"))
    options = (
        element_options,
        click.option(
            "--as",
            "parts",
            type=click.Choice(("mass", "elements")),
            default="mass",
            show_default=True,
            help="One solid a building, or its slabs, walls and roofs by storey with an area schedule.",
        ),
        click.option(
            "--mend/--no-mend",
            default=True,
            help="Fill diagonal contacts, drop loose pieces, set on the ground. [default: mend]",
        ),
        click.option(
            "--place",
            type=click.Choice(("origin", "world")),
            default="origin",
            show_default=True,
            help="Set each building on the origin, or leave it where it stands in the world.",
        ),
        click.option(
            "--yaw", type=float, metavar="DEGREES", help="Turn it there, counter-clockwise from above."
        ),
        click.option("--at", type=Point(), help="Where the middle of its floor stands in that system."),
        click.option(
            "--crs", metavar="EPSG:CODE", help="Reference system that the building stands in, in metres."
        ),
        click.option(
            *unit,
            "out_unit",
            type=click.Choice(UNITS),
            default="m",
            show_default=True,
            help="Unit of OBJ, STL, PLY and 3DM.",
        ),
        click.option(
            *up,
            "out_up",
            type=click.Choice(("z", "y")),
            default="z",
            show_default=True,
            help="Up axis of OBJ, STL and PLY; y opens upright in Blender.",
        ),
        click.option(
            "--surface",
            type=click.Choice(("planar", "smooth", "blocks")),
            default="planar",
            show_default=True,
            help="Few planes with sharp edges, iso-surface, or the voxels as they are.",
        ),
        click.option(
            "-f",
            "--format",
            "formats",
            type=Formats(),
            default=formats,
            show_default=True,
            help=f"Any of {', '.join(FORMATS)}, with commas.",
        ),
        click.option(
            "--for",
            type=click.Choice(tuple(TOOLS)),
            is_eager=True,
            expose_value=False,
            callback=_for_tool,
            help="Take the formats, unit and axis that this tool opens best.",
        ),
        click.option(
            "-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write."
        ),
    )

    def decorate(function: F) -> F:
        for option in options:
            function = option(function)
        return function

    return decorate
