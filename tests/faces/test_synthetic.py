"""Synthetic faces: the same everywhere, true to their keypoints, and as hard as they are meant to be."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import DataError
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.faces.synthetic import synthetic_faces
from bench.faces.synthetic.face_maker import MEAN_FACE, draw_face, frame
from bench.faces.synthetic.geometry import FaceGeometry
from bench.faces.synthetic.head import build_head, lower_jaw
from bench.faces.synthetic.noise import stream
from bench.faces.synthetic.person import Person
from bench.faces.synthetic.shot import Shot
from bench.faces.synthetic.stored import stored_synthetic_faces
from bench.faces.synthetic.tracing import trace
from bench.gates import predict_gate
from bench.scheme import SEED_SCHEME
from tests.conftest import RunBench, bench_environment

SEED = 5
LEFT_EYE, RIGHT_EYE = (SEED_SCHEME.names.index(f"{side}_eye_center") for side in ("left", "right"))


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    return synthetic_faces(rows=240, people=60, seed=SEED)


def test_form(faces: FaceSet) -> None:
    assert faces.images.shape == (240, 96, 96)
    assert faces.images.dtype == np.uint8
    assert faces.keypoints.shape == (240, 15, 2)
    assert faces.keypoints.dtype == np.float32
    assert np.isfinite(faces.keypoints).all()
    assert faces.synthetic
    assert faces.people_known
    assert set(np.bincount(faces.groups)) == {4}
    with pytest.raises(ValueError, match="read-only"):
        faces.images[0, 0, 0] = 1


def test_same_in_every_process_and_with_any_threads() -> None:
    code = "from bench.faces.synthetic import synthetic_faces; print(synthetic_faces(12, 4, 3).fingerprint)"
    seen = set()
    for threads in ("1", "2"):
        environment = {**bench_environment(), "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        seen.add(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout)
    assert seen == {f"{synthetic_faces(12, 4, 3).fingerprint}\n".encode()}
    assert synthetic_faces(12, 4, 4).fingerprint != synthetic_faces(12, 4, 3).fingerprint


def test_more_rows_begin_with_the_same_pictures_of_each_person() -> None:
    few, many = synthetic_faces(6, 3, SEED), synthetic_faces(12, 3, SEED)
    for person in range(3):
        first, more = few.images[few.groups == person], many.images[many.groups == person]
        np.testing.assert_array_equal(first, more[: len(first)])


def test_keypoints_have_mean_and_spread_of_real_labels(faces: FaceSet) -> None:
    assert np.abs(faces.keypoints.mean(axis=0) - MEAN_FACE).max() < 2.0
    mean_face_rmse_px = np.sqrt(((faces.keypoints - faces.keypoints.mean(axis=0)) ** 2).mean())
    assert 4.0 < mean_face_rmse_px < 5.2  # 4.58 on real frames


def test_pictures_have_the_grey_values_of_real_frames(faces: FaceSet) -> None:
    # YouTube Faces frames: mean 105.5 (standard deviation between pictures 27.0), contrast 42.2.
    means = faces.images.mean(axis=(1, 2))
    assert 98 < means.mean() < 113
    assert 20 < means.std() < 33
    assert 36 < faces.images.std(axis=(1, 2)).mean() < 47


def test_the_left_eye_is_on_the_right_side(faces: FaceSet) -> None:
    points = faces.keypoints
    assert (points[:, LEFT_EYE, 0] > points[:, RIGHT_EYE, 0]).all()
    distance = SEED_SCHEME.normaliser_px(points)
    assert distance.min() > 20
    assert distance.max() < 60


def test_eyes_are_darker_than_the_skin_below_them(faces: FaceSet) -> None:
    """The keypoints lie on what was drawn: at the eye centres it is darker than 9 px further down the cheek."""
    darker = []
    for image, points in zip(faces.images, faces.keypoints, strict=True):
        down = points[MOUTH_CORNERS].mean(axis=0) - points[EYES].mean(axis=0)
        down /= np.linalg.norm(down)
        darker += [_grey(image, points[eye]) < _grey(image, points[eye] + 9 * down) for eye in EYES]
    shuffled = []
    for image, points in zip(faces.images, np.roll(faces.keypoints, 1, axis=0), strict=True):
        shuffled += [_grey(image, points[eye]) < _grey(image, points[eye] + np.array([0, 9])) for eye in EYES]
    assert np.mean(darker) > 0.85
    assert np.mean(darker) > np.mean(shuffled)


EYES = [LEFT_EYE, RIGHT_EYE]
MOUTH_CORNERS = [SEED_SCHEME.names.index("mouth_left_corner"), SEED_SCHEME.names.index("mouth_right_corner")]


def _grey(image: np.ndarray, point: np.ndarray) -> float:
    x, y = np.clip(np.rint(point).astype(int), 1, 94)
    return float(image[y - 1 : y + 2, x - 1 : x + 2].mean())


def test_one_person_looks_more_like_himself_than_like_others(faces: FaceSet) -> None:
    """Distances between keypoints' shapes: pictures of one person are closer than those of two."""
    same, other = [], []
    shape = faces.keypoints - faces.keypoints.mean(axis=1, keepdims=True)
    for row in range(faces.rows):
        gap = np.sqrt(((shape - shape[row]) ** 2).mean(axis=(1, 2)))
        alike = faces.groups == faces.groups[row]
        other.append(gap[~alike].mean())
        alike[row] = False
        same.append(gap[alike].mean())
    assert np.mean(same) < np.mean(other)


