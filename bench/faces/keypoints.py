"""The fifteen keypoints, their frame, and the one pair of functions between pixels and normalised coordinates."""

from typing import Protocol, TypeVar

import numpy as np

FRAME_PX = 96
"""Width and height of a picture in pixels; pixel centres lie at the integers 0 .. 95."""

KEYPOINT_NAMES: tuple[str, ...] = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
"""Names in the order of every keypoint array; left and right are the subject's own."""

KEYPOINTS = len(KEYPOINT_NAMES)


def _mirrored(name: str) -> str:
    swapped = {"left": "right", "right": "left"}
    return "_".join(swapped.get(word, word) for word in name.split("_"))


MIRROR: tuple[int, ...] = tuple(KEYPOINT_NAMES.index(_mirrored(name)) for name in KEYPOINT_NAMES)
"""``keypoints[:, MIRROR]`` renames left and right, as a mirrored picture demands."""

LEFT_EYE_CENTER = KEYPOINT_NAMES.index("left_eye_center")
RIGHT_EYE_CENTER = KEYPOINT_NAMES.index("right_eye_center")

Coordinates = TypeVar("Coordinates", bound="Affine")


class Affine(Protocol):
    """What numpy arrays and torch tensors share here."""

    def __add__(self: Coordinates, other: float, /) -> Coordinates: ...
    def __sub__(self: Coordinates, other: float, /) -> Coordinates: ...
    def __mul__(self: Coordinates, other: float, /) -> Coordinates: ...


def to_normalised(pixels: Coordinates) -> Coordinates:
    """Pixels to the frame's [-1, 1]; -1 and 1 are the outer edges of the border pixels (any shape, array or tensor).

    This is the convention of ``grid_sample(align_corners=False)``: pixel centre 0 is -1 + 1/96.
    """
    return (pixels * 2.0 + 1.0) * (1.0 / FRAME_PX) - 1.0


def to_pixels(normalised: Coordinates) -> Coordinates:
    """The inverse of :func:`to_normalised` (any shape, array or tensor)."""
    return (normalised + 1.0) * (FRAME_PX / 2.0) - 0.5


def flat_names() -> list[str]:
    """The thirty CSV column names, ``<keypoint>_x`` then ``<keypoint>_y``, in model output order."""
    return [f"{name}_{axis}" for name in KEYPOINT_NAMES for axis in ("x", "y")]


def inter_ocular_px(keypoints: np.ndarray) -> np.ndarray:
    """Distance of the eye centres of each row in pixels: (..., 15, 2) -> (...), NaN where one is not labelled."""
    between = keypoints[..., LEFT_EYE_CENTER, :] - keypoints[..., RIGHT_EYE_CENTER, :]
    return np.asarray(np.hypot(between[..., 0], between[..., 1]))
