"""The head as a surface around its vertical axis: a radius for each direction and height.

The direction is stored as ``turn = tan(theta / 2)``, theta being the angle from straight ahead: it needs no arc tangent
(``turn = x / (rho + z)``), and one step of it is one step along x on the front of the face.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.faces.synthetic.noise import Floats, lookup, noise_tile, smooth_step
from bench.faces.synthetic.person import Person

TURN_STEP, TURN_LIMIT = 0.02, 2.0
Y_STEP, Y_TOP, Y_BOTTOM = 1.2, -90.0, 112.0
TURNS: Floats = np.arange(-TURN_LIMIT, TURN_LIMIT + TURN_STEP / 2, TURN_STEP, dtype=np.float32)
HEIGHTS: Floats = np.arange(Y_TOP, Y_BOTTOM, Y_STEP, dtype=np.float32)
COLUMNS, ROWS = len(TURNS), len(HEIGHTS)
SINE: Floats = 2 * TURNS / (1 + TURNS**2)
COSINE: Floats = (1 - TURNS**2) / (1 + TURNS**2)

# Heights (chin at 54, crown at -70) with the half width and the depth of the front of an average head.
PROFILE_Y = (-72, -69, -64, -55, -42, -30, -20, -9, 5, 18, 30, 40, 48, 54, 57, 62, 120)
PROFILE_WIDTH = (0.5, 11.0, 20.0, 29.0, 35.5, 38.0, 38.5, 38.5, 37.5, 35.0, 31.5, 27.0, 22.0, 16.0, 16.0, 19.0, 22.0)
PROFILE_FRONT = (0.5, 14.0, 24.0, 35.0, 43.5, 46.5, 47.0, 46.0, 46.0, 46.0, 46.0, 45.0, 44.0, 38.0, 27.0, 19.0, 17.0)
NECK_Y = 57.0


@dataclass(frozen=True)
class Head:
    """A surface: float32 (rows, columns, 4) of radius and outward normal (x, y, z) over heights and turns."""

    surface: Floats

    @cached_property
    def radius(self) -> Floats:
        """The radii alone, flat, for the many look-ups of tracing."""
        return np.ascontiguousarray(self.surface[..., 0]).ravel()

    @cached_property
    def normals(self) -> Floats:
        """The normals alone, axis by axis: (3, rows * columns)."""
        return np.ascontiguousarray(self.surface[..., 1:].reshape(-1, 3).T)

    def depth_at(self, x: float, y: float) -> float:
        """z of the front of the surface at (x, y) of the frontal face."""
        position = float(np.clip((y - Y_TOP) / Y_STEP, 0, ROWS - 1.001))
        row = int(position)
        share = position - row
        radius = (1 - share) * self.surface[row, :, 0] + share * self.surface[row + 1, :, 0]
        front = slice(int(0.25 * COLUMNS), int(0.75 * COLUMNS) + 1)
        along = np.maximum.accumulate((radius * SINE)[front])
        return float(np.interp(x, along, (radius * COSINE)[front]))


def build_head(person: Person) -> Head:
    """The surface of a person's head, hair included, with a closed mouth."""
    bare = _skull(person)
    radius = bare + _features(person, bare * SINE, HEIGHTS[:, None] + 0 * bare)
    radius += _ears(person)
    radius = _with_hair(person, radius)
    return Head(np.concatenate([radius[..., None], _normals(radius)], axis=2))


def lower_jaw(head: Head, mouth_y: float, jaw: float) -> Head:
    """The surface with everything below the mouth line moved down by ``jaw``."""
    if jaw < 0.25:
        return head
    moved = jaw * np.asarray(smooth_step(mouth_y - 4, mouth_y + 8, HEIGHTS - jaw * 0.5))
    first = int(np.argmax(moved > 0))
    position = np.clip((HEIGHTS - moved - Y_TOP) / Y_STEP, 0, ROWS - 1.001)[first:]
    row = position.astype(np.int32)
    share = (position - row).astype(np.float32)[:, None, None]
    lowered = (1 - share) * head.surface[row] + share * head.surface[row + 1]
    return Head(np.concatenate([head.surface[:first], lowered]))


def hair_edge(person: Person, turn: Floats) -> Floats:
    """Height above which hair grows, for each turn."""
    front, inner, side = person.hairline_y, person.temple_y, person.side_y
    if side >= 40:  # long hair
        turns, beside = (0.66, 0.78), (inner + 30, side, side)
    else:
        turns, beside = (0.72, 0.86), (min(inner + 22, side - 4), side, -12.0)
    heights = (front + 0.5, front, inner - 2, inner + 6, *beside, max(side, 20), max(side, 40))
    return np.interp(np.abs(turn), (0.0, 0.2, 0.38, 0.52, *turns, 1.0, 1.3, 2.0), heights).astype(np.float32)


def _skull(person: Person) -> Floats:
    stretch = (person.chin_y - 53.5) * smooth_step(20, 50, HEIGHTS)
    y = HEIGHTS - stretch
    width = _smooth(np.interp(y, PROFILE_Y, PROFILE_WIDTH)) * person.face_width
    width *= 1 + (person.jaw_width - 1) * smooth_step(5, 40, HEIGHTS)
    front = _smooth(np.interp(y, PROFILE_Y, PROFILE_FRONT)) * person.depth
    back = np.where(y > NECK_Y - 15, 22.0, 1.05 * width + 4)
    depth = np.where(COSINE[None, :] > 0, front[:, None], back[:, None])
    # A superellipse: the front of a face is flatter than an ellipse.
    power = 2.6
    across = (np.abs(SINE)[None, :] / width[:, None]) ** power
    radius = (across + (np.abs(COSINE)[None, :] / depth) ** power) ** (-1 / power)
    return np.asarray(radius, dtype=np.float32)


