"""Scores on disk: what was judged, how, and what came out, as JSON for programs and Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from pydantic import Field

from .. import checkpoint
from ..atomic import write_text
from ..config import Config
from ..errors import DataError, UsageError
from ..pipeline.store import Dataset
from ..training.data import fingerprint
from .conditions import ConditionError
from .evaluate import Evaluation, EvaluationConfig
from .judge import Scores
from .table import conditions_table, descriptors_table, figures_table, markdown

VERSION = 2
"""Of the figures; scores of another version are not set beside each other."""


class Subject(Config):
    """Which model was judged.

    Attributes:
        name: of the run.
        family: of the model, or `module:Class`.
        recipe: which of the family's recipes.
        sha256: of the model file.
        step: steps of training.
        seconds: of training.
        parameters: weights.
    """

    name: str
    family: str
    recipe: str
    sha256: str
    step: int
    seconds: float
    parameters: int

    @classmethod
    def of(cls, name: str, model: Path) -> Subject:
        """Read it from a model file."""
        card = checkpoint.read_card(model)
        training = card.get("training") or {}
        return cls(
            name=name,
            family=card["family"],
            recipe=card["recipe"],
            sha256=checkpoint.digest(model),
            step=int(training.get("step", 0)),
            seconds=float(training.get("seconds", 0.0)),
            parameters=int(training.get("parameters", 0)),
        )


class Against(Config):
    """What it was held against.

    Attributes:
        data: name of the data set.
        fingerprint: a hash over its checksums.
        resolution: voxels along x, y and z.
        pitch: metres a voxel.
        size: buildings in each subset.
        config: how it was judged.
        version: of the figures.
    """

    data: str
    fingerprint: str
    resolution: tuple[int, int, int]
    pitch: float
    size: int
    config: EvaluationConfig
    version: int = VERSION

    @classmethod
    def of(cls, data: Dataset, config: EvaluationConfig, size: int) -> Against:
        """Describe a data set and how it is used."""
        return cls(
            data=str(data.card.get("name") or data.path.name),
            fingerprint=fingerprint(data),
            resolution=data.resolution,
            pitch=data.pitch,
            size=size,
            config=config,
        )


class Record(Config):
    """The scores of one model.

    Attributes:
        format: always `voxgen-scores`.
        voxgen: version that judged.
        subject: which model.
        against: which data, and how.
        scores: the model's figures.
        conditions: asked against got.
        sampling: wall-clock seconds that the samples took.
        floors: the held-out buildings and the trivial models, by name.
    """

    format: str = "voxgen-scores"
    voxgen: str = Field(default_factory=lambda: metadata.version("voxgen"))
    subject: Subject
    against: Against
    scores: Scores
    conditions: dict[str, ConditionError]
    sampling: float
    floors: dict[str, Scores]

    @classmethod
    def of(
        cls, subject: Subject, against: Against, found: Evaluation, floors: Mapping[str, Scores]
    ) -> Record:
        """Put together what was found."""
        return cls(
            subject=subject,
            against=against,
            scores=found.judged.scores,
            conditions=found.conditions,
            sampling=round(found.sampling, 2),
            floors=dict(floors),
        )

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read scores.

        Raises:
            DataError: when the file is missing or damaged.
        """
        try:
            return cls.parse(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, UsageError) as failure:
            raise DataError(f"{path} holds no scores that can be read ({failure}); judge again") from None

    def write(self, path: Path) -> None:
        """Write the scores as JSON."""
        write_text(path, self.to_json() + "\n")

    def markdown(self) -> str:
        """Give the scores for people."""
        return comparison({self.subject.name: self})


def comparison(records: Mapping[str, Record]) -> str:
    """Give models beside each other and beside the floors of the first, as Markdown.

    Raises:
        UsageError: for no record at all.
    """
    if not records:
        raise UsageError("no model was judged, so there is nothing to compare")
    first = max(records.values(), key=lambda record: "bits" in record.scores.figures)
    sets = {name: record.scores for name, record in records.items()} | first.floors
    against, config = first.against, first.against.config
    x, y, z = against.resolution
    models = [("model", "steps", "minutes", "weights", "seconds a sample")]
    for name, record in records.items():
        subject = record.subject
        models.append(
            (
                name,
                f"{subject.step:,}",
                f"{subject.seconds / 60:.1f}",
                f"{subject.parameters:,}",
                f"{record.sampling / record.scores.count:.3f}",
            )
        )
    asking = ", ".join(f"{name} = {value:g}" for name, value in config.ask.items())
    of = f"of seed {config.seed}" + f", asked for {asking}," * bool(asking)
    parts = [
        f"# {', '.join(records)} against {against.data}",
        f"{config.count} samples {of} against the {config.split} split of {against.data} "
        f"({x} x {y} x {z} voxels of {against.pitch:g} m), at occupancy over one half. Each figure: mean and "
        f"standard deviation over {config.rounds} random subsets of {against.size}. 1-NNA reads with its "
        "halves: noise has one of 0 and one of 1.",
        markdown(models),
        figures_table(sets),
        "Descriptors: shift of the mean in deviations of the reference, Fréchet distance in brackets.",
        descriptors_table(sets),
    ]
    conditions = {name: record.conditions for name, record in records.items() if record.conditions}
    if conditions:
        parts += [
            "Asked for the attributes of held-out buildings, all at once: median absolute error, "
            "and relative in brackets; and of what the model tells of these buildings by their latents.",
            conditions_table(conditions),
        ]
    return "\n\n".join(parts) + "\n"
