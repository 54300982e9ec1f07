"""`voxgen data known`: what a model learns from, packed: originality can be shown without the data."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from voxgen.words import counted

from . import say
from .certifying import KNOWN
from .options import json_option


@click.command("known", short_help="Pack training buildings, to show originality without the data.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help=f"File to write.  [default: {KNOWN}]"
)
@click.option(
    "--coarser",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Keep buildings in voxels so many times as large.",
)
@click.option(
    "--private", is_flag=True, help="Name buildings by hashes of what is kept of them, not by their ids."
)
@json_option
def command(data: Path, out: Path | None, coarser: int, private: bool, as_json: bool) -> None:
    """Pack what a model learns from into one file: occupancies, names, and how far unseen buildings lie off.

    Put beside a model, as known.npz in the folder of its run, it is all that --originality and --min-novelty
    need. It holds no meshes, but the mass of each building can be seen in it: the coarser, the less of it.
    """
    from voxgen.evaluation.known import Known
    from voxgen.pipeline.store import Dataset

    path = out or Path(KNOWN)
    known = Known.of(Dataset.open(data), coarser, private)
    known.save(path)
    size = path.stat().st_size
    text = (
        f"{path}: {counted(known.buildings, 'training building')}, {len(known):,} with stretched copies, "
        f"and how near {len(known.unseen):,} unseen ones lie; {size / 1e6:.1f} MB"
    )
    values = {"file": path, "bytes": size, "buildings": known.buildings, "shapes": len(known)}
    say.result({**values, "unseen": len(known.unseen), "private": private}, text, as_json)
    say.hint(f"voxgen sample RUN -n 16 --known {path} --min-novelty 0.1")
