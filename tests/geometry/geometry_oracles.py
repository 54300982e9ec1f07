"""What the geometry is held against: slow, plain ways to the same answers, and things drawn at random."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from solids import Part, rectangle, solid_parts

from voxgen.geometry.mesh import Mesh


def box(length=4.0, width=3.0, height=2.0, at=(0.0, 0.0, 0.0)):
    """A closed box of 12 triangles, its lowest corner at `at`."""
    return Part(rectangle(0, 0, length, width), 0, height).mesh().translated(list(at))


def gable(length=10.0, width=8.0, eaves=3.0, ridge=7.0):
    """A closed house with a gable roof, the ridge along x."""
    return Part(rectangle(0, 0, length, width), 0, eaves, ridge).mesh()


def together(*meshes, labelled=False):
    """Meshes as one; each a part of its own where `labelled`."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    faces = np.concatenate([m.faces + o for m, o in zip(meshes, offsets, strict=True)])
    parts = np.repeat(np.arange(len(meshes)), [len(m.faces) for m in meshes])
    vertices = np.concatenate([m.vertices for m in meshes])
    return Mesh.of(vertices, faces, parts=parts if labelled else None)


def without(mesh, faces):
    """The mesh less some of its faces."""
    kept = np.setdiff1d(np.arange(len(mesh.faces)), faces)
    return Mesh.of(mesh.vertices, mesh.faces[kept], mesh.labels[kept], mesh.parts[kept])


def soup(seed, resolution=(1, 1, 1), count=40):
    """Triangles at random in and around a grid, many of them with corners on its sample lattice."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.2, 1.2, (count, 3)) * resolution
    coarse = rng.random(count) < 0.5
    points[coarse] = np.round(points[coarse] * 8) / 8
    return Mesh.of(points, rng.integers(0, count, (count, 3)))


def building(seed):
    """One of the analytic solids, all parts in one mesh."""
    return together(*[part.mesh() for part in solid_parts(seed)])


def signed_volume(mesh):
    """Volume by the divergence theorem; positive where a closed mesh is turned outwards."""
    a, b, c = np.moveaxis(mesh.triangles - mesh.vertices[0], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def area(mesh):
    """Surface area."""
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def ways(mesh):
    """How often each directed edge is run along, by the numbers of its vertices."""
    return Counter((a, b) for f in mesh.faces.tolist() for a, b in zip(f, [*f[1:], f[0]], strict=True))


def is_closed(mesh):
    """Whether every edge is run along as often one way as the other."""
    count = ways(mesh)
    return all(count[b, a] == n for (a, b), n in count.items())


def is_two_manifold(mesh):
    """Whether every edge joins two faces that agree, and the faces around every vertex make one ring."""
    count = ways(mesh)
    if any(n != 1 or count[b, a] != 1 for (a, b), n in count.items()):
        return False
    after = defaultdict(dict)
    for a, b, c in mesh.faces.tolist():
        after[a][b], after[b][c], after[c][a] = c, a, b
    for ring in after.values():
        start = at = next(iter(ring))
        length = 0
        while True:
            at = ring[at]
            length += 1
            if at == start:
                break
        if length != len(ring):
            return False
    return len(after) == len(mesh.vertices)


def centres(resolution):
    """Voxel centres in index units, z fastest."""
    axes = [np.arange(n) + 0.5 for n in resolution]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def iou(a, b):
    """Intersection over union; 1 where both are empty."""
    either = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / either if either else 1.0


def winding_number(points, corners):
    """Exact winding numbers by solid angles (van Oosterom and Strackee 1983)."""
    total = np.zeros(len(points))
    for triangle in corners:
        a, b, c = triangle[:, None] - points
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        det = (a * np.cross(b, c)).sum(axis=1)
        below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total += 2 * np.arctan2(det, below)
    return total / (4 * np.pi)


def diagonal_contacts(occupancy):
    """Vertices of the lattice around which the filled voxels, or the empty ones, fall apart, by search."""
    padded = np.pad(occupancy, 1)
    found = 0
    for x, y, z in np.ndindex(*(n - 1 for n in padded.shape)):
        cube = padded[x : x + 2, y : y + 2, z : z + 2]
        found += any(_pieces(cube == filled) > 1 for filled in (True, False))
    return found


def _pieces(cube):
    left = set(map(tuple, np.argwhere(cube).tolist()))
    count = 0
    while left:
        count += 1
        stack = [left.pop()]
        while stack:
            at = stack.pop()
            beside = {(*at[:axis], 1 - at[axis], *at[axis + 1 :]) for axis in range(3)} & left
            left -= beside
            stack += beside
    return count


shapes = st.tuples(*[st.integers(1, 6)] * 3)

occupancies = hnp.arrays(np.bool_, shapes)

coverages = hnp.arrays(np.uint8, shapes, elements=st.integers(0, 64))

places = st.fixed_dictionaries(
    {
        "pitch": st.floats(0.1, 4.0),
        "origin": hnp.arrays(np.float64, 3, elements=st.floats(-1e6, 1e6)),
        "yaw": st.floats(-7.0, 7.0),
    }
)