def _smooth(values: NDArray[np.floating[Any]]) -> Floats:
    padded = np.pad(values, 2, mode="edge")
    return np.asarray(np.convolve(padded, [0.1, 0.25, 0.3, 0.25, 0.1], mode="valid"), dtype=np.float32)


def _features(person: Person, x: Floats, y: Floats) -> Floats:
    """What nose, eyes, brows, cheeks, lips and chin add to the radius."""
    front = smooth_step(0.0, 0.35, COSINE)[None, :]
    nose_y, width = person.nose_y, person.nose_width
    profile_y = [nose_y - 24, nose_y - 17, nose_y - 4, nose_y, nose_y + 3.5, nose_y + 9.5]
    along = _smooth(_smooth(np.interp(y[:, 0], profile_y, [0, 0.2, 0.84, 1.04, 0.8, 0])))
    # Narrow again below the tip: a nose ends round.
    spread = _smooth(
        np.interp(y[:, 0], [nose_y - 20, nose_y - 4, nose_y + 2, nose_y + 9], [3.2, 4.0, 5.0, 2.8]) * width
    )
    ridge = person.nose_height * along[:, None] * np.exp(-0.5 * (x / spread[:, None]) ** 2)
    mouth_y, mouth = person.mouth_y, person.mouth_half_width
    side = np.abs(x)

    def bump(height: float, at: tuple[float, float], wide: float, high: float) -> Floats:
        exponent = ((side - at[0]) / wide) ** 2 + ((y - at[1]) / high) ** 2
        return np.asarray(height * np.exp(-0.5 * exponent), dtype=np.float32)

    brow_y = person.brow_inner[1] + 1.5
    total = ridge + bump(4.0, (6.2 * width, nose_y + 1.5), 2.4 * width, 2.6)
    total += bump(-person.socket, (person.eye_x, person.eye_y), 8.5, 4.8)
    total += bump(2.6, (person.eye_x, person.eye_y + 0.3), 4.6, 3.4)
    total += bump(2.2, (person.eye_x, brow_y), 11, 3)
    total += bump(person.cheek, (23, 6), 9, 8) + bump(-1.5 * person.age, (21, 22), 5, 9)
    total += bump(4.2, (0, mouth_y), mouth, 9)
    total += bump(1.6, (3, mouth_y - 0.5 * person.upper_lip), 7, 1.7)
    total += bump(2.2, (0, mouth_y + 0.6 * person.lower_lip), 8, 2.2)
    total += bump(-1.6, (0, mouth_y + person.lower_lip + 5), 10, 2.6)
    total += bump(3.4, (0, person.chin_y - 5), 9, 5)
    return np.asarray(total * front, dtype=np.float32)


def _ears(person: Person) -> Floats:
    y = HEIGHTS[:, None]
    turn = np.abs(TURNS)[None, :]
    upper = smooth_step(-15, -10, y) * (1 - smooth_step(12, 16, y))
    bend = 1.0 + 0.004 * y
    ear = 6.5 * upper * np.exp(-0.5 * ((turn - bend) / 0.07) ** 2)
    covered = person.side_y > 40
    return np.asarray(0 * ear if covered else ear, dtype=np.float32)


def _with_hair(person: Person, radius: Floats) -> Floats:
    y = HEIGHTS[:, None]
    edge = hair_edge(person, TURNS)[None, :]
    inside = smooth_step(0, 14, edge - y)
    waves = lookup(noise_tile(2.2), TURNS[None, :] * 40 + person.texture + 0 * y, y * 0.7 + 0 * radius)
    thick = person.hair_thickness * (1 + 0.06 * person.hair_roughness * waves)
    hair = radius + inside * thick * smooth_step(0.15, 0.6, np.abs(TURNS)[None, :] + 0.6 * smooth_step(-20, -40, y))
    # The crown must not be an edge: thickness above it fades with the skull's own radius.
    hair = np.where(y < -55, np.minimum(hair, radius + thick * smooth_step(0, 14, radius)), hair)
    if person.side_y > 40:
        hanging = (39 + 0.9 * thick) * smooth_step(0.62, 0.85, np.abs(TURNS))[None, :]
        below = smooth_step(-20, 0, y) * (1 - smooth_step(0, 10, y - person.side_y))
        hair = np.maximum(hair, hanging * below)
    return np.asarray(hair, dtype=np.float32)


def _normals(radius: Floats) -> Floats:
    """Outward unit normals (x, y, z) of the surface: (rows, columns, 3)."""
    x, z = radius * SINE, radius * COSINE
    x_turn, z_turn = np.gradient(x, axis=1), np.gradient(z, axis=1)
    x_down, z_down = np.gradient(x, axis=0), np.gradient(z, axis=0)
    normal = np.stack([-Y_STEP * z_turn, z_turn * x_down - x_turn * z_down, Y_STEP * x_turn], axis=2)
    return np.asarray(normal / (np.linalg.norm(normal, axis=2, keepdims=True) + 1e-6), dtype=np.float32)
