"""The model card: what a model is, what it learnt from, under which licence, and how to use it.

The same facts go into the model file's metadata, so that the file says them where the folder is lost, and
into README.md for people (Mitchell et al. 2019, cut down to what a run knows of itself).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from ..models.base import GenerativeModel
from .data import TrainingData, storey_height
from .run import RunConfig
from .state import Position


def describe(
    wanted: RunConfig,
    data: TrainingData,
    model: GenerativeModel[Any],
    position: Position,
    finished: bool,
    measured: Mapping[str, float],
    begun_from: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Give the card as plain values; what is owed for the model that it began from is owed for it too.

    Args:
        wanted: what the run was asked.
        data: what it learns from.
        model: the model.
        position: how far it is.
        finished: whether its budget is used up.
        measured: what was measured last.
        begun_from: card of the model whose weights it began with.
    """
    before = (begun_from or {}).get("data") or {}
    return {
        "voxgen": metadata.version("voxgen"),
        "pitch": data.pitch,
        "storey_height": storey_height(data),
        "begun_from": wanted.begun_from,
        "begun_from_data": before.get("fingerprint"),
        "data": {
            **wanted.data.model_dump(),
            "copies": len(data.copies()),
            **{
                key: list(dict.fromkeys(_lines(data.card.get(key)) + _lines(before.get(key))))
                for key in ("licence", "attribution", "notes")
            },
        },
        "training": {
            "step": position.step,
            "seconds": round(position.seconds, 1),
            "finished": finished,
            "budget": wanted.train.budget(),
            "parameters": sum(p.numel() for p in model.parameters()),
            "settings": wanted.train.model_dump(mode="json"),
            "measured": {name: float(f"{value:.4g}") for name, value in measured.items()},
        },
    }


def model_card(name: str, wanted: RunConfig, card: Mapping[str, Any]) -> str:
    """Give the card as Markdown."""
    data, training, config = card["data"], card["training"], wanted.model
    x, y, z = config["resolution"]
    pitch = card["pitch"]
    asked = [*config["condition"]["attributes"], *config["condition"]["masks"]]
    kind = wanted.family if wanted.recipe == "default" else f"{wanted.family} ({wanted.recipe} recipe)"
    state = "finished" if training["finished"] else "not finished; the same command goes on with it"
    rows = "".join(f"| {key} | {value:g} |\n" for key, value in training["measured"].items())
    unnamed = "the sources name none, so ask their owners before you pass this on"
    licences = ", ".join(data["licence"]) or unnamed
    credit = "".join(f"- {line}\n" for line in data["attribution"]) or "- the sources ask for none\n"
    notes = "".join(f"- {line}\n" for line in data["notes"])
    notes = f"\nNotes on the data:\n\n{notes}" if notes else ""
    start = card.get("begun_from")
    begun = "" if start is None else f"\nIt began with the weights of `{start}`, whose data count too."
    copies = f" and {data['copies']:,} stretched copies of them" if data["copies"] else ""
    return f"""# {name}

A {kind} model that makes buildings as voxel grids of {x} x {y} x {z}, {pitch:g} m a voxel
({x * pitch:g} x {y * pitch:g} x {z * pitch:g} m), made by voxgen {card["voxgen"]}.
{training["parameters"]:,} weights.

## Use

    voxgen sample {name} -n 16 --seed 0 --format obj,stl

or in Python

    import voxgen
    buildings = voxgen.load({name!r}).sample(16, seed=0)

It can be asked for: {", ".join(asked) or "nothing in particular"}.

## Data

{data["buildings"]:,} training buildings of `{data["name"]}`{copies}
(fingerprint {data["fingerprint"]}).{begun}

Licence of the data: {licences}.

Attribution, to be shown where this model or what it makes is shipped:

{credit}{notes}
## Training

Step {training["step"]:,} after {training["seconds"] / 60:.1f} minutes of training, {state}.
Budget: {training["budget"]}.
All settings are in config.json, the machine in environment.json, the course in metrics.csv.

| measured last | |
|---|---|
{rows}
## Limits

It makes shapes like those it saw and knows nothing of structure, use or building law. What it makes has to be
checked by someone who does. The file may hold encodings of the buildings that it learnt from, from which they
can be rebuilt: share it as you would share them.
"""


def _lines(said: Any) -> list[str]:
    """What a data set's card says under a key: one line, several, or nothing."""
    if not said:
        return []
    return [said] if isinstance(said, str) else [str(line) for line in said]
