"""From pixels to points on the head: rays along the camera's axis, marched to the surface."""

from dataclasses import dataclass

import numpy as np

from bench.faces.keypoints import FRAME_PX
from bench.faces.synthetic.head import COLUMNS, ROWS, TURN_LIMIT, TURN_STEP, Y_STEP, Y_TOP, Head
from bench.faces.synthetic.noise import Floats

SIDE = FRAME_PX * 3 // 2
"""Samples along each side of the frame: one and a half per pixel."""
COARSE = 4
NEAR, FAR = 90.0, -55.0


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
    along = ((np.arange(SIDE, dtype=np.float32) + 0.5) * FRAME_PX / SIDE - 0.5).astype(np.float32)
    return along[None, :], along[:, None]


def trace(head: Head, view: View) -> Hits:
    """March every sample's ray from near to far: a coarse grid first, then all samples from just before its result."""
    x, y = sample_positions()
    first = COARSE // 2
    coarse = _Rays(head, view, x[:, first::COARSE], y[first::COARSE])
    depth = np.full((SIDE // COARSE,) * 2, NEAR, dtype=np.float32)
    for _ in range(16):
        depth = coarse.advance(depth, 0.7)
    nearest = _largest_neighbour(np.maximum(depth, FAR)) + 3.0
    rays = _Rays(head, view, x, y)
    depth = np.repeat(np.repeat(nearest, COARSE, axis=0), COARSE, axis=1)
    for _ in range(6):
        depth = rays.advance(depth, 0.65)
    return rays.hits(depth)


class _Rays:
    """Rays through a grid of samples, in head axes."""

    def __init__(self, head: Head, view: View, x: Floats, y: Floats) -> None:
        self.head = head
        rotation = view.rotation.astype(np.float32)
        across = (x - np.float32(view.shift[0])) / np.float32(view.size)
        down = (y - np.float32(view.shift[1])) / np.float32(view.size)
        self.base = [across * rotation[0, axis] + down * rotation[1, axis] for axis in range(3)]
        self.along = [float(rotation[2, axis]) for axis in range(3)]

    def points(self, depth: Floats) -> tuple[Floats, Floats, Floats]:
        """Head coordinates of the points at ``depth``."""
        x, y, z = (base + depth * np.float32(along) for base, along in zip(self.base, self.along, strict=True))
        return x, y, z

    def advance(self, depth: Floats, step: float) -> Floats:
        """Move away from the camera by a part of the gap to the surface."""
        x, y, z = self.points(depth)
        rho = np.sqrt(x * x + z * z)
        z += rho
        z += np.float32(1e-3)
        rho -= np.take(self.head.radius, nearest_cell(x / z, y))
        rho *= np.float32(step)
        return np.asarray(depth - rho)

    def hits(self, depth: Floats) -> Hits:
        """Points, normals and whether the ray met the head."""
        x, y, z = self.points(depth)
        rho = np.sqrt(x * x + z * z)
        turn = x / (rho + z + np.float32(1e-3))
        # A ray that enters a steep edge from the side ends inside: that is a hit, too.
        head = (rho - np.take(self.head.radius, nearest_cell(turn, y)) < 2.5) & (depth > FAR)
        seen = np.flatnonzero(head)
        return Hits(head, x, y, z, turn, seen, _normals_at(self.head, turn.ravel()[seen], y.ravel()[seen]))


def _largest_neighbour(values: Floats) -> Floats:
    padded = np.pad(values, 1, mode="edge")
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))


def nearest_cell(turn: Floats, y: Floats) -> np.ndarray:
    """Flat index of the table's cell nearest to each turn and height."""
    column = turn * np.float32(1 / TURN_STEP)
    column += np.float32(TURN_LIMIT / TURN_STEP + 0.5)
    np.clip(column, 0, COLUMNS - 1, out=column)
    row = y * np.float32(1 / Y_STEP)
    row += np.float32(0.5 - Y_TOP / Y_STEP)
    np.clip(row, 0, ROWS - 1, out=row)
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
    total = np.zeros((len(turn), 4), dtype=np.float32)
    for offset, share in (
        (0, (1 - right_share) * (1 - down_share)),
        (1, right_share * (1 - down_share)),
        (COLUMNS, (1 - right_share) * down_share),
        (COLUMNS + 1, right_share * down_share),
    ):
        total += np.take(head.cells, start + offset, axis=0) * share[:, None]
    return total[:, 1:]


def plane_points(view: View, z: float) -> tuple[Floats, Floats]:
    """x and y, float32 (144, 144), of the points where the samples' rays cross the head's plane at ``z``."""
    x, y = sample_positions()
    rotation = view.rotation.astype(np.float32)
    across = (x - np.float32(view.shift[0])) / np.float32(view.size)
    down = (y - np.float32(view.shift[1])) / np.float32(view.size)
    base = [across * rotation[0, axis] + down * rotation[1, axis] for axis in range(3)]
    depth = (np.float32(z) - base[2]) / rotation[2, 2]
    return np.asarray(base[0] + depth * rotation[2, 0]), np.asarray(base[1] + depth * rotation[2, 1])
