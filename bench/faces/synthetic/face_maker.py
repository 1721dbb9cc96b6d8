"""People and pictures of them become a face set."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.face_set import FaceSet
from bench.faces.synthetic.camera import expose
from bench.faces.synthetic.geometry import FaceGeometry
from bench.faces.synthetic.head import Head, build_head, lower_jaw
from bench.faces.synthetic.lighting import light_up
from bench.faces.synthetic.noise import stream
from bench.faces.synthetic.painting import Skin, paint
from bench.faces.synthetic.person import Person
from bench.faces.synthetic.shot import Shot
from bench.faces.synthetic.surroundings import draw_background, draw_clothes, draw_glasses, draw_obstacle
from bench.faces.synthetic.tracing import View, trace
from bench.scheme import SEED_SCHEME

DEFAULT_ROWS, DEFAULT_PEOPLE = 2140, 180

MEAN_FACE = np.array(
    [
        (65.6, 36.7), (30.4, 37.1), (58.6, 37.1), (72.1, 36.3), (37.2, 37.3), (23.9, 36.8), (57.9, 25.6), (79.4, 27.3),
        (37.6, 25.9), (15.8, 28.1), (48.9, 58.2), (62.7, 75.6), (34.3, 75.9), (48.9, 71.7), (49.1, 83.0),
    ]
)  # fmt: skip
"""Mean keypoints, pixels, of YouTube Faces frames (2,140 images, 181 people): what pictures are framed to."""


def synthetic_faces(rows: int = DEFAULT_ROWS, people: int = DEFAULT_PEOPLE, seed: int = 0) -> FaceSet:
    """Draw faces; the same numbers give the same faces in every process.

    Row i shows person ``groups[i]``; rows are shuffled. A person and its k-th picture depend on the seed alone, so that
    more rows of as many people begin with the same pictures of each.

    Raises:
        DataError: no people, or fewer rows than people.
    """
    if not 1 <= people <= rows:
        raise DataError(f"synthetic faces: {rows} rows of {people} people; give at least one person and a row for each")
    images = np.empty((rows, *SEED_SCHEME.picture_shape), dtype=np.uint8)
    keypoints = np.empty((rows, SEED_SCHEME.keypoints, 2), dtype=np.float32)
    groups = stream(seed, 0).permutation(np.arange(rows, dtype=np.int64) % people)
    for person_number in range(people):
        person = Person(stream(seed, 1, person_number))
        head = build_head(person)
        for shot_number, row in enumerate(np.flatnonzero(groups == person_number)):
            images[row], keypoints[row] = draw_face(person, head, stream(seed, 2, person_number, shot_number))
    for array in (images, keypoints, groups):
        array.flags.writeable = False
    facts = hashlib.sha256(images.tobytes() + keypoints.tobytes() + groups.tobytes())
    return FaceSet("synthetic", images, keypoints, groups, "people", True, facts.hexdigest()[:16], synthetic=True)


def draw_face(
    person: Person, closed: Head, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One picture uint8 (96, 96) and its keypoints float32 (15, 2) in pixels."""
    shot = Shot(generator)
    geometry = FaceGeometry(person, shot.expression)
    head = lower_jaw(closed, person.mouth_y, shot.expression.jaw)
    points = np.array([(x, y, head.depth_at(x, y)) for x, y in geometry.frontal_points()])
    view = frame(points, shot)
    hits = trace(head, view)
    picture = draw_background(generator)
    x, y, z, turn = (axis.ravel()[hits.seen] for axis in (hits.x, hits.y, hits.z, hits.turn))
    skin = Skin(x, y, z, turn, facing=hits.normal @ view.rotation[2].astype(np.float32))
    colours = paint(person, shot.expression, geometry, skin)
    picture.ravel()[hits.seen] = light_up(colours, skin, hits.normal, head, view, shot.light)
    draw_clothes(generator, picture, view)
    draw_glasses(generator, person, head, hits, view, picture)
    draw_obstacle(generator, picture)
    return expose(picture, shot.camera, generator), view.project(points).astype(np.float32)


def frame(points: NDArray[np.float64], shot: Shot) -> View:
    """The view that turns the head as the shot says and frames its keypoints (15, 3) like the real pictures.

    The similarity that fits the projected keypoints to the mean face has the shot's size, roll and centre.
    """
    turned = _turn(shot)
    flat = (points @ turned[:2].T) @ np.array([1, 1j])
    mean = MEAN_FACE @ np.array([1, 1j])
    flat_centre, mean_centre = flat.mean(), mean.mean()
    fit = np.vdot(mean - mean_centre, flat - flat_centre) / np.vdot(mean - mean_centre, mean - mean_centre).real
    wanted = shot.size * np.exp(1j * np.radians(shot.roll)) / fit
    cosine, sine = wanted.real / abs(wanted), wanted.imag / abs(wanted)
    rotation = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ turned
    flat_turned = points @ rotation[:2].T
    # Real pictures hold the eyes stiller than the mouth: they are framed around a point between eyes and centre.
    held, held_mean = (0.55 * p[:2].mean(axis=0) + 0.45 * p.mean(axis=0) for p in (flat_turned, MEAN_FACE))
    shift = held_mean + np.array(shot.shift) - abs(wanted) * held
    placed = abs(wanted) * flat_turned[:, :2] + shift
    # Every label lies in its picture, as readers of the file demand.
    shift += np.maximum(-placed.min(axis=0), 0) - np.maximum(placed.max(axis=0) - (SEED_SCHEME.side_px - 1), 0)
    return View(rotation, float(abs(wanted)), (float(shift[0]), float(shift[1])))


def _turn(shot: Shot) -> NDArray[np.float64]:
    yaw, pitch = np.radians(shot.yaw), np.radians(shot.pitch)
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    return np.asarray(about_x @ about_y)
