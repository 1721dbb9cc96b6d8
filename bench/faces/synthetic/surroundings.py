"""What is not the head: the background, clothes, glasses, and things in front of the face."""

import numpy as np

from bench.faces.synthetic.head import Head
from bench.faces.synthetic.noise import Floats, lookup, noise_tile, smooth_step
from bench.faces.synthetic.person import Person
from bench.faces.synthetic.tracing import Hits, View, plane_points, sample_positions

COLLAR_Y = 70.0


def draw_background(generator: np.random.Generator) -> Floats:
    """Relative brightness float32 (144, 144): a slope, soft clutter and hard-edged shapes."""
    x, y = sample_positions()
    level = generator.uniform(0.03, 0.75)
    slope = generator.normal(0, 0.003, 2)
    clutter = lookup(noise_tile(1.6), x * generator.uniform(0.5, 2) + _anywhere(generator), y + _anywhere(generator))
    picture = level + slope[0] * (x - 48) + slope[1] * (y - 48) + generator.uniform(0.0, 0.14) * clutter
    for _ in range(generator.integers(0, 5)):
        edge = _soft_box(generator, x, y)
        picture = picture + edge * (generator.uniform(0.02, 0.95) - picture)
    return np.asarray(np.clip(picture, 0.01, 1.2), dtype=np.float32)


def _anywhere(generator: np.random.Generator) -> np.float32:
    return np.float32(generator.uniform(0, 256))


def _soft_box(generator: np.random.Generator, x: Floats, y: Floats) -> Floats:
    centre, angle = generator.uniform(-10, 106, 2), generator.uniform(-0.4, 0.4)
    half = generator.uniform(4, 40, 2)
    across = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
    down = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
    softness = generator.uniform(0.5, 3)
    inside = smooth_step(softness, -softness, np.abs(across) - half[0])
    return np.asarray(inside * smooth_step(softness, -softness, np.abs(down) - half[1]), dtype=np.float32)


def draw_clothes(generator: np.random.Generator, picture: Floats, view: View) -> None:
    """Shoulders and collar below the neck, upright in the picture whatever the head does; in place."""
    x, y = sample_positions()
    across = np.abs((x - view.shift[0]) / view.size)
    down = (y - view.shift[1]) / view.size
    neckline = COLLAR_Y + generator.uniform(-6, 10) + generator.uniform(0.1, 0.45) * np.maximum(across - 20, 0)
    neckline = neckline + generator.uniform(0, 1.2) * np.maximum(14 - across, 0)
    cloth = smooth_step(-1, 1, down - neckline)
    colour = generator.choice([generator.uniform(0.03, 0.2), generator.uniform(0.2, 0.9)])
    folds = lookup(noise_tile(1.6), x + _anywhere(generator), 0.5 * y)
    picture += cloth * (colour * (1 + 0.15 * folds) - picture)
    if generator.random() < 0.35:  # a shirt's collar under a jacket
        collar = cloth * smooth_step(1, -1, across - (26 - 0.5 * (down - COLLAR_Y)))
        picture += collar * (generator.uniform(0.55, 0.95) - picture)


def draw_glasses(
    generator: np.random.Generator, person: Person, head: Head, hits: Hits, view: View, picture: Floats
) -> None:
    """Rims, bridge and lenses on a plane before the eyes, temples along the head; in place."""
    if person.glasses == 0:
        return
    half_width, half_height, roundness = person.lens
    plane = head.depth_at(person.eye_x, person.eye_y) + 5.5
    x, y = plane_points(view, plane)
    visible = ~hits.head | (hits.z < plane + 1)
    side = np.abs(x)
    centre_x = max(person.eye_x + 0.5, half_width + 2.5)
    down = y - person.eye_y - 0.8
    unit = (np.abs(side - centre_x) / half_width) ** roundness + (np.abs(down) / half_height) ** roundness
    distance = (unit ** np.float32(1 / roundness) - 1) * half_height
    thick = 0.55 if person.glasses == 1 else 1.3
    rim = smooth_step(thick + 0.4, thick - 0.4, np.abs(distance))
    bridge = smooth_step(0.9, 0.2, np.abs(down + 2.5) - 0.3) * (side < centre_x - half_width)
    frame = np.maximum(rim, bridge) * visible
    lens = smooth_step(0.3, -0.3, distance) * visible
    if person.glasses == 3:
        gradient = 0.06 + 0.08 * smooth_step(-half_height, half_height, down)
        picture += 0.93 * lens * (gradient - picture)
    else:
        glare = lookup(noise_tile(2.0), x * 2 + _anywhere(generator), y * 2)
        picture += lens * generator.uniform(0, 0.12) * np.maximum(glare, 0)
    metal = generator.uniform(0.02, 0.6) if person.glasses == 1 else generator.uniform(0.02, 0.2)
    picture += 0.9 * frame * (metal - picture)
    temples = hits.head & (hits.z < plane) & (np.abs(hits.turn) > 0.5) & (np.abs(hits.turn) < 1.0)
    bar = temples * smooth_step(thick + 0.5, thick, np.abs(hits.y - person.eye_y + 1.7))
    picture += 0.85 * bar * (metal - picture)


def draw_obstacle(generator: np.random.Generator, picture: Floats) -> None:
    """Now and then something before the face: a microphone, a hand, a corner of something; in place."""
    if generator.random() > 0.16:
        return
    x, y = sample_positions()
    if generator.random() < 0.7:
        centre = generator.uniform(10, 86), generator.uniform(76, 108)
        radius = generator.uniform(5, 17), generator.uniform(8, 24)
        unit = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
        stem = smooth_step(1, -1, np.abs(x - centre[0]) - 0.6 * radius[0]) * (y > centre[1])
        shape = np.maximum(smooth_step(1.04, 0.96, unit), stem)
        shading = 1 - 0.35 * np.clip((x - centre[0]) / radius[0], -1, 1)
    else:
        shape = _soft_box(generator, x, y + generator.choice([-70, 70]))
        shading = np.ones((1, 1), dtype=np.float32)
    grain = lookup(noise_tile(1.0), x * 2 + _anywhere(generator), y * 2)
    colour = generator.choice([generator.uniform(0.02, 0.15), generator.uniform(0.2, 0.7)])
    picture += shape * (colour * shading * (1 + 0.15 * grain) - picture)