@pytest.mark.slow
def test_gates_rank_as_on_real_faces(faces: FaceSet) -> None:
    more = synthetic_faces(480, 120, SEED + 1)
    error = {}
    for gate in ("mean_face", "knn", "ridge"):
        predicted = predict_gate(gate, more.images, more.keypoints, faces.images)
        error[gate] = np.sqrt(((predicted - faces.keypoints) ** 2).mean())
    assert error["ridge"] < error["knn"] < error["mean_face"]
    assert error["ridge"] > 2.0  # not solved by a linear map of 24x24 pictures


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_any_person_in_any_pose_can_be_drawn(seed: int, picture: int) -> None:
    person = Person(stream(seed, 1))
    image, keypoints = draw_face(person, build_head(person), stream(seed, 2, picture))
    assert image.shape == (96, 96)
    assert image.std() > 5
    assert np.isfinite(keypoints).all()
    assert keypoints.min() >= -0.001
    assert keypoints.max() <= 95.001


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_framing_gives_the_size_and_roll_asked_for(seed: int) -> None:
    person = Person(stream(seed, 1))
    shot = Shot(stream(seed, 2))
    shot.yaw = shot.pitch = 0.0
    flat = FaceGeometry(person, shot.expression).frontal_points()
    view = frame(np.column_stack([flat, np.zeros(15)]), shot)
    frontal = view.project(np.column_stack([flat, np.zeros(15)]))
    eyes = frontal[LEFT_EYE] - frontal[RIGHT_EYE]
    level = (MEAN_FACE[LEFT_EYE] - MEAN_FACE[RIGHT_EYE]) @ [1, 1j]
    assert np.degrees(np.angle(eyes @ [1, 1j] / level)) == pytest.approx(shot.roll, abs=2.5)


def test_a_lowered_jaw_moves_the_chin_and_leaves_the_eyes() -> None:
    person = Person(stream(SEED, 1))
    closed = build_head(person)
    opened = lower_jaw(closed, person.mouth_y, 10.0)
    assert opened.depth_at(0, person.eye_y) == pytest.approx(closed.depth_at(0, person.eye_y), abs=0.01)
    assert opened.depth_at(0, person.chin_y + 8) > closed.depth_at(0, person.chin_y + 8) + 3


