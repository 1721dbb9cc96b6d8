"""Folds keep groups whole, are balanced, and depend on contents, grouping and seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.faces.face_set import FaceSet
from bench.faces.folds import assign_folds, folds_digest


def face_set(groups: list[int], fingerprint: str = "f") -> FaceSet:
    rows = len(groups)
    return FaceSet(
        name="faces.csv",
        images=np.zeros((rows, 96, 96), np.uint8),
        keypoints=np.zeros((rows, 15, 2), np.float32),
        groups=np.array(groups, np.int64),
        grouping="file:people.csv",
        people_known=True,
        fingerprint=fingerprint,
    )


groupings = st.lists(st.integers(0, 30), min_size=20, max_size=300).filter(lambda groups: len(set(groups)) >= 7)


@given(groupings, st.integers(2, 7), st.integers(0, 5))
def test_no_group_is_split_and_every_fold_is_filled(groups: list[int], folds: int, seed: int) -> None:
    assigned = assign_folds(face_set(groups), folds, seed)
    for group in set(groups):
        assert len(set(assigned[np.array(groups) == group])) == 1
    sizes = np.bincount(assigned, minlength=folds)
    largest_group = int(np.bincount(groups).max())
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= largest_group


def test_the_same_faces_get_the_same_folds_and_another_seed_others() -> None:
    groups = list(np.random.default_rng(0).integers(0, 180, size=2140))
    first = assign_folds(face_set(groups), 5, 0)
    assert folds_digest(first) == folds_digest(assign_folds(face_set(groups), 5, 0))
    assert folds_digest(first) != folds_digest(assign_folds(face_set(groups), 5, 1))
    assert folds_digest(first) != folds_digest(assign_folds(face_set(groups, "other"), 5, 0))


def test_fewer_groups_than_folds_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"faces.csv: 3 groups cannot fill 5 folds"):
        assign_folds(face_set([0, 1, 2, 2]), 5, 0)
