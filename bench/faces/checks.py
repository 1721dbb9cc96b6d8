"""What looks wrong in a face set: told, counted, never mended in silence."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.faces.face_set import FaceSet
from bench.scheme import BOX, normaliser_from_names, side_of

UNUSUAL_SPREADS = 6.0
"""A label further from its keypoint's median than this many robust standard deviations is told."""
MAD_TO_SD = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Doubt:
    """One kind of doubt.

    Attributes:
        kind: short name, for programs.
        message: one sentence with the count.
        row_index: int64, rows from 0, most suspicious first. The message counts them from 1.
    """

    kind: str
    message: str
    row_index: NDArray[np.int64]


def inspect(faces: FaceSet) -> list[Doubt]:
    """Every doubt about a face set; at most one doubt of each kind."""
    first = _first_of_each_picture(faces)
    copies = np.flatnonzero(first != np.arange(faces.rows))
    same = np.isclose(faces.keypoints[copies], faces.keypoints[first[copies]], atol=0.01, equal_nan=True)
    contradicting = copies[~same.all(axis=(1, 2))]
    shade = "grey value" if faces.scheme.channels == 1 else "colour"
    found = (
        ("constant pictures", f"of one {shade} all over", _constant(faces)),
        ("exact duplicates", "with the picture of an earlier row, pixel by pixel", copies),
        ("contradicting duplicates", "with an earlier picture but different labels", contradicting),
        ("left and right swapped", "with the subject's left on the picture's left", _swapped(faces)),
        ("labels in unusual places", "with a label far from where that point usually is", _far(faces)),
    )
    return [_doubt(kind, problem, rows) for kind, problem, rows in found if len(rows)]


def _constant(faces: FaceSet) -> NDArray[np.int64]:
    pixels = faces.images.reshape(faces.rows, -1, faces.scheme.channels)
    return np.flatnonzero((pixels.min(axis=1) == pixels.max(axis=1)).all(axis=1))


def _swapped(faces: FaceSet) -> NDArray[np.int64]:
    """A face's left lies on the picture's right; where most pairs say otherwise, the names are swapped.

    Only points with eyes are known to be seen from the front: a mouse seen from above turns anywhere.
    """
    names, mirror = faces.scheme.names, faces.scheme.mirror
    if mirror is None or normaliser_from_names(names) == BOX:
        return np.array([], dtype=np.int64)
    left = [index for index, name in enumerate(names) if side_of(name) == "left" and mirror[index] != index]
    right = [mirror[index] for index in left]
    across = faces.keypoints[:, left, 0] - faces.keypoints[:, right, 0]
    known = np.isfinite(across).sum(axis=1)
    wrong = (across < 0).sum(axis=1)
    return np.flatnonzero((known > 0) & (2 * wrong > known))


def _far(faces: FaceSet) -> NDArray[np.int64]:
    distance = unusual_distance(faces)
    strangest = np.argsort(-distance, kind="stable")
    return strangest[distance[strangest] > UNUSUAL_SPREADS]


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


def _doubt(kind: str, problem: str, rows: NDArray[np.int64]) -> Doubt:
    noun = "rows" if len(rows) > 1 else "row"
    shown = ", ".join(str(row + 1) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
    return Doubt(kind, f"{kind}: {len(rows):,} {noun} {problem} ({noun} {shown})", rows)
