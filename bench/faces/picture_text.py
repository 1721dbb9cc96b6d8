"""Decodes the ``Image`` column: the numbers of a picture as text."""

import math

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.scheme import Scheme

SPACE, ZERO = ord(" "), ord("0")


def decode_picture(text: bytes, where: str, scheme: Scheme) -> NDArray[np.uint8]:
    """``b"238 236 ..."`` -> uint8 in the scheme's ``picture_shape``. About 60 microseconds for 96x96, without a Python
    object per number.

    Args:
        text: numbers 0-255 between blanks, row by row, in colour the three of a pixel side by side.
        where: file and row, for messages.
        scheme: the frame.

    Raises:
        DataError: another count, or a value that is no whole number from 0 to 255.
    """
    count = math.prod(scheme.picture_shape)
    found = _decode_plain(text.strip(), count)
    if found is None:
        found = _decode_any(text, where, count, scheme.frame_words.removeprefix("1x"))
    return found.reshape(scheme.picture_shape)


def _decode_any(text: bytes, where: str, count: int, frame: str) -> NDArray[np.uint8]:
    """Blanks other than single spaces, or an error: slow, and it can say what is wrong."""
    words = text.split()
    for number, word in enumerate(words, start=1):
        if not (word.isdigit() and len(word) <= 9 and int(word) <= 255):
            shown = word[:20].decode("utf-8", "replace")
            raise DataError(f"{where}, column Image: pixel {number} is '{shown}', expected a whole number 0 to 255")
    if not words:
        raise DataError(f"{where}, column Image: empty; remove the row")
    if len(words) != count:
        raise DataError(f"{where}, column Image: {len(words):,} pixels, expected {count:,} ({frame})")
    return np.array([int(word) for word in words], dtype=np.uint8)


def _decode_plain(text: bytes, count: int) -> NDArray[np.uint8] | None:
    """The common form, one space between numbers of one to three digits; None where it is anything else."""
    codes = np.frombuffer(text, dtype=np.uint8)
    bounds = np.concatenate([[-1], np.flatnonzero(codes == SPACE), [len(codes)]])
    if len(bounds) != count + 1:
        return None
    ends, lengths = bounds[1:], np.diff(bounds) - 1
    digits = codes - ZERO  # wraps round for anything below '0', so that one comparison finds every foreign byte
    if lengths.min() < 1 or lengths.max() > 3 or np.count_nonzero(digits > 9) != count - 1:
        return None
    values = digits[ends - 1].astype(np.uint16)
    values += np.where(lengths > 1, digits[ends - 2], 0).astype(np.uint16) * np.uint16(10)
    values += np.where(lengths > 2, digits[ends - 3], 0).astype(np.uint16) * np.uint16(100)
    return values.astype(np.uint8) if values.max() <= 255 else None
