"""What looks wrong in a face set: told, counted, never mended in silence."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.faces.face_set import FaceSet
from bench.faces.keypoints import KEYPOINT_NAMES, MIRROR

UNUSUAL_SPREADS = 6.0
"""A label further from its keypoint's median than this many robust standard deviations is told."""
MAD_TO_SD = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Finding:
    """One kind of doubt.

    Attributes:
        kind: short name, for programs.
        message: one sentence with the count.
        rows: int64, numbers from 1, most suspicious first.
    """

    kind: str
    message: str
    rows: NDArray[np.int64]


def inspect(faces: FaceSet) -> list[Finding]:
    """Every doubt about a face set; at most one finding of each kind."""
    first = _first_of_each_picture(faces)
    copies = np.flatnonzero(first != np.arange(faces.rows))
    found = (
        _constant(faces),
        _finding("exact duplicates", "{n} with the picture of an earlier row, pixel by pixel", copies),
        _contradictions(faces, copies, first[copies]),
        _swapped(faces),
        _far(faces),
    )
    return [finding for finding in found if finding is not None]


def _constant(faces: FaceSet) -> Finding | None:
    flat = faces.images.reshape(faces.rows, -1)
    rows = np.flatnonzero(flat.min(axis=1) == flat.max(axis=1))
    return _finding("constant pictures", "{n} of one grey value all over", rows)


def _contradictions(faces: FaceSet, copies: NDArray[np.int64], originals: NDArray[np.int64]) -> Finding | None:
    same = np.isclose(faces.keypoints[copies], faces.keypoints[originals], atol=0.01, equal_nan=True)
    rows = copies[~same.all(axis=(1, 2))]
    return _finding("contradicting duplicates", "{n} with an earlier picture but different labels", rows)


def _swapped(faces: FaceSet) -> Finding | None:
    """The subject's left lies on the picture's right; where most pairs say otherwise, the names are swapped."""
    left = [index for index, name in enumerate(KEYPOINT_NAMES) if "left" in name.split("_")]
    right = [MIRROR[index] for index in left]
    across = faces.keypoints[:, left, 0] - faces.keypoints[:, right, 0]
    known = np.isfinite(across).sum(axis=1)
    wrong = (across < 0).sum(axis=1)
    rows = np.flatnonzero((known > 0) & (2 * wrong > known))
    return _finding("left and right swapped", "{n} with the subject's left on the picture's left", rows)


def _far(faces: FaceSet) -> Finding | None:
    distance = unusual_distance(faces)
    rows = np.flatnonzero(distance > UNUSUAL_SPREADS)
    rows = rows[np.argsort(-distance[rows], kind="stable")]
    return _finding("labels in unusual places", "{n} with a label far from where that point usually is", rows)


def unusual_distance(faces: FaceSet) -> NDArray[np.float64]:
    """How far the strangest label of each row is from its median, in robust standard deviations: float64 (N,)."""
    points = faces.keypoints.astype(np.float64)
    centre = np.nanmedian(points, axis=0)
    spread = np.nanmedian(np.abs(points - centre), axis=0) * MAD_TO_SD
    away = np.abs(points - centre) / np.maximum(spread, 0.5)
    return np.asarray(np.nan_to_num(away, nan=0.0).max(axis=(1, 2)))


def _first_of_each_picture(faces: FaceSet) -> NDArray[np.int64]:
    """For each row the first row with the same pixels."""
    seen: dict[bytes, int] = {}
    return np.array(
        [
            seen.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), row)
            for row, image in enumerate(faces.images)
        ],
        dtype=np.int64,
    )


def _finding(kind: str, sentence: str, rows: NDArray[np.int64]) -> Finding | None:
    if not len(rows):
        return None
    count = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
    shown = ", ".join(str(row + 1) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
    return Finding(kind, f"{kind}: {sentence.format(n=count)} (row{'s' if len(rows) > 1 else ''} {shown})", rows + 1)
