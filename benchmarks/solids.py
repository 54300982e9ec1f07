"""Solids whose inside is known in closed form, and the defects that real files bring.

A solid is a union of parts; each part has a closed mesh and a test that tells whether a point is inside. A
defect changes the meshes, never the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from voxgen.geometry.mesh import Mesh
from voxgen.geometry.triangulate import triangulate

Inside = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Part:
    """A prism over a simple polygon (counter-clockwise), with a flat or a gabled top.

    Attributes:
        outline: (n, 2) metres.
        bottom: level of the base; above 0 for a cantilever.
        eaves: level of the top, or of the eaves of a gable.
        ridge: level of the ridge, which runs along x over the middle of a rectangle; None for a flat top.
    """

    outline: np.ndarray
    bottom: float
    eaves: float
    ridge: float | None = None

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Tell which points lie inside."""
        x, y, z = points.T
        within = np.zeros(len(points), bool)
        for p, q in zip(self.outline, np.roll(self.outline, -1, axis=0), strict=True):
            spans = (p[1] <= y) != (q[1] <= y)
            rise = q[1] - p[1] if q[1] != p[1] else 1.0
            within ^= spans & (x < p[0] + (y - p[1]) * (q[0] - p[0]) / rise)
        top = np.full(len(points), self.eaves)
        if self.ridge is not None:
            low, high = self.outline[:, 1].min(), self.outline[:, 1].max()
            share = 1 - np.abs(2 * (y - low) / (high - low) - 1)
            top = self.eaves + (self.ridge - self.eaves) * share
        return within & (z > self.bottom) & (z < top)

    def mesh(self) -> Mesh:
        """Give the closed surface, turned outwards."""
        n = len(self.outline)
        lower = np.column_stack([self.outline, np.full(n, self.bottom)])
        upper = np.column_stack([self.outline, np.full(n, self.eaves)])
        vertices = [lower, upper]
        rings = [np.arange(n)[::-1]]
        if self.ridge is None:
            rings.append(np.arange(n) + n)
            rings += [np.array([i, (i + 1) % n, n + (i + 1) % n, n + i]) for i in range(n)]
        else:
            (x0, y0), (x1, y1) = self.outline.min(axis=0), self.outline.max(axis=0)
            middle = (y0 + y1) / 2
            vertices.append(np.array([[x0, middle, self.ridge], [x1, middle, self.ridge]]))
            rings += [np.array([0, 1, 5, 4]), np.array([1, 2, 6, 9, 5]), np.array([2, 3, 7, 6])]
            rings += [np.array([3, 0, 4, 8, 7]), np.array([4, 5, 9, 8]), np.array([6, 7, 8, 9])]
        return _mesh(np.concatenate(vertices), rings)

    def sheet(self, level: float, slope: float = 0.0) -> Mesh:
        """Give an open sheet through the part at a level, facing up, rising with `slope` along x."""
        middle = self.outline[:, 0].mean()
        z = level + slope * (self.outline[:, 0] - middle)
        return _mesh(np.column_stack([self.outline, z]), [np.arange(len(self.outline))])


