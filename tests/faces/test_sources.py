"""Where faces come from: drawn ones on demand, arrays that workers open from the cache, groups only where needed."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.faces import cache
from bench.faces.arrays import faces_of_arrays, store_faces
from bench.faces.face_set import SYNTHETIC, FaceSource
from bench.faces.loading import load_faces
from bench.faces.synthetic.stored import stored_synthetic_faces
from bench.scheme import scheme_of_names
from tests.conftest import RunBench, bench_environment, draw_rows, write_faces_csv

FOUR = scheme_of_names(("a", "b", "c", "d"), side_px=32, channels=3)


def test_drawn_faces_are_had_whatever_lies_in_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_bench: RunBench
) -> None:
    (tmp_path / "data").mkdir()
    write_faces_csv(tmp_path / "data" / "KeyFacialPoints.csv", rows=6)
    monkeypatch.chdir(tmp_path)
    few = stored_synthetic_faces(8, 4)
    monkeypatch.setattr("bench.faces.loading.stored_synthetic_faces", lambda **_: few)
    assert load_faces(FaceSource(None, "none")).rows == 6
    drawn = load_faces(FaceSource(SYNTHETIC))
    assert (drawn.rows, drawn.synthetic, drawn.grouping) == (8, True, "people")
    done = run_bench("run", "--data", "synthetic", "--models", "plain_cnn", "--groups", "people.csv")
    assert "--groups people.csv: synthetic faces bring their own people" in done.stderr


def test_arrays_are_opened_by_another_process() -> None:
    images, keypoints = draw_rows(12, 0, FOUR)
    keypoints[3, 1] = np.nan
    faces = faces_of_arrays(images, keypoints, [f"p{row // 3}" for row in range(12)], FOUR, "mice")
    images[:] = 0  # copied
    source = FaceSource(None, stored=store_faces(faces))
    assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301
    code = (
        "import pickle, sys; from bench.faces.loading import load_faces\n"
        "faces = load_faces(pickle.load(sys.stdin.buffer))\n"
        "pickle.dump((faces.images[:], faces.keypoints, faces.groups, faces.scheme, faces.name), sys.stdout.buffer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(source),
        env=bench_environment(),
        capture_output=True,
        check=True,
    )
    opened: list[Any] = list(pickle.loads(done.stdout))  # noqa: S301
    for array, expected in zip(opened[:3], (faces.images, faces.keypoints, faces.groups), strict=True):
        assert np.array_equal(array, expected, equal_nan=array.dtype == np.float32)
    assert opened[3:] == [FOUR, "mice"]
    assert load_faces(source).people_known


def test_arrays_without_groups_are_clustered_like_a_file(tmp_path: Path) -> None:
    images, keypoints = draw_rows(9)
    stored = store_faces(faces_of_arrays(images, keypoints))
    faces = load_faces(FaceSource(None, stored=stored))
    assert faces.grouping == "auto"
    assert not faces.people_known
    (tmp_path / "people.csv").write_text("person\n" + "x\ny\nz\n" * 3)
    people = FaceSource(None, str(tmp_path / "people.csv"), stored=stored)
    assert load_faces(people).groups.tolist() == [0, 1, 2] * 3


def test_arrays_have_the_fingerprint_of_the_same_file(tmp_path: Path) -> None:
    read = load_faces(FaceSource(write_faces_csv(tmp_path / "faces.csv", rows=5), "none"))
    assert faces_of_arrays(read.images, read.keypoints).fingerprint == read.fingerprint


def test_arrays_that_are_gone_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = FaceSource(None, stored=store_faces(faces_of_arrays(*draw_rows(3))))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="the arrays given from Python no longer stand whole in"):
        load_faces(source)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cannot be written .*BENCH_CACHE_DIR"):
        store_faces(faces_of_arrays(*draw_rows(3)))


def wrong(**change: Any) -> dict[str, Any]:
    images, keypoints = draw_rows(4, 0, FOUR)
    return {"images": images, "keypoints": keypoints, "scheme": FOUR} | {
        name: value({"images": images, "keypoints": keypoints}[name]) if callable(value) else value
        for name, value in change.items()
    }


def put(row: int, point: int, value: list[float]) -> Any:
    def change(keypoints: np.ndarray) -> np.ndarray:
        keypoints[row, point] = value
        return keypoints

    return change


WRONG = {
    "floats": (wrong(images=lambda images: images / 255), r"images are float64 \(4, 32, 32, 3\), expected uint8"),
    "grey": (wrong(images=lambda images: images[..., 0]), r"images are uint8 \(4, 32, 32\), expected uint8 \('N', 32"),
    "no rows": (wrong(images=lambda images: images[:0]), "images are uint8"),
    "flat points": (wrong(keypoints=lambda points: points.reshape(4, -1)), r"keypoints are \(4, 8\), expected \(4, 4"),
    "no numbers": (wrong(keypoints=[["left"]]), "data: pictures or points are no array"),
    "outside": (
        wrong(keypoints=put(1, 2, [40, 3])),
        r"row 2, keypoint c: \[40.0, 3.0\] lies outside the frame of 0 to",
    ),
    "infinite": (wrong(keypoints=put(1, 2, [np.inf, 3])), "row 2, keypoint c: .* lies outside"),
    "half": (wrong(keypoints=put(0, 0, [np.nan, 3])), "row 1, keypoint a: .* has only one of its two coordinates"),
    "never": (wrong(keypoints=lambda points: points * [[[1], [np.nan], [1], [1]]]), "keypoint b is labelled in no row"),
    "groups": (wrong(groups=[1, 2]), "arrays, groups: 2 groups for 4 rows"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arrays_are_refused_in_one_line(name: str) -> None:
    arguments, message = WRONG[name]
    with pytest.raises(DataError, match=message) as refusal:
        faces_of_arrays(**arguments)
    assert "\n" not in str(refusal.value)


def test_a_source_without_groups_clusters_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "near_duplicate_clusters", lambda *_: pytest.fail("clustered"))
    source = FaceSource(write_faces_csv(tmp_path / "faces.csv", rows=5), "auto")
    assert load_faces(source.without_groups()).grouping == "none"
    missing = FaceSource(source.data, "no such file")
    assert load_faces(missing.without_groups()).rows == 5
