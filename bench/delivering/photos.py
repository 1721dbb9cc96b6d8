"""Pictures from outside, of any size: cropped and scaled to the frame, and points drawn on them."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from bench.errors import ConfigError, DataError
from bench.faces.picture_files import eight_bits, opened
from bench.records.atomic import write_atomically
from bench.scheme import Scheme

MIN_SIDE_PX = 16
"""Below this a crop holds no face whose points could be told apart."""

DRAWN_SIDE_PX = 480
"""Smaller pictures are enlarged to this for drawing, or the points would hide the face."""


class Crop(NamedTuple):
    """A rectangle of a picture in its pixels: left edge, top edge, width, height."""

    x: int
    y: int
    width: int
    height: int

    def to_picture(self, points: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
        """Points (..., 2) in pixels of a frame of ``side_px`` to pixels of the whole picture; centres at integers."""
        scale = np.array([self.width, self.height]) / side_px
        moved = (points.astype(np.float64) + 0.5) * scale + np.array([self.x, self.y]) - 0.5
        return np.asarray(moved, dtype=np.float32)


@dataclass(frozen=True)
class Face:
    """One picture to predict: where it is from, its crop, and the frame that the network sees, as faces are stored.

    ``row`` counts the rows of a table from 1, ``name`` is the row's ``ImageId`` where the table has one, else its
    number; both are None for a picture file. ``size`` is (width, height). ``frame`` is the crop, scaled, in grey or in
    colour: uint8 (side, side) or (side, side, 3).
    """

    file: Path
    row: int | None
    name: str | None
    size: tuple[int, int]
    crop: Crop
    frame: NDArray[np.uint8]


def parse_crop(text: str) -> Crop:
    """``x,y,w,h`` -> a crop.

    Raises:
        ConfigError: not four whole numbers, or a negative one.
    """
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"--crop {text}: expected X,Y,WIDTH,HEIGHT in whole pixels, e.g. 40,60,200,200")
    return Crop(*(int(part) for part in parts))


def open_picture(path: Path, scheme: Scheme, crop: Crop | None = None) -> Face:
    """Decode a picture, turned upright as its camera noted, and cut the frame of ``scheme`` out of it.

    Without ``crop`` the centre square is taken. The frame is scaled with an antialiasing filter.

    Raises:
        DataError: no picture, damaged, too large or too small, or the crop leaves the picture.
    """
    image = decode(path)
    chosen = crop if crop is not None else centre_square(image.size)
    width, height = image.size
    if chosen.x + chosen.width > width or chosen.y + chosen.height > height:
        raise DataError(
            f"{path}: --crop {','.join(map(str, chosen))} leaves the picture, which is {width}x{height} pixels"
        )
    if min(chosen.width, chosen.height) < MIN_SIDE_PX:
        raise DataError(
            f"{path}: {chosen.width}x{chosen.height} pixels are too few to find points in; at least "
            f"{MIN_SIDE_PX}x{MIN_SIDE_PX} are needed"
        )
    box = (chosen.x, chosen.y, chosen.x + chosen.width, chosen.y + chosen.height)
    shown = image.convert("L") if scheme.channels == 1 else image
    frame = shown.resize((scheme.side_px, scheme.side_px), Image.Resampling.BILINEAR, box=box)
    return Face(path, None, None, image.size, chosen, np.asarray(frame, dtype=np.uint8))


def centre_square(size: tuple[int, int]) -> Crop:
    """The largest square in the middle of a picture of (width, height) pixels."""
    width, height = size
    side = min(size)
    return Crop((width - side) // 2, (height - side) // 2, side, side)


def decode(path: Path) -> Image.Image:
    """A picture file in RGB, turned upright as its camera noted.

    Raises:
        DataError: no picture, damaged, or too large.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give pictures, or a CSV") from error
    with stream, opened(stream, f"{path}:") as image:
        return eight_bits(ImageOps.exif_transpose(image), 3)


def draw_points(image: Image.Image, crop: Crop, points: NDArray[np.float32], target: Path) -> None:
    """Write a PNG of a picture with its crop and points on it, whole or not at all.

    Args:
        image: the picture.
        crop: what the network saw of it.
        points: float32 (K, 2) in pixels of the picture.
        target: where to.
    """
    scale = max(1, -(-DRAWN_SIDE_PX // max(image.size)))
    canvas = image.convert("RGB").resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(canvas)
    width = max(1, max(canvas.size) // 400)
    box = [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height]
    pen.rectangle([edge * scale - (index > 1) for index, edge in enumerate(box)], outline=(255, 200, 0), width=width)
    radius = max(2.0, max(crop.width, crop.height) * scale / 120)
    for x, y in (points + 0.5) * scale:
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=(0, 0, 0), fill=(0, 230, 90))
    write_atomically(target, lambda stream: canvas.save(stream, "PNG"))
