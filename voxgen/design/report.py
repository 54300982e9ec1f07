"""What became of a brief: what was asked and got, for people (CSV) and for other programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..words import csv_text

if TYPE_CHECKING:
    from .search import Design, Designer


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give records as CSV, a line a design."""
    asked = list(rows[0]["asked"]) if rows else []
    columns = [f"{name} {what}" for name in asked for what in ("asked", "got", "error")]
    changes = {"cut": "cut, voxels", "added": "added, voxels", "dropped": "dropped, voxels"}
    rest = ["misfit", "met", "holds", *changes.values(), "trimmed, m3"]
    original = {"iou": "IoU with the nearest known", "novelty": "novelty", "percentile": "percentile"}
    if not rows or "originality" not in rows[0]:
        original = {}
    lines: list[list[object]] = [
        ["rank", "name", *columns, "roof asked", "pitched share got", *rest, *original.values()]
    ]
    for rank, row in enumerate(rows, start=1):
        values = []
        for name in asked:
            wanted, got = row["asked"][name], row["got"][name]
            values += [f"{wanted:.3f}", f"{got:.3f}", f"{(got - wanted) / wanted:+.3f}"]
        changed = [f"{row['changed'][key]:.1f}" for key in changes] + [f"{row['trimmed_m3']:.3f}"]
        values += [row["roof"]["asked"] or "", f"{row['roof']['pitched_share']:.2f}"]
        told = ["yes" if row[key] else "no" for key in ("met", "holds")]
        found = [row["originality"][key] for key in original]
        lines.append([rank, row["name"], *values, f"{row['misfit']:.3f}", *told, *changed, *found])
    return csv_text(lines)


def record(name: str, design: Design, designer: Designer) -> dict[str, Any]:
    """Give all that is known of a design, as plain values; what was changed on the grid in voxels."""
    candidate, found = design.candidate, design.proof
    held, pose = candidate.fitted.held, candidate.fitted.pose
    return {
        "name": name,
        "number": candidate.number,
        "bent": candidate.bent,
        "asked": dict(designer.goal.wanted),
        "got": {key: round(design.got[key], 6) for key in designer.goal.wanted},
        "roof": {"asked": designer.wants.roof, "pitched_share": round(design.got["pitched_share"], 3)},
        "met": design.met,
        "holds": found.holds,
        "misfit": round(design.misfit, 6),
        "voxel_m3": designer.room.lay.pitch**3,
        "changed": {"cut": held.cut, "added": held.added, "dropped": held.dropped},
        "trimmed_m3": design.trimmed,
        "proof": asdict(found),
        "pose": {"symmetry": pose.symmetry, "stretch": list(pose.stretch), "shift": list(pose.shift)},
        "model_asked": dict(candidate.asked),
        "measures": {key: round(value, 6) for key, value in design.got.items()},
    }


def lineage(designer: Designer, made: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Give where designs are from, as JSON: all that makes them again.

    Args:
        designer: that made them.
        made: from what and how: brief, parents, model, seed, count, settings.
        rows: a record of each.
    """
    site = designer.site
    told = {
        "format": "voxgen-designs/1",
        "voxgen": metadata.version("voxgen"),
        **made,
        "offset": list(site.offset),
        "crs": site.crs,
        "geographic": site.plot.geographic,
        "notes": list(designer.notes),
        "designs": list(rows),
    }
    return json.dumps(told, indent=2)
