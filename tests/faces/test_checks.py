"""Doubts are counted once each; clusters keep copies together and stay small."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.faces import checks
from bench.faces.checks import inspect
from bench.faces.face_set import FaceSet
from bench.faces.grouping import near_duplicate_clusters
from bench.scheme import SEED_SCHEME
from tests.conftest import draw_rows

PARTNERS = list(SEED_SCHEME.mirror or ())


def face_set(rows: int = 30) -> FaceSet:
    images, keypoints = draw_rows(rows)
    # The drawn points are named at random: put every left one on the picture's right.
    swap = keypoints[:, :, 0] < keypoints[:, PARTNERS, 0]
    left = np.array([index < PARTNERS[index] for index in range(15)])
    mirrored = keypoints[:, PARTNERS]
    keypoints = np.where((swap & left | swap[:, PARTNERS] & left[PARTNERS])[..., None], mirrored, keypoints)
    return FaceSet("f.csv", images, keypoints, np.arange(rows), "none", False, "ab")


def kinds(faces: FaceSet) -> dict[str, list[int]]:
    return {doubt.kind: doubt.row_index.tolist() for doubt in inspect(faces)}


def test_a_clean_set_raises_no_doubt() -> None:
    assert kinds(face_set()) == {}


def test_each_doubt_names_its_rows() -> None:
    faces = face_set()
    images, keypoints = faces.images.copy(), faces.keypoints.copy()
    images[4] = 77
    images[9] = images[2]
    keypoints[9] = keypoints[2]
    images[11] = images[3]
    keypoints[20] = keypoints[20, PARTNERS]
    keypoints[25, 10] = [2, 93]
    found = kinds(dataclasses.replace(faces, images=images, keypoints=keypoints))
    assert found["constant pictures"] == [4]
    assert found["exact duplicates"] == [9, 11]
    assert found["contradicting duplicates"] == [11]
    assert found["left and right swapped"] == [20]
    assert 25 in found["labels in unusual places"]


def test_each_picture_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(faces: FaceSet) -> np.ndarray:
        calls.append(faces.rows)
        return first_of_each_picture(faces)

    first_of_each_picture = checks._first_of_each_picture
    monkeypatch.setattr(checks, "_first_of_each_picture", counted)
    inspect(face_set())
    assert calls == [30]


def test_one_row_is_counted_as_one() -> None:
    faces = face_set()
    images = faces.images.copy()
    images[4] = 77
    (doubt,) = inspect(dataclasses.replace(faces, images=images))
    assert doubt.message == "constant pictures: 1 row of one grey value all over (row 5)"


def test_copies_with_noise_are_one_cluster() -> None:
    images, _ = draw_rows(60)
    noisy = np.clip(images[:3].astype(int) + np.random.default_rng(1).integers(-4, 5, images[:3].shape), 0, 255)
    clusters = near_duplicate_clusters(np.concatenate([images, noisy.astype(np.uint8)]))
    assert clusters[60:].tolist() == clusters[:3].tolist()


def test_clusters_do_not_depend_on_the_size_of_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    originals = generator.integers(0, 255, (150, 96, 96))
    noise = generator.integers(-6, 7, (300, 96, 96))
    images = np.clip(originals[generator.permutation(300) % 150] + noise, 0, 255).astype(np.uint8)
    whole = near_duplicate_clusters(images)
    assert len(np.unique(whole)) == 150
    monkeypatch.setattr("bench.faces.grouping.BLOCK_ROWS", 37)
    assert np.array_equal(near_duplicate_clusters(images), whole)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(60, 200), st.integers(1, 4))
def test_no_cluster_holds_more_than_its_share(seed: int, rows: int, originals: int) -> None:
    generator = np.random.default_rng(seed)
    pictures = generator.integers(0, 255, (originals, 96, 96), dtype=np.uint8)
    clusters = near_duplicate_clusters(pictures[generator.integers(0, originals, rows)])
    assert np.bincount(clusters).max() <= max(2, rows // 50)
