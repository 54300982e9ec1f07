"""What all commands that design share: ranked files in the site's coordinates, table, sheets, lineage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxgen.words import counted

from . import say
from .certifying import novelty_of, seen, write_certificates
from .exporting import SHEET_MOST, ExportOptions, metadata_of, report, write_buildings
from .progress import Bar

if TYPE_CHECKING:
    from voxgen.design.search import Designer
    from voxgen.evaluation.known import Known
    from voxgen.geometry.grid import VoxelGrid

TABLE, LINEAGE, CHANGED = "brief.csv", "designs.json", "changed.png"


def model_of(run: str) -> dict[str, str]:
    """Give what lineage says of a model."""
    from voxgen import checkpoint
    from voxgen.training.run import find_model

    return {"name": run, "sha256": checkpoint.digest(find_model(run))}


def ready(options: ExportOptions) -> None:
    """See that what is to be written can be, before anything is made.

    Raises:
        UsageError: for options that a design has no use for.
        MissingExtraError: with the pip line, for a library that is missing.
    """
    from voxgen.errors import UsageError
    from voxgen.export import see_ready

    if options.surface != "planar" or options.at is not None or options.yaw is not None:
        raise UsageError(
            "--surface, --at and --yaw: designs are planar and stand where their site is; leave them out"
        )
    see_ready(options.formats)


def design(
    designer: Designer,
    name: str,
    count: int,
    seed: int,
    options: ExportOptions,
    out: Path,
    as_json: bool,
    made: Mapping[str, Any],
    known: Known | None = None,
    least: float = 0.0,
) -> None:
    """Make designs and write them with their table, sheets and lineage.

    Args:
        designer: that makes them.
        name: that their names begin with.
        count: how many.
        seed: decides them.
        options: how they are written.
        out: folder.
        as_json: whether the result is told as JSON.
        made: what lineage says of where they are from.
        known: what the model learnt from, where their originality is asked for.
        least: novelty below which none is given.

    Raises:
        DataError: where nothing can stand on the site.
    """
    from dataclasses import replace

    from voxgen.atomic import write_text
    from voxgen.design.report import lineage, record, table
    from voxgen.design.sheet import in_context, taken_away
    from voxgen.export import distinct, file_name, polyhedron_of
    from voxgen.pictures import contact_sheet, save_png

    for note in designer.notes:
        say.note(f"site: {note}")

    def new(grid: VoxelGrid) -> bool:
        mesh = polyhedron_of(grid, "planar").to_mesh()
        return known is None or novelty_of(mesh, known) >= least

    with Bar() as bar:
        designs = designer.designs(
            count, seed, lambda share, what: bar.show(share, what), new if least else None
        )
    if len(designs) < count:
        also = f" and are as new as {least:g}" if least else ""
        say.warn(f"{len(designs)} of {count} buildings can stand on this site and keep it exactly{also}")
    taken: set[str] = set()
    labels = [distinct(file_name(f"{name}-s{seed}-{one.candidate.number:04d}"), taken) for one in designs]
    shown = dict(zip(labels, designs, strict=True))
    rows = {label: record(label, one, designer) for label, one in shown.items()}
    title = f"{name}, and what was learnt"
    original = {}
    if known is not None:
        grids = [(label, seen(one.surface.to_mesh(), known)) for label, one in shown.items()]
        original = write_certificates(grids, known, out, title, chosen=least > 0)
    for told in original.get("buildings", ()):
        rows[told["name"]]["originality"] = {key: value for key, value in told.items() if key != "name"}
    site = designer.site
    metadata = metadata_of(designer.generator.card, run=name, seed=seed)
    if any(site.offset):
        east, north, ground = site.offset
        metadata["offset"] = f"{east:.0f} {north:.0f} {ground:.3f}"
    settings = replace(
        options.settings(metadata),
        place="world",
        crs=site.crs,
        mend=False,
        offset=site.offset,
        storey_height=designer.wants.storey_height,
    )
    done = write_buildings(
        [(label, one.candidate.fitted.grid) for label, one in shown.items()],
        len(shown),
        out,
        settings,
        f"{name}: {counted(len(designs), 'design')}, seed {seed}",
        shape=lambda label, _: shown[label].surface,
        picture=lambda label: in_context(shown[label], site),
        caption=lambda one: _caption(rows[one.name]),
    )
    changed = [taken_away(one, site) for one in designs[:SHEET_MOST]]
    taken_m3 = [
        (row["changed"]["cut"] + row["changed"]["dropped"]) * row["voxel_m3"] for row in rows.values()
    ]
    captions = [f"{volume:.1f} m3 taken away" for volume in taken_m3]
    sheet = contact_sheet(changed, captions[:SHEET_MOST], title=f"{name}: what the rules took away")
    save_png(sheet, out / CHANGED)
    records = list(rows.values())
    write_text(out / TABLE, table(records))
    write_text(out / LINEAGE, lineage(designer, {**made, "seed": seed, "count": count}, records))
    met = sum(one.met for one in designs)
    say.note(
        f"{met} of {len(designs)} meet all that is wanted, all keep the site exactly: see {out / TABLE}, "
        f"{LINEAGE} and {CHANGED}"
    )
    values = {"run": name, "seed": seed, **made, "designs": records}
    report(done, out, as_json, values | ({"originality": original} if original else {}))


def _caption(row: dict[str, Any]) -> str:
    got = []
    for key, wanted in row["asked"].items():
        value = row["got"][key]
        off = round(100 * (value / wanted - 1), 1) + 0.0  # no minus before a nought
        got.append(f"{_SHORT.get(key, key)} {_number(value)} ({off:+.1f} %)")
    if row["roof"]["asked"]:
        got.append(f"roof {row['roof']['pitched_share']:.0%} pitched")
    measures = row["measures"]
    text = ", ".join(got) or f"{measures['height']:.1f} m, {measures['footprint_area']:.0f} m2"
    return text if row["met"] else f"NOT MET: {text}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


_SHORT = {"gross_floor_area": "GFA", "footprint_area": "plan", "surface_to_volume": "S/V"}
