"""The outer shell of a solid, out of whatever a file holds: what the column scan needs to be right.

A *patch* is a set of triangles joined by edges that two of them share. Inside a patch neighbours are made to
agree on which side is outside; then the patch as a whole is turned:

- a *closed* patch by its volume, which is positive outwards, unless it is a cavity: a shell of the same part
  that lies inside another and was turned the other way;
- an *open* patch by what its two sides see. Where both lie inside the solid it is an inner sheet (a slab, a
  ceiling) and is taken out. Where one side sees the outside that side is turned outwards. Where both do, as
  for a house without a base, the volume above the floor decides, which closes the patch on the ground.

A side sees the outside where the way up is free, or where at least two of the four level directions are
(visibility in place of parity, after Takayama et al. 2014, "A simple method for correcting facet orientations
in polygon meshes based on ray casting"): unlike parity it does not mind sheets, and one missing wall is
forgiven. Vertical triangles have no crossings with vertical columns, so inner walls need no treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from numba import njit

from .kernels import crossings, linked
from .mesh import Mesh
from .topology import TOLERANCE, check, edges, weld

_COLUMNS = 96
"""Sight lines along each side of the bounding box."""

_COVERED = 0.94
"""Share of a patch that must lie inside the solid for it to be an inner sheet; not 1, since sight lines near
eaves and corners pass outside by up to one spacing."""

_CLEAR = 0.25
"""By how much more one side must see the outside than the other to decide the orientation alone."""


@dataclass(frozen=True)
class Shell:
    """A welded, consistently turned surface.

    Attributes:
        vertices: (v, 3) metres, as given.
        faces: (f, 3) int32, welded; triangles that collapse, repeat or lie inside are left out.
        flipped: triangles that were turned around.
        dropped: triangles that were taken out as inner sheets.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    flipped: int = 0
    dropped: int = 0


def solid_shell(mesh: Mesh) -> Shell:
    """Weld a mesh, turn its shells outwards and take out inner sheets.

    Closed meshes that are already right cost a few microseconds. Vertices weld at a millimetre, or at 1e-4 of
    the mesh's size where that is less.

    Raises:
        DataError: a mesh without faces or with vertices that are not finite.
    """
    check(mesh)
    vertices = np.ascontiguousarray(mesh.vertices)
    sound, faces, kept = _sound(vertices, np.ascontiguousarray(mesh.faces), mesh.parts, TOLERANCE)
    if sound:
        return Shell(vertices, faces)
    return _mended(vertices, faces, mesh.parts[kept])


def _mended(
    vertices: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"], parts: Integer[np.ndarray, " f"]
) -> Shell:
    flipped = dropped = 0
    while True:
        single = _single(faces, parts)
        faces, parts = faces[single], parts[single]
        patch, flip, closed = _patches(vertices, faces, parts)
        turned = np.where(flip[:, None], faces[:, ::-1], faces)
        floor = vertices[turned, 2].min()
        volume = _volumes(vertices, turned, patch, len(closed), floor)
        outward = _turn_closed(vertices, turned, parts, patch, closed, volume)
        turned = np.ascontiguousarray(np.where(outward[patch][:, None], turned, turned[:, ::-1]))
        inner, turn_open = _judge_open(vertices, turned, patch, closed, volume)
        turned = np.where(turn_open[patch][:, None], turned[:, ::-1], turned)
        flipped += int(np.count_nonzero(flip != (~outward[patch] ^ turn_open[patch])))
        faces = np.ascontiguousarray(turned)
        if not inner.any():
            return Shell(vertices, faces, flipped, dropped)
        # Without the sheets the shells that they hung on may close, which settles their orientation. Upright
        # faces of a patch stay: they have no crossings, but shield what is behind them from sight.
        corners = vertices[faces]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        upright = np.abs(normal[:, 2]) <= 1e-6 * np.linalg.norm(normal, axis=1)
        stays = ~inner[patch] | upright
        if stays.all():
            return Shell(vertices, faces, flipped, dropped)
        dropped += int(np.count_nonzero(~stays))
        faces, parts = faces[stays], parts[stays]


def _single(faces: Integer[np.ndarray, "f 3"], parts: Integer[np.ndarray, " f"]) -> Bool[np.ndarray, " f"]:
    """Tell which faces stay when those of a part on the same three vertices count once, however they face."""
    keep = np.zeros(len(faces), np.bool_)
    key = np.column_stack([np.sort(faces, axis=1), parts])
    keep[np.unique(key, axis=0, return_index=True)[1]] = True
    return keep