def _mesh(vertices: np.ndarray, rings: list[np.ndarray]) -> Mesh:
    offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])])
    faces, _ = triangulate(vertices, np.concatenate(rings), offsets, np.arange(len(rings) + 1))
    return Mesh.of(vertices, faces)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Corners of a rectangle, counter-clockwise."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def joined(meshes: list[Mesh], labelled: bool = False) -> Mesh:
    """Put meshes together; each its own part where `labelled`, else all in one."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    faces = [m.faces + o for m, o in zip(meshes, offsets, strict=True)]
    parts = np.repeat(np.arange(len(meshes)), [len(f) for f in faces])
    return Mesh.of(
        np.concatenate([m.vertices for m in meshes]), np.concatenate(faces), parts=parts if labelled else None
    )


def solid_parts(seed: int) -> list[Part]:
    """Give one of the building solids: concave, gabled, stepped, with wings, towers and cantilevers."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(9, 14), rng.uniform(7, 10)
    h = rng.uniform(4, 9)
    c, d = a * rng.uniform(0.35, 0.6), b * rng.uniform(0.35, 0.6)
    ell = np.array([[0, 0], [a, 0], [a, d], [c, d], [c, b], [0, b]])
    bay = np.array([[0, 0], [a, 0], [a, b], [0.7 * a, b], [0.7 * a, d], [0.3 * a, d], [0.3 * a, b], [0, b]])
    kinds: list[list[Part]] = [
        [Part(rectangle(0, 0, a, b), 0, h)],
        [Part(rectangle(0, 0, a, b), 0, h, h + rng.uniform(1, 4))],
        [Part(ell, 0, h)],
        [Part(bay, 0, h)],
        [Part(ell, 0, h), Part(rectangle(0.1, 0.1, c - 0.2, d - 0.1), h - 1, h + 4, h + 6)],
        [Part(rectangle(0, 0, a, b), 0, h, h + 3), Part(rectangle(c, b - 2, a - 1, b + 5), 0, h - 1)],
        [Part(rectangle(0, 0, a, b), 0, h), Part(rectangle(-3, 1, 3, b - 1), h - 0.5, h + 3)],
        [Part(bay, 0, h), Part(rectangle(0.35 * a, -3, 0.65 * a, d), 0, h + 2, h + 4)],
        [
            Part(rectangle(0, 0, a, b), 0, h, h + 2),
            Part(rectangle(1, 1, 3, 3), 0, h + 5),
            Part(rectangle(a - 2, -2, a + 2, b + 2), 0, h - 1.5),
        ],
        [Part(ell, 0, h), Part(rectangle(c - 1, d - 1, a + 2, b + 2), 0, h - 1, h + 1)],
    ]
    return kinds[seed % len(kinds)]


def inside_union(parts: list[Part]) -> Inside:
    """Give the test that tells whether points lie in any part."""
    return lambda points: np.any([part.inside(points) for part in parts], axis=0)


def without_base(mesh: Mesh) -> Mesh:
    """Take away the faces on the ground."""
    on_ground = np.all(mesh.triangles[:, :, 2] < 1e-9, axis=1)
    return replace(
        mesh, faces=mesh.faces[~on_ground], labels=mesh.labels[~on_ground], parts=mesh.parts[~on_ground]
    )


def flipped(mesh: Mesh, share: float, seed: int) -> Mesh:
    """Turn a share of the faces around, drawn at random."""
    turn = np.random.default_rng(seed).random(len(mesh.faces)) < share
    return replace(mesh, faces=np.where(turn[:, None], mesh.faces[:, ::-1], mesh.faces).astype(np.int32))


def turned(mesh: Mesh) -> Mesh:
    """Turn all faces around."""
    return replace(mesh, faces=np.ascontiguousarray(mesh.faces[:, ::-1]))


def sheets(part: Part, facing_down: bool) -> list[Mesh]:
    """Give slabs through a part, the highest of them sloped, all facing one way."""
    span = part.eaves - part.bottom
    reach = np.ptp(part.outline[:, 0])
    level = [part.sheet(part.bottom + 0.3 * span), part.sheet(part.bottom + 0.55 * span)]
    level.append(part.sheet(part.bottom + 0.75 * span, slope=0.2 * span / reach))
    return [turned(m) for m in level] if facing_down else level


def defects(seed: int) -> dict[str, Mesh]:
    """Give a solid's mesh in each class of defect; classes with more than one form have several entries."""
    parts = solid_parts(seed)
    whole = joined([p.mesh() for p in parts])
    up = [m for p in parts for m in sheets(p, False)]
    down = [m for p in parts for m in sheets(p, True)]
    mixed = [m for i, p in enumerate(parts) for m in sheets(p, i % 2 == 0)]
    multi = len(parts) > 1
    name = "overlap" if multi else "watertight"
    return {
        name: whole,
        f"{name}, parts labelled": joined([p.mesh() for p in parts], labelled=True),
        "overlap, no base" if multi else "no base": without_base(whole),
        "interior sheets, up": joined([whole, *up]),
        "interior sheets, down": joined([whole, *down]),
        "interior sheets, mixed": joined([whole, *mixed]),
        "interior sheets, down, no base": without_base(joined([whole, *down])),
        "flipped faces, 20 %": flipped(whole, 0.2, seed),
        "flipped faces, 45 %": flipped(whole, 0.45, seed),
        "flipped faces, all": turned(whole),
        "flipped faces, one part": joined([turned(parts[0].mesh()), *[p.mesh() for p in parts[1:]]]),
        "flipped faces, no base": flipped(without_base(whole), 0.3, seed),
        "flipped faces, interior sheets": flipped(joined([whole, *mixed]), 0.3, seed),
    }
