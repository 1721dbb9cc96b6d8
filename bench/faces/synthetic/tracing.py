"""From pixels to points on the head: rays along the camera's axis, marched to the surface."""

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.faces.synthetic.head import COLUMNS, ROWS, TURN_LIMIT, TURN_STEP, Y_STEP, Y_TOP, Head
from bench.faces.synthetic.noise import Floats
from bench.scheme import SEED_SCHEME

SIDE = SEED_SCHEME.side_px * 3 // 2
"""Samples along each side of the frame: one and a half per pixel."""
COARSE = 4
NEAR, FAR = 90.0, -55.0
STEPS, MORE_STEPS = 6, 10
HIT = 2.5
"""A ray this near to the surface has met it: one that enters a steep edge from the side ends a little off."""


@dataclass(frozen=True)
class View:
    """Orthographic camera: pixel = size * (rotation @ point)[:2] + shift.

    Attributes:
        rotation: float64 (3, 3), head axes to camera axes.
        size: pixels per head unit.
        shift: (x, y) in pixels.
    """

    rotation: np.ndarray
    size: float
    shift: tuple[float, float]

    def head_points(self, x: Floats, y: Floats) -> list[Floats]:
        """Head x, y and z of pixels on the plane through the head's origin that faces the camera."""
        rotation = self.rotation.astype(np.float32)
        across = (x - np.float32(self.shift[0])) / np.float32(self.size)
        down = (y - np.float32(self.shift[1])) / np.float32(self.size)
        return [across * rotation[0, axis] + down * rotation[1, axis] for axis in range(3)]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Head points (..., 3) to pixels (..., 2)."""
        return np.asarray(self.size * (points @ self.rotation[:2].T) + np.asarray(self.shift))


@dataclass(frozen=True)
class Hits:
    """What the samples of the frame see.

    Attributes:
        head: bool (144, 144), whether the sample sees the head.
        x, y, z, turn: float32 (144, 144), head coordinates of the points seen.
        seen: int64 (n,), flat indices of the samples that see the head.
        normal: float32 (n, 3), outward normals there, in head axes.
    """

    head: np.ndarray
    x: Floats
    y: Floats
    z: Floats
    turn: Floats
    seen: np.ndarray
    normal: Floats


def sample_positions() -> tuple[Floats, Floats]:
    """x and y in pixels of the samples: (1, 144) and (144, 1)."""
    along = ((np.arange(SIDE, dtype=np.float32) + 0.5) * SEED_SCHEME.side_px / SIDE - 0.5).astype(np.float32)
    return along[None, :], along[:, None]


def trace(head: Head, view: View) -> Hits:
    """March every sample's ray from near to far: a coarse grid first, then all samples from just before its result."""
    x, y = sample_positions()
    first = COARSE // 2
    coarse = _Rays(head, view, x[:, first::COARSE], y[first::COARSE])
    depth = np.full((SIDE // COARSE,) * 2, NEAR, dtype=np.float32)
    for _ in range(10):
        depth = depth - np.float32(0.7) * coarse.gap(depth)
    padded = np.pad(np.maximum(depth, FAR), 1, mode="edge")
    nearest = sliding_window_view(padded, (3, 3)).max(axis=(2, 3)) + 3.0
    rays = _Rays(head, view, x, y)
    depth, gap = _meet(rays, np.repeat(np.repeat(nearest, COARSE, axis=0), COARSE, axis=1), STEPS)
    # Rays that graze the cheek on their way to the hair behind it need more steps.
    lost = np.flatnonzero((gap > HIT) & (depth > FAR))
    depth.ravel()[lost], gap.ravel()[lost] = _meet(rays.at(lost), depth.ravel()[lost], MORE_STEPS)
    return rays.hits(depth, (gap < HIT) & (depth > FAR))


def _meet(rays: "_Rays", depth: Floats, steps: int) -> tuple[Floats, Floats]:
    """Depth where each ray meets the surface, from one near it, and the gap that is left.

    On walls, such as the inner side of long hair, marching alone would jump in and out: a step goes at most half the
    way to where the ray was last seen on the other side.
    """
    outside = np.full_like(depth, np.inf)
    inside = np.full_like(depth, -np.inf)
    for _ in range(steps):
        gap = rays.gap(depth)
        within = gap < 0
        np.copyto(inside, depth, where=within)
        np.copyto(outside, depth, where=~within)
        half_back, half_on = (depth + outside) * np.float32(0.5), (depth + inside) * np.float32(0.5)
        gap *= np.float32(0.65)
        depth = np.minimum(np.maximum(depth - gap, half_on), half_back)
    gap = rays.gap(depth)
    within = (gap > 0.5) & np.isfinite(inside)
    np.copyto(depth, inside, where=within)
    np.copyto(gap, np.float32(0), where=within)
    return depth, gap


class _Rays:
    """Rays through a grid of samples, in head axes."""

    def __init__(self, head: Head, view: View, x: Floats, y: Floats) -> None:
        self.head = head
        self.base = view.head_points(x, y)
        self.along: Floats = view.rotation[2].astype(np.float32)

    def at(self, samples: np.ndarray) -> "_Rays":
        """The rays of some samples alone, given by flat indices."""
        few = copy(self)
        few.base = [axis.ravel()[samples] for axis in self.base]
        return few

    def points(self, depth: Floats) -> tuple[Floats, Floats, Floats]:
        """Head coordinates of the points at ``depth``."""
        x, y, z = (base + depth * along for base, along in zip(self.base, self.along, strict=True))
        return x, y, z

    def gap(self, depth: Floats) -> Floats:
        """The :func:`clearance` of the points at ``depth``."""
        return clearance(self.head, *self.points(depth))

    def hits(self, depth: Floats, head: np.ndarray) -> Hits:
        """Points and normals where the rays that met the ``head`` did so."""
        x, y, z = self.points(depth)
        turn = x / (np.sqrt(x * x + z * z) + z + np.float32(1e-3))
        seen = np.flatnonzero(head)
        return Hits(head, x, y, z, turn, seen, _normals_at(self.head, turn.ravel()[seen], y.ravel()[seen]))


def clearance(head: Head, x: Floats, y: Floats, z: Floats) -> Floats:
    """How far points in head axes are from the surface, measured from the head's axis; negative inside."""
    rho = np.sqrt(x * x + z * z)
    turn = x / (rho + z + np.float32(1e-3))
    rho -= np.take(head.radius, _nearest_cell(turn, y))
    return np.asarray(rho)


def _nearest_cell(turn: Floats, y: Floats) -> np.ndarray:
    """Flat index of the table's cell nearest to each turn and height."""
    column = turn * np.float32(1 / TURN_STEP)
    column += np.float32(TURN_LIMIT / TURN_STEP + 0.5)
    np.minimum(np.maximum(column, 0, out=column), COLUMNS - 1, out=column)  # np.clip takes twice as long
    row = y * np.float32(1 / Y_STEP)
    row += np.float32(0.5 - Y_TOP / Y_STEP)
    np.minimum(np.maximum(row, 0, out=row), ROWS - 1, out=row)
    cell = row.astype(np.int32)
    cell *= COLUMNS
    cell += column.astype(np.int32)
    return np.asarray(cell)


def _normals_at(head: Head, turn: Floats, y: Floats) -> Floats:
    """Normals (n, 3) between the table's cells; bilinear, hence not quite of unit length."""
    column = np.clip((turn + np.float32(TURN_LIMIT)) * np.float32(1 / TURN_STEP), 0, COLUMNS - 1.001)
    row = np.clip((y - np.float32(Y_TOP)) * np.float32(1 / Y_STEP), 0, ROWS - 1.001)
    left, top = column.astype(np.int32), row.astype(np.int32)
    right_share, down_share = column - left, row - top
    start = top * COLUMNS + left
    corners = (
        (start, (1 - right_share) * (1 - down_share)),
        (start + 1, right_share * (1 - down_share)),
        (start + COLUMNS, (1 - right_share) * down_share),
        (start + COLUMNS + 1, right_share * down_share),
    )
    normal = np.zeros((3, len(turn)), dtype=np.float32)
    for total, plane in zip(normal, head.normals, strict=True):  # one axis at a time: three times as fast
        for cell, share in corners:
            total += np.take(plane, cell) * share
    return np.ascontiguousarray(normal.T)


def plane_points(view: View, z: float) -> tuple[Floats, Floats]:
    """x and y, float32 (144, 144), of the points where the samples' rays cross the head's plane at ``z``."""
    x, y, depth = view.head_points(*sample_positions())
    along = view.rotation[2].astype(np.float32)
    depth = (np.float32(z) - depth) / along[2]
    return np.asarray(x + depth * along[0]), np.asarray(y + depth * along[1])