def _turn_closed(
    vertices: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    parts: Integer[np.ndarray, " f"],
    patch: Int[np.ndarray, " f"],
    closed: Bool[np.ndarray, " p"],
    volume: Float[np.ndarray, " p"],
) -> Bool[np.ndarray, " p"]:
    """Tell which closed patches are turned as they should be; open ones are left for later."""
    outward = ~closed | (volume >= 0)
    candidates = np.flatnonzero(closed)
    if not (volume[candidates] < 0).any() or not (volume[candidates] > 0).any():
        return outward
    n = len(closed)
    low, high = np.full((n, 3), np.inf), np.full((n, 3), -np.inf)
    part = np.zeros(n, np.int64)
    part[patch] = parts
    for corner in range(3):
        np.minimum.at(low, patch, vertices[faces[:, corner]])
        np.maximum.at(high, patch, vertices[faces[:, corner]])
    by_size = candidates[np.argsort(-np.abs(volume[candidates]), kind="stable")]
    for rank, p in enumerate(by_size):
        larger = by_size[:rank]
        around = (
            (part[larger] == part[p])
            & (volume[larger] * volume[p] < 0)
            & np.all(low[larger] <= low[p], axis=1)
            & np.all(high[larger] >= high[p], axis=1)
        )
        for q in larger[around][::-1]:
            corners = vertices[np.unique(faces[patch == p])]
            if _all_inside(corners, vertices, faces[patch == q]):
                outward[p] = outward[q]
                break
    return outward


def _judge_open(
    vertices: Float[np.ndarray, "v 3"],
    faces: Integer[np.ndarray, "f 3"],
    patch: Int[np.ndarray, " f"],
    closed: Bool[np.ndarray, " p"],
    volume: Float[np.ndarray, " p"],
) -> tuple[Bool[np.ndarray, " p"], Bool[np.ndarray, " p"]]:
    """Tell which patches are inner sheets, and which are to be turned around."""
    nothing = np.zeros(len(closed), np.bool_)
    if closed.all():
        return nothing, nothing
    corners = vertices[faces]
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    spacing = np.maximum(high - low, 1e-9) / _COLUMNS
    points = np.ascontiguousarray((vertices - low) / spacing)
    seen, inner, front, back = _sight(points, faces, patch, closed, _COLUMNS)
    judged = ~closed & (seen > 0)
    share = np.maximum(seen, 1)
    sheet = judged & (inner / share >= _COVERED)
    lean = (front - back) / share
    unclear = np.abs(lean) < _CLEAR
    turn = judged & ~sheet & np.where(unclear, volume < 0, lean < 0)
    return sheet, turn


@njit(cache=True)
@no_type_check
def _sound(vertices, faces, parts, tolerance):
    """Weld; tell whether all is closed, consistent and turned outwards, the welded faces and which stay."""
    size = 0.0
    for axis in range(3):
        low, high = np.inf, -np.inf
        for f in range(faces.shape[0]):
            for corner in range(3):
                value = vertices[faces[f, corner], axis]
                low, high = min(low, value), max(high, value)
        size = max(size, high - low)
    target = weld(vertices, min(tolerance, 1e-4 * size))
    welded = np.empty(faces.shape, np.int32)
    for f in range(faces.shape[0]):
        for corner in range(3):
            welded[f, corner] = target[faces[f, corner]]
    kept, edge_of, direction, n_edges = edges(welded, parts)
    balance = np.zeros(n_edges, np.int32)
    degree = np.zeros(n_edges, np.int32)
    first = np.full(n_edges, -1, np.int32)
    root = np.arange(faces.shape[0])
    for f in range(faces.shape[0]):
        if not kept[f]:
            continue
        for corner in range(3):
            e = edge_of[f, corner]
            balance[e] += 1 if direction[f, corner] else -1
            degree[e] += 1
            if first[e] < 0:
                first[e] = f
            else:
                a, b = f, first[e]
                while root[a] != a:
                    root[a] = root[root[a]]
                    a = root[a]
                while root[b] != b:
                    root[b] = root[root[b]]
                    b = root[b]
                root[a] = b
    sound = True
    for e in range(n_edges):
        sound = sound and balance[e] == 0 and degree[e] == 2
    if sound:
        owner = np.empty(faces.shape[0], np.int64)
        for f in range(faces.shape[0]):
            r = f
            while root[r] != r:
                r = root[r]
            owner[f] = r
        volume = _volumes(vertices, welded, owner, faces.shape[0], vertices[welded[0, 0], 2])
        for f in range(faces.shape[0]):
            sound = sound and volume[f] >= 0.0
    return sound, welded[kept], kept


