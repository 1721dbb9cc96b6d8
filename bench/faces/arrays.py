"""Faces given as arrays: checked as strictly as a file, and kept where worker processes find them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import DataError
from bench.faces.cache import Cached, digest_of, entry, faces_folder, opened, refuse_unlabelled, stored_set
from bench.faces.csv_reading import MARGIN_PX
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.grouping import AUTO, NONE, groups_from_values
from bench.scheme import SEED_SCHEME, Scheme


def faces_of_arrays(
    images: NDArray[np.uint8],
    keypoints: ArrayLike,
    groups: Sequence[object] | NDArray[np.generic] | None = None,
    scheme: Scheme = SEED_SCHEME,
    name: str = "arrays",
) -> FaceSet:
    """A face set of arrays; they are copied.

    Args:
        images: uint8 (N, side, side), or (N, side, side, 3) in colour.
        keypoints: (N, K, 2) in pixels, x right and y down, pixel centres at integers, NaN = not labelled.
        groups: who is in each row, N values of any kind; None = not known.
        scheme: what the points are, and the frame.
        name: as boards call the set.

    Raises:
        DataError: another shape or type, half a label, a label outside the frame, a point labelled in no row, or a
            group left blank.
    """
    images = np.array(images)
    try:
        points = np.array(keypoints, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: keypoints are no numbers ({error}); give pixels, NaN = not labelled") from error
    wanted = (len(images), *scheme.picture_shape)
    if images.dtype != np.uint8 or images.shape != wanted or not len(images):
        raise DataError(
            f"{name}: images are {images.dtype} {images.shape}, expected uint8 {('N', *scheme.picture_shape)}; "
            "convert them, or give the scheme that they have"
        )
    if points.shape != (len(images), scheme.keypoints, 2):
        raise DataError(f"{name}: keypoints are {points.shape}, expected {(len(images), scheme.keypoints, 2)}")
    _refuse_wrong_labels(points, scheme, name)
    numbers = np.arange(len(images), dtype=np.int64)
    if groups is not None:
        numbers = groups_from_values([str(value) for value in groups], f"{name}, groups", len(images))
    fingerprint = digest_of(images, points, scheme)[:16]
    for array in (images, points, numbers):
        array.flags.writeable = False
    known = groups is not None
    return FaceSet(name, images, points, numbers, "array" if known else NONE, known, fingerprint, scheme=scheme)


def _refuse_wrong_labels(points: NDArray[np.float32], scheme: Scheme, name: str) -> None:
    labelled = ~np.isnan(points)
    outside = labelled & ~((points >= -MARGIN_PX) & (points <= scheme.side_px - 1 + MARGIN_PX))
    half = labelled[..., 0] != labelled[..., 1]
    for wrong, problem in (
        (outside.any(axis=2), f"lies outside the frame of 0 to {scheme.side_px - 1} pixels"),
        (half, "has only one of its two coordinates; give both or NaN for both"),
    ):
        if wrong.any():
            row, point = np.argwhere(wrong)[0]
            found = points[row, point].tolist()
            raise DataError(f"{name}: row {row + 1}, keypoint {scheme.names[point]}: {found} {problem}")
    refuse_unlabelled(points, scheme, name)


def store_faces(faces: FaceSet, groups: str = AUTO) -> FaceSource:
    """Put a face set into the cache folder, so that other processes open it.

    Args:
        faces: with its groups.
        groups: ``auto`` = the set's own groups where it has some, else near-duplicate clusters; a file; or ``none``.

    Raises:
        DataError: the cache folder cannot be written.
    """
    pictures = digest_of(faces.images, faces.keypoints, faces.scheme)
    groups_digest = hashlib.sha256(faces.groups.tobytes()).hexdigest()
    folder = entry(f"{faces.facts.model_dump_json()}{pictures}{groups_digest}", "arrays")
    if opened(folder) is None:
        try:
            stored_set(folder, faces)
        except OSError as error:
            raise DataError(
                f"cache folder {folder.parent} cannot be written ({error.strerror}): worker processes read arrays from "
                "there; name another folder in BENCH_CACHE_DIR"
            ) from error
    return FaceSource(None, groups, stored=folder.name)


def stored_faces(name: str) -> Cached:
    """What :func:`store_faces` stored.

    Raises:
        DataError: it is no longer there, or damaged.
    """
    found = opened(faces_folder() / name)
    if found is None:
        raise DataError(f"the arrays given from Python no longer stand whole in {faces_folder()}; give them again")
    return found