def test_the_background_does_not_show_through_long_hair() -> None:
    holes = []
    for number in range(12):
        person = Person(stream(SEED, 1, number))
        person.side_y, person.hair_thickness = 80.0, 10.0
        shot = Shot(stream(SEED, 2, number))
        head = build_head(person)
        flat = FaceGeometry(person, shot.expression).frontal_points()
        points = np.array([(x, y, head.depth_at(x, y)) for x, y in flat])
        seen = trace(head, frame(points, shot)).head
        holes.append(np.count_nonzero(~seen[:, 1:-1] & seen[:, :-2] & seen[:, 2:]))
    assert np.mean(holes) < 40  # of 20,736 samples; marching alone leaves some 200


@pytest.mark.parametrize(("rows", "people"), [(5, 6), (5, 0), (0, 1)])
def test_impossible_counts_are_refused(rows: int, people: int) -> None:
    with pytest.raises(DataError, match=f"{rows} rows of {people} people"):
        synthetic_faces(rows, people)


def test_cache_is_used_and_a_damaged_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path))
    drawn = stored_synthetic_faces(8, 4, SEED).faces
    (path,) = tmp_path.glob("faces/*/faces.npz")
    written = path.stat().st_mtime_ns
    again = stored_synthetic_faces(8, 4, SEED).faces
    np.testing.assert_array_equal(again.images, drawn.images)
    assert again == replace(drawn, images=again.images, keypoints=again.keypoints, groups=again.groups)
    assert path.stat().st_mtime_ns == written
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    for damaged in (bytes(content), bytes(content[:1000]), b""):
        path.write_bytes(damaged)
        assert stored_synthetic_faces(8, 4, SEED).faces.fingerprint == drawn.fingerprint
        assert path.read_bytes() != damaged


def test_synthetic_faces_know_their_groups() -> None:
    with pytest.raises(DataError, match=r"--groups people\.csv: synthetic faces bring"):
        load_faces(FaceSource(None, "people.csv"))


def test_command_writes_a_file_that_can_be_read(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("data", "synth", "--rows", "12", "--people", "4", "--seed", "2", "--out", "drawn.csv", check=True)
    assert "12 faces of 4 people" in done.stdout
    drawn = synthetic_faces(12, 4, 2)
    read = load_faces(FaceSource(tmp_path / "drawn.csv", str(tmp_path / "drawn_people.csv")))
    np.testing.assert_array_equal(read.images, drawn.images)
    np.testing.assert_allclose(read.keypoints, drawn.keypoints, atol=6e-4)
    assert (read.groups[:, None] == read.groups).tolist() == (drawn.groups[:, None] == drawn.groups).tolist()


def test_few_rows_show_few_people(run_bench: RunBench) -> None:
    done = run_bench("data", "synth", "--rows", "10", "--out", "drawn.csv", check=True)
    assert "10 faces of 3 people" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "drawn.txt"), "expected a name that ends in .csv"),
        (("--rows", "3", "--people", "4"), "3 rows of 4 people"),
        (("--rows", "0"), "--rows"),
    ],
)
def test_command_refuses_in_one_line(
    run_bench: RunBench, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run_bench("data", "synth", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("drawn*"))


@given(seed=st.integers(0, 2**31), picture=st.integers(0, 50))
@settings(max_examples=300, deadline=None)
def test_every_label_lies_in_its_picture(seed: int, picture: int) -> None:
    """Readers refuse a file with labels outside the frame; ours must not write one."""
    person = Person(stream(seed, 1, 0))
    shot = Shot(stream(seed, 2, 0, picture))
    geometry = FaceGeometry(person, shot.expression)
    head = lower_jaw(build_head(person), person.mouth_y, shot.expression.jaw)
    points = np.array([(x, y, head.depth_at(x, y)) for x, y in geometry.frontal_points()])
    placed = frame(points, shot).project(points)
    assert placed.min() >= -1e-6
    assert placed.max() <= 95 + 1e-6