@njit(cache=True)
@no_type_check
def _volumes(vertices, faces, patch, n, floor):
    """Signed volume between each patch and the level `floor`; for a closed patch, its volume."""
    volume = np.zeros(n)
    ox, oy = vertices[faces[0, 0], 0], vertices[faces[0, 0], 1]
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = vertices[a, 0] - ox, vertices[a, 1] - oy
        bx, by = vertices[b, 0] - ox, vertices[b, 1] - oy
        cx, cy = vertices[c, 0] - ox, vertices[c, 1] - oy
        plan = ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2
        volume[patch[f]] += plan * ((vertices[a, 2] + vertices[b, 2] + vertices[c, 2]) / 3 - floor)
    return volume


@njit(cache=True)
@no_type_check
def _patches(vertices, faces, parts):
    """Give the patch of each face, whether it flips to agree with most of its patch, and which are closed."""
    n = faces.shape[0]
    _, edge_of, direction, n_edges = edges(faces, np.zeros(n, np.int32))
    partner = _partners(vertices, faces, parts, edge_of, direction, n_edges)
    patch = np.full(n, -1, np.int64)
    flip = np.zeros(n, np.bool_)
    closed = np.ones(n, np.bool_)
    stack = np.empty(n, np.int32)
    count = 0
    for seed in range(n):
        if patch[seed] >= 0:
            continue
        patch[seed] = count
        stack[0] = seed
        depth = 1
        stays = turns = 0.0
        members = 0
        while depth > 0:
            depth -= 1
            f = stack[depth]
            members += 1
            u = vertices[faces[f, 1]] - vertices[faces[f, 0]]
            w = vertices[faces[f, 2]] - vertices[faces[f, 0]]
            area = np.sqrt(
                (u[1] * w[2] - u[2] * w[1]) ** 2
                + (u[2] * w[0] - u[0] * w[2]) ** 2
                + (u[0] * w[1] - u[1] * w[0]) ** 2
            )
            if flip[f]:
                turns += area
            else:
                stays += area
            for corner in range(3):
                other = partner[f, corner]
                if other < 0:
                    closed[count] = False
                    continue
                g = other // 3
                wanted = flip[f] != (direction[f, corner] == direction[g, other % 3])
                if patch[g] < 0:
                    patch[g] = count
                    flip[g] = wanted
                    stack[depth] = g
                    depth += 1
                elif flip[g] != wanted:
                    closed[count] = False
        if turns > stays:
            for f in range(n) if members * 4 > n else range(seed, n):
                if patch[f] == count:
                    flip[f] = not flip[f]
        count += 1
    return patch, flip, closed[:count]


