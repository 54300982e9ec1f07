"""What a data set is made of: resolution and pitch, which buildings count, what is one shape, the split."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ..config import Config
from ..errors import UsageError, nearest
from ..formats.options import ReadOptions

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Edge = Annotated[int, Field(ge=4, le=1024)]


class Filters(Config):
    """Which buildings count; a limit of None is none.

    Attributes:
        closed: only watertight buildings; else open ones are taken with a warning.
        one_footprint: only buildings that stand on a single footprint polygon.
        min_lod: lowest level of detail; a file that names none passes.
        max_extent: metres along the source's own x, y and z.
        max_triangles: triangles.
        min_height: metres; sheds and terrain are lower. Not applied with `fit`.
        min_footprint: square metres. Not applied with `fit`.
    """

    closed: bool = False
    one_footprint: bool = False
    min_lod: float | None = None
    max_extent: Positive | None = 400.0
    max_triangles: int | None = None
    min_height: Annotated[float, Field(ge=0)] = 3.0
    min_footprint: Annotated[float, Field(ge=0)] = 20.0


class Duplicates(Config):
    """What is one shape.

    Attributes:
        threshold: two buildings are one shape where their IoU under the 8 plan symmetries is over this.
        pitches: metres a voxel of the comparison, whatever the data set's. Buildings that are one shape at
            any of these lie on one side of the split, so that builds at different pitches never disagree.
        keep: `one` building of those that are one shape at the coarsest of the pitches that is not coarser
            than the data set's (at the finest where all are), or `all`.
    """

    threshold: Share = 0.95
    pitches: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.5, 0.75)
    keep: Literal["one", "all"] = "one"


class SplitConfig(Config):
    """How shapes are dealt out.

    Attributes:
        train: share of the shapes.
        validation: share of the shapes.
        test: share of the shapes; the three add up to 1.
        seed: another seed deals otherwise.
    """

    train: Share = 0.8
    validation: Share = 0.1
    test: Share = 0.1
    seed: int = 0

    @model_validator(mode="after")
    def _adds_up(self) -> SplitConfig:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, validation and test add up to {total:g}; they must add up to 1")
        return self


class Stretch(Config):
    """More to learn from: copies of training buildings, stretched along their own axes.

    A house that is a fifth longer, narrower or lower is a house too, and collections hold few. Copies are
    stretched as meshes, so that their walls are as sharp as those of the others. Only training sees them.

    Attributes:
        copies: of each training building that was not made by rule; 0 for none.
        most: largest factor along each axis; the smallest is its inverse.
        enough: training buildings and copies in sum; of many buildings fewer copies are made.
    """

    copies: Annotated[int, Field(ge=0)] = 3
    most: Annotated[float, Field(ge=1, le=4)] = 1.28
    enough: Annotated[int, Field(ge=0)] = 12_000


class BuildConfig(Config):
    """How buildings become grids.

    Attributes:
        resolution: voxels along x, y and z; one number means a cube.
        pitch: metres a voxel; None chooses the smallest round one at which 95 % of the buildings fit.
        fit: give each building a pitch of its own, so that it fills the grid; loses the sense of size.
        oversize: what happens to a building larger than the grid: `reject`, or `clip` with a warning.
        align: turn each building so that its footprint's minimum rectangle has its long side along x.
        storey_height: metres, for the number of storeys and the gross floor area.
        read: unit, up axis, level of detail, objects as buildings, and limits of the files.
        filters: which buildings count.
        duplicates: what is one shape.
        split: how shapes are dealt out to training, validation and test.
        stretch: copies of training buildings.
    """

    resolution: tuple[Edge, Edge, Edge] = (32, 32, 32)
    pitch: Positive | None = None
    fit: bool = False
    oversize: Literal["reject", "clip"] = "reject"
    align: bool = True
    storey_height: Positive = 3.0
    read: ReadOptions = ReadOptions()
    filters: Filters = Filters()
    duplicates: Duplicates = Duplicates()
    split: SplitConfig = SplitConfig()
    stretch: Stretch = Stretch()

    @field_validator("resolution", mode="before")
    @classmethod
    def _cube(cls, given: Any) -> Any:
        return (given,) * 3 if isinstance(given, int) else given

    @model_validator(mode="after")
    def _one_size(self) -> BuildConfig:
        if self.fit and self.pitch is not None:
            raise ValueError("fit gives each building a pitch of its own; leave out either fit or pitch")
        return self

    @classmethod
    def preset(cls, name: str) -> BuildConfig:
        """Give a named config.

        `default` takes what can be voxelized. `standard` takes what is sure to be sound: closed, on one
        footprint polygon, LoD 2 or more, at most 64 m and 5,000 triangles; `standard64` is the same at
        64 x 64 x 64 voxels of 0.5 m, where `standard` has 32 x 32 x 32 of 0.75 m.

        Raises:
            UsageError: for another name.
        """
        if name not in PRESETS:
            raise UsageError(f"no preset {name!r}{nearest(name, PRESETS)}; there are: {', '.join(PRESETS)}")
        return cls.parse(PRESETS[name])

    def fingerprint(self, *fields: str) -> str:
        """Hash of the named fields, or of all: equal for equal settings, in every process."""
        values = self.model_dump(mode="json", include=set(fields) or None)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


_SOUND = {
    "closed": True,
    "one_footprint": True,
    "min_lod": 2.0,
    "max_extent": 64.0,
    "max_triangles": 5000,
    "min_height": 3.0,
    "min_footprint": 20.0,
}

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "standard": {"resolution": 32, "pitch": 0.75, "filters": _SOUND},
    "standard64": {"resolution": 64, "pitch": 0.5, "filters": _SOUND},
}
"""Named configs; see `BuildConfig.preset`."""
