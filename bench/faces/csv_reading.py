"""Reads the users' table row by row: header, points, picture. Nothing is guessed, everything refused is named."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.config.data import HEADER, Channels, DataSettings
from bench.errors import DataError
from bench.faces.face_set import Row
from bench.faces.known_points import is_known
from bench.faces.opening import MOST_BLANK_LINES, open_lines
from bench.faces.picture_text import decode_picture
from bench.scheme import LEAST_SIDE_PX, MOST_SIDE_PX, SEED_SCHEME, Scheme

IMAGE, IMAGE_ID = "Image", "ImageId"
INDEX_NAMES = ("", "Unnamed: 0")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MISSING = (b"", b"nan", b"NaN", b"NA", b"null")
MARGIN_PX = 1.0
"""A label may lie outside the frame by so much: hand-made labels do."""


Fields = dict[str, bytes]
"""One line below the header: its fields by column."""


def read_csv(path: Path, settings: DataSettings) -> Iterator[tuple[Scheme, Row]]:
    """Read a table of faces; the scheme comes with every row.

    Args:
        path: ``.csv``, ``.csv.gz`` or ``.zip``.
        settings: what the file does not say of itself.

    Raises:
        DataError: names the file, row, column and value.
        ConfigError: a setting names a point that the file has not.
    """
    with open_lines(path) as lines:
        columns = parse_header(lines, path.name)
        names = point_names(columns, settings, path.name)
        scheme: Scheme | None = None
        for where, fields in _lines_below(lines, columns, path.name):
            if scheme is None:
                scheme = settings.scheme(names, *_frame(len(fields[IMAGE].split()), settings, where))
                passed = {*scheme.flat_names, IMAGE, *INDEX_NAMES}
                others = [column for column in columns if column not in passed]
            yield scheme, _parse_row(fields, others, scheme, where)


def read_pictures(path: Path, scheme: Scheme) -> tuple[NDArray[np.uint8], list[str]]:
    """Pictures alone, of Kaggle's test file (``ImageId,Image``) or of any file of faces.

    Args:
        path: as for :func:`read_csv`.
        scheme: the frame that every picture must have.

    Returns:
        uint8 (N, side, side) or (N, side, side, 3), and a name for each row: its ``ImageId`` where there is one, else
        its number from 1.

    Raises:
        DataError: as :func:`read_csv`.
    """
    pictures, names = [], []
    with open_lines(path) as lines:
        columns = parse_header(lines, path.name)
        for where, fields in _lines_below(lines, columns, path.name):
            pictures.append(decode_picture(fields[IMAGE], where, scheme))
            names.append(_text(fields[IMAGE_ID], where) if IMAGE_ID in fields else str(len(pictures)))
    return np.stack(pictures), names


def parse_header(lines: Iterator[bytes], name: str) -> tuple[str, ...]:
    """The columns of a file.

    Raises:
        DataError: no first line, not UTF-8, a column twice, or no ``Image``.
    """
    line = next(lines, None)
    if line is None:
        raise DataError(f"{name}: is empty; expected a header and rows of faces")
    try:
        text = line.decode("utf-8-sig")
        columns = tuple(field.strip() for field in next(csv.reader([text], strict=True)))
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: the header is not UTF-8 text; save the file as UTF-8") from error
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{name}: the header is no line of a CSV ({error or 'blank'}); expected column names"
        ) from error
    if not columns:
        raise DataError(f"{name}: the first line is blank; expected column names there")
    column, times = Counter(columns).most_common(1)[0]
    if times > 1:
        raise DataError(f"{name}: column '{column}' stands twice in the header; remove one")
    if IMAGE not in columns:
        raise DataError(f"{name}: no column '{IMAGE}' among {len(columns)} columns; {_why_no_image(columns)}")
    return columns


def _why_no_image(columns: Sequence[str]) -> str:
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if any(separator in column for column in columns):
            return f"it is separated by {word}: save it with commas"
    near = next((column for column in columns if column.lower() == IMAGE.lower()), None)
    if near is not None:
        return f"rename '{near}' to '{IMAGE}'"
    if NUMBER.fullmatch(columns[0].encode()) is not None:
        return f"'{columns[0][:20]}' is no name: put a header above the first row"
    return "it holds the pixels"


def point_names(columns: Sequence[str], settings: DataSettings, name: str) -> tuple[str, ...]:
    """The points of a file, as the settings or the header's ``<point>_x`` and ``<point>_y`` name them.

    A header that names any of the default fifteen must name them all and no others, unless it names all points of a
    known set or the settings say which points are meant: a misspelt column must not quietly become another scheme.

    Raises:
        DataError: no points, one without its other coordinate, or some of the fifteen.
    """
    coordinates = [column for column in columns if column.endswith(("_x", "_y"))]
    found = tuple(dict.fromkeys(column[:-2] for column in coordinates))
    wanted = found if settings.points in (None, HEADER) else settings.points
    if settings.points is None and set(found) & set(SEED_SCHEME.names) and not is_known(found):
        wanted = SEED_SCHEME.names
        unknown = [column for column in coordinates if column not in SEED_SCHEME.flat_names]
        if unknown:
            raise DataError(
                f"{name}: unknown keypoint column '{unknown[0]}'; expected names such as '{SEED_SCHEME.flat_names[0]}' "
                f"(where other points are meant: --set data.points={HEADER})"
            )
    if not found:
        raise DataError(f"{name}: pictures without keypoints; only `bench predict` takes such a file")
    flat = [f"{point}_{axis}" for point in wanted for axis in ("x", "y")]
    missing = [column for column in flat if column not in columns]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{name}: no column '{missing[0]}'{more}; expected {len(flat)} coordinates and '{IMAGE}'")
    return wanted


def _frame(numbers: int, settings: DataSettings, where: str) -> tuple[int, Channels]:
    """Side and channels of pictures of so many numbers: as told, else as the count allows.

    No count is both a square and three times a square, so that a count alone is never ambiguous.

    Raises:
        DataError: no square picture has so many numbers, or none that agrees with the settings.
    """
    if numbers == 0 or (settings.side_px is not None and settings.channels is not None):
        # Of an empty picture the decoder says what is wrong, as of any row with another count.
        return settings.side_px or SEED_SCHEME.side_px, settings.channels or SEED_SCHEME.channels
    kinds: tuple[Channels, ...] = (1, 3)
    for channels in kinds:
        side_px = math.isqrt(numbers // channels)
        if side_px**2 * channels == numbers and LEAST_SIDE_PX <= side_px <= MOST_SIDE_PX:
            told = {"side_px": (settings.side_px, side_px), "channels": (settings.channels, channels)}
            for key, (said, found) in told.items():
                if said not in (None, found):
                    raise DataError(
                        f"{where}, column {IMAGE}: {numbers:,} numbers are a picture of {side_px}x{side_px} in "
                        f"{'grey' if channels == 1 else 'colour'}, but data.{key} is {said}; say data.{key}={found}"
                    )
            return side_px, channels
    raise DataError(
        f"{where}, column {IMAGE}: {numbers:,} pixels, expected side x side (grey) or side x side x 3 (colour) numbers "
        f"for a side of {LEAST_SIDE_PX} to {MOST_SIDE_PX:,} px, such as {SEED_SCHEME.side_px**2:,} (96x96)"
    )


def _lines_below(lines: Iterator[bytes], columns: Sequence[str], name: str) -> Iterator[tuple[str, Fields]]:
    """``file: row n`` for messages, and the fields of each line."""
    number = 0
    blank: int | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            blank = blank or number
            if number - blank < MOST_BLANK_LINES:
                continue
        if blank is not None:
            raise DataError(f"{name}: row {blank} is empty; remove the line")
        where = f"{name}: row {number}"
        fields = _split(line, where)
        if len(fields) != len(columns):
            raise DataError(f"{where} has {len(fields)} fields, expected {len(columns)} as in the header")
        yield where, dict(zip(columns, fields, strict=True))
    if number == 0 or blank == 1:
        raise DataError(f"{name}: has a header but no rows; expected one row per face")


def _split(line: bytes, where: str) -> list[bytes]:
    if b'"' not in line:
        return line.split(b",")
    try:
        return [field.encode() for field in next(csv.reader([line.decode()], strict=True))]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{where}: quotes do not match or it is not UTF-8 ({error})") from error


def _text(field: bytes, where: str) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: holds bytes that are not UTF-8; save the file as UTF-8") from error


def _parse_row(fields: Fields, others: Sequence[str], scheme: Scheme, where: str) -> Row:
    flat = scheme.flat_names
    points = [_coordinate(fields[column], where, column, scheme.side_px) for column in flat]
    for place, (x, y) in enumerate(zip(points[::2], points[1::2], strict=True)):
        if math.isnan(x) != math.isnan(y):
            empty, given = flat[2 * place : 2 * place + 2][:: 1 if math.isnan(x) else -1]
            raise DataError(f"{where}, column {empty}: empty beside a labelled {given}; give both or neither")
    picture = decode_picture(fields[IMAGE], where, scheme)
    columns = {column: _text(fields[column], where) for column in others}
    return Row(picture, np.array(points, dtype=np.float32).reshape(-1, 2), columns)


def _coordinate(field: bytes, where: str, column: str, side_px: int) -> float:
    text = field.strip()
    if text in MISSING:
        return float("nan")
    if NUMBER.fullmatch(text) is None:
        shown = text[:20].decode("utf-8", "replace")
        raise DataError(f"{where}, column {column}: '{shown}' is no number; give pixels, or leave it empty")
    value = float(text)
    if not -MARGIN_PX <= value <= side_px - 1 + MARGIN_PX:
        shown = text[:20].decode()
        raise DataError(f"{where}, column {column}: {shown} lies outside the frame of 0 to {side_px - 1} pixels")
    return value
