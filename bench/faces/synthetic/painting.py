"""What colour the head has: skin, folds, eyes, brows, mouth, beard and hair, at every sample that sees the head."""

from dataclasses import dataclass

import numpy as np

from bench.faces.synthetic.geometry import FaceGeometry
from bench.faces.synthetic.head import hair_edge
from bench.faces.synthetic.noise import Floats, lookup, noise_tile, smooth_step
from bench.faces.synthetic.person import Person
from bench.faces.synthetic.shot import Expression

IRIS_RADIUS = 3.3
PUPIL_RADIUS = 1.4
EVERYWHERE = slice(None)


@dataclass(frozen=True)
class Skin:
    """The n samples that see the head: head coordinates, turn, and how squarely the skin faces the camera (1 squarely,
    0 edge on), float32 (n,)."""

    x: Floats
    y: Floats
    z: Floats
    turn: Floats
    facing: Floats


@dataclass
class Paint:
    """Albedo and gloss (how much of the shine is seen) of the samples, float32 (n,); painted over in place."""

    albedo: Floats
    gloss: Floats

    def blend(self, where: Floats, albedo: Floats, gloss: float, index: np.ndarray | slice = EVERYWHERE) -> None:
        """Lay ``albedo`` and ``gloss`` over the samples of ``index`` with weight ``where``."""
        self.albedo[index] += where * (albedo - self.albedo[index])
        self.gloss[index] += where * (gloss - self.gloss[index])

    def darken(self, factor: Floats, index: np.ndarray) -> None:
        """Multiply the albedo of the samples of ``index``."""
        self.albedo[index] *= factor


def paint(person: Person, expression: Expression, face: FaceGeometry, skin: Skin) -> Paint:
    """Albedo and gloss of a face."""
    result = Paint(_complexion(person, skin), np.ones_like(skin.x))
    _paint_folds(result, person, expression, face, skin)
    _paint_beard(result, person, face, skin)
    _paint_mouth(result, person, face, skin)
    _paint_eyes(result, person, expression, face, skin)
    _paint_brows(result, person, face, skin)
    _paint_hair(result, person, skin)
    return result


def _near(skin: Skin, centre: tuple[float, float], wide: float, high: float, sided: bool = True) -> np.ndarray:
    """Indices of samples on the front within a box around ``centre`` (both sides of the face where ``sided``)."""
    x = np.abs(skin.x) if sided else skin.x
    inside = (np.abs(x - centre[0]) < wide) & (np.abs(skin.y - centre[1]) < high) & (skin.z > 0)
    return np.flatnonzero(inside)


def _complexion(person: Person, skin: Skin) -> Floats:
    clouds = lookup(noise_tile(1.6), skin.x * 1.5 + person.texture, skin.y * 1.5 + 40)
    pores = lookup(noise_tile(0.6), skin.x * 3 + person.texture, skin.y * 3)
    albedo = person.skin * (1 + 0.05 * clouds + (0.02 + 0.05 * person.age) * pores)
    neck = smooth_step(person.chin_y + 1, person.chin_y + 7, skin.y)
    return np.asarray(np.maximum(albedo * (1 - 0.45 * neck), 0.02), dtype=np.float32)


def _paint_folds(result: Paint, person: Person, expression: Expression, face: FaceGeometry, skin: Skin) -> None:
    """Creases and places that little light reaches, as darker skin."""
    nose_y, width, age = person.nose_y, person.nose_width, person.age
    eye_x, eye_y = face.eye

    def spot(strength: float, at: tuple[float, float], wide: float, high: float) -> None:
        index = _near(skin, at, 3 * wide, 3 * high)
        across, down = (np.abs(skin.x[index]) - at[0]) / wide, (skin.y[index] - at[1]) / high
        result.darken(1 - strength * np.exp(-0.5 * (across**2 + down**2)), index)

    spot(0.30, (eye_x - 0.5, eye_y - 4.0), 8.5, 2.6)
    spot(0.28, (eye_x - 7.5, eye_y - 1.5), 2.8, 4.0)
    spot(0.08 + 0.22 * age, (eye_x, eye_y + face.lid_down + 3.2), 6.5, 1.4)
    spot(0.16, (0.0, nose_y + 5.5), 6.0 * width, 1.8)
    spot(0.65, (3.8 * width, nose_y + 3.0), 1.5, 0.9)
    spot(0.26, (8.2 * width, nose_y + 1.0), 1.3, 2.6)
    spot(0.12, (5.5 * width, nose_y - 9), 2.0, 6.0)
    spot(0.22, (0.0, face.lip_bottom + 2.2), 8.0, 1.6)
    spot(0.18, (face.mouth_corner[0] + 1.2, face.mouth_corner[1] + 0.6), 1.8, 1.8)
    _paint_cheek_fold(result, person, expression, face, skin)
    if age > 0.3:
        index = _near(skin, (0.0, -30.0), 26, 8)
        lines = np.cos((skin.y[index] + 0.01 * skin.x[index] ** 2) * 1.35 + person.texture)
        result.darken(1 - 0.13 * age * np.maximum(lines, 0) ** 2, index)


