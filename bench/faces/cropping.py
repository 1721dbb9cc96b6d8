"""Cuts a square out of a photo and shrinks it without aliasing; points follow to a fraction of a pixel."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUPPORT_PX = 2
"""How far the bicubic filter reaches, in pixels of the coarser of the two pictures."""


@dataclass(frozen=True)
class Box:
    """A box in a photo, in pixels; edges, not centres: the first pixel lies between 0 and 1."""

    left: float
    top: float
    width: float
    height: float

    @property
    def has_size(self) -> bool:
        """Whether both sides are above zero."""
        return self.width > 0 and self.height > 0

    def square(self, margin: float) -> "Square":
        """The square around the middle whose side is the longer one, and ``margin`` of it more on each side."""
        longer = max(self.width, self.height)
        side = longer * (1 + 2 * margin)
        return Square(self.left + (self.width - side) / 2, self.top + (self.height - side) / 2, side)


@dataclass(frozen=True)
class Square:
    """What is cut out of a photo: left and top edge and side, in pixels of the photo, fractions included."""

    left: float
    top: float
    side: float

    def picture(self, photo: Image.Image, side_px: int) -> NDArray[np.uint8]:
        """The square as uint8 (side_px, side_px) or (side_px, side_px, 3); black where it is beyond the photo.

        The filter is Pillow's bicubic, whose reach grows as the picture shrinks: every pixel of the photo counts, and
        no pattern finer than a pixel of the result comes back as a coarser one.
        """
        reach = math.ceil(SUPPORT_PX * max(self.side / side_px, 1.0)) + 1
        left, top = math.floor(self.left) - reach, math.floor(self.top) - reach
        right, bottom = math.ceil(self.left + self.side) + reach, math.ceil(self.top + self.side) + reach
        region = photo.crop((left, top, right, bottom))
        edges = (self.left - left, self.top - top, self.left - left + self.side, self.top - top + self.side)
        return np.asarray(region.resize((side_px, side_px), Image.Resampling.BICUBIC, box=edges))

    def points(self, points: NDArray[np.float64], side_px: int) -> NDArray[np.float64]:
        """Points (..., 2) of the photo in the square's picture; pixel centres at integers in both."""
        corner = np.array([self.left, self.top])
        return np.asarray((points + 0.5 - corner) * (side_px / self.side) - 0.5)


def box_around(points: NDArray[np.float64]) -> Box:
    """The box around the labelled ones of points (K, 2), at least one of them."""
    least, most = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    width, height = (most - least).tolist()
    return Box(float(least[0]) + 0.5, float(least[1]) + 0.5, width, height)