@njit(cache=True)
@no_type_check
def _partners(vertices, faces, parts, edge_of, direction, n_edges):
    """Pair the half-edges of each edge; -1 where one stays alone.

    Of more than two, those of one part pair as neighbours in the order around the edge; where a part has an
    odd number there, they are left unpaired.
    """
    n = faces.shape[0]
    partner = np.full((n, 3), -1, np.int32)
    head = np.full(n_edges, -1, np.int32)
    after = np.empty(3 * n, np.int32)
    degree = np.zeros(n_edges, np.int32)
    for h in range(3 * n - 1, -1, -1):
        e = edge_of[h // 3, h % 3]
        after[h] = head[e]
        head[e] = h
        degree[e] += 1
    for e in range(n_edges):
        if degree[e] < 2:
            continue
        around = np.empty(degree[e], np.int32)
        h = head[e]
        for at in range(degree[e]):
            around[at] = h
            h = after[h]
        if degree[e] > 2:
            around = _in_order(vertices, faces, parts, direction, around)
        at = 0
        while at < len(around):
            end = at + 1
            while end < len(around) and parts[around[end] // 3] == parts[around[at] // 3]:
                end += 1
            if degree[e] == 2:
                end = 2
            if (end - at) % 2 == 0:
                for first in range(at, end, 2):
                    a, b = around[first], around[first + 1]
                    partner[a // 3, a % 3] = b
                    partner[b // 3, b % 3] = a
            at = end
    return partner


@njit(cache=True)
@no_type_check
def _in_order(vertices, faces, parts, direction, around):
    """Sort half-edges of one edge by part, then by the angle of their faces around the edge.

    Faces that lie on each other, as those of a slit do, have one angle: then directions take turns.
    """
    f, corner = around[0] // 3, around[0] % 3
    p, q = vertices[faces[f, corner]], vertices[faces[f, (corner + 1) % 3]]
    axis = (q - p) / max(np.sqrt(((q - p) ** 2).sum()), 1e-300)
    helper = np.zeros(3)
    helper[np.argmin(np.abs(axis))] = 1.0
    side = np.cross(axis, helper)
    up = np.cross(axis, side)
    key = np.empty(len(around))
    for at in range(len(around)):
        f, corner = around[at] // 3, around[at] % 3
        arm = vertices[faces[f, (corner + 2) % 3]] - p
        key[at] = parts[f] * 8.0 + np.arctan2((arm * up).sum(), (arm * side).sum())
    order = np.argsort(key)
    for at in range(1, len(order) - 1):
        f, g, h = around[order[at - 1]], around[order[at]], around[order[at + 1]]
        tied = key[order[at + 1]] - key[order[at]] < 1e-6
        if tied and direction[g // 3, g % 3] == direction[f // 3, f % 3] != direction[h // 3, h % 3]:
            order[at], order[at + 1] = order[at + 1], order[at]
    return around[order]


@njit(cache=True)
@no_type_check
def _sight(points, faces, patch, closed, m):
    """Count for each patch its crossings above the floor, those inside, and what front and back see.

    `points` are in spacings of the m sight lines along each axis.
    """
    column, height, sign, face = crossings(points, faces, m, m)
    head, after = linked(column, m * m)
    along_x, x, _, _ = crossings(points[:, np.array([1, 2, 0])], faces, m, m)
    head_x, after_x = linked(along_x, m * m)
    along_y, y, _, _ = crossings(points[:, np.array([2, 0, 1])], faces, m, m)
    head_y, after_y = linked(along_y, m * m)
    n = closed.shape[0]
    seen, inner = np.zeros(n, np.int64), np.zeros(n, np.int64)
    front, back = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for c in range(column.shape[0]):
        p = patch[face[c]]
        z = height[c]
        if closed[p] or z < 1e-6 * m:
            continue
        i, j = column[c] // m, column[c] % m
        winding_above = winding_below = 0
        free = True
        other = head[column[c]]
        while other >= 0:
            if height[other] > z + 1e-9:
                free = False
                if closed[patch[face[other]]]:
                    winding_above += sign[other]
                    winding_below += sign[other]
            elif height[other] > z - 1e-9 and closed[patch[face[other]]]:
                winding_below += sign[other]
            other = after[other]
        k = int(np.ceil(z - 0.5))
        sides = _open_sides(i, j, k, m, head_x, after_x, x, head_y, after_y, y)
        above = winding_above == 0 and (free or sides >= 2)
        sides = _open_sides(i, j, k - 1, m, head_x, after_x, x, head_y, after_y, y)
        below = winding_below == 0 and sides >= 2
        seen[p] += 1
        inner[p] += not above and not below
        if sign[c] > 0:
            front[p] += above
            back[p] += below
        else:
            front[p] += below
            back[p] += above
    return seen, inner, front, back


@njit(cache=True)
@no_type_check
def _open_sides(i, j, k, m, head_x, after_x, x, head_y, after_y, y):
    """How many of the four level directions are free, seen from point i, j, k."""
    if k >= m:
        return 4
    k = max(k, 0)
    west = east = south = north = 1
    c = head_x[j * m + k]
    while c >= 0:
        if x[c] > i + 0.5:
            east = 0
        else:
            west = 0
        c = after_x[c]
    c = head_y[k * m + i]
    while c >= 0:
        if y[c] > j + 0.5:
            north = 0
        else:
            south = 0
        c = after_y[c]
    return west + east + south + north


@njit(cache=True)
@no_type_check
def _all_inside(queries, vertices, faces):
    """Tell whether all points have a winding number of a half or more (van Oosterom and Strackee 1983)."""
    for n in range(queries.shape[0]):
        total = 0.0
        for f in range(faces.shape[0]):
            a = vertices[faces[f, 0]] - queries[n]
            b = vertices[faces[f, 1]] - queries[n]
            c = vertices[faces[f, 2]] - queries[n]
            la, lb, lc = np.sqrt((a * a).sum()), np.sqrt((b * b).sum()), np.sqrt((c * c).sum())
            det = (a * np.cross(b, c)).sum()
            below = la * lb * lc + (a * b).sum() * lc + (b * c).sum() * la + (c * a).sum() * lb
            total += 2 * np.arctan2(det, below)
        if abs(total) < 2 * np.pi:
            return False
    return True
