"""The keypoint scheme: what the points of a face set are, and the frame they lie in. It comes with the data."""

import re
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    import numpy as np

BOX: Literal["box"] = "box"
"""The normaliser of a set without a natural pair of points: the diagonal of the labelled points' box."""

EYE_CENTRES = (("left_eye_center",), ("right_eye_center",))
OUTER_CORNERS = (("left_eye_outer_corner",), ("right_eye_outer_corner",))
Pair = tuple[tuple[str, ...], tuple[str, ...]]
"""Two points, or two means of points, by name."""

LEAST_SIDE_PX, MOST_SIDE_PX = 16, 1024

Coordinates = TypeVar("Coordinates", bound="Affine")


class Affine(Protocol):
    """What numpy arrays and torch tensors share here."""

    def __add__(self: Coordinates, other: float, /) -> Coordinates: ...
    def __sub__(self: Coordinates, other: float, /) -> Coordinates: ...
    def __mul__(self: Coordinates, other: float, /) -> Coordinates: ...


class Scheme(BaseModel):
    """Names, mirror, normaliser and frame.

    Attributes:
        names: in the order of every keypoint array; left and right are the subject's own.
        mirror: ``keypoints[:, mirror]`` renames left and right, as a mirrored picture demands; None = not known, so no
            picture may be mirrored.
        normaliser: what an NME is divided by: the distance of a pair of points (or of means of points), or ``box``.
        side_px: width and height of a picture; pixel centres lie at the integers 0 .. side_px - 1.
        channels: 1 (grey) or 3 (RGB).
    """

    names: tuple[str, ...] = Field(min_length=1)
    mirror: tuple[int, ...] | None
    normaliser: Pair | Literal["box"]
    side_px: int = Field(default=96, ge=LEAST_SIDE_PX, le=MOST_SIDE_PX)
    channels: Literal[1, 3] = 1

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError("two points have the same name")
        if self.mirror is not None and [self.mirror[place] for place in self.mirror] != list(range(self.keypoints)):
            raise ValueError("the mirror must pair each point with one other, or with itself")
        unknown = [name for side in self._pair() for name in side if name not in self.names]
        if unknown:
            raise ValueError(f"the normaliser names '{unknown[0]}', which is no point")
        return self

    @property
    def keypoints(self) -> int:
        """Number of points K."""
        return len(self.names)

    @property
    def coordinates(self) -> int:
        """Numbers that a network answers: 2 K."""
        return 2 * self.keypoints

    @property
    def dimensions(self) -> dict[str, int]:
        """What a network is built for, as an architecture's builder takes it: keypoints, side_px, channels."""
        return {"keypoints": self.keypoints, "side_px": self.side_px, "channels": self.channels}

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """Shape of one stored picture: (side, side), or (side, side, 3)."""
        return (self.side_px, self.side_px) if self.channels == 1 else (self.side_px, self.side_px, self.channels)

    @cached_property
    def flat_names(self) -> tuple[str, ...]:
        """The 2 K CSV column names, ``<keypoint>_x`` then ``<keypoint>_y``, in model output order."""
        return tuple(f"{name}_{axis}" for name in self.names for axis in ("x", "y"))

    @property
    def frame_words(self) -> str:
        """Channels and frame for messages: ``1x96x96``."""
        return f"{self.channels}x{self.side_px}x{self.side_px}"

    @property
    def normaliser_words(self) -> str:
        """What an NME is a share of, for tables."""
        if self.normaliser == BOX:
            return "diagonal of the points' box"
        if self.normaliser == EYE_CENTRES:
            return "eye distance"
        return "distance of " + " and ".join(" + ".join(side).replace("_", " ") for side in self._pair())

    def to_normalised(self, pixels: Coordinates) -> Coordinates:
        """Pixels to the frame's [-1, 1]; -1 and 1 are the border pixels' outer edges (array or tensor).

        This is the convention of ``grid_sample(align_corners=False)``: pixel centre 0 is -1 + 1/side.
        """
        return (pixels * 2.0 + 1.0) * (1.0 / self.side_px) - 1.0

    def to_pixels(self, normalised: Coordinates) -> Coordinates:
        """The inverse of :meth:`to_normalised` (any shape, array or tensor)."""
        return (normalised + 1.0) * (self.side_px / 2.0) - 0.5

    def normaliser_px(self, keypoints: "np.ndarray") -> "np.ndarray":
        """What each row's NME is divided by, in pixels: (..., K, 2) -> (...); NaN where it is not labelled or zero."""
        import numpy as np

        if self.normaliser == BOX:
            # Unlike the plain maximum and minimum, these pass over NaN.
            extent = np.fmax.reduce(keypoints, axis=-2) - np.fmin.reduce(keypoints, axis=-2)
        else:
            first, second = (keypoints[..., [self.names.index(name) for name in side], :] for side in self._pair())
            extent = first.mean(axis=-2) - second.mean(axis=-2)
        distance = np.hypot(extent[..., 0], extent[..., 1])
        return np.asarray(np.where(np.isfinite(distance) & (distance > 0), distance, np.nan))

    def _pair(self) -> tuple[tuple[str, ...], ...]:
        return () if self.normaliser == BOX else self.normaliser


WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of a name: between anything but letters, or where capitals begin one, as in ``LeftEye``."""
SIDES: dict[str, Literal["left", "right"]] = {"left": "left", "l": "left", "right": "right", "r": "right"}
OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


def _side_word(word: str) -> str:
    """What of a word says left or right: all of it, or how it begins (``leftear``); empty where nothing does."""
    lower = word.lower()
    return lower if lower in SIDES else next((side for side in ("left", "right") if lower.startswith(side)), "")


def side_of(name: str) -> Literal["left", "right"] | None:
    """The subject's side that a point's name says, by its first word that says one: ``left_eye``, ``L_Eye``,
    ``earRight``, ``leftear``."""
    said = [side for word in WORD.findall(name) if (side := _side_word(word))]
    return SIDES[said[0]] if said else None


def mirrored_name(name: str) -> str:
    """A point's name with left and right (or l and r) swapped, word by word; capitals stay as they are."""

    def swapped(found: re.Match[str]) -> str:
        word = found[0]
        side = _side_word(word)
        if not side:
            return word
        told = word[: len(side)]
        other = OTHER[side]
        cased = other.upper() if told.isupper() else other.capitalize() if told[0].isupper() else other
        return cased + word[len(side) :]

    return WORD.sub(swapped, name)


def mirror_from_names(names: tuple[str, ...]) -> tuple[int, ...] | None:
    """The permutation that swaps left and right names; None where no name says left or right, or one has no partner."""
    swapped = [mirrored_name(name) for name in names]
    if swapped == list(names) or not set(swapped) <= set(names):
        return None
    return tuple(names.index(name) for name in swapped)


def normaliser_from_names(names: tuple[str, ...]) -> Pair | Literal["box"]:
    """Eye centres, else outer eye corners, where the names have them; else the box."""
    for pair in (EYE_CENTRES, OUTER_CORNERS):
        if all(name in names for side in pair for name in side):
            return pair
    return BOX


def scheme_of_names(names: tuple[str, ...], side_px: int = 96, channels: Literal[1, 3] = 1) -> Scheme:
    """The scheme that names alone tell: mirror by left and right, normaliser by the eyes."""
    return Scheme(
        names=names,
        mirror=mirror_from_names(names),
        normaliser=normaliser_from_names(names),
        side_px=side_px,
        channels=channels,
    )


SEED_SCHEME = scheme_of_names(
    (
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
)
"""Kaggle's fifteen points in a grey frame of 96x96: the default everywhere."""
