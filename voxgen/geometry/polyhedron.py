"""The one result of every way from voxels to a surface: planar polygons with holes, each with what it is.

Polygons lie flat in three offset levels, as `triangulate` takes them. Neighbours share the vertices between
them, so that a closed polyhedron has each edge once in each direction, and its triangles too.

`merged` makes polygons of facets: facets of one key that share an edge become one polygon, the rings are what
is left of their edges, and a vertex goes where only two edges remain there and they lie in one line. As that
does not depend on the polygon, neighbours agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8
from numba import njit

from .components import components
from .flips import flipped
from .mesh import Mesh, SurfaceClass
from .topology import edges, weld
from .triangulate import area_vectors_of_rings, next_in_ring, offsets_of, triangulate

_UPRIGHT = np.cos(np.deg2rad(75.0))
"""Faces steeper than 75 degrees are walls."""

_FLAT = 1e-6
"""Facets whose corners lie this close to a plane, in metres, are in it; so are corners to a line."""

NO_STOREY = -1
"""Storey of a polygon that belongs to none, or to several."""

CLASS_NAMES = {
    SurfaceClass.GROUND: "ground",
    SurfaceClass.WALL: "wall",
    SurfaceClass.ROOF: "roof",
    SurfaceClass.OPENING: "opening",
    SurfaceClass.OUTER_FLOOR_OR_CEILING: "ceiling",
}
"""What faces of a class are called; others are a `face`."""


@dataclass(frozen=True)
class Polyhedron:
    """Planar polygons with holes in metres, Z up, turned outwards.

    Attributes:
        vertices: (v, 3) metres.
        loops: vertex numbers, ring after ring, the first not repeated.
        rings: (r + 1,) offsets of the rings in `loops`.
        polygons: (p + 1,) offsets of the polygons in `rings`; the first ring of each is the outer one.
        labels: (p,) the `SurfaceClass` of each polygon.
        storeys: (p,) storey from 0, `NO_STOREY` where none is known.
        notes: what the reader of the result should know, such as parts that fell back to blocks.
    """

    vertices: Float[np.ndarray, "v 3"]
    loops: Int[np.ndarray, " n"]
    rings: Int[np.ndarray, " r1"]
    polygons: Int[np.ndarray, " p1"]
    labels: UInt8[np.ndarray, " p"]
    storeys: Int[np.ndarray, " p"]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Give the number of polygons."""
        return len(self.labels)

    def corners(self, number: int) -> list[Int[np.ndarray, " _"]]:
        """Give the rings of a polygon as vertex numbers, the outer one first."""
        first, last = self.polygons[number : number + 2]
        return [self.loops[self.rings[r] : self.rings[r + 1]] for r in range(first, last)]

    def outlines(self, number: int) -> list[Int[np.ndarray, " _"]]:
        """Give the rings of a polygon as standards want them, the outer one first: no vertex twice in a ring.

        A ring that touches itself at a vertex becomes several, such as an outer ring and a hole that touches
        it (ISO 19107); `corners` keeps it whole, which is how it can be triangulated.
        """
        found = [loop for ring in self.corners(number) for loop in _apart(ring.tolist())]
        if len(found) > 1:
            normal = self.area_vectors[number]
            offsets = offsets_of(np.array([len(loop) for loop in found]))
            vectors = area_vectors_of_rings(self.vertices, np.concatenate(found).astype(np.int64), offsets)
            outer = int(np.argmax(vectors @ normal))
            found.insert(0, found.pop(outer))
        return [np.array(loop, np.int64) for loop in found]

    def polygon(self, number: int) -> list[Float[np.ndarray, "_ 3"]]:
        """Give the rings of a polygon in metres, the outer one first."""
        return [self.vertices[ring] for ring in self.corners(number)]

    @cached_property
    def area_vectors(self) -> Float[np.ndarray, "p 3"]:
        """Along each polygon's normal, as long as its area in m2."""
        return _area_vectors(self.vertices, self.loops, self.rings, self.polygons)

    @property
    def areas(self) -> Float[np.ndarray, " p"]:
        """Area of each polygon in m2."""
        return np.linalg.norm(self.area_vectors, axis=1)

    @cached_property
    def normals(self) -> Float[np.ndarray, "p 3"]:
        """Unit normal of each polygon, outwards; zero for one without area."""
        return self.area_vectors / np.maximum(self.areas, 1e-300)[:, None]

    @property
    def names(self) -> list[str]:
        """A name for each polygon, by class, height and place: the same building gives the same names."""
        first = self.rings[self.polygons[:-1]]
        corners = np.array([CLASS_NAMES.get(SurfaceClass(label), "face") for label in self.labels])
        places = np.array(
            [
                self.vertices[self.loops[a : self.rings[r + 1]]].mean(axis=0).round(3)
                for a, r in zip(first, self.polygons[:-1], strict=True)
            ]
        ).reshape(-1, 3)
        order = np.lexsort((places[:, 1], places[:, 0], places[:, 2], corners))
        names, counts = [""] * len(self), dict.fromkeys(corners.tolist(), 0)
        for p in order.tolist():
            counts[str(corners[p])] += 1
            names[p] = f"{corners[p]}-{counts[str(corners[p])]:03d}"
        return names

    @cached_property
    def triangles(self) -> tuple[Integer[np.ndarray, "f 3"], Integer[np.ndarray, " f"]]:
        """Triangles as vertex numbers, and the polygon of each in rising order; all ring edges are kept."""
        if len(self) == 0:
            return np.zeros((0, 3), np.int32), np.zeros(0, np.int32)
        faces, source = triangulate(self.vertices, self.loops, self.rings, self.polygons)
        return flipped(self.vertices, faces, source), source

    def to_mesh(self) -> Mesh:
        """Give the triangles, labelled."""
        faces, source = self.triangles
        return Mesh.of(self.vertices, faces, self.labels[source])

    def with_notes(self, *notes: str) -> Polyhedron:
        """Give the same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def moved(self, vertices: Float[np.ndarray, "v 3"]) -> Polyhedron:
        """Give the same polygons over other positions of the vertices."""
        return replace(self, vertices=vertices)

    def in_storeys(self, height: float, floor: float | None = None) -> Polyhedron:
        """Give the same, with the storey of each polygon that lies within one.

        Args:
            height: of a storey in metres.
            floor: level of the lowest in metres; by default the lowest vertex.
        """
        if len(self) == 0:
            return self
        base = float(self.vertices[self.loops, 2].min()) if floor is None else floor
        level = (self.vertices[self.loops, 2] - base) / height
        starts = self.rings[self.polygons[:-1]]
        low, high = np.minimum.reduceat(level, starts), np.maximum.reduceat(level, starts)
        storey = np.floor((low + high) / 2 - 1e-6)
        within = (low >= storey - 1e-3) & (high <= storey + 1 + 1e-3)
        return replace(self, storeys=np.where(within, np.maximum(storey, 0), NO_STOREY).astype(np.int64))


def _apart(ring: list[int]) -> list[list[int]]:
    """Cut a ring where it comes back to a vertex."""
    loops: list[list[int]] = []
    path: list[int] = []
    for vertex in ring:
        if vertex in path:
            at = path.index(vertex)
            loops.append(path[at:])
            del path[at:]
        path.append(vertex)
    return [*loops, path]


def nothing(*notes: str) -> Polyhedron:
    """Give the polyhedron of an empty grid."""
    none = np.zeros(0, np.int64)
    zero = np.zeros(1, np.int64)
    return Polyhedron(np.zeros((0, 3)), none, zero, zero, np.zeros(0, np.uint8), none, notes)


def of_triangles(mesh: Mesh, keys: Integer[np.ndarray, " f"] | None = None) -> Polyhedron:
    """Give the polygons of a triangle mesh: neighbours of one key and plane are one.

    Args:
        mesh: metres; vertices are shared by their numbers.
        keys: (f,) what may be one; by default triangles that lie in one plane to a micrometre.
    """
    if len(mesh.faces) == 0:
        return nothing()
    keys = coplanar(mesh) if keys is None else keys
    rings = np.arange(len(mesh.faces) + 1, dtype=np.int64) * 3
    return merged(mesh.vertices, mesh.faces.reshape(-1).astype(np.int64), rings, keys.astype(np.int64))


def coplanar(mesh: Mesh, angle: float | None = None, tolerance: float = 0.0) -> Integer[np.ndarray, " f"]:
    """Number the triangles so that neighbours that lie in one plane have one number.

    Args:
        mesh: metres.
        angle: degrees between the normals of neighbours in one plane; by default their corners have to lie
            within a micrometre of each other's planes.
        tolerance: metres within which vertices are one.
    """
    welded = weld(mesh.vertices, tolerance)[mesh.faces]
    kept, edge_of, _, _ = edges(welded, mesh.parts)
    corners = mesh.triangles
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(length, 1e-12)[:, None]
    face = np.repeat(np.arange(len(mesh.faces)), 3)[np.repeat(kept, 3)]
    edge = edge_of[kept].reshape(-1)
    order = np.argsort(edge, kind="stable")
    face, edge = face[order], edge[order]
    pair = np.flatnonzero(edge[1:] == edge[:-1])
    a, b = face[pair], face[pair + 1]
    if angle is None:
        off = np.abs(np.einsum("nj,nkj->nk", normal[a], corners[b] - corners[a, :1])).max(axis=1)
        back = np.abs(np.einsum("nj,nkj->nk", normal[b], corners[a] - corners[b, :1])).max(axis=1)
        same = (np.maximum(off, back) < _FLAT) & ((normal[a] * normal[b]).sum(axis=1) > 0)
    else:
        same = (normal[a] * normal[b]).sum(axis=1) > np.cos(np.deg2rad(angle))
    return components(len(mesh.faces), a[same], b[same])


def merged(
    vertices: Float[np.ndarray, "v 3"],
    loops: Int[np.ndarray, " n"],
    rings: Int[np.ndarray, " r1"],
    keys: Int[np.ndarray, " r"],
    labels: UInt8[np.ndarray, " r"] | None = None,
) -> Polyhedron:
    """Merge facets, one ring each, that share an edge and a key.

    Args:
        vertices: (v, 3) metres.
        loops: vertex numbers of the facets, turned outwards.
        rings: offsets of the facets in `loops`.
        keys: one number for all facets of a plane that may be merged.
        labels: class of each facet; by default the slope decides.
    """
    if len(keys) == 0:
        return nothing()
    facet = np.repeat(np.arange(len(keys)), np.diff(rings))
    start, end = loops, loops[next_in_ring(rings)]
    count = len(vertices)
    twin = _twins(start, end, count)
    inner = (twin >= 0) & (keys[facet] == keys[facet[twin]])
    component = components(len(keys), facet[inner], facet[twin[inner]])
    # Two sheets of one key may meet along an edge that belongs to none of both.
    inner &= component[facet] == component[facet[twin]]
    left = np.flatnonzero(~inner)
    owner = component[facet[left]]
    rims, sizes, owners = _rings(
        vertices, start[left], end[left], owner, _normals(vertices, loops, rings, component)
    )
    needed = _corners(vertices, rims, sizes)
    ring_of = np.repeat(np.arange(len(sizes)), sizes)
    sizes = np.bincount(ring_of[needed], minlength=len(sizes))
    rims, full = rims[needed], sizes >= 3
    rims = rims[np.repeat(full, sizes)]
    sizes, owners = sizes[full], owners[full]
    offsets = offsets_of(sizes)
    vectors = area_vectors_of_rings(vertices, rims, offsets)
    total = np.zeros((int(owners.max()) + 1, 3))
    np.add.at(total, owners, vectors)
    hole = (vectors * total[owners]).sum(axis=1) <= 0
    order = np.lexsort((-np.linalg.norm(vectors, axis=1), hole, owners))
    at = np.repeat(offsets[:-1][order] - offsets_of(sizes[order])[:-1], sizes[order]) + np.arange(len(rims))
    rims, sizes, owners = rims[at], sizes[order], owners[order]
    used, local = np.unique(rims, return_inverse=True)
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    polygons = np.append(first, len(owners)).astype(np.int64)
    points = vertices[used]
    chosen = None
    if labels is not None:
        sample = np.zeros(int(component.max()) + 1, np.uint8)
        sample[component] = labels
        chosen = sample[owners[first]]
    return with_classes(points, local.reshape(-1).astype(np.int64), offsets_of(sizes), polygons, chosen)


def with_classes(
    vertices: Float[np.ndarray, "v 3"],
    loops: Int[np.ndarray, " n"],
    rings: Int[np.ndarray, " r1"],
    polygons: Int[np.ndarray, " p1"],
    labels: UInt8[np.ndarray, " p"] | None = None,
) -> Polyhedron:
    """Give a polyhedron; without labels steep faces are walls, faces that look up roofs, and others ceilings.

    A face that looks down is ground where it lies at the lowest level.
    """
    if labels is None:
        vectors = _area_vectors(vertices, loops, rings, polygons)
        rise = vectors[:, 2] / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
        lowest = vertices[loops, 2].min()
        top = np.maximum.reduceat(vertices[loops, 2], rings[polygons[:-1]])
        down = np.where(top <= lowest + 1e-3, SurfaceClass.GROUND, SurfaceClass.OUTER_FLOOR_OR_CEILING)
        labels = np.where(
            np.abs(rise) <= _UPRIGHT, SurfaceClass.WALL, np.where(rise > 0, SurfaceClass.ROOF, down)
        ).astype(np.uint8)
    storeys = np.full(len(labels), NO_STOREY, np.int64)
    return Polyhedron(vertices, loops, rings, polygons, labels, storeys)


def _area_vectors(
    vertices: Float[np.ndarray, "v 3"],
    loops: Int[np.ndarray, " n"],
    rings: Int[np.ndarray, " r1"],
    polygons: Int[np.ndarray, " p1"],
) -> Float[np.ndarray, "p 3"]:
    if len(polygons) == 1:
        return np.zeros((0, 3))
    return np.add.reduceat(area_vectors_of_rings(vertices, loops, rings), polygons[:-1])


def _normals(
    vertices: Float[np.ndarray, "v 3"],
    loops: Int[np.ndarray, " n"],
    rings: Int[np.ndarray, " r1"],
    component: Integer[np.ndarray, " r"],
) -> Float[np.ndarray, "c 3"]:
    """Area vector of each component of facets."""
    total = np.zeros((int(component.max()) + 1, 3))
    np.add.at(total, component, area_vectors_of_rings(vertices, loops, rings))
    return total


def _twins(start: Int[np.ndarray, " n"], end: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " n"]:
    """For each directed edge the one that runs back, -1 where none does."""
    key, back = start * count + end, end * count + start
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.searchsorted(key[order], back), len(key) - 1)
    found = order[at]
    return np.where(key[found] == back, found, -1)


def _rings(
    vertices: Float[np.ndarray, "v 3"],
    start: Int[np.ndarray, " n"],
    end: Int[np.ndarray, " n"],
    owner: Integer[np.ndarray, " n"],
    normals: Float[np.ndarray, "c 3"],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " r"], Integer[np.ndarray, " r"]]:
    """Chain directed edges of each owner to rings: their vertices, how many, and the owner of each."""
    key = owner * (len(vertices) + 1) + start
    order = np.argsort(key, kind="stable")
    wanted = owner * (len(vertices) + 1) + end
    low, high = (np.searchsorted(key[order], wanted, side=side) for side in ("left", "right"))
    after = order[np.minimum(low, len(order) - 1)]
    for h in np.flatnonzero(high - low > 1):
        # Where a polygon touches itself the ring keeps to its own corner: the turn furthest to the left.
        options = order[low[h] : high[h]]
        along = vertices[end[h]] - vertices[start[h]]
        leaving = vertices[end[options]] - vertices[end[h]]
        sideways = np.cross(normals[owner[h]], along)
        turn = np.arctan2(
            leaving @ sideways * np.linalg.norm(along), leaving @ along * np.linalg.norm(sideways)
        )
        after[h] = options[int(np.argmax(np.where(turn > np.pi - 1e-9, -np.pi, turn)))]
    sequence, sizes = _follow(after)
    return start[sequence], sizes, owner[sequence[offsets_of(sizes)[:-1]]]


@njit(cache=True)
@no_type_check
def _follow(after):
    """Give the cycles of a permutation, one after the other, and their lengths."""
    n = after.shape[0]
    done = np.zeros(n, np.bool_)
    sequence = np.empty(n, np.int64)
    sizes = np.empty(n, np.int64)
    at = rings = 0
    for first in range(n):
        h = first
        begin = at
        while not done[h]:
            done[h] = True
            sequence[at] = h
            at += 1
            h = after[h]
        if at > begin:
            sizes[rings] = at - begin
            rings += 1
    return sequence[:at], sizes[:rings]


def _corners(
    vertices: Float[np.ndarray, "v 3"], loops: Int[np.ndarray, " n"], sizes: Int[np.ndarray, " r"]
) -> Bool[np.ndarray, " n"]:
    """Tell which places in the rings are needed: all but vertices with two edges in one line."""
    following = loops[next_in_ring(offsets_of(sizes))]
    a, b = np.minimum(loops, following), np.maximum(loops, following)
    edge = np.unique(a * len(vertices) + b)
    a, b = np.divmod(edge, len(vertices))
    degree = np.bincount(np.concatenate([a, b]), minlength=len(vertices))
    ends = np.concatenate([a, b])
    others = np.concatenate([b, a])
    order = np.argsort(ends, kind="stable")
    first = np.searchsorted(ends[order], np.arange(len(vertices)))
    two = np.flatnonzero(degree == 2)
    p, q, v = vertices[others[order[first[two]]]], vertices[others[order[first[two] + 1]]], vertices[two]
    span = q - p
    length = np.linalg.norm(span, axis=1)
    off = np.linalg.norm(np.cross(v - p, span), axis=1) / np.maximum(length, 1e-12)
    between = ((v - p) * (v - q)).sum(axis=1) < 0
    needed = np.ones(len(vertices), bool)
    needed[two[(off < _FLAT) & between]] = False
    return needed[loops]
