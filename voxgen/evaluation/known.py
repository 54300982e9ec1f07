"""What a model learnt from, packed: all that originality needs of a data set, in one file without its meshes.

A compressed .npz, nothing pickled:

bits         (k, bytes) uint8    buildings and their stretched copies, in the middle of their grid, packed
names        (k,)       str      of each: their ids, or hashes of these bits
unseen       (m,)       float64  IoU of each building that was held back with its nearest
resolution   (3,)       int64    voxels along x, y and z
pitch        ()         float64  metres a voxel
coarser      ()         int64    voxels of the data along the edge of one of these
buildings    ()         int64    how many of the k are no stretched copies; these come first
fingerprint  ()         str      of the data set
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer, UInt8

from ..atomic import replacing
from ..errors import DataError, UsageError
from ..formats.arrays import read_arrays
from ..geometry.grid import FULL, VoxelGrid, coarsened, pack, unpack
from ..geometry.similarity import plan_symmetries
from ..pipeline.store import Dataset
from ..training.data import fingerprint
from .distances import apart, centred
from .judge import learnt, occupied
from .nearest import Neighbours, squared

MOST_BYTES = 1 << 30
"""Largest file that is read, unfolded."""

_DIGITS = 16
"""Hexadecimal ones of a hash."""

_CHUNK = 256
_HELD_OUT = ("validation", "test")


class Known:
    """The buildings that a model learnt from, as a sample is held against them.

    Args:
        bits: their occupancies, each in the middle of its grid, packed.
        names: of each.
        unseen: IoU of each held-out building with its nearest; none where nothing was held out.
        resolution: voxels along x, y and z.
        pitch: metres a voxel.
        coarser: voxels of the data along the edge of one of these.
        buildings: how many are no stretched copies.
        fingerprint: of the data set.

    Raises:
        DataError: for no building at all.
    """

    def __init__(
        self,
        bits: UInt8[np.ndarray, "k bytes"],
        names: tuple[str, ...],
        unseen: Float[np.ndarray, " m"],
        resolution: tuple[int, int, int],
        pitch: float,
        coarser: int,
        buildings: int,
        fingerprint: str,
    ) -> None:
        self.bits = bits
        self.names = names
        self.unseen = unseen
        self.resolution = resolution
        self.pitch = pitch
        self.coarser = coarser
        self.buildings = buildings
        self.fingerprint = fingerprint
        self._neighbours = Neighbours(
            unpack(bits[i : i + _CHUNK], resolution) for i in range(0, len(bits), _CHUNK)
        )

    @classmethod
    def of(cls, data: Dataset, coarser: int = 1, private: bool = False) -> Known:
        """Pack what is learnt from a data set.

        Args:
            data: the data set.
            coarser: voxels of the data along the edge of one that is kept.
            private: whether buildings are named by hashes of what is kept of them in the place of their ids.

        Raises:
            UsageError: when the grid cannot be made that much coarser.
            DataError: for a data set without a training building.
        """
        x, y, z = data.resolution
        if coarser < 1 or any(n % coarser for n in (x, y, z)):
            raise UsageError(f"coarser = {coarser} does not divide the grid of {data.resolution} voxels")
        rows = learnt(data)
        if not len(rows):
            raise DataError(f"{data.path.name} has no training building, so that nothing is known")
        kept = np.concatenate([pack(coarse(chunk, coarser)) for chunk in occupied(data, rows)])
        resolution = (x // coarser, y // coarser, z // coarser)
        ids = tuple(str(name) for name in np.asarray(data.table["id"])[rows])
        names = tuple(map(hash_of, unpack(kept, resolution))) if private else ids
        count, mark = len(data.indices("train")), fingerprint(data)
        made = cls(kept, names, np.zeros(0), resolution, data.pitch * coarser, coarser, count, mark)
        held_out = np.concatenate([data.indices(side) for side in _HELD_OUT])
        parts = [made.nearest(chunk)[0] for chunk in occupied(data, held_out)]
        made.unseen = np.concatenate(parts) if parts else np.zeros(0)
        return made

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def grid(self) -> tuple[tuple[int, int, int], float]:
        """Resolution and pitch of the grids that can be held against these buildings: those of the data."""
        x, y, z = (n * self.coarser for n in self.resolution)
        return (x, y, z), self.pitch / self.coarser

    def check(self, resolution: tuple[int, int, int], pitch: float) -> None:
        """Refuse grids that cannot be held against these buildings.

        Raises:
            DataError: for another resolution or pitch.
        """
        size, metres = self.grid
        if tuple(resolution) != size or not np.isclose(pitch, metres, rtol=1e-3):
            raise DataError(
                f"grids of {resolution} voxels of {pitch:g} m cannot be held against known buildings of "
                f"{size} voxels of {metres:g} m"
            )

    def nearest(
        self, occupancy: Bool[np.ndarray, "n x y z"]
    ) -> tuple[Float[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Give the IoU of each building with its nearest under any symmetry of the plan, and which that is.

        Args:
            occupancy: in the data's voxels.

        Raises:
            DataError: for grids of another size.
        """
        if self.coarser == 1:
            return self._neighbours.nearest(coarse(occupancy, 1))
        # A mirrored building lies otherwise in coarse voxels, so it is mirrored before it is seen in them.
        found = [self._neighbours.nearest(coarse(flipped, self.coarser)) for flipped in _mirrored(occupancy)]
        iou, nearest = (np.stack(part) for part in zip(*found, strict=True))
        best = iou.argmax(axis=0)[None]
        return np.take_along_axis(iou, best, 0)[0], np.take_along_axis(nearest, best, 0)[0]

    def turned(self, at: int, like: Bool[np.ndarray, "x y z"]) -> VoxelGrid:
        """Give one of the buildings, under the symmetry at which it is most like another.

        Args:
            at: which, as `nearest` gives it.
            like: occupancy in the data's voxels.
        """
        mine = squared(unpack(self.bits[at : at + 1], self.resolution))[0]
        turns = centred(plan_symmetries(mine))
        other = squared(coarse(like[None], self.coarser))
        best = turns[int(apart(pack(turns), pack(other))[:, 0].argmin())]
        return VoxelGrid((best * FULL).astype(np.uint8), self.pitch)

    def save(self, path: Path) -> None:
        """Write all of it, whole or not at all."""
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                bits=self.bits,
                names=np.array(self.names, np.str_),
                unseen=self.unseen,
                resolution=np.array(self.resolution, np.int64),
                pitch=np.float64(self.pitch),
                coarser=np.int64(self.coarser),
                buildings=np.int64(self.buildings),
                fingerprint=np.str_(self.fingerprint),
            )

    @classmethod
    def read(cls, path: Path) -> Known:
        """Read what `save` wrote.

        Raises:
            DataError: when the file is missing, damaged, too large, or something else.
        """
        try:
            values = read_arrays(path, _FIELDS, MOST_BYTES, "file of known buildings")
        except FileNotFoundError:
            raise DataError(f"no {path}; make it with voxgen data known DATA -o {path}") from None
        _see_sound(values, path)
        x, y, z = (int(n) for n in values["resolution"])
        return cls(
            values["bits"],
            tuple(str(name) for name in values["names"]),
            values["unseen"].astype(np.float64),
            (x, y, z),
            float(values["pitch"]),
            int(values["coarser"]),
            int(values["buildings"]),
            str(values["fingerprint"]),
        )


