"""`voxgen data info`: what a data set is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from voxgen.words import counted

from . import say
from .options import json_option


@click.command("info", short_help="Say what a data set holds.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Also hold all files against their checksums.")
@json_option
def command(data: Path, verify: bool, as_json: bool) -> None:
    """Say what a data set holds: counts, sizes, sources, licences."""
    import numpy as np

    from voxgen.pipeline.store import Dataset

    found = Dataset.open(data)
    if verify:
        found.verify()
    measured = found.attributes(found.attribute_names)[: len(found)]
    spread = {
        name: dict(zip(("p5", "median", "p95"), np.nanpercentile(column, (5, 50, 95)).tolist(), strict=True))
        for name, column in zip(found.attribute_names, measured.T, strict=True)
        if np.isfinite(column).any()
    }
    card = found.card
    say.result({**card, "verified": verify, "attributes": spread}, _text(data, card, spread, verify), as_json)


def _owed(licences: Sequence[str], attributions: Sequence[str]) -> list[str]:
    """What is to be heeded, said once where a source's licence is all that it asks to be named."""
    licence, attribution = "; ".join(licences), "; ".join(attributions)
    if licence and licence == attribution:
        return [f"licence, to be named where the buildings are shown: {licence}"]
    return [
        f"licence: {licence or 'the sources name none'}",
        f"attribution: {attribution or 'the sources ask for none'}",
    ]


def _text(data: Path, card: dict[str, Any], spread: Mapping[str, Mapping[Any, float]], verify: bool) -> str:
    edges = [n * card["pitch"] for n in card["resolution"]]
    splits = ", ".join(f"{count:,} {side}" for side, count in card["splits"].items())
    lines = [
        f"{data}: {counted(card['count'], 'building')} of {counted(card['shapes'], 'shape')} ({splits})"
        + (f", and {card['stretched']:,} stretched for training" if card["stretched"] else ""),
        f"grid: {say.times(card['resolution'])} voxels of {card['pitch']:g} m "
        f"({' x '.join(f'{edge:g}' for edge in edges)} m)",
        f"built: {card['created']} by voxgen {card['voxgen']}, with: {card['command']}",
        f"sources: {len(card['sources']):,}",
        *_owed(card["licence"], card["attribution"]),
        *(f"note: {note}" for note in card["notes"]),
        *(["checksums: all as the card says"] if verify else []),
        "",
        say.table(
            [
                ("attribute", "5 %", "median", "95 %"),
                *((name, *(f"{v:.3g}" for v in values.values())) for name, values in spread.items()),
            ]
        ),
    ]
    return "\n".join(lines)
