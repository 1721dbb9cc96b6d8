"""Folds: who is scored when. The same for every architecture."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.face_set import FaceSet


def assign_folds(face_set: FaceSet, folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, int64 (N,), from fingerprint, grouping and seed alone.

    Groups are taken largest first (equal sizes in seeded random order) and each goes to the fold that
    has fewest rows so far, so that folds differ by less than the largest group and no group is split.

    Raises:
        DataError: fewer groups than folds.
    """
    digest = hashlib.sha256(f"folds:{face_set.fingerprint}:{seed}".encode()).digest()
    generator = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    return assign_group_folds(face_set.groups, folds, generator, face_set.name)


def assign_group_folds(
    groups: NDArray[np.int64], folds: int, generator: np.random.Generator, name: str
) -> NDArray[np.int64]:
    """Like :func:`assign_folds` over any rows' groups; used again for the inner folds of tuning."""
    labels, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(labels) < folds:
        raise DataError(f"{name}: {len(labels)} groups cannot fill {folds} folds; lower --folds or give other --groups")
    order = generator.permutation(len(labels))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of_group = np.empty(len(labels), dtype=np.int64)
    load = np.zeros(folds, dtype=np.int64)
    for group in order:
        lightest = int(np.argmin(load))
        fold_of_group[group] = lightest
        load[lightest] += sizes[group]
    return np.asarray(fold_of_group[index])


def folds_digest(fold_of_row: NDArray[np.int64]) -> str:
    """Sixteen hex digits that name one assignment of rows to folds."""
    return hashlib.sha256(np.ascontiguousarray(fold_of_row, dtype="<i8").tobytes()).hexdigest()[:16]
