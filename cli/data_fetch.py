"""`voxgen data fetch`: open data by area or tile, into the cache, ready to build from."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import rich_click as click

from . import say
from .options import json_option


class Box(click.ParamType):
    """`xmin,ymin,xmax,ymax`."""

    name = "X,Y,X,Y"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Give four numbers; what they may be, the recipe knows."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != 4:
            self.fail(
                f"{value!r}; give xmin,ymin,xmax,ymax, for example 233000,480000,234000,481000", param, ctx
            )
        return numbers


@click.command("fetch", short_help="Fetch open data: 3DBAG by area or tile.")
@click.argument("dataset", type=click.Choice(("threedbag",)))
@click.option("--bbox", type=Box(), help="Area in RD New (EPSG:28992), metres.")
@click.option("--tile", "tiles", multiple=True, metavar="ID", help="A tile, such as 9/444/728; repeatable.")
@click.option("--release", metavar="vYYYYMMDD", help="A release; the newest if left out.")
@click.option("--mirror", metavar="URL", help="A server with the same layout.")
@json_option
def command(
    dataset: str,
    bbox: tuple[float, ...] | None,
    tiles: tuple[str, ...],
    release: str | None,
    mirror: str | None,
    as_json: bool,
) -> None:
    """Fetch tiles of 3DBAG, the buildings of the Netherlands, once; they stay in the cache.

    Prints the paths of the files, to build a data set from.
    """
    datasets = import_module("voxgen.datasets")
    recipe, card = datasets.load(dataset), datasets.card(dataset)
    told = {"version": release, "base_url": mirror}
    config = recipe.ThreeDBagConfig.parse({key: value for key, value in told.items() if value is not None})
    files = []
    for path in recipe.download(recipe.find(bbox=bbox, tiles=tiles, config=config), config):
        say.note(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        files.append(path)
    values = {"files": files, "licence": card.licence, "attribution": card.attribution}
    say.result(values, "\n".join(map(str, files)), as_json)
    say.note(f"{card.licence}; print where you ship them or what is trained on them: {card.attribution}")
    say.hint(f"voxgen data build {files[0].parent} -o {dataset}")
