"""Faces given as arrays: checked as strictly as a file, and kept where worker processes find them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from bench.config.data import Channels
from bench.errors import DataError
from bench.faces.cache import Cached, digest_of, entry, faces_folder, opened, refuse_unlabelled, stored_set
from bench.faces.csv_reading import MARGIN_PX
from bench.faces.face_set import FaceSet
from bench.faces.grouping import NONE, groups_from_values
from bench.scheme import LEAST_SIDE_PX, MOST_SIDE_PX, SEED_SCHEME, Scheme, scheme_of_names


def faces_of_arrays(
    images: NDArray[np.uint8],
    keypoints: ArrayLike,
    groups: Sequence[object] | NDArray[np.generic] | None = None,
    scheme: Scheme | None = None,
    name: str = "arrays",
) -> FaceSet:
    """A face set of arrays; they are copied.

    Args:
        images: uint8 (N, side, side), or (N, side, side, 3) in colour.
        keypoints: (N, K, 2) in pixels, x right and y down, pixel centres at integers, NaN = not labelled.
        groups: who is in each row, N values of any kind; None = not known.
        scheme: what the points are, and the frame; None = told by the shapes, see :func:`scheme_of_size`.
        name: as boards call the set.

    Raises:
        DataError: no arrays, another shape or type, half a label, a label outside the frame, a point labelled in no
            row, or a group left blank.
    """
    try:
        images, points = np.array(images), np.array(keypoints, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"data: pictures or points are no array ({error})") from error
    scheme = scheme or _scheme_of_arrays(images, points)
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


def _scheme_of_arrays(images: NDArray[np.uint8], points: NDArray[np.float32]) -> Scheme:
    side, count = (array.shape[1] if array.ndim > 1 else 0 for array in (images, points))
    try:
        return scheme_of_size(count, side, 3 if images.ndim == 4 else 1)
    except ValidationError as error:
        raise DataError(
            f"data: pictures {images.shape} and points {points.shape}, expected uint8 (N, side, side) or "
            f"(N, side, side, 3) of {LEAST_SIDE_PX} to {MOST_SIDE_PX} pixels, and (N, K, 2)"
        ) from error


def scheme_of_size(keypoints: int, side_px: int, channels: Channels) -> Scheme:
    """The scheme of points that have no names: the default's where there are fifteen, else numbered from 1.

    Raises:
        pydantic.ValidationError: no point, or a side that no frame may have.
    """
    usual = keypoints == SEED_SCHEME.keypoints
    names = SEED_SCHEME.names if usual else tuple(f"point_{number}" for number in range(1, keypoints + 1))
    return scheme_of_names(names, side_px, channels)


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


def store_faces(faces: FaceSet) -> str:
    """Put a face set, groups included, into the cache folder, so that other processes open it.

    Returns:
        Its name there: what ``[data] stored`` and ``FaceSource(None, stored=...)`` take.

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
    return folder.name


def stored_faces(name: str) -> Cached:
    """What :func:`store_faces` stored.

    Raises:
        DataError: it is no longer there, or damaged.
    """
    found = opened(faces_folder() / name)
    if found is None:
        raise DataError(f"the arrays given from Python no longer stand whole in {faces_folder()}; give them again")
    return found