def _paint_cheek_fold(result: Paint, person: Person, expression: Expression, face: FaceGeometry, skin: Skin) -> None:
    start = (8.5 * person.nose_width, person.nose_y - 0.5)
    end = (face.mouth_corner[0] + 3.5, face.mouth_corner[1] + 0.5)
    index = _near(skin, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), 12, 14)
    along = np.clip((skin.y[index] - start[1]) / (end[1] - start[1]), 0, 1)
    offset = np.abs(skin.x[index]) - (start[0] + along * (end[0] - start[0]) + 6 * along * (1 - along))
    strength = 0.03 + 0.16 * person.age + 0.13 * max(expression.smile, 0)
    ends = smooth_step(start[1] - 1, start[1] + 3, skin.y[index]) * smooth_step(end[1] + 3, end[1] - 2, skin.y[index])
    result.darken(1 - strength * ends * np.exp(-0.5 * (offset / 1.7) ** 2), index)


def _paint_beard(result: Paint, person: Person, face: FaceGeometry, skin: Skin) -> None:
    strongest = max(person.beard, person.moustache, person.stubble)
    if strongest < 0.05:
        return
    index = np.flatnonzero((skin.y > 8) & (skin.y < person.chin_y + 10) & (np.abs(skin.turn) < 1.05))
    x, y = np.abs(skin.x[index]), skin.y[index]
    grain = lookup(noise_tile(0.8), skin.x[index] * 4 + person.texture, skin.y[index] * 3)
    cheek_line: Floats = np.asarray(20 + 0.012 * (38 - x) * (38 - x), dtype=np.float32)
    # A moustache fans out from under the nose and ends a little beyond the corners of the mouth.
    top: Floats = np.asarray(person.nose_y + 5.5 + 0.035 * x * x + 1.2 * grain, dtype=np.float32)
    beyond: Floats = np.asarray(x - face.mouth_corner[0] - grain, dtype=np.float32)
    below: Floats = np.asarray(y - face.mouth_corner[1] - 0.2 * x, dtype=np.float32)
    upper = smooth_step(-1.2, 2.0, y - top) * smooth_step(4, 0, beyond) * smooth_step(3, -1, below)
    cheeks = smooth_step(-3, 4, y + grain - cheek_line)
    lower = np.maximum(cheeks * smooth_step(12, 18, x), smooth_step(face.lip_bottom - 2, face.lip_bottom + 4, y))
    cover = np.maximum(person.beard * np.maximum(lower, upper), person.moustache * upper)
    cover = np.maximum(cover, person.stubble * np.maximum(lower, upper))
    hair = np.clip(person.hair * (1 + 0.35 * grain), 0.02, 1)
    result.blend(np.clip(cover * (1 + 0.2 * grain), 0, 0.97), hair, 0.2, index)


def _paint_mouth(result: Paint, person: Person, face: FaceGeometry, skin: Skin) -> None:
    corner_x, corner_y = face.mouth_corner
    middle = (face.lip_top + face.lip_bottom) / 2
    index = _near(skin, (0.0, middle), corner_x + 2, face.lip_bottom - face.lip_top + 4, sided=False)
    across = np.clip(skin.x[index] / corner_x, -1, 1)
    y = skin.y[index]
    bow = 1 - across**2
    inside = smooth_step(1.02, 0.97, np.abs(skin.x[index]) / corner_x)

    def edge(height: float, power: float) -> Floats:
        return np.asarray(corner_y + (height - corner_y) * bow**power)

    cupid = 0.7 * np.exp(-0.5 * (across / 0.09) ** 2)
    top, bottom = edge(face.lip_top - 0.3, 0.85) + cupid, edge(face.lip_bottom, 0.75)
    gap_top, gap_bottom = edge(face.gap_top, 1.3), edge(face.gap_bottom, 1.0)
    lips = smooth_step(-0.5, 0.5, y - top) * smooth_step(0.5, -0.5, y - bottom) * inside
    streaks = 1 + 0.05 * lookup(noise_tile(1.0, 4.0), skin.x[index] * 5 + person.texture, y)
    shade = np.where(y < gap_top, 0.88, 1.06)
    result.blend(lips, person.lip_albedo * person.skin * streaks * shade, 1.3, index)
    open_gap = smooth_step(-0.4, 0.4, y - gap_top) * smooth_step(0.4, -0.4, y - gap_bottom) * inside
    line = 0.75 * np.exp(-0.5 * ((y - np.minimum(gap_top, gap_bottom)) / 0.65) ** 2) * inside
    result.darken(1 - line, index)
    height = face.gap_bottom - face.gap_top
    if height > 0.8:
        teeth_depth = min(0.75 * height, 3.6)
        teeth = smooth_step(0.6, -0.6, y - gap_top - teeth_depth * bow) * smooth_step(0.85, 0.6, np.abs(across))
        visible = np.clip((person.texture % 7) / 4, 0, 1)
        tongue = 0.10 + 0.18 * smooth_step(0.4, 0.9, (y - gap_top) / height)
        result.blend(open_gap, 0.07 + tongue * person.lip_albedo + visible * teeth * 0.62, 0.3, index)