_FIELDS = ("bits", "names", "unseen", "resolution", "pitch", "coarser", "buildings", "fingerprint")


def coarse(occupancy: Bool[np.ndarray, "n x y z"], by: int) -> Bool[np.ndarray, "n i j k"]:
    """Give buildings in the middle of their grids, in voxels so many times as large.

    What would vanish so, since it fills half of no voxel, fills all that it touches.

    Raises:
        DataError: when the grid is no multiple of that.
    """
    stood = centred(occupancy)
    if any(length % by for length in stood.shape[1:]):
        raise DataError(f"grids of {stood.shape[1:]} voxels cannot be made {by} times as coarse")
    seen = coarsened(stood, by)
    gone = np.logical_not(seen.any(axis=(1, 2, 3)))
    if by > 1 and gone.any():
        n, x, y, z = seen.shape
        touched = stood.reshape(n, x, by, y, by, z, by).any(axis=(2, 4, 6))
        seen = np.where(gone[:, None, None, None], touched, seen)
    return centred(seen)


def hash_of(occupancy: Bool[np.ndarray, "x y z"]) -> str:
    """Give a hash of a building's voxels, the same wherever it stands and under all symmetries of the plan.

    It says no more of the building than the voxels do.
    """
    turns = centred(plan_symmetries(squared(centred(occupancy[None]))[0]))
    return min(hashlib.sha256(bits.tobytes()).hexdigest() for bits in pack(turns))[:_DIGITS]


def _mirrored(occupancy: Bool[np.ndarray, "n x y z"]) -> Iterator[Bool[np.ndarray, "n x y z"]]:
    """Buildings as they are, mirrored in x, in y, and both; what else there is swaps axes, and no voxels."""
    for x in (1, -1):
        for y in (1, -1):
            yield np.ascontiguousarray(occupancy[:, ::x, ::y])


def _see_sound(values: dict[str, np.ndarray], path: Path) -> None:
    bits, names, unseen = (values[name] for name in ("bits", "names", "unseen"))
    resolution: Integer[np.ndarray, " axes"] = values["resolution"]
    sound = (
        bits.dtype == np.uint8
        and bits.ndim == 2
        and names.shape == (len(bits),)
        and names.dtype.kind == "U"
        and unseen.ndim == 1
        and unseen.dtype.kind == "f"
        and bool(np.all((unseen >= 0) & (unseen <= 1)))
        and resolution.shape == (3,)
        and resolution.dtype.kind in "iu"
        and bool(np.all((resolution > 0) & (resolution <= 4096)))
        and bits.shape[1] == -(-int(np.prod(resolution.astype(np.int64))) // 8)
        and len(bits) > 0
        and all(values[name].shape == () for name in ("pitch", "coarser", "buildings", "fingerprint"))
        and values["buildings"].dtype.kind in "iu"
        and 0 <= int(values["buildings"]) <= len(bits)
        and values["pitch"].dtype.kind == "f"
        and bool(np.isfinite(values["pitch"]) and values["pitch"] > 0)
        and values["coarser"].dtype.kind in "iu"
        and int(values["coarser"]) >= 1
    )
    if not sound:
        raise DataError(f"{path} holds no known buildings, or is damaged; make it anew: voxgen data known")
