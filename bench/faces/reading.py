"""Reads the users' table row by row: header, points, picture. Nothing is guessed, everything refused is named."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import DataError
from bench.faces.grey_text import decode_picture
from bench.faces.keypoints import FRAME_PX, KEYPOINT_NAMES, KEYPOINTS, flat_names
from bench.faces.opening import open_lines

IMAGE = "Image"
INDEX_NAMES = ("", "Unnamed: 0")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MISSING = (b"", b"nan", b"NaN", b"NA", b"null")
LOWEST_PX, HIGHEST_PX = -1.0, float(FRAME_PX)
"""A label may lie outside the frame 0 .. 95 by one pixel: hand-made labels do."""
MOST_BLANK_LINES = 100
"""So many may end a file; a packed file could hold billions."""


@dataclass(frozen=True)
class Layout:
    """Where what stands in a row.

    Attributes:
        names: all columns in the file's order.
        points: column of each of the thirty coordinates in :func:`flat_names` order; empty for pictures alone.
        image: column of the picture.
        others: further named columns (a person, an ImageId), by name.
    """

    names: tuple[str, ...]
    points: tuple[int, ...]
    image: int
    others: dict[str, int]


@dataclass(frozen=True)
class Row:
    """One row: picture uint8 (9216,), points float32 (30,) with NaN = not labelled, other columns as text."""

    picture: NDArray[np.uint8]
    points: NDArray[np.float32]
    others: tuple[str, ...]


def read_rows(path: Path, *, labelled: bool = True) -> Iterator[tuple[Layout, Row]]:
    """Read a table of faces; the layout comes with every row.

    Args:
        path: ``.csv``, ``.csv.gz`` or ``.zip``.
        labelled: whether the thirty coordinates must be there; without them only pictures are read.

    Raises:
        DataError: names the file, row, column and value.
    """
    name = path.name
    with open_lines(path) as lines:
        header = next(lines, None)
        if header is None:
            raise DataError(f"{name}: is empty; expected a header and rows of faces")
        layout = parse_header(header, name, labelled)
        number = 0
        blank: int | None = None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                blank = blank or number
                if number - blank < MOST_BLANK_LINES:
                    continue
            if blank is not None:
                raise DataError(f"{name}: row {blank} is empty; remove the line")
            yield layout, _parse_row(line, layout, f"{name}: row {number}")
        if number == 0 or blank == 1:
            raise DataError(f"{name}: has a header but no rows; expected one row per face")


def parse_header(line: bytes, name: str, labelled: bool) -> Layout:
    """The columns of a file.

    Raises:
        DataError: not UTF-8, a column twice, ``Image`` or a coordinate missing, or an unknown coordinate.
    """
    try:
        text = line.decode("utf-8-sig")
        names = tuple(field.strip() for field in next(csv.reader([text], strict=True)))
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: the header is not UTF-8 text; save the file as UTF-8") from error
    except (csv.Error, StopIteration) as error:
        raise DataError(
            f"{name}: the header is no line of a CSV ({error or 'blank'}); expected column names"
        ) from error
    if not names:
        raise DataError(f"{name}: the first line is blank; expected column names there")
    column, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(f"{name}: column '{column}' stands twice in the header; remove one")
    if IMAGE not in names:
        raise DataError(f"{name}: no column '{IMAGE}' among {len(names)} columns; {_why_no_image(names)}")
    wanted = flat_names()
    unknown = [column for column in names if column.endswith(("_x", "_y")) and column not in wanted]
    if unknown:
        raise DataError(f"{name}: unknown keypoint column '{unknown[0]}'; expected names such as '{wanted[0]}'")
    missing = [column for column in wanted if column not in names]
    if len(missing) == len(wanted) and labelled:
        raise DataError(f"{name}: pictures without keypoints; only `bench predict` takes such a file")
    if missing and labelled:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{name}: no column '{missing[0]}'{more}; expected thirty coordinates and '{IMAGE}'")
    points = () if missing else tuple(names.index(column) for column in wanted)
    others = {column: place for place, column in enumerate(names) if column not in (*wanted, IMAGE, *INDEX_NAMES)}
    return Layout(names, points, names.index(IMAGE), others)


def _why_no_image(names: tuple[str, ...]) -> str:
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if any(separator in column for column in names):
            return f"it is separated by {word}: save it with commas"
    near = next((column for column in names if column.lower() == IMAGE.lower()), None)
    if near is not None:
        return f"rename '{near}' to '{IMAGE}'"
    if NUMBER.fullmatch(names[0].encode()) is not None:
        return f"'{names[0][:20]}' is no name: put a header above the first row"
    return "it holds the 9,216 pixels"


def _parse_row(line: bytes, layout: Layout, where: str) -> Row:
    fields = _split(line, where)
    if len(fields) != len(layout.names):
        raise DataError(f"{where} has {len(fields)} fields, expected {len(layout.names)} as in the header")
    points = [_coordinate(fields[place], where, layout.names[place]) for place in layout.points]
    _refuse_half_labels(points, where)
    try:
        others = tuple(fields[place].decode() for place in layout.others.values())
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: holds bytes that are not UTF-8; save the file as UTF-8") from error
    return Row(decode_picture(fields[layout.image], where), np.array(points, dtype=np.float32), others)


def _split(line: bytes, where: str) -> list[bytes]:
    if b'"' not in line:
        return line.split(b",")
    try:
        return [field.encode() for field in next(csv.reader([line.decode()], strict=True))]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{where}: quotes do not match or it is not UTF-8 ({error})") from error


def _coordinate(field: bytes, where: str, column: str) -> float:
    text = field.strip()
    if text in MISSING:
        return float("nan")
    if NUMBER.fullmatch(text) is None:
        shown = text[:20].decode("utf-8", "replace")
        raise DataError(f"{where}, column {column}: '{shown}' is no number; give pixels, or leave it empty")
    value = float(text)
    if not LOWEST_PX <= value <= HIGHEST_PX:
        shown = text[:20].decode()
        raise DataError(f"{where}, column {column}: {shown} lies outside the frame of 0 to {FRAME_PX - 1} pixels")
    return value


def _refuse_half_labels(points: list[float], where: str) -> None:
    for place, (x, y) in enumerate(zip(points[::2], points[1::2], strict=True)):
        if math.isnan(x) != math.isnan(y):
            empty, given = (f"{KEYPOINT_NAMES[place]}_{axis}" for axis in ("xy" if math.isnan(x) else "yx"))
            raise DataError(f"{where}, column {empty}: empty beside a labelled {given}; give both or neither")


def read_pictures(path: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Pictures alone, of Kaggle's test file (``ImageId,Image``) or of any file of faces.

    Returns:
        uint8 (N, 96, 96) and a name for each row: its ``ImageId`` where there is one, else its number from 1.

    Raises:
        DataError: as :func:`read_rows`.
    """
    pictures, names = [], []
    for layout, row in read_rows(path, labelled=False):
        pictures.append(row.picture)
        listed = list(layout.others)
        names.append(row.others[listed.index("ImageId")] if "ImageId" in listed else str(len(pictures)))
    return np.stack(pictures).reshape(-1, FRAME_PX, FRAME_PX), names


def points_shape(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flat coordinates (N, 30) as keypoints (N, 15, 2)."""
    return points.reshape(-1, KEYPOINTS, 2)
