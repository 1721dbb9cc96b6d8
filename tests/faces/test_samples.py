"""Samples of other people's annotations, where they are at hand: BENCH_SAMPLES, or ``shared/data`` beside the checkout.

They are research data of real people: none of it is in the project, and these tests are skipped without it.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.optimize import minimize

from bench.config.data import DataSettings
from bench.faces.cropping import Square, box_around
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.faces.thumbnails import shrink
from tests.conftest import PROJECT

SAMPLES = Path(os.environ.get("BENCH_SAMPLES", PROJECT.parent / "shared" / "data"))
FORMATS = SAMPLES / "formats"
FIFTEEN = (
    [*range(42, 48)],
    [*range(36, 42)],
    [42],
    [45],
    [39],
    [36],
    [22],
    [26],
    [21],
    [17],
    [30],
    [54],
    [48],
    [51],
    [57],
)
"""Which of 68 points, from 0, the fifteen are means of."""

pytestmark = pytest.mark.skipif(not FORMATS.is_dir(), reason="no samples here")


def read(place: str, **told: object) -> FaceSet:
    return load_faces(FaceSource(FORMATS / place, "none", DataSettings.model_validate(told)))


@pytest.mark.parametrize(
    ("place", "rows", "points"),
    [
        ("pts/afw", 80, 68), ("pts/lfpw", 40, 68), ("pts/300vw", 4, 68), ("coco/300w/test_300w.json", 2, 68),
        ("coco/wflw/test_wflw.json", 4, 98), ("coco/cofw/test_cofw.json", 2, 29), ("coco/aflw/test_aflw.json", 2, 19),
        ("coco/lapa/test_lapa.json", 2, 106), ("coco/freihand/test_freihand.json", 8, 21),
        ("deeplabcut/openfield-Pranav-2018-10-30", 116, 4),
        ("deeplabcut/Reaching-Mackenzie-2018-08-30/labeled-data", 55, 5),
    ],
)  # fmt: skip
def test_samples_of_every_form_are_read(place: str, rows: int, points: int) -> None:
    faces = read(place)
    assert faces.keypoints.shape == (rows, points, 2)
    missing = int(np.isnan(faces.keypoints).sum())
    assert missing == {"labeled-data": 84, "test_wflw.json": 10}.get(place.rpartition("/")[2], 0)


@pytest.mark.parametrize("place", ["coco/300w/test_300w.json", "coco/wflw/test_wflw.json", "coco/cofw/test_cofw.json",
                                   "coco/aflw/test_aflw.json", "coco/lapa/test_lapa.json", "pts/afw"])  # fmt: skip
def test_the_subjects_left_is_right_in_the_picture(place: str) -> None:
    faces = read(place)
    assert faces.scheme.mirror is not None
    left = [number for number, name in enumerate(faces.scheme.names) if "left" in name.split("_")]
    right = [faces.scheme.mirror[number] for number in left]
    assert (np.nanmedian(faces.keypoints[:, left, 0] - faces.keypoints[:, right, 0], axis=0) > 0).all()


def test_animals_with_a_point_that_nobody_labelled_name_the_others() -> None:
    names = ("L_Eye", "R_Eye", "Nose")
    faces = read("coco/animalpose/test_animalpose.json", points=names)
    assert (faces.rows, faces.scheme.names, faces.scheme.mirror) == (2, names, (1, 0, 2))


@pytest.mark.slow
def test_labels_agree_with_the_same_faces_elsewhere(tmp_path: Path) -> None:
    """Some AFW faces stand, cut out, in another file: the square that was cut is found from the pictures alone, and
    then the labels must agree. Read as if they counted from 0, they are half a pixel off."""
    file = SAMPLES / "Faces300W.csv.gz"
    if not file.is_file():
        pytest.skip("no Faces300W here")
    (tmp_path / "others.csv").write_bytes(gzip.decompress(file.read_bytes()))
    others = load_faces(FaceSource(tmp_path / "others.csv", "none"))
    small, whole = _standard(shrink(others.images, np.float32)), _standard(others.images)
    errors: dict[int, list[float]] = {0: [], 1: []}
    read_as = {1: read("pts/afw", crop="frame"), 0: read("pts/afw", crop="frame", first_pixel=0)}
    for number, place in enumerate(sorted((FORMATS / "pts" / "afw").glob("*.pts"))[:40]):
        with Image.open(place.with_suffix(".jpg")) as stored:
            photo = stored.convert("L")
        labels = {first: _in_photo(faces.keypoints[number], photo.size) for first, faces in read_as.items()}
        row, square, likeness = _found(photo, labels[1], small, whole)
        if likeness > 0.99:  # others are below 0.95
            for first, points in labels.items():
                fifteen = np.stack([points[which].mean(axis=0) for which in FIFTEEN])
                away = square.points(fifteen, 96) - others.keypoints[row]
                errors[first].append(float(np.median(np.hypot(*away.T))))
    assert len(errors[1]) >= 8
    assert np.median(errors[1]) < 0.02
    assert np.median(errors[0]) > 0.2


def _in_photo(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Points of a frame of 96 in the photo of ``size`` that it shows whole."""
    side = max(size)
    return (points + 0.5) * side / 96 + (np.array(size) - side) / 2 - 0.5


def _standard(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _found(photo: Image.Image, points: np.ndarray, small: np.ndarray, whole: np.ndarray) -> tuple[int, Square, float]:
    """The row most like the photo's face, the square that is most like it, and its correlation.

    The labels say where to begin to look, and no more.
    """
    box = box_around(points)
    squares = [
        Square(square.left, square.top + down * square.side, square.side)
        for square in (box.square(margin) for margin in (-0.1, 0.0, 0.1, 0.2))
        for down in (-0.1, 0.0)
    ]
    pictures = np.stack([square.picture(photo, 96) for square in squares])
    start, row = np.unravel_index(
        np.argmax(_standard(shrink(pictures, np.float32)) @ small.T), (len(squares), len(small))
    )
    begin = squares[start]

    def moved(by: np.ndarray) -> Square:
        return Square(
            begin.left + by[0] * begin.side, begin.top + by[1] * begin.side, begin.side * float(np.exp(by[2]))
        )

    def unlike(by: np.ndarray) -> float:
        return -float((_standard(moved(by).picture(photo, 96)[None]) @ whole[row])[0])

    simplex = np.vstack([np.zeros(3), 0.05 * np.eye(3)])
    how = {"initial_simplex": simplex, "xatol": 1e-4, "fatol": 1e-6, "maxiter": 150}
    best = minimize(unlike, np.zeros(3), method="Nelder-Mead", options=how)
    return int(row), moved(best.x), -float(best.fun)
