"""`voxgen edit`: a part of a building made anew, and the rest kept to the last face."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .reworking import building_of, rework, rework_options

if TYPE_CHECKING:
    from manifold3d import Manifold

    from voxgen.design.edit import Existing


@click.command("edit", short_help="Make a part of your own building anew, and keep the rest exactly.")
@click.option(
    "--regenerate",
    required=True,
    metavar="BOX|FILE",
    help="What to make anew: x0,y0,z0,x1,y1,z1 in the file's coordinates (metres), or a closed mesh.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="From 0, as the building is, to 1, as any other.",
)
@rework_options
def command(regenerate: str, strength: float, **values: Any) -> None:
    """Make a region of a building anew with a model, and keep all outside of it exactly."""

    def make(generator: Any, building: Any, targets: Any, rules: Any) -> Any:
        from voxgen.design.edit import remade

        region = region_of(regenerate, building)
        return remade(generator, building, region, strength, targets=targets, rules=rules)

    rework("edit", {"regenerate": regenerate, "strength": strength}, values, make)


def region_of(text: str, building: Existing) -> Manifold:
    """Give a region in the coordinates of a building.

    Raises:
        UsageError: for a box that is none.
        DataError: for a mesh that is not closed.
    """
    import numpy as np
    from manifold3d import Manifold

    from voxgen.elements.booleans import closed
    from voxgen.errors import DataError, UsageError
    from voxgen.formats import ReadOptions

    offset = np.array(building.offset)
    if Path(text).exists():
        mesh = building_of(Path(text), ReadOptions())
        solid = closed(mesh)
        if solid is None:
            raise DataError(f"{text} is no closed solid; close it where it was drawn")
        return solid.translate(tuple((-offset).tolist()))
    try:
        low, high = np.array([float(word) for word in text.split(",")]).reshape(2, 3) - offset
    except ValueError:
        raise UsageError(f"{text!r} is no file and no box; write x0,y0,z0,x1,y1,z1 in metres") from None
    if not (np.isfinite(high).all() and (high > low).all()):
        raise UsageError(f"{text!r} is an empty box; the second corner lies above the first on all axes")
    return Manifold.cube(tuple((high - low).tolist())).translate(tuple(low.tolist()))
