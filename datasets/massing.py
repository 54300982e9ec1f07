"""The embedded data set: buildings made by rules, each from (seed, index) alone.

Most follow what stands in Dutch and German streets, because that is what national models hold: narrow
houses in rows, detached houses, farms. A share has what such models lack: cantilevers, arcades, passages,
balconies, pilotis. All are closed, oriented solids in metres, Z up, grounded at z = 0 and centred at
x = y = 0, the main ridge along x; each fits in a cube of 32 m. What is true of a building stands in its
attributes, and needs no measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from voxgen.errors import UsageError
from voxgen.formats.building import Building
from voxgen.geometry.mesh import Mesh

from . import massing_blocks, massing_houses
from .massing_dice import Dice
from .massing_draft import Brief, Draft, classes, gross_floor_area, pitched_share, to_mesh

SOURCE = "massing"
"""What `Building.source` says."""

LOD = 2.3
"""Level of detail after Biljecki et al. (2016): LoD2 with overhangs and roof superstructures."""

TYPES: dict[str, tuple[float, Callable[[Dice, Draft], Brief]]] = {
    "terraced": (0.34, massing_houses.terraced),
    "detached": (0.21, massing_houses.detached),
    "winged": (0.12, massing_houses.winged_house),
    "outbuilding": (0.09, massing_houses.outbuilding),
    "farmhouse": (0.03, massing_houses.farmhouse),
    "modern": (0.05, massing_houses.modern_villa),
    "slab": (0.05, massing_blocks.slab),
    "town": (0.04, massing_blocks.town_building),
    "court": (0.02, massing_blocks.court),
    "tower": (0.03, massing_blocks.tower),
    "landmark": (0.02, massing_blocks.landmark),
}
"""Share of each type of building, and the function that drafts one."""

WALKED_ON = ("balcony",)
"""Parts whose upward faces are floors, not roofs."""


@dataclass(frozen=True)
class Labelled:
    """A building with the part that each face belongs to.

    Attributes:
        building: as `building` gives it.
        part_names: names of the parts, such as `main`, `dormer`, `arcade`.
        face_parts: (f,) index into `part_names` for each face of `building.mesh`; the walls of a passage
            bear the passage's name.
        solids: the added parts as closed solids of their own, `solids.parts` numbering them; they overlap.
        solid_names: the part of each of these solids.
    """

    building: Building
    part_names: tuple[str, ...]
    face_parts: Integer[np.ndarray, " f"]
    solids: Mesh
    solid_names: tuple[str, ...]


def generate(n: int, seed: int = 0) -> Iterator[Building]:
    """Give buildings 0 to n - 1 of a seed.

    Raises:
        UsageError: a negative count or seed.
    """
    if n < 0:
        raise UsageError(f"{n} buildings were asked for; give 0 or more")
    _check(0, seed)
    return (building(index, seed) for index in range(n))


def building(index: int, seed: int = 0) -> Building:
    """Give one building; the same for the same seed and index, whatever else is made.

    Raises:
        UsageError: a negative index or seed.
    """
    draft, brief = _draft(index, seed)
    return _finish(draft, brief, index, seed)[0]


def labelled(index: int, seed: int = 0) -> Labelled:
    """Give one building with its parts.

    Raises:
        UsageError: a negative index or seed.
    """
    draft, brief = _draft(index, seed)
    whole, face_parts, offset = _finish(draft, brief, index, seed)
    names, solids = zip(*draft.solids(), strict=True)
    meshes = [to_mesh(solid.translate(tuple(offset))) for solid in solids]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    joined = Mesh.of(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]),
        parts=np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes]),
    )
    return Labelled(whole, draft.parts, face_parts, joined, tuple(names))


def _check(index: int, seed: int) -> None:
    if index < 0 or seed < 0:
        raise UsageError(f"index {index} and seed {seed} were given; both must be 0 or more")


def _draft(index: int, seed: int) -> tuple[Draft, Brief]:
    _check(index, seed)
    dice, draft = Dice(seed, index), Draft()
    kind = dice.pick({name: share for name, (share, _) in TYPES.items()})
    return draft, TYPES[kind][1](dice, draft)


def _finish(
    draft: Draft, brief: Brief, index: int, seed: int
) -> tuple[Building, Integer[np.ndarray, " f"], np.ndarray]:
    solid = draft.union()
    x0, y0, z0, x1, y1, _ = solid.bounding_box()
    offset = np.array([-(x0 + x1) / 2, -(y0 + y1) / 2, -z0])
    solid = solid.translate(tuple(offset))
    bare, face_parts = to_mesh(solid), draft.names_of(solid)
    floors = np.isin(face_parts, [draft.parts.index(p) for p in WALKED_ON if p in draft.parts])
    mesh = Mesh.of(bare.vertices, bare.faces, classes(bare, floors))
    attributes = {
        "type": brief.type,
        "footprint": brief.footprint,
        "roof": brief.roof,
        "roof_pitch": brief.pitch,
        "eaves": brief.eaves,
        "storeys": brief.storeys,
        "storey_height": brief.storey_height,
        "height": float(mesh.extents[2]),
        "footprint_area": float(solid.project().area()),
        "gross_floor_area": gross_floor_area(solid, brief),
        "volume": float(solid.volume()),
        "pitched_share": pitched_share(mesh),
        "parts": ",".join(draft.parts),
    }
    name = f"{SOURCE}-{seed}-{index:06d}"
    made = Building(id=name, source=f"{SOURCE}/{name}", mesh=mesh, lod=LOD, attributes=attributes)
    return made, face_parts, offset
