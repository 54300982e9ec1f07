"""Planar polygons with holes in space -> triangles that keep every edge of every ring.

Polygons come flat, as three offset levels: `loops` are vertex indices, ring `r` is
`loops[rings[r]:rings[r + 1]]`, polygon `p` is rings `polygons[p]` to `polygons[p + 1]`, the first of them
outer, the others holes. Each polygon is projected on its Newell plane (Sutherland et al. 1974), whose normal
follows the winding, and triangulated there by manifold3d, which accepts what real city models hold: rings
that touch themselves, holes that touch the rim, points in a row. Ear clippers that drop points in a row open
seams in closed shells; here each ring edge comes back in exactly one triangle, in the ring's direction.

Triangles and quads, the bulk of most files, are done in one vectorised step.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Integer, Shaped

MOST_CORNERS = 10_000
"""Corners above which a polygon becomes fans: no wall has as many, and a tangle of them takes minutes."""


def triangulate(
    vertices: Float[np.ndarray, "v 3"],
    loops: Integer[np.ndarray, " n"],
    rings: Integer[np.ndarray, " r1"],
    polygons: Integer[np.ndarray, " p1"],
) -> tuple[Integer[np.ndarray, "f 3"], Integer[np.ndarray, " f"]]:
    """Triangulate polygons with holes.

    A polygon without a plane (zero area), of over `MOST_CORNERS`, or one that the triangulator cannot follow
    becomes fans of its rings: a fan keeps the edges, and its signed areas add up to the polygon's.

    Args:
        vertices: (v, 3) metres, finite.
        loops: vertex indices, ring after ring, first point not repeated; three or more a ring.
        rings: (r + 1,) offsets of the rings in `loops`.
        polygons: (p + 1,) offsets of the polygons in `rings`.

    Returns:
        faces: (f, 3) vertex indices, sorted by polygon.
        source: (f,) the polygon of each face.
    """
    sizes = np.diff(rings)
    single = np.diff(polygons) == 1
    first = polygons[:-1]
    corners = np.where(single, sizes[np.minimum(first, max(len(sizes) - 1, 0))] if len(sizes) else 0, 0)
    faces: list[np.ndarray] = []
    source: list[np.ndarray] = []

    three = np.flatnonzero(corners == 3)
    faces.append(loops[rings[first[three], None] + np.arange(3)])
    source.append(three)

    four = np.flatnonzero(corners == 4)
    faces.append(_split_quads(vertices, loops[rings[first[four], None] + np.arange(4)]))
    source.append(np.repeat(four, 2))

    done = np.isin(corners, (3, 4))
    for p in np.flatnonzero(~done):
        parts = [loops[rings[r] : rings[r + 1]] for r in range(polygons[p], polygons[p + 1])]
        triangles = _triangulate_one(vertices, parts)
        faces.append(triangles)
        source.append(np.full(len(triangles), p))

    joined, owner = np.concatenate(faces), np.concatenate(source)
    order = np.argsort(owner, kind="stable")
    return joined[order].astype(np.int32), owner[order].astype(np.int32)


def newell_normal(points: Float[np.ndarray, "*batch n 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Area vector of closed loops: along the normal by the right-hand rule, as long as the area in m2."""
    local = points - points[..., :1, :]
    following = np.roll(local, -1, axis=-2)
    over, mean = local - following, 0.5 * (local + following)
    return (over[..., [1, 2, 0]] * mean[..., [2, 0, 1]]).sum(axis=-2)


def area_vectors_of_rings(
    vertices: Float[np.ndarray, "v 3"], loops: Integer[np.ndarray, " n"], rings: Integer[np.ndarray, " r1"]
) -> Float[np.ndarray, "r 3"]:
    """Give `newell_normal` of every ring, none of them empty, at once."""
    points = vertices[loops]
    local = points - np.repeat(points[rings[:-1]], np.diff(rings), axis=0)
    return np.add.reduceat(np.cross(local, local[next_in_ring(rings)]), rings[:-1]) / 2


def next_in_ring(rings: Integer[np.ndarray, " r1"]) -> Integer[np.ndarray, " n"]:
    """Give for each place in the loops the one that follows in its ring; rings may be empty."""
    following = np.arange(1, rings[-1] + 1)
    full = np.diff(rings) > 0
    following[rings[1:][full] - 1] = rings[:-1][full]
    return following


def offsets_of(counts: Shaped[np.ndarray, " n"]) -> Integer[np.ndarray, " n1"]:
    """Give the offsets of things of these counts, one after the other."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _split_quads(
    vertices: Float[np.ndarray, "v 3"], quads: Integer[np.ndarray, "q 4"]
) -> Integer[np.ndarray, "q2 3"]:
    """Cut each quad along the diagonal whose two triangles both face as the quad does.

    Where both diagonals do (a convex quad), the one with the larger smaller triangle wins, so that three
    points in a row never make an empty triangle while they need not.
    """
    corners = vertices[quads]
    normal = newell_normal(corners)

    def smaller(triples: tuple[tuple[int, int, int], tuple[int, int, int]]) -> np.ndarray:
        areas = [(newell_normal(corners[:, triple]) * normal).sum(axis=1) for triple in triples]
        return np.minimum(*areas)

    by_02, by_13 = ((0, 1, 2), (0, 2, 3)), ((0, 1, 3), (1, 2, 3))
    cut = np.where((smaller(by_13) > smaller(by_02))[:, None, None], np.array(by_13), np.array(by_02))
    return np.take_along_axis(quads[:, None, :], cut, axis=2).reshape(-1, 3)


def _triangulate_one(
    vertices: Float[np.ndarray, "v 3"], rings: list[Shaped[np.ndarray, " _"]]
) -> Integer[np.ndarray, "f 3"]:
    from manifold3d import triangulate as triangulate_flat

    normal = newell_normal(vertices[rings[0]])
    length = np.linalg.norm(normal)
    origin = vertices[rings[0][0]]
    reach = np.abs(vertices[rings[0]] - origin).max()
    if length <= 1e-12 * max(reach, 1e-6) ** 2 or sum(map(len, rings)) > MOST_CORNERS:
        return _fans(rings)
    basis = _plane_basis(normal / length)
    flat = [(vertices[ring] - origin) @ basis for ring in rings]
    # A hole must run against its outer ring; files get this wrong, and then its faces would too.
    turned = [i > 0 and _area(ring) > 0 for i, ring in enumerate(flat)]
    rings = [ring[::-1] if turn else ring for ring, turn in zip(rings, turned, strict=True)]
    flat = [ring[::-1] if turn else ring for ring, turn in zip(flat, turned, strict=True)]
    corners = np.asarray(triangulate_flat([np.ascontiguousarray(ring) for ring in flat]), np.int64)
    if len(corners) != sum(map(len, rings)) + 2 * (len(rings) - 1) - 2:
        return _fans(rings)
    return np.concatenate(rings)[corners.reshape(-1, 3)]


def _plane_basis(normal: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 2"]:
    """Two unit columns that make a right-handed frame with the unit `normal`."""
    x, y, z = normal.tolist()
    # Duff et al. 2017, "Building an orthonormal basis, revisited".
    sign = math.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    return np.array([[1.0 + sign * x * x * a, b], [sign * b, sign + y * y * a], [-sign * x, -y]])


def _area(ring: Float[np.ndarray, "n 2"]) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _fans(rings: list[Shaped[np.ndarray, " _"]]) -> Integer[np.ndarray, "f 3"]:
    fans = [np.stack([np.full(len(r) - 2, r[0]), r[1:-1], r[2:]], axis=1) for r in rings]
    return np.concatenate(fans)
