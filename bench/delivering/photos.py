"""Pictures from outside: PNG, JPEG or PGM of any size, cropped and scaled to the frame, and points drawn on them."""

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from bench.errors import ConfigError, DataError
from bench.records.atomic import write_atomically
from bench.scheme import Scheme

FORMATS = ("PNG", "JPEG", "PPM")
"""PPM is Pillow's name for the PGM, PPM and PNM family."""

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
    frame = in_channels(image, scheme.channels).resize(
        (scheme.side_px, scheme.side_px), Image.Resampling.BILINEAR, box=box
    )
    return Face(path, None, None, image.size, chosen, np.asarray(frame, dtype=np.uint8))


def centre_square(size: tuple[int, int]) -> Crop:
    """The largest square in the middle of a picture of (width, height) pixels."""
    width, height = size
    side = min(size)
    return Crop((width - side) // 2, (height - side) // 2, side, side)


def in_channels(image: Image.Image, channels: int) -> Image.Image:
    """8-bit grey (ITU-R 601 luma) or RGB; 16-bit pictures keep their upper byte, transparent ones lie on black."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        scale = 257.0 if values.max(initial=0) > 255 else 1.0
        image = Image.fromarray(np.clip(values / scale, 0, 255).round().astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        whole = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", whole.size, (0, 0, 0, 255)), whole)
    return image.convert("L" if channels == 1 else "RGB")


def decode(path: Path) -> Image.Image:
    """A picture file, turned upright as its camera noted.

    Raises:
        DataError: no picture, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            # Pillow looks at the header before it unpacks anything; above 89 megapixels it warns, above 179 it raises.
            warnings.simplefilter("ignore", UserWarning)  # on damaged EXIF, which only says which way is up
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as opened:
                opened.load()
                return ImageOps.exif_transpose(opened)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give PNG, JPEG or PGM pictures, or a CSV") from error
    except (IsADirectoryError, PermissionError) as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); give PNG, JPEG or PGM pictures, or a CSV"
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: not a PNG, JPEG or PGM picture; convert it first") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: too large to unpack safely ({error}); scale it down first") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # What Pillow's decoders raise on damaged files.
        raise DataError(
            f"{path}: damaged picture ({str(error).strip() or type(error).__name__}); get it again"
        ) from error


def draw_points(image: Image.Image, crop: Crop, points: NDArray[np.float32], target: Path) -> None:
    """Write a PNG of a picture with its crop and points on it, whole or not at all.

    Args:
        image: the picture.
        crop: what the network saw of it.
        points: float32 (K, 2) in pixels of the picture.
        target: where to.
    """
    scale = max(1, -(-DRAWN_SIDE_PX // max(image.size)))
    canvas = in_channels(image, 3)
    canvas = canvas.resize((canvas.width * scale, canvas.height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(canvas)
    width = max(1, max(canvas.size) // 400)
    box = [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height]
    pen.rectangle([edge * scale - (index > 1) for index, edge in enumerate(box)], outline=(255, 200, 0), width=width)
    radius = max(2.0, max(crop.width, crop.height) * scale / 120)
    for x, y in (points + 0.5) * scale:
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=(0, 0, 0), fill=(0, 230, 90))
    write_atomically(target, lambda stream: canvas.save(stream, "PNG"))
