"""Opens one photo of somebody else's: where it stands, how large it is and how it is stored are checked before its
pixels are decoded."""

import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from bench.errors import DataError
from bench.outside_text import printable

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM")
"""What is decoded; each further decoder is one more door."""
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
MOST_PIXELS, MOST_SIDE = 64_000_000, 16_384
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
"""Pillow's names of grey with 16 bits; the last, of 32, is what it makes of a PGM with 16."""
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", *SIXTEEN_BITS)
UPRIGHT, QUARTER_TURNS = 1, (5, 6, 7, 8)
"""Values of EXIF's orientation (Exif 2.32, tag 0x0112): as stored, and those that exchange width and height."""
BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError)
BROKEN += (
    struct.error,
    OverflowError,
    MemoryError,
    AttributeError,
    NotImplementedError,
    ZeroDivisionError,
    RuntimeError,
)
"""What Pillow's decoders raise on damaged pictures, beside the errors of its own, which are ``OSError``."""

Size = tuple[int, int]


def is_picture(name: str) -> bool:
    """Whether a file's name ends as a picture's, in any case."""
    return Path(name).suffix.lower() in ENDINGS


def contained(path: Path, root: Path, where: str, what: str = "picture") -> Path:
    """``path`` with its links resolved: a regular file below ``root``.

    Raises:
        DataError: it leads out of ``root``, is not there, or is no regular file.
    """
    shown = printable(path.name)
    try:
        real, inside = path.resolve(), root.resolve()
        if not real.is_relative_to(inside):
            raise DataError(
                f"{where}: {what} '{shown}' leads out of {inside.name or inside}; put the file itself there"
            )
        facts = real.stat()
    except FileNotFoundError as error:
        raise DataError(f"{where}: no {what} '{shown}' there; add it, or take out its labels") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{where}: {what} '{shown}' cannot be read ({_told(error)}); check name and rights") from error
    if not stat.S_ISREG(facts.st_mode):
        raise DataError(f"{where}: {what} '{shown}' is a folder or a device; put a file there")
    return real


def open_picture(path: Path, channels: Literal[1, 3], where: str, told: Size | None = None) -> Image.Image:
    """A photo in 8 bit, of mode ``L`` or ``RGB``.

    Sixteen bits become their upper eight; what is transparent lies over black; of several frames the first is taken.

    Args:
        path: as :func:`contained` gave it.
        channels: 1 (grey) or 3 (RGB).
        where: annotation file and row, for messages.
        told: (width, height) of the photo that the labels are for, where the file says it. It settles whether a photo
            that EXIF says is to be turned was turned when it was labelled.

    Raises:
        DataError: no picture, too large, damaged, of a kind that eight bits cannot hold, of another size than told, or
            to be turned and nothing tells whether the labels know it.
    """
    subject = f"{where}: picture '{printable(path.name)}'"
    with opened(path, subject) as image:
        turned = _turned(image, told, subject)
        image.load()
        plain = eight_bits(image, channels)
    return plain if turned is None else plain.transpose(turned)


@contextmanager
def opened(file: Path | BinaryIO, subject: str) -> Iterator[Image.Image]:
    """A picture of which only the header is read yet; what is done with it may raise what Pillow's decoders raise.

    Args:
        file: of any format in :data:`FORMATS`.
        subject: how messages begin: what is wrong with what.

    Raises:
        DataError: no picture, too large, damaged, or of a kind that eight bits cannot hold.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's doubts; what matters of them is asked below
            with Image.open(file, formats=FORMATS) as image:
                _refuse_kind(image, subject)
                yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{subject} has more than {MOST_PIXELS:,} pixels; shrink it") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{subject} is no picture ({', '.join(FORMATS)}); save it as PNG or JPEG") from error
    except BROKEN as error:
        raise DataError(f"{subject} is damaged ({_told(error)}); replace it") from error


def _told(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(" ".join(str(text).split()))[:100]


def _refuse_kind(image: Image.Image, subject: str) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise DataError(
            f"{subject} is {width:,} x {height:,} px, more than {MOST_PIXELS:,} pixels or a side of "
            f"{MOST_SIDE:,}; shrink it"
        )
    if image.mode not in MODES:
        raise DataError(f"{subject} is of mode {image.mode}; save it with 8 or 16 bits a channel")


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def _turned(image: Image.Image, told: Size | None, subject: str) -> Image.Transpose | None:
    """How the stored picture is to be turned so that the labels fit; None = not at all."""
    asked = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    orientation = asked if asked in TURNS else UPRIGHT
    stored = image.size
    swapped = (stored[1], stored[0])
    quarter = orientation in QUARTER_TURNS
    if told is not None and told not in ((stored, swapped) if quarter else (stored,)):
        raise DataError(
            f"{subject} is {stored[0]} x {stored[1]} px, its labels are for {told[0]} x {told[1]}; "
            "give the picture that was labelled"
        )
    if orientation == UPRIGHT:
        return None
    # Pillow turns TIFF by itself.
    if told is None or not quarter or stored == swapped or image.format == "TIFF":
        raise DataError(
            f"{subject} says in its EXIF data that it is to be turned, and nothing says whether the "
            "labels are for the turned picture; save it upright, without that tag"
        )
    return TURNS[orientation] if told == swapped else None


def eight_bits(image: Image.Image, channels: Literal[1, 3]) -> Image.Image:
    """Grey (ITU-R 601 luma) or RGB of 8 bits: of 16 the upper ones; what is transparent lies over black."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode in SIXTEEN_BITS:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError("holds numbers of more than 16 bits")
        return Image.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8)).convert(mode)
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, (0, 0, 0, 255)), over)
    return image.convert("RGB").convert(mode) if image.mode == "P" else image.convert(mode)
