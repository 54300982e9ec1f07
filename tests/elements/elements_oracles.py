"""Masses whose elements are known, and what holds for the elements of any mass."""

from __future__ import annotations

import itertools

import numpy as np
from manifold3d import Error, Manifold, Mesh64, OpType

from voxgen.elements import Elements
from voxgen.geometry.mesh import Mesh
from voxgen.geometry.polyhedron import Polyhedron, of_triangles
from voxgen.geometry.topology import topology


def manifold(mesh: Mesh) -> Manifold:
    return Manifold(Mesh64(np.ascontiguousarray(mesh.vertices), mesh.faces.astype(np.uint64)))


def mass(solid: Manifold) -> Polyhedron:
    """Polygons of a solid made with manifold3d alone."""
    made = solid.to_mesh64()
    return of_triangles(Mesh.of(made.vert_properties[:, :3], np.asarray(made.tri_verts).astype(np.int64)))


def box(size, at=(0.0, 0.0, 0.0)) -> Manifold:
    return Manifold.cube(size).translate(at)


def gable(length=12.0, width=8.0, eaves=5.0, rise=4.0) -> Manifold:
    corners = [(x, y, z) for x in (0, length) for y in (0, width) for z in (0, eaves)]
    ridge = [(x, width / 2, eaves + rise) for x in (0, length)]
    return Manifold.hull_points(np.array([*corners, *ridge], float))


def l_shape() -> Manifold:
    return box((12, 6, 6)) + box((6, 12, 6))


def courtyard() -> Manifold:
    return box((20, 20, 6)) - box((8, 8, 10), (6, 6, -1))


def cantilever(soffit=3.0) -> Manifold:
    return box((10, 8, 9)) + box((5, 8, 9 - soffit), (10, 0, soffit))


def setback() -> Manifold:
    return box((12, 12, 6)) + box((6, 6, 15), (3, 3, 0))


def rotated(solid: Manifold) -> Manifold:
    return solid.rotate((0, 0, 27.3)).translate((3.7, -11.2, 0))


SOLIDS = {
    "box": lambda: box((10, 8, 6)),
    "gable": gable,
    "gable-turned": lambda: rotated(gable()),
    "l-shape": l_shape,
    "l-shape-turned": lambda: rotated(l_shape()),
    "courtyard": courtyard,
    "cantilever": cantilever,
    "cantilever-between-levels": lambda: cantilever(4.4),
    "setback": setback,
    "setback-turned": lambda: rotated(setback()),
}


def check(elements: Elements, tolerance: float = 1e-3, weld: float = 1e-3) -> list[Manifold]:
    """Closed when welded, within the mass, apart to a share of its volume; gives the solids."""
    whole = manifold(elements.mass.to_mesh())
    solids = []
    for one in elements.solids:
        mesh = one.surface.to_mesh()
        found = topology(mesh, weld)
        assert found.is_closed, one.name
        assert found.is_oriented, one.name
        made = manifold(mesh)
        assert made.status() == Error.NoError, one.name
        assert made.volume() > 0, one.name
        solids.append(made)
    names = [one.name for one in elements.solids]
    assert len(set(names)) == len(names)
    union = Manifold.batch_boolean(solids, OpType.Add)
    assert (union - whole).volume() < tolerance * whole.volume()
    for (a, one), (b, two) in itertools.combinations(zip(names, solids, strict=True), 2):
        assert (one ^ two).volume() < tolerance * whole.volume(), (a, b)
    return solids


def inside(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    """Which points lie in a closed mesh, by its winding around them (Van Oosterom and Strackee 1983)."""
    a, b, c = (mesh.triangles[:, k][None] - points[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=2) for v in (a, b, c))
    across = (a * np.cross(b, c)).sum(axis=2)
    beside = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2(across, beside).sum(axis=1) > np.pi


def covered(elements: Elements, depth: float = 0.02, count: int = 400) -> float:
    """Share of the mass's surface behind which, at a depth, there is an element."""
    mesh = elements.mass.to_mesh()
    rng = np.random.default_rng(0)
    corners = mesh.triangles
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    chosen = rng.choice(len(areas), count, p=areas / areas.sum())
    weights = rng.dirichlet((1, 1, 1), count)
    points = (corners[chosen] * weights[:, :, None]).sum(axis=1)
    points = points - depth * normals[chosen] / areas[chosen, None]
    points = points[inside(mesh, points)]
    hit = np.zeros(len(points), bool)
    for one in elements.solids:
        hit |= inside(one.surface.to_mesh(), points)
    return float(hit.mean())


def kinds(elements: Elements) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in elements.solids:
        counts[one.attributes["role"]] = counts.get(one.attributes["role"], 0) + 1
    return counts