def _paint_eyes(result: Paint, person: Person, expression: Expression, face: FaceGeometry, skin: Skin) -> None:
    (eye_x, eye_y), half = face.eye, face.eye_half_width
    index = _near(skin, face.eye, half + 3, 9)
    side = np.sign(skin.x[index])
    offset, y = np.abs(skin.x[index]) - eye_x, skin.y[index]
    across = np.clip(offset / half, -1, 1)
    line, bow = face.eye_line(across), 1 - across**2
    upper, lower = line - face.lid_up * bow**0.8, line + face.lid_down * bow
    within = smooth_step(1.05, 0.95, np.abs(offset) / half)
    opened = smooth_step(-0.45, 0.45, y - upper) * smooth_step(0.45, -0.45, y - lower) * within
    # Gaze is the same for both eyes, seen by each from its own side.
    gaze_x = expression.gaze[0] * 0.5 * half * side
    gaze_y = eye_y - 0.35 * person.lid + 0.25 * person.lid + expression.gaze[1] * 3
    distance = np.hypot(offset - gaze_x, y - gaze_y)
    iris = smooth_step(IRIS_RADIUS + 0.5, IRIS_RADIUS - 0.5, distance)
    ball = 0.78 * (0.62 + 0.38 * bow) * (0.72 + 0.28 * smooth_step(0, 2.2, y - upper))
    ball += iris * (person.iris * (0.7 + 0.3 * distance / IRIS_RADIUS) - ball)
    ball += smooth_step(PUPIL_RADIUS + 0.5, PUPIL_RADIUS - 0.5, distance) * (0.02 - ball)
    glint = np.hypot(offset - gaze_x + 1.2 * side, y - gaze_y + 1.3)
    ball += smooth_step(1.2, 0.4, glint) * (1.3 - ball) * (person.texture % 3 > 0.8)
    result.blend(opened, ball, 0.4, index)
    lashes = 0.35 + 0.5 * (1 - person.beard) * (person.texture % 5) / 5
    result.darken(1 - lashes * within * np.exp(-0.5 * ((y - upper) / 0.75) ** 2), index)
    result.darken(1 - 0.22 * within * np.exp(-0.5 * ((y - lower) / 0.6) ** 2), index)
    crease = upper - 1.9 - 0.6 * bow
    result.darken(1 - 0.25 * within * np.exp(-0.5 * ((y - crease) / 0.6) ** 2), index)


def _paint_brows(result: Paint, person: Person, face: FaceGeometry, skin: Skin) -> None:
    (inner_x, inner_y), (outer_x, outer_y) = face.brow_inner, face.brow_outer
    centre = ((inner_x + outer_x) / 2, (inner_y + outer_y) / 2 - 2)
    index = _near(skin, centre, (outer_x - inner_x) / 2 + 3, 11)
    along = (np.abs(skin.x[index]) - inner_x) / (outer_x - inner_x)
    clipped = np.clip(along, 0, 1)
    offset = skin.y[index] - face.brow_line(clipped)
    thick = person.brow_thickness * np.interp(clipped, [0, 0.15, 0.6, 1], [0.8, 1.1, 1.0, 0.3]).astype(np.float32)
    hairs = lookup(noise_tile(0.7), skin.x[index] * 4 + person.texture, skin.y[index] * 4)
    cover = smooth_step(1.0, -0.6, np.abs(offset) - thick) * smooth_step(-0.06, 0.04, along)
    cover *= smooth_step(1.06, 0.94, along) * np.clip(person.brow_darkness * (1 + 0.25 * hairs), 0, 1)
    colour = min(person.hair, 0.55 * person.skin) * 0.85
    result.blend(cover, np.clip(colour * (1 + 0.2 * hairs), 0.02, 1), 0.3, index)


def _paint_hair(result: Paint, person: Person, skin: Skin) -> None:
    wisps = lookup(noise_tile(1.1), skin.x * 2.2 + person.texture, skin.y * 0.8 + 11)
    above = hair_edge(person, skin.turn) - skin.y + person.hair_roughness * wisps
    strands = lookup(noise_tile(1.0, 5.0), skin.turn * 90 + skin.x + person.texture, skin.y * 1.5)
    fading = smooth_step(-3.0, 3.5, above)
    # Seen edge on, strands are finer than a pixel and merge.
    contrast = smooth_step(0.15, 0.9, skin.facing)
    colour = np.clip(person.hair * (1 + 0.24 * contrast * strands) + 0.012 * contrast * strands, 0.015, 1)
    # Receding hair lets the scalp through.
    density = min(1.0, 0.35 + person.hair_thickness / 4)
    result.blend(fading * density, colour, 0.5)
