"""What stands where a data set is to be built, and whether it may be replaced.

Nothing and an empty folder may be built over. A data set of the same sources and settings is what is asked
for. Another data set is replaced only on request, and what is no data set never.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..config import flat, setting
from ..errors import DataError, UsageError
from ..words import counted
from . import store
from .config import BuildConfig
from .report import Report
from .sources import Material, file_name

_OURS = frozenset({store.CARD, store.COVERAGE, store.OCCUPANCY, store.ATTRIBUTES, store.REPORT})

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave wherever they look."""

_EXAMPLES = 3


def place_of(out: str | Path) -> Path:
    """Give the folder of a data set to build, under its own name.

    Raises:
        UsageError: it is a file, or a folder that holds anything but a data set.
    """
    target = Path(out)
    # The new one takes the place of the old: under whoever works there the folder would vanish.
    if not target.name or target.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise UsageError(
            f"{target} is the folder worked in, or above it; name a folder of its own, as in -o houses"
        )
    if not target.exists():
        return target
    names = {path.name for path in target.iterdir()} if target.is_dir() else set()
    if not target.is_dir() or (names and not store.is_dataset(target)):
        raise UsageError(
            f"{target} exists and is no data set, so nothing is written there; choose another name, or move "
            "it away"
        )
    foreign = sorted(names - _OURS - _LITTER)
    if foreign:
        raise UsageError(
            f"{target} is a data set, but also holds {_some(foreign)}, which a new data set would take the "
            "place of; move that away, or choose another name"
        )
    return target


def standing(target: Path, material: Material, config: BuildConfig) -> Report | None:
    """Give the report of the data set at `target` where it is the one asked for; None where it must be built.

    Raises:
        UsageError: another data set stands there.
    """
    card = store.card_of(target)
    if card is None:
        return None
    changes = [*_made_by(card), *_settings(card, config), *_sources(card, material)]
    if changes:
        listed = "\n".join(f"  {change}" for change in changes)
        raise UsageError(
            f"{target} is another data set than the one asked for, and stays as it is\n"
            f"it holds {counted(int(card.get('count') or 0), 'building')}, built {card.get('created')} with: "
            f"{card.get('command')}\n"
            f"the differences:\n{listed}\n"
            "choose another name, or give --overwrite (in Python overwrite=True) to replace it"
        )
    try:
        store.Dataset.open(target)
        report = Report.read_csv(target / store.REPORT)
    except DataError:
        return None  # damaged: the same is built again
    note = f"{target} is of these sources and settings already, so nothing was done"
    return Report(report.rows, (*card["notes"], note))


def _made_by(card: Mapping[str, Any]) -> Iterable[str]:
    before, now = str(card.get("voxgen")), version("voxgen")
    if before != now:
        yield f"voxgen: {before} built it, this is {now}"


def _settings(card: Mapping[str, Any], config: BuildConfig) -> Iterable[str]:
    before, now = dict(flat(card.get("config") or {})), dict(flat(config.model_dump(mode="json")))
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{setting(key, before.get(key))} in it, {setting(key, now.get(key))} asked for"


def _sources(card: Mapping[str, Any], material: Material) -> Iterable[str]:
    """Compare what the sources are called and hold, wherever they lie, and what is owed to their makers."""
    told = [(entry["name"], entry) for entry in card.get("sources", ())]
    asked = [(origin.name, vars(origin)) for origin in material.origins.values()]
    (before, owed_before), (now, owed_now) = _identities(told), _identities(asked)
    if before == now:
        if owed_before != owed_now:
            yield "licence or attribution beside the sources"
        return
    gone, new = (
        [name for name, _ in (Counter(one) - Counter(other)).elements()]
        for one, other in ((before, now), (now, before))
    )
    changed = sorted(set(gone) & set(new))
    parts = [
        (f"not asked for: {_some([name for name in gone if name not in changed])}", set(gone) - set(changed)),
        (f"only asked for: {_some([name for name in new if name not in changed])}", set(new) - set(changed)),
        (f"of other content: {_some(changed)}", changed),
        ("in another order", not gone and not new),
    ]
    yield f"sources: {len(before):,} in it, {len(now):,} asked for; " + "; ".join(
        text for text, holds in parts if holds
    )


def _identities(
    entries: Sequence[tuple[str, Mapping[str, Any]]],
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Give name and checksum of each source, and its licence and attribution."""
    return (
        [(file_name(name), str(entry["sha256"])) for name, entry in entries],
        [(str(entry["licence"]), str(entry["attribution"])) for _, entry in entries],
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _EXAMPLES
    return ", ".join(names[:_EXAMPLES]) + (f" and {more:,} more" if more > 0 else "")
